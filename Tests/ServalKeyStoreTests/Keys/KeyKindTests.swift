import FoundationEssentials
import ServalKeyStore
import Testing
import X509

/// Keys of every kind, beside OpenSSL.
@Suite struct KeyKindTests {
    /// How `openssl genpkey` is told to make a key.
    struct Kind: Sendable, CustomTestStringConvertible {
        let options: [String]
        let algorithm: PrivateKey.Algorithm
        let description: String
        var testDescription: String { description }

        init(_ algorithm: PrivateKey.Algorithm, _ description: String, _ options: String...) {
            self.options = options
            self.algorithm = algorithm
            self.description = description
        }
    }

    private static let kinds = [
        Kind(.rsa(bits: 512), "512-bit RSA key", "RSA", "rsa_keygen_bits:512"), Kind(.rsa(bits: 2048), "2048-bit RSA key", "RSA"),
        Kind(.rsaPSS(bits: 1024), "1024-bit RSASSA-PSS key", "RSA-PSS", "rsa_keygen_bits:1024"),
        Kind(
            .rsaPSS(bits: 1024),
            "1024-bit RSASSA-PSS key",
            "RSA-PSS",
            "rsa_keygen_bits:1024",
            "rsa_pss_keygen_md:sha384",
            "rsa_pss_keygen_mgf1_md:sha384",
            "rsa_pss_keygen_saltlen:32"
        ),
        Kind(.ec(curve: .p256), "EC (secp256r1) key", "EC", "ec_paramgen_curve:P-256"),
        Kind(.ec(curve: .p384), "EC (secp384r1) key", "EC", "ec_paramgen_curve:P-384"),
        Kind(.ec(curve: .p521), "EC (secp521r1) key", "EC", "ec_paramgen_curve:P-521"),
        Kind(.ec(curve: .secp256k1), "EC (secp256k1) key", "EC", "ec_paramgen_curve:secp256k1"),
        Kind(.other("1.3.36.3.3.2.8.1.1.7"), "key of algorithm 1.3.36.3.3.2.8.1.1.7", "EC", "ec_paramgen_curve:brainpoolP256r1"),
        Kind(.ed25519, "Ed25519 key", "ED25519"), Kind(.ed448, "Ed448 key", "ED448"), Kind(.x25519, "X25519 key", "X25519"),
        Kind(.x448, "X448 key", "X448"),
    ]

    @Test(arguments: kinds)
    func readsWhatOpenSSLMakes(_ kind: Kind) throws {
        let folder = try Folder()
        try Tool.run(
            ["openssl", "genpkey", "-algorithm", kind.options[0], "-out", folder("k.pem")] + kind.options.dropFirst().flatMap { ["-pkeyopt", $0] }
        )
        try check(PEM.privateKey(contentsOf: folder("k.pem")), kind.algorithm, kind.description, folder)
    }

    @Test(arguments: [1024, 2048])
    func readsDSAInBothForms(bits: Int) throws {
        let folder = try Folder()
        try Tool.openssl("dsaparam", "-genkey", "-out", folder("k.pem"), String(bits))
        let key = try PEM.privateKey(contentsOf: folder("k.pem"))
        try check(key, .dsa(bits: bits), "\(bits)-bit DSA key", folder)
        for options in [["-traditional"], ["-traditional", "-outform", "DER"], ["-outform", "DER"]] {
            try Tool.run(["openssl", "pkey", "-in", folder("k.pem"), "-out", folder("other")] + options)
            let other = try PEM.privateKey(contentsOf: folder("other"))
            #expect(other.publicKeyInfo == key.publicKeyInfo && other.algorithm == key.algorithm, "\(options)")
        }
    }

    /// The public key is OpenSSL's, the key matches a certificate of its own, and `openssl verify` accepts what it signs.
    private func check(_ key: PrivateKey, _ algorithm: PrivateKey.Algorithm, _ description: String, _ folder: Folder) throws {
        #expect(key.algorithm == algorithm)
        #expect(key.description == description)
        if case .other = algorithm {
            #expect(key.publicKeyInfo.isEmpty)
            #expect(code { try key.defaultSignatureAlgorithm() } == .unsupportedAlgorithm)
            return
        }
        try Tool.openssl("pkey", "-in", folder("k.pem"), "-pubout", "-outform", "DER", "-out", folder("public.der"))
        #expect(try key.publicKeyInfo == folder.bytes("public.der"))
        let authority = try PrivateKey.generate(.ec(curve: .p256))
        let signer = (try? key.defaultSignatureAlgorithm()) == nil ? authority : key
        let name = try DistinguishedName(dname: "CN=a")
        let certificate = try SelfSignedCertificate.issue(
            publicKeyInfo: key.publicKeyInfo,
            subject: name,
            issuer: name,
            issuerKey: signer,
            notBefore: Date(timeIntervalSinceNow: -60),
            notAfter: Date(timeIntervalSinceNow: 3600)
        )
        #expect(key.matches(certificate))
        #expect(try !PrivateKey.generate(.ed25519).matches(certificate))
        #expect(certificate.isSelfSigned == (signer == key))
        #expect(CertificateChain.isComplete([certificate]) == (signer == key))
        _ = try KeyStoreIdentity(privateKey: key, chain: [certificate])
        guard signer == key else { return }
        try folder.write(PEM.encode(certificate.der, label: "CERTIFICATE").utf8, "c.pem")
        try Tool.openssl("verify", "-auth_level", "0", "-check_ss_sig", "-CAfile", folder("c.pem"), folder("c.pem"))
    }

