import Foundation
import ServalKeyStore
import ServalPKCS11
import Testing
import X509

@Suite("Tokens of SoftHSM")
struct TokenTests {
    @Test(
        "A key pair made in the token signs a certificate, becomes an entry, gets its reply and is deleted",
        arguments: [
            PrivateKey.Algorithm.rsa(bits: 2048), .ec(curve: .p256), .ec(curve: .p384), .ec(curve: .p521),
        ]
    )
    func lifeOfAKey(algorithm: PrivateKey.Algorithm) throws {
        let token = try SoftToken.changing.open()
        let alias = "Key \(algorithm)"
        let key = try token.generateKeyPair(algorithm, alias: alias)
        #expect(key.algorithm == algorithm)
        #expect(key.pkcs8.isEmpty)
        #expect(try !token.entries().contains { $0.alias == alias })

        let own = try makeCertificate(key, name: "self")
        #expect(own.isSelfSigned)
        try token.importCertificateChain([own], for: key, alias: alias)
        #expect(try token.identity(alias: alias).chain == [own])

        let authority = try PrivateKey.generate(.ec(curve: .p256))
        let root = try makeCertificate(authority, name: "Root of \(alias)")
        let reply = try makeCertificate(key, name: "replied", issuer: (authority, "Root of \(alias)"))
        try token.importCertificateChain([reply, root], for: key, alias: alias)
        let identity = try token.identity(alias: alias)
        #expect(identity.chain == [reply, root])
        #expect(try identity.privateKey.sign([1, 2, 3], with: key.defaultSignatureAlgorithm()).isEmpty == false)

        try expectObjects(of: alias, areThere: true)
        try token.delete(alias: alias)
        #expect(try !token.entries().contains { $0.alias == alias })
        try expectObjects(of: alias, areThere: false)
    }

