import Foundation
import ServalKeyStore
import Testing
import X509

@Suite struct CertificateTests {
    @Test(arguments: [
        (PrivateKey.Algorithm.rsa(bits: 2048), "SHA256withRSA", "2048-bit RSA key"), (.rsa(bits: 1024), "SHA256withRSA", "1024-bit RSA key"),
        (.ec(curve: .p256), "SHA256withECDSA", "256-bit EC (secp256r1) key"), (.ec(curve: .p384), "SHA384withECDSA", "384-bit EC (secp384r1) key"),
        (.ec(curve: .p521), "SHA512withECDSA", "521-bit EC (secp521r1) key"), (.ed25519, "Ed25519", "255-bit Ed25519 key"),
    ])
    func selfSignedCertificates(_ algorithm: PrivateKey.Algorithm, _ signature: String, _ description: String) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(algorithm)
        #expect(key.algorithm == algorithm)
        let notBefore = Date(timeIntervalSince1970: 1_700_000_000)
        let certificate = try SelfSignedCertificate.make(
            key: key,
            subject: DistinguishedName(dname: "CN=localhost, C=DE"),
            notBefore: notBefore,
            validity: .seconds(365 * 86_400),
            extensions: Certificate.Extensions {
                SubjectAlternativeNames([.dnsName("localhost")])
                Critical(KeyUsage(digitalSignature: true))
            }
        )
        let fields = try certificate.fields()
        #expect(fields.version == 3)
        #expect(fields.isSelfIssued && fields.subject.description == "CN=localhost, C=DE")
        #expect(fields.notBefore == 1_700_000_000 && fields.notAfter == 1_700_000_000 + 365 * 86_400)
        #expect(fields.signatureAlgorithmName == signature && fields.publicKeyDescription == description)
        #expect(Set(fields.extensions.map(\.oid)) == ["2.5.29.14", "2.5.29.15", "2.5.29.17"])
        #expect(fields.extensions.filter(\.isCritical).map(\.oid) == ["2.5.29.15"])
        #expect(key.matches(certificate))
        #expect(CertificateChain.isComplete([certificate]))
        // swift-certificates refuses RSA keys below 2048 bits; they can be made and listed all the same.
        if algorithm != .rsa(bits: 1024) { #expect(try CertificateData(certificate.parsed()) == certificate) }

        try folder.write(certificate.der, "c.der")
        let text = try Tool.openssl("x509", "-in", folder("c.der"), "-noout", "-serial", "-fingerprint", "-sha256", "-ext", "subjectKeyIdentifier")
        #expect(text.lowercased().contains("serial=\(fields.serialNumberDescription)"))
        #expect(text.contains(certificate.sha256Fingerprint.map { String(format: "%02X", $0) }.joined(separator: ":")))
        let identifier = try #require(fields.extensions.first { $0.oid == "2.5.29.14" }).value.dropFirst(2)
        #expect(text.contains(identifier.map { String(format: "%02X", $0) }.joined(separator: ":")))
        try folder.write(PEM.encode(certificate.der, label: "CERTIFICATE").utf8, "c.pem")
        let verified = try Tool.openssl("verify", "-auth_level", "0", "-no_check_time", "-check_ss_sig", "-CAfile", folder("c.pem"), folder("c.pem"))
        #expect(verified.contains("OK"))
    }

    @Test func requestsAreWhatOpenSSLExpects() throws {
        let folder = try Folder()
        for algorithm in [PrivateKey.Algorithm.rsa(bits: 2048), .ec(curve: .p384), .ed25519] {
            let request = try CertificateRequest.make(
                key: PrivateKey.generate(algorithm),
                subject: DistinguishedName(dname: "CN=Duke, O=\"Java, Inc.\""),
                extensions: Certificate.Extensions { SubjectAlternativeNames([.dnsName("example.org")]) }
            )
            try folder.write(PEM.encode(request, label: "NEW CERTIFICATE REQUEST").utf8, "r.pem")
            let text = try Tool.openssl("req", "-in", folder("r.pem"), "-verify", "-noout", "-text")
            #expect(text.contains("verify OK") && text.contains("DNS:example.org") && text.contains("X509v3 Subject Key Identifier"))
            #expect(text.contains("CN = Duke") && text.contains("O = \"Java, Inc.\""))
        }
    }

