import ServalKeyStore

/// The signature algorithm that `-sigalg` names, or the JDK's choice for a key.
enum SignatureName {
    /// Finds the algorithm by its name in any case, and checks that the key can make such signatures.
    static func resolve(_ name: String?, for key: PrivateKey) throws -> SignatureAlgorithm {
        let algorithm: SignatureAlgorithm
        do throws(KeyStoreError) {
            algorithm = if let name { try key.signatureAlgorithm(named: name) } else { try key.defaultSignatureAlgorithm() }
        } catch {
            guard let name else { throw Failure(error) }
            throw Failure.noSuchAlgorithm("\(name) Signature not available")
        }
        guard key.fits(algorithm) else {
            throw Failure.exception(javaClass: "java.security.InvalidKeyException", message: "\(algorithm) cannot be made with this key: \(key)")
        }
        return algorithm
    }
}
