import ServalKeyStore
import SwiftASN1
import Testing
import X509

/// Finding issuers where names are spelled in several ways, and where there are very many of one name.
@Suite struct ChainTests {
    private typealias Extension = CertificateFields.Extension

    private func name(_ attributes: [(oid: OID, tag: UInt8, text: String)]) -> [UInt8] {
        DEREncoding.sequence(
            of: attributes.map { attribute in
                let value = attribute.tag == 0x1E ? attribute.text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } : Array(attribute.text.utf8)
                return DEREncoding.set(of: [DEREncoding.sequence(DEREncoding.oid(attribute.oid), DEREncoding.value(attribute.tag, value))])
            }
        )
    }

    private func issue(_ subject: [UInt8], _ key: PrivateKey, by issuer: [UInt8], _ issuerKey: PrivateKey, _ extensions: [Extension] = []) throws
        -> CertificateData
    {
        try CertificateIssuance(
            subject: subject,
            publicKeyInfo: key.publicKeyInfo,
            issuer: issuer,
            notBefore: Issuer.now,
            notAfter: Issuer.now + 1000,
            extensions: extensions
        ).issue(by: issuerKey, with: issuerKey.defaultSignatureAlgorithm())
    }

    /// RFC 5280 section 7.1: authorities that change from PrintableString to UTF8String, or the case of letters, stay the same.
    @Test(
        arguments: [
            [("2.5.4.10", 0x0C, "Example Inc"), ("2.5.4.3", 0x0C, "Root")], [("2.5.4.10", 0x13, "EXAMPLE  inc "), ("2.5.4.3", 0x16, "ROOT")],
            [("2.5.4.10", 0x1E, "example inc"), ("2.5.4.3", 0x14, " root")],
        ] as [[(String, UInt8, String)]]
    )
    func namesAreComparedByWhatTheySay(_ spelling: [(String, UInt8, String)]) throws {
        let (rootKey, leafKey) = (try PrivateKey.generate(.ec(curve: .p256)), try PrivateKey.generate(.ec(curve: .p256)))
        let rootName = name([("2.5.4.10", 0x13, "Example Inc"), ("2.5.4.3", 0x13, "Root")])
        let root = try issue(rootName, rootKey, by: rootName, rootKey, [.authority])
        let other = name(spelling.map { (OID(stringLiteral: $0.0), $0.1, $0.2) })
        let leaf = try issue(name([("2.5.4.3", 0x0C, "leaf")]), leafKey, by: other, rootKey)
        #expect(leaf.isSigned(by: root))
        #expect(CertificateChain.build(leaf: leaf, from: [root]) == [leaf, root])
        #expect(CertificateChain.isComplete([leaf, root]))
        let folder = try Folder()
        try folder.write(PEM.encode(root.der, label: "CERTIFICATE").utf8, "root.pem")
        try folder.write(PEM.encode(leaf.der, label: "CERTIFICATE").utf8, "leaf.pem")
        #expect(try Tool.openssl("verify", "-CAfile", folder("root.pem"), folder("leaf.pem")).contains("OK"), "OpenSSL sees it so as well")
    }

    @Test func otherNamesAreOthers() throws {
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let rootName = name([("2.5.4.10", 0x13, "Example Inc"), ("2.5.4.3", 0x13, "Root")])
        let root = try issue(rootName, key, by: rootName, key, [.authority])
        for other in [
            name([("2.5.4.3", 0x13, "Root"), ("2.5.4.10", 0x13, "Example Inc")]),
            name([("2.5.4.10", 0x13, "ExampleInc"), ("2.5.4.3", 0x13, "Root")]),
            name([("2.5.4.10", 0x13, "Example Inc")]), name([("2.5.4.10", 0x13, "Example Inc"), ("2.5.4.11", 0x13, "Root")]), name([]),
        ] {
            #expect(!(try issue(name([("2.5.4.3", 0x0C, "leaf")]), key, by: other, key).isSigned(by: root)))
        }
    }

    /// A file with thousands of certificates of one name must not make each of them try all the others.
    @Test func manyOfOneNameAreBounded() throws {
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let wrong = try PrivateKey.generate(.ec(curve: .p256))
        let rootName = name([("2.5.4.3", 0x13, "Same")])
        let template = try issue(rootName, key, by: rootName, wrong)
        // Only the serial number differs; no signature holds.
        let position = try #require(template.der.indices.first { template.der[$0] == 0x02 && template.der[$0 + 1] == 0x10 })
        let many = (0..<3000).map { number in
            var der = template.der
            for offset in 0..<4 { der[position + 6 + offset] = UInt8(truncatingIfNeeded: number >> (8 * offset)) }
            return CertificateData(der: der)
        }
        var store = KeyStore(format: .pkcs12)
        store.unmarkedCertificates = many
        let elapsed = try ContinuousClock().measure {
            #expect(CertificateChain.build(leaf: many[0], from: many).count <= 64)
            let bytes = try store.serialized(password: "changeit", protection: .keysOnly)
            #expect(try KeyStore(bytes: bytes, password: nil).unmarkedCertificates.count == many.count)
            _ = KeyStoreLint().findings(inChain: many)
        }
        #expect(elapsed < .seconds(30))
    }

    /// The right one among many of its name is found by its key identifier.
    @Test func keyIdentifiersChooseAmongMany() throws {
        let keys = try (0..<200).map { _ in try PrivateKey.generate(.ec(curve: .p256)) }
        let rootName = name([("2.5.4.3", 0x13, "Same")])
        let issuers = try keys.map { try issue(rootName, $0, by: rootName, $0, [.authority, .subjectKeyIdentifier(of: $0.publicKeyInfo)]) }
        let right = keys[150]
        let identifier = try Extension.subjectKeyIdentifier(of: right.publicKeyInfo).value.dropFirst(2)
        let authority = Extension(oid: "2.5.29.35", isCritical: false, value: DEREncoding.sequence(DEREncoding.value(0x80, Array(identifier))))
        let leaf = try issue(name([("2.5.4.3", 0x0C, "leaf")]), keys[0], by: rootName, right, [authority])
        #expect(CertificateChain.build(leaf: leaf, from: issuers) == [leaf, issuers[150]])
    }

    /// An RSA key with as many certificates of other keys as a hostile file may hold.
    @Test func keysFindTheirCertificateFast() throws {
        let key = try PrivateKey.generate(.rsa(bits: 2048))
        let other = try PrivateKey.generate(.rsa(bits: 2048))
        let rootName = name([("2.5.4.3", 0x13, "Other")])
        let template = try issue(rootName, other, by: rootName, other)
        let many = [CertificateData](repeating: template, count: 50_000)
        let own = try issue(rootName, key, by: rootName, key)
        let elapsed = ContinuousClock().measure { #expect(CertificateChain.build(for: key, from: many + [own]) == [own]) }
        #expect(elapsed < .seconds(60))
    }

    @Test func serialNumbersArePositiveAndShort() throws {
        let key = try PrivateKey.generate(.ec(curve: .p256))
        let subject = try DistinguishedName(dname: "CN=a")
        for (given, written) in [([0x80], [0, 0x80]), ([0, 0, 1], [1]), ([0], [0]), ([0, 0xFF, 1], [0, 0xFF, 1])] as [([UInt8], [UInt8])] {
            #expect(try SelfSignedCertificate.make(key: key, subject: subject, serial: given).fields().serialNumber == written)
        }
    }
}