    @Test func serversAreNamedByHostAndAddress() throws {
        let folder = try Folder()
        let names = try SubjectAlternativeNames(hosts: ["example.org", "*.example.org", "127.0.0.1", "::1"])
        let certificate = try SelfSignedCertificate.make(
            key: PrivateKey.generate(.ec(curve: .p256)),
            subject: DistinguishedName(),
            extensions: Certificate.Extensions { names }
        )
        try folder.write(PEM.encode(certificate.der, label: "CERTIFICATE").utf8, "c.pem")
        let text = try Tool.openssl("x509", "-in", folder("c.pem"), "-noout", "-ext", "subjectAltName")
        #expect(text.contains("DNS:example.org, DNS:*.example.org, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1"))
        for host in ["", "exämple.org", "a b", "http://x"] { #expect(code { try SubjectAlternativeNames(hosts: [host]) } == .invalidInput) }
    }

    @Test func chainsAreOrderedFromAnyMixture() throws {
        let authority = try Authority()
        let other = try SelfSignedCertificate.make(key: authority.ecKey, subject: DistinguishedName(dname: "CN=Intermediate, O=Sërval, C=DE"))
        let mixture = [authority.root, other, authority.ecLeaf, authority.intermediate, authority.root, authority.rsaLeaf]
        #expect(CertificateChain.build(leaf: authority.rsaLeaf, from: mixture) == authority.rsaChain, "of two with one name, the one that signed")
        #expect(CertificateChain.build(leaf: authority.rsaLeaf, from: [], trusted: mixture) == authority.rsaChain)
        #expect(CertificateChain.build(leaf: authority.rsaLeaf, from: [authority.root]) == [authority.rsaLeaf])
        #expect(CertificateChain.build(for: authority.ecKey, from: [authority.root, authority.intermediate, authority.ecLeaf]) == authority.ecChain)
        #expect(try CertificateChain.build(for: PrivateKey.generate(.ed25519), from: mixture) == nil)
        #expect(CertificateChain.isComplete(authority.rsaChain))
        #expect(!CertificateChain.isComplete([authority.rsaLeaf, authority.intermediate]))
        #expect(!CertificateChain.isComplete([authority.rsaLeaf, other]))
        #expect(!CertificateChain.isComplete([]))
        let junk = CertificateData(der: [1, 2, 3])
        #expect(CertificateChain.build(leaf: junk, from: mixture) == [junk])
    }

    /// A certificate that swift-certificates refuses is listed nevertheless.
    @Test func oddCertificatesAreListed() throws {
        let folder = try Folder()
        try Tool.openssl("ecparam", "-name", "brainpoolP256r1", "-genkey", "-noout", "-out", folder("k.pem"))
        try Tool.openssl(
            "req",
            "-x509",
            "-new",
            "-key",
            folder("k.pem"),
            "-subj",
            "/CN=odd/serialNumber=7",
            "-set_serial",
            "-5",
            "-sha224",
            "-days",
            "36500",
            "-out",
            folder("c.pem")
        )
        let certificate = try #require(try PEM.certificates(contentsOf: folder("c.pem")).first)
        let fields = try certificate.fields()
        #expect(fields.serialNumberDescription == "-5")
        #expect(fields.signatureAlgorithmName == "SHA224withECDSA")
        #expect(fields.publicKeyDescription == "256-bit EC (brainpoolP256r1) key")
        #expect(fields.subject.description == "SERIALNUMBER=7, CN=odd")
        #expect(fields.notAfter - fields.notBefore == 36_500 * 86_400, "the end is a GeneralizedTime")
        #expect(code { try certificate.parsed() } == .corrupt)
    }

    @Test func impossibleKeysAreRefused() throws {
        #expect(code { try PrivateKey.generate(.rsa(bits: 511)) } == .invalidInput)
        #expect(code { try PrivateKey.generate(.dsa(bits: 2049)) } == .invalidInput)
        #expect(code { try PrivateKey.generate(.other("1.2.3")) } == .unsupportedAlgorithm)
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let now = Date()
        #expect(
            code { try SelfSignedCertificate.make(key: key, subject: .init(), notBefore: now, notAfter: now.addingTimeInterval(-1)) } == .invalidInput
        )
    }
}
