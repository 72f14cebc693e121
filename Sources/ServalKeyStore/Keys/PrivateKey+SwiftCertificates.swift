import Crypto
import CryptoExtras
public import X509

extension PrivateKey {
    /// The key as swift-certificates' value, for code that works with that library; this one signs with ``sign(_:with:)``.
    ///
    /// - Throws: `unsupportedAlgorithm` for keys that swift-certificates does not know, `corrupt` when the numbers are not a key.
    public func signingKey() throws(KeyStoreError) -> Certificate.PrivateKey {
        if let external { throw KeyStoreError(.unsupportedAlgorithm, "swift-certificates cannot sign with a key that stays in \(external.place)") }
        let parts = try PrivateKeyParts(pkcs8: pkcs8)
        do {
            switch algorithm {
            case .rsa: return try Certificate.PrivateKey(_RSA.Signing.PrivateKey(unsafeDERRepresentation: parts.key))
            case .ec(.p256): return try Certificate.PrivateKey(P256.Signing.PrivateKey(rawRepresentation: parts.scalar()))
            case .ec(.p384): return try Certificate.PrivateKey(P384.Signing.PrivateKey(rawRepresentation: parts.scalar()))
            case .ec(.p521): return try Certificate.PrivateKey(P521.Signing.PrivateKey(rawRepresentation: parts.scalar()))
            case .ed25519: return try Certificate.PrivateKey(Curve25519.Signing.PrivateKey(rawRepresentation: parts.key))
            default: throw KeyStoreError(.unsupportedAlgorithm, "swift-certificates has no such keys: \(self)")
            }
        } catch let error as KeyStoreError {
            throw error
        } catch {
            throw KeyStoreError(.corrupt, "The private key is not usable: \(error)")
        }
    }
}

extension PrivateKeyParts {
    fileprivate func scalar() throws(KeyStoreError) -> [UInt8] {
        guard case .ec(let curve) = algorithm else { return [] }
        return try Self.scalar(sec1: key, size: curve.size)
    }
}