    @Test(arguments: [
        PrivateKey.Algorithm.rsa(bits: 512), .rsa(bits: 1026), .rsaPSS(bits: 1024), .dsa(bits: 1024), .dsa(bits: 2048), .ec(curve: .p256),
        .ec(curve: .p384), .ec(curve: .p521), .ed25519, .ed448, .x25519, .x448,
    ])
    func openSSLReadsWhatIsGenerated(_ algorithm: PrivateKey.Algorithm) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(algorithm)
        #expect(key.algorithm == algorithm)
        try folder.write(PEM.encode(key.pkcs8, label: "PRIVATE KEY").utf8, "k.pem")
        try Tool.openssl("pkey", "-in", folder("k.pem"), "-check", "-pubout", "-outform", "DER", "-out", folder("public.der"))
        #expect(try folder.bytes("public.der").suffix(key.publicKeyInfo.count) == key.publicKeyInfo[...])
    }

    @Test func pointsMayBeCompressed() throws {
        let folder = try Folder()
        try Tool.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder("k.pem"))
        try Tool.openssl("ec", "-in", folder("k.pem"), "-conv_form", "compressed", "-out", folder("compressed.pem"))
        try Tool.openssl("req", "-x509", "-key", folder("compressed.pem"), "-subj", "/CN=a", "-outform", "DER", "-out", folder("c.der"))
        let key = try PEM.privateKey(contentsOf: folder("k.pem"))
        let certificate = try CertificateData(der: folder.bytes("c.der"))
        #expect(try certificate.publicKeyInfo() != key.publicKeyInfo)
        #expect(key.matches(certificate) && certificate.isSelfSigned)
    }

    @Test func curvesAreCalledAsInTheJDK() throws {
        let folder = try Folder()
        let curves = [
            "sect233k1": "232-bit EC (sect233k1) key", "secp224r1": "224-bit EC (secp224r1) key", "secp256k1": "256-bit EC (secp256k1) key",
            "SM2": "EC (1.2.156.10197.1.301) key",
        ]
        for (name, description) in curves {
            try Tool.openssl("ecparam", "-name", name, "-genkey", "-noout", "-out", folder("k.pem"))
            try Tool.openssl("req", "-x509", "-key", folder("k.pem"), "-subj", "/CN=a", "-outform", "DER", "-out", folder("c.der"))
            #expect(try CertificateData(der: folder.bytes("c.der")).fields().publicKeyDescription == description)
        }
        #expect(NamedCurve.named("nist p-224")?.description == "secp224r1 [NIST P-224] (1.3.132.0.33)")
        #expect(NamedCurve.named("1.3.132.0.10")?.name == "secp256k1" && NamedCurve.named("P-256") == nil)
    }

    /// RFC 5958: attributes and the public key behind the private one.
    @Test func attributesAndPublicKeysMayFollow() throws {
        let key = try PrivateKey.generate(.ed448)
        let body = Array(key.pkcs8.dropFirst(2 + 3))
        let attributes: [UInt8] = [0xA0, 0x0C, 0x30, 0x0A, 0x06, 0x03, 0x2A, 0x03, 0x04, 0x31, 0x03, 0x02, 0x01, 0x05]
        let publicKey = [0x81, 58, 0] + key.publicKeyInfo.suffix(57)
        for rest in [attributes, Array(publicKey), attributes + publicKey] {
            let content = [0x02, 0x01, 0x01] + body + rest
            let other = try PrivateKey(pkcs8: [0x30, 0x81, UInt8(content.count)] + content)
            #expect(other.publicKeyInfo == key.publicKeyInfo)
            #expect(try other.sign([1], with: other.defaultSignatureAlgorithm()) == key.sign([1], with: key.defaultSignatureAlgorithm()))
        }
        let strange = [0x02, 0x01, 0x01] + body + [0x04, 0x00]
        #expect(code { try PrivateKey(pkcs8: [0x30, UInt8(strange.count)] + strange) } == .corrupt)
    }
}
