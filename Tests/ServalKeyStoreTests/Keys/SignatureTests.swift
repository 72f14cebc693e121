import ServalKeyStore
import Testing

/// Signatures of every kind, checked by OpenSSL.
@Suite struct SignatureTests {
    private static let keys: [String: Result<PrivateKey, any Error>] = [
        "RSA": Result { try PrivateKey.generate(.rsa(bits: 1024)) }, "DSA": Result { try PrivateKey.generate(.dsa(bits: 1024)) },
        "ECDSA": Result { try PrivateKey.generate(.ec(curve: .p256)) },
    ]

    private static let digests = ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"]

    @Test(
        arguments: digests.flatMap { digest in ["RSA", "DSA", "ECDSA"].map { (digest, $0) } }
            + [("MD5", "RSA"), ("SHA512/224", "RSA"), ("SHA512/256", "RSA")]
    )
    func openSSLVerifies(digest: String, kind: String) throws {
        let folder = try Folder()
        let key = try #require(Self.keys[kind]).get()
        let algorithm = try #require(SignatureAlgorithm(named: "\(digest)with\(kind)".lowercased()))
        #expect(algorithm.name == "\(digest)with\(kind)")
        let message = Array("a message".utf8)
        let signature = try key.sign(message, with: algorithm)
        try folder.write(message, "m")
        try folder.write(signature, "s")
        try folder.write(PEM.encode(key.publicKeyInfo, label: "PUBLIC KEY").utf8, "k")
        let option = "-" + digest.lowercased().replacing("/", with: "-")
        #expect(try Tool.openssl("dgst", option, "-verify", folder("k"), "-signature", folder("s"), folder("m")) == "Verified OK\n")
        try check(signature, of: message, algorithm, key)
    }