    /// What another program sees of the key and of the root of its chain.
    private func expectObjects(of alias: String, areThere: Bool) throws {
        let objects = try Program.pkcs11Tool(.changing, "-O")
        #expect(objects.status == 0, "\(objects)")
        for words in [" label:      \(alias)\n", "CN=Root of \(alias)\n"] { #expect(objects.output.contains(words) == areThere, "\(objects)") }
    }

    @Test("Signatures of every kind hold")
    func signatures() throws {
        let token = try SoftToken.keys.open()
        let rsa = try token.generateKeyPair(.rsa(bits: 2048), alias: "rsa")
        for name in ["SHA1withRSA", "SHA256withRSA", "SHA384withRSA", "SHA512withRSA", "RSASSA-PSS"] {
            let certificate = try makeCertificate(rsa, name: name, algorithm: rsa.signatureAlgorithm(named: name))
            #expect(certificate.isSelfSigned, "\(name)")
        }
        let ec = try token.generateKeyPair(.ec(curve: .p256), alias: "ec")
        for name in ["SHA256withECDSA", "SHA384withECDSA", "SHA512withECDSA"] {
            let certificate = try makeCertificate(ec, name: name, algorithm: ec.signatureAlgorithm(named: name))
            #expect(certificate.isSelfSigned, "\(name)")
        }
        #expect(throws: KeyStoreError(.invalidInput, "")) { try ec.sign([1], with: rsa.defaultSignatureAlgorithm()) }
    }

    @Test("A key from memory can be put into the token, and signs there")
    func importKey() throws {
        let token = try SoftToken.keys.open()
        for algorithm in [PrivateKey.Algorithm.rsa(bits: 2048), .ec(curve: .p256), .ec(curve: .p384)] {
            let key = try PrivateKey.generate(algorithm)
            let certificate = try makeCertificate(key, name: "imported")
            let alias = "imported \(algorithm)"
            try token.importKey(key, chain: [certificate], alias: alias)
            let identity = try token.identity(alias: alias)
            #expect(identity.privateKey.external != nil)
            #expect(try makeCertificate(identity.privateKey, name: "again").isSelfSigned)
        }
        let other = try PrivateKey.generate(.ed25519)
        let certificate = try makeCertificate(other, name: "ed25519")
        #expect(throws: KeyStoreError(.unsupportedAlgorithm, "")) { try token.importKey(other, chain: [certificate], alias: "ed25519") }
    }

    @Test("B06 H13: Aliases count as they are written")
    func aliases() throws {
        let token = try SoftToken.reading.open()
        for alias in ["Tomcat", "tomcat", "Ünïcode ☕", "with/slash"] {
            let key = try token.generateKeyPair(.ec(curve: .p256), alias: alias)
            try token.importCertificateChain([makeCertificate(key, name: "alias")], for: key, alias: alias)
        }
        #expect(try token.entries().map(\.alias) == ["Tomcat", "tomcat", "with/slash", "Ünïcode ☕"])
        #expect(try token.identity().chain == token.identity(alias: "Tomcat").chain)
        #expect(try token.identity(alias: "Tomcat").chain != token.identity(alias: "tomcat").chain)
        do {
            _ = try token.identity(alias: "TOMCAT")
            Issue.record("an alias in another case was found")
        } catch {
            #expect(error.code == .aliasNotFound)
            #expect(error.message.contains("Alias name [TOMCAT] does not identify a key entry"))
            #expect(error.message.contains("case-sensitive"))
        }
    }

    @Test("A wrong PIN is an error of its own, and is not tried twice")
    func wrongPIN() throws {
        #expect(throws: KeyStoreError(.wrongPassword, "")) { try SoftToken.wrongPIN.open(pin: "000000") }
        #expect(throws: KeyStoreError(.wrongPassword, "")) { try SoftToken.wrongPIN.open(pin: "1") }
        let token = try SoftToken.wrongPIN.open()
        #expect(try token.entries().isEmpty)
        let again = try SoftToken.wrongPIN.open()
        #expect(again === token)
        // While the process is logged in the module looks at no other PIN.
        #expect(throws: KeyStoreError(.wrongPassword, "")) { try SoftToken.wrongPIN.open(pin: "000000") }
    }

    @Test("Without a PIN nothing private is seen, and the error says so where it matters")
    func noPIN() throws {
        let token = try SoftToken.noPIN.open(pin: nil)
        #expect(try token.entries().isEmpty)
        #expect(throws: KeyStoreError(.wrongPassword, "")) { try token.generateKeyPair(.ec(curve: .p256), alias: "x") }
    }

    @Test("What is not there is told with what is")
    func notFound() throws {
        let module = try SoftToken.module()
        do {
            _ = try PKCS11Token.open(module, PKCS11TokenSelector(label: "nobody"), pin: "1234")
            Issue.record("a token was found")
        } catch {
            #expect(error.code == .tokenNotFound)
            #expect(error.message.contains("label [nobody]"))
            #expect(error.message.contains("[reading]"))
        }
        for (path, words) in [("/no/such/module.so", "cannot be loaded"), ("libm.so.6", "has no function C_GetFunctionList")] {
            do {
                _ = try PKCS11Module.load(path: path)
                Issue.record("a module was loaded")
            } catch {
                #expect(error.code == .moduleUnavailable)
                #expect(error.message.contains(words), "\(error.message)")
            }
        }
    }

    @Test("Tokens are found by label, serial number, slot and place")
    func selectors() throws {
        let description = try SoftToken.reading.open().description
        let module = try SoftToken.module()
        for selector in [
            PKCS11TokenSelector(serialNumber: description.serialNumber), PKCS11TokenSelector(slot: description.slot),
            PKCS11TokenSelector(slotListIndex: description.slotListIndex),
        ] {
            #expect(try PKCS11Token.open(module, selector, pin: SoftToken.userPIN).description.label == "reading")
        }
    }

    @Test("Many threads sign at once")
    func load() async throws {
        let token = try SoftToken.load.open()
        let key = try token.generateKeyPair(.ec(curve: .p256), alias: "load")
        await withThrowingTaskGroup { group in
            for index in 0..<16 {
                group.addTask {
                    for round in 0..<20 {
                        let message = [UInt8(index), UInt8(round)]
                        let signature: [UInt8] = try await withCheckedThrowingContinuation { continuation in
                            key.external?.sign([UInt8](repeating: message[0], count: 32), .ecdsa) { continuation.resume(with: $0) }
                        }
                        #expect(!signature.isEmpty)
                    }
                }
            }
        }
    }
}
