import Crypto
import CryptoExtras
public import X509

/// A private key as PKCS#8.
///
/// Its descriptions name the algorithm and never show the key.
public struct PrivateKey: Sendable {
    /// The curves of elliptic-curve keys that this library computes with.
    public enum Curve: String, Sendable, Hashable {
        /// NIST P-256.
        case p256 = "secp256r1"
        /// NIST P-384.
        case p384 = "secp384r1"
        /// NIST P-521.
        case p521 = "secp521r1"
    }

    /// What kind of key it is.
    public enum Algorithm: Sendable, Hashable {
        /// RSA with the modulus' length in bits.
        case rsa(bits: Int)
        /// ECDSA on a named curve.
        case ec(curve: Curve)
        /// Ed25519.
        case ed25519
        /// Any other algorithm, by its dotted object identifier (for elliptic curves the curve's); such keys are kept but not computed with.
        case other(String)
    }

    /// The PrivateKeyInfo (RFC 5208) as DER: this is the secret, handle with care.
    public let pkcs8: [UInt8]

    /// What kind of key it is.
    public let algorithm: Algorithm

    /// The SubjectPublicKeyInfo of the public key as DER; empty for ``Algorithm/other(_:)``.
    public let publicKeyInfo: [UInt8]

    /// Reads a PrivateKeyInfo.
    ///
    /// - Throws: `corrupt` when the bytes are not a private key.
    public init(pkcs8: [UInt8]) throws(KeyStoreError) {
        let parts = try PrivateKeyParts(pkcs8: pkcs8)
        self.pkcs8 = pkcs8
        self.algorithm = parts.algorithm
        self.publicKeyInfo = parts.publicKeyInfo
    }

    /// Makes a new key.
    ///
    /// - Throws: `unsupportedAlgorithm` for ``Algorithm/other(_:)``, `invalidInput` for an RSA length outside 1024...16384 or not a multiple of 8.
    /// - Complexity: RSA takes about 0.1 s for 2048 bits, seconds for 4096 and minutes for 16384.
    public static func generate(_ algorithm: Algorithm) throws(KeyStoreError) -> PrivateKey {
        do {
            switch algorithm {
            case .rsa(let bits):
                guard (1024...16384).contains(bits), bits.isMultiple(of: 8) else {
                    throw KeyStoreError(.invalidInput, "An RSA key has 1024 to 16384 bits, a multiple of 8; \(bits) were asked for")
                }
                let key = try _RSA.Signing.PrivateKey(unsafeKeySize: _RSA.Signing.KeySize(bitCount: bits))
                return try PrivateKey(pkcs1: Array(key.derRepresentation))
            case .ec(.p256): return try PrivateKey(pkcs8: Array(P256.Signing.PrivateKey().derRepresentation))
            case .ec(.p384): return try PrivateKey(pkcs8: Array(P384.Signing.PrivateKey().derRepresentation))
            case .ec(.p521): return try PrivateKey(pkcs8: Array(P521.Signing.PrivateKey().derRepresentation))
            case .ed25519: return try PrivateKey(pkcs8: Array(Curve25519.Signing.PrivateKey().pkcs8DERRepresentation))
            case .other(let oid): throw KeyStoreError(.unsupportedAlgorithm, "Keys of algorithm \(oid) cannot be generated")
            }
        } catch let error as KeyStoreError {
            throw error
        } catch {
            throw KeyStoreError(.unsupportedAlgorithm, "The key cannot be generated: \(error)")
        }
    }

    /// The key as swift-certificates' value, to sign with.
    ///
    /// - Throws: `unsupportedAlgorithm` for keys this library does not compute with, `corrupt` when the numbers are not a key.
    public func signingKey() throws(KeyStoreError) -> Certificate.PrivateKey {
        do {
            switch algorithm {
            case .rsa: return try Certificate.PrivateKey(_RSA.Signing.PrivateKey(unsafeDERRepresentation: PrivateKeyParts(pkcs8: pkcs8).key))
            case .ec(.p256): return try Certificate.PrivateKey(P256.Signing.PrivateKey(rawRepresentation: scalar(32)))
            case .ec(.p384): return try Certificate.PrivateKey(P384.Signing.PrivateKey(rawRepresentation: scalar(48)))
            case .ec(.p521): return try Certificate.PrivateKey(P521.Signing.PrivateKey(rawRepresentation: scalar(66)))
            case .ed25519: return try Certificate.PrivateKey(Curve25519.Signing.PrivateKey(rawRepresentation: PrivateKeyParts(pkcs8: pkcs8).key))
            case .other(let oid): throw KeyStoreError(.unsupportedAlgorithm, "Keys of algorithm \(oid) cannot sign here")
            }
        } catch let error as KeyStoreError {
            throw error
        } catch {
            throw KeyStoreError(.corrupt, "The private key is not usable: \(error)")
        }
    }

    /// Whether `certificate` holds this key's public key.
    ///
    /// Always `true` for ``Algorithm/other(_:)``, where it cannot be told.
    public func matches(_ certificate: CertificateData) -> Bool {
        guard !publicKeyInfo.isEmpty else { return true }
        guard let other = try? certificate.publicKeyInfo() else { return false }
        return other == publicKeyInfo || PublicKeyInfo.areEqual(other, publicKeyInfo)
    }

    /// The signature algorithm that JDK 17's keytool chooses for the key.
    ///
    /// - Throws: `unsupportedAlgorithm` for ``Algorithm/other(_:)``.
    public func defaultSignatureAlgorithm() throws(KeyStoreError) -> Certificate.SignatureAlgorithm {
        switch algorithm {
        case .rsa: .sha256WithRSAEncryption
        case .ec(.p256): .ecdsaWithSHA256
        case .ec(.p384): .ecdsaWithSHA384
        case .ec(.p521): .ecdsaWithSHA512
        case .ed25519: .ed25519
        case .other(let oid): throw KeyStoreError(.unsupportedAlgorithm, "Keys of algorithm \(oid) cannot sign here")
        }
    }

    private func scalar(_ size: Int) throws(KeyStoreError) -> [UInt8] {
        try PrivateKeyParts.scalar(sec1: PrivateKeyParts(pkcs8: pkcs8).key, size: size)
    }
}

extension PrivateKey: Hashable {
    /// Equal when the PKCS#8 bytes are.
    public static func == (lhs: PrivateKey, rhs: PrivateKey) -> Bool { lhs.pkcs8 == rhs.pkcs8 }

    /// Hashes the public key.
    public func hash(into hasher: inout Hasher) { hasher.combine(publicKeyInfo) }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The algorithm, such as `2048-bit RSA key`.
    public var description: String {
        switch algorithm {
        case .rsa(let bits): "\(bits)-bit RSA key"
        case .ec(let curve): "EC (\(curve.rawValue)) key"
        case .ed25519: "Ed25519 key"
        case .other(let oid): "key of algorithm \(oid)"
        }
    }

    /// As ``description``.
    public var debugDescription: String { description }

    /// A mirror without children, so that `dump` does not show the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
