import ServalKeyStore
import X509

/// The signature algorithm that `-sigalg` names, or the JDK's choice for a key.
struct SignatureName {
    /// In the JDK's spelling.
    let name: String
    let algorithm: Certificate.SignatureAlgorithm

    private enum KeyType {
        case rsa, ec, ed25519
    }

    private static let all: [(name: String, algorithm: Certificate.SignatureAlgorithm, keyType: KeyType)] = [
        ("SHA256withRSA", .sha256WithRSAEncryption, .rsa),
        ("SHA384withRSA", .sha384WithRSAEncryption, .rsa),
        ("SHA512withRSA", .sha512WithRSAEncryption, .rsa),
        ("SHA256withECDSA", .ecdsaWithSHA256, .ec),
        ("SHA384withECDSA", .ecdsaWithSHA384, .ec),
        ("SHA512withECDSA", .ecdsaWithSHA512, .ec),
        ("Ed25519", .ed25519, .ed25519),
    ]

    /// Finds the algorithm by its name in any case, and checks that the key can make such signatures.
    static func resolve(_ name: String?, for key: PrivateKey) throws -> SignatureName {
        guard let name else {
            do {
                let choice = try key.defaultSignatureAlgorithm()
                return SignatureName(name: all.first { $0.algorithm == choice }?.name ?? choice.description, algorithm: choice)
            } catch {
                throw Failure(error)
            }
        }
        let wanted = name.uppercased() == "EDDSA" ? "ED25519" : name.uppercased()
        guard let found = all.first(where: { $0.name.uppercased() == wanted }) else {
            throw Failure.noSuchAlgorithm("\(name) Signature not available")
        }
        let isSuitable =
            switch key.algorithm {
            case .rsa: found.keyType == .rsa
            case .ec: found.keyType == .ec
            case .ed25519: found.keyType == .ed25519
            case .other: false
            }
        guard isSuitable else {
            throw Failure.exception(javaClass: "java.security.InvalidKeyException", message: "\(found.name) cannot be made with this key: \(key)")
        }
        return SignatureName(name: found.name, algorithm: found.algorithm)
    }
}