    @Test(arguments: [PrivateKey.Algorithm.ed25519, .ed448])
    func openSSLVerifiesEdwardsCurves(_ kind: PrivateKey.Algorithm) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(kind)
        let signature = try key.sign([1, 2, 3], with: key.defaultSignatureAlgorithm())
        #expect(try key.signatureAlgorithm(named: "EdDSA") == key.defaultSignatureAlgorithm())
        try folder.write([1, 2, 3], "m")
        try folder.write(signature, "s")
        try folder.write(PEM.encode(key.publicKeyInfo, label: "PUBLIC KEY").utf8, "k")
        try Tool.openssl("pkeyutl", "-verify", "-pubin", "-inkey", folder("k"), "-sigfile", folder("s"), "-rawin", "-in", folder("m"))
        try check(signature, of: [1, 2, 3], key.defaultSignatureAlgorithm(), key)
    }

    @Test(arguments: [(1024, "sha256", 32), (3076, "sha384", 48)])
    func openSSLVerifiesPSS(bits: Int, digest: String, salt: Int) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(.rsa(bits: bits))
        let algorithm = try key.signatureAlgorithm(named: "rsassa-pss")
        let signature = try key.sign([1, 2, 3], with: algorithm)
        try folder.write([1, 2, 3], "m")
        try folder.write(signature, "s")
        try folder.write(PEM.encode(key.publicKeyInfo, label: "PUBLIC KEY").utf8, "k")
        let options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:\(salt)"]
        let verified = try Tool.run(["openssl", "dgst", "-" + digest, "-verify", folder("k"), "-signature", folder("s")] + options + [folder("m")])
        #expect(verified == "Verified OK\n")
        try check(signature, of: [1, 2, 3], algorithm, key)
    }

    /// Right as it is, and wrong as soon as anything changes.
    private func check(_ signature: [UInt8], of message: [UInt8], _ algorithm: SignatureAlgorithm, _ key: PrivateKey) throws {
        func isValid(_ signature: [UInt8], _ message: [UInt8], _ identifier: [UInt8], _ key: [UInt8]) -> Bool {
            SignatureAlgorithm.isValid(signature, of: message, algorithmIdentifier: identifier, publicKeyInfo: key)
        }
        #expect(isValid(signature, message, algorithm.identifier, key.publicKeyInfo))
        #expect(SignatureAlgorithm(identifier: algorithm.identifier) == algorithm)
        #expect(!isValid(signature, message + [0], algorithm.identifier, key.publicKeyInfo))
        #expect(!isValid(Array(signature.dropLast()), message, algorithm.identifier, key.publicKeyInfo))
        #expect(!isValid([], message, algorithm.identifier, key.publicKeyInfo))
        #expect(!isValid(signature + [0], message, algorithm.identifier, key.publicKeyInfo))
        var changed = signature
        changed[changed.count / 2] ^= 1
        #expect(!isValid(changed, message, algorithm.identifier, key.publicKeyInfo))
        // A signature is not one of another algorithm, be it with the same digest.
        for name in ["SHA256withRSA", "SHA256withECDSA", "SHA256withDSA", "Ed25519", "Ed448", "RSASSA-PSS"] where name != algorithm.name {
            let other = try #require(SignatureAlgorithm(named: name))
            #expect(!isValid(signature, message, other.identifier, key.publicKeyInfo))
        }
        let stranger = try PrivateKey.generate(.ed25519)
        #expect(!isValid(signature, message, algorithm.identifier, stranger.publicKeyInfo))
    }

    @Test func namesAndDefaultsAreTheJDKs() throws {
        for name in ["SHA256withRSA", "RSASSA-PSS", "Ed448", "SHA1withDSA", "SHA3-512withECDSA", "SHA512/256withRSA"] {
            let algorithm = try #require(SignatureAlgorithm(named: name.uppercased()))
            #expect(algorithm.name == name && algorithm.description == name)
        }
        for name in ["", "foo", "PS256", "MD2withRSA", "NONEwithRSA", "SHA256", "EdDSA"] { #expect(SignatureAlgorithm(named: name) == nil) }
        #expect(SignatureAlgorithm(named: "1.2.840.113549.1.1.11")?.name == "SHA256withRSA")
        let defaults: [(PrivateKey.Algorithm, String)] = [
            (.rsa(bits: 3072), "SHA256withRSA"), (.rsa(bits: 3074), "SHA384withRSA"), (.dsa(bits: 2048), "SHA256withDSA"),
            (.ec(curve: .p521), "SHA512withECDSA"), (.rsaPSS(bits: 1024), "RSASSA-PSS"),
        ]
        for (kind, name) in defaults { #expect(try PrivateKey.generate(kind).defaultSignatureAlgorithm().name == name) }
        #expect(code { try PrivateKey.generate(.x448).defaultSignatureAlgorithm() } == .unsupportedAlgorithm)
    }

    @Test func keysSignOnlyWhatFits() throws {
        func sign(_ key: PrivateKey, _ name: String) -> KeyStoreError.Code? {
            code { try key.sign([1], with: key.signatureAlgorithm(named: name)) }
        }
        let rsa = try PrivateKey.generate(.rsa(bits: 512))
        #expect(sign(rsa, "SHA256withECDSA") == .invalidInput)
        #expect(sign(rsa, "SHA512withRSA") == .invalidInput, "too short")
        #expect(sign(rsa, "RSASSA-PSS") == .invalidInput, "too short")
        #expect(sign(rsa, "SHA384withRSA") == .invalidInput && sign(rsa, "SHA256withRSA") == nil)
        #expect(sign(rsa, "foo") == .unsupportedAlgorithm)
        let pss = try PrivateKey.generate(.rsaPSS(bits: 1024))
        #expect(sign(pss, "SHA256withRSA") == .invalidInput && sign(pss, "RSASSA-PSS") == nil)
        #expect(try sign(PrivateKey.generate(.dsa(bits: 2048)), "SHA1withDSA") == .invalidInput, "too weak")
        #expect(try sign(PrivateKey.generate(.x25519), "Ed25519") == .unsupportedAlgorithm)
        #expect(try sign(PrivateKey.generate(.ed448), "Ed25519") == .invalidInput)
    }

    @Test func restrictionsOfPSSKeysHold() throws {
        let folder = try Folder()
        let options = ["rsa_keygen_bits:1024", "rsa_pss_keygen_md:sha384", "rsa_pss_keygen_mgf1_md:sha1", "rsa_pss_keygen_saltlen:24"]
        try Tool.run(["openssl", "genpkey", "-algorithm", "RSA-PSS", "-out", folder("k.pem")] + options.flatMap { ["-pkeyopt", $0] })
        let key = try PEM.privateKey(contentsOf: folder("k.pem"))
        let signature = try key.sign([1], with: key.defaultSignatureAlgorithm())
        try folder.write([1], "m")
        try folder.write(signature, "s")
        try folder.write(PEM.encode(key.publicKeyInfo, label: "PUBLIC KEY").utf8, "k")
        #expect(try Tool.openssl("dgst", "-sha384", "-verify", folder("k"), "-signature", folder("s"), folder("m")) == "Verified OK\n")
        let other = try #require(SignatureAlgorithm(named: "RSASSA-PSS"))
        #expect(code { try key.sign([1], with: other) } == .invalidInput)
        #expect(SignatureAlgorithm(identifier: try key.defaultSignatureAlgorithm().identifier) != other)
    }
}
