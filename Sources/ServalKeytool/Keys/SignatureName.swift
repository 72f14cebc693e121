import ServalKeyStore

/// The signature algorithm that `-sigalg` names, or the JDK's choice for a key.
enum SignatureName {
    /// Finds the algorithm by its name in any case, and checks that the key can make such signatures.
    ///
    /// - Parameter failure: What is said when no name is given and the key cannot sign.
    static func resolve(_ name: String?, for key: PrivateKey, failure: Failure) throws -> SignatureAlgorithm {
        let algorithm: SignatureAlgorithm
        do throws(KeyStoreError) {
            algorithm = if let name { try key.signatureAlgorithm(named: canonical(name)) } else { try key.defaultSignatureAlgorithm() }
        } catch {
            throw name.map { Failure.noSuchAlgorithm("\($0) Signature not available") } ?? failure
        }
        if let obstacle = key.obstacle(to: algorithm) {
            throw Failure.exception(javaClass: "java.security.InvalidKeyException", message: text(obstacle, algorithm, key))
        }
        return algorithm
    }

    /// The JDK knows SHA1withDSA under more names than any other algorithm.
    private static func canonical(_ name: String) -> String {
        switch name.uppercased() {
        case "DSA", "DSS", "SHA/DSA", "SHA-1/DSA", "SHA1/DSA", "SHAWITHDSA", "DSAWITHSHA1": "SHA1withDSA"
        case let upper where upper.hasPrefix("OID."): String(name.dropFirst(4))
        default: name
        }
    }

    private static func text(_ obstacle: PrivateKey.SigningObstacle, _ algorithm: SignatureAlgorithm, _ key: PrivateKey) -> String {
        switch obstacle {
        case .anotherKind:
            switch (algorithm.name, key.algorithm) {
            case ("Ed25519", .ed448), ("Ed448", .ed25519): "Parameters must be \(algorithm)"
            case ("Ed25519", _), ("Ed448", _): "Unsupported key type"
            default: "No installed provider supports this key: \(key)"
            }
        case .tooShort(let bytes): bytes.map { "Key is too short, need min \($0) bytes" } ?? "Key is too short for this signature algorithm"
        case .weakDigest(let digest): "The security strength of \(digest) digest algorithm is not sufficient for this key size"
        }
    }
}
