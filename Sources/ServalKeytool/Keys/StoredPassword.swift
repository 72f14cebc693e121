import ServalKeyStore

/// A password that a key store keeps for somebody, in the form of a secret key.
enum StoredPassword {
    /// Asks for the password to be kept; on a pipe it is the next line, without a question, as in the JDK.
    static func ask(in console: Console) throws -> SecretKey {
        guard console.isTerminal else { return try key(console.askPassword("") ?? "") }
        for _ in 0..<3 {
            let password = console.askPassword("Enter the password to be stored:  ")
            if console.askPassword("Re-enter password: ") == password { return try key(password ?? "") }
            console.print(error: "They don't match. Try again")
        }
        throw Failure.error("Too many failures - key not added to keystore")
    }

    private static func key(_ password: String) throws -> SecretKey {
        guard password.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            throw Failure.exception(javaClass: "java.security.spec.InvalidKeySpecException", message: "Password is not ASCII")
        }
        // The name under which the JDK stores every password.
        return SecretKey(algorithm: "PBEWithMD5AndDES", bytes: Array(password.utf8))
    }

    /// Whether the algorithm is no more than a wish for a password.
    static func isDefaultProtection(_ algorithm: String) -> Bool {
        let name = algorithm.uppercased()
        return name == "PBE" || !name.hasPrefix("PBE")
    }

    /// Refuses a name of a password-based cipher that the JDK refuses; what it accepts, the store protects as all the others.
    static func checkProtection(_ algorithm: String, in format: KeyStoreFormat) throws {
        let problem: String
        switch format {
        case .jceks: problem = "unsupported password protection algorithm"
        case .jks: problem = "Cannot store non-PrivateKeys"
        case .pkcs12:
            guard !ciphers.contains(algorithm.uppercased()) else { return }
            problem =
                "Key protection algorithm not found: java.security.UnrecoverableKeyException: Encrypt Private Key failed: "
                + "getPBEAlgorithmParameters failed: \(algorithm) AlgorithmParameters not available"
        }
        throw Failure.exception(javaClass: "java.security.KeyStoreException", message: problem)
    }

    private static let ciphers: Set<String> = {
        let hashes = ["1", "224", "256", "384", "512", "512/224", "512/256"]
        let modern = hashes.flatMap { hash in ["128", "256"].map { "PBEWITHHMACSHA\(hash)ANDAES_\($0)" } }
        return Set(modern).union([
            "PBEWITHMD5ANDDES", "PBEWITHMD5ANDTRIPLEDES", "PBEWITHSHA1ANDDESEDE", "PBEWITHSHA1ANDRC2_40", "PBEWITHSHA1ANDRC2_128",
            "PBEWITHSHA1ANDRC4_40", "PBEWITHSHA1ANDRC4_128",
        ])
    }()
}
