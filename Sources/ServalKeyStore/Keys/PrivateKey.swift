/// A private key as PKCS#8.
///
/// Its descriptions name the algorithm and never show the key.
public struct PrivateKey: Sendable {
    /// The curves of elliptic-curve keys that this library computes with.
    public enum Curve: String, Sendable, Hashable, CaseIterable {
        /// NIST P-256.
        case p256 = "secp256r1"
        /// NIST P-384.
        case p384 = "secp384r1"
        /// NIST P-521.
        case p521 = "secp521r1"
        /// Koblitz' curve of 256 bits, which is read and used but not generated: browsers and the JDK refuse it.
        case secp256k1 = "secp256k1"
    }

    /// What kind of key it is.
    public enum Algorithm: Sendable, Hashable {
        /// RSA with the modulus' length in bits.
        case rsa(bits: Int)
        /// RSA for PSS signatures only (RFC 4055), with the modulus' length in bits.
        case rsaPSS(bits: Int)
        /// ECDSA on a named curve.
        case ec(curve: Curve)
        /// DSA with the length of its first prime in bits.
        case dsa(bits: Int)
        /// Ed25519.
        case ed25519
        /// Ed448.
        case ed448
        /// X25519, which agrees on keys and cannot sign.
        case x25519
        /// X448, which agrees on keys and cannot sign.
        case x448
        /// Any other algorithm, by its dotted object identifier (for elliptic curves the curve's); such keys are kept but not computed with.
        case other(String)
    }

    /// The PrivateKeyInfo (RFC 5208, RFC 5958) as DER: this is the secret, handle with care; empty when the key is ``external``.
    public let pkcs8: [UInt8]

    /// The key itself when it stays where it is, in a PKCS#11 token; `nil` for a key in memory.
    public let external: (any ExternalPrivateKey)?

    /// What kind of key it is.
    public let algorithm: Algorithm

    /// The SubjectPublicKeyInfo of the public key as DER; empty for ``Algorithm/other(_:)``.
    public let publicKeyInfo: [UInt8]

    /// Reads a PrivateKeyInfo.
    ///
    /// - Throws: `corrupt` when the bytes are not a private key, `unsupportedAlgorithm` for RSA outside 512...16384 bits, with more than two primes,
    ///   and for unusual DSA groups.
    /// - Complexity: Under 1 ms; DSA takes a few.
    public init(pkcs8: [UInt8]) throws(KeyStoreError) {
        let parts = try PrivateKeyParts(pkcs8: pkcs8)
        self.pkcs8 = pkcs8
        self.algorithm = parts.algorithm
        self.publicKeyInfo = parts.publicKeyInfo
        self.external = nil
    }

    /// A key that signs where it is and cannot be written to a file.
    public init(external: any ExternalPrivateKey) {
        self.pkcs8 = []
        self.algorithm = external.algorithm
        self.publicKeyInfo = external.publicKeyInfo
        self.external = external
    }

    /// The PrivateKeyInfo in the form that OpenSSL reads: without attributes and without a public key behind the private one (RFC 5958).
    ///
    /// As found for ``Algorithm/other(_:)``.
    package var plainPKCS8: [UInt8] {
        guard let parts = try? PrivateKeyParts(pkcs8: pkcs8), !parts.computable.isEmpty else { return pkcs8 }
        return parts.computable
    }

    /// Makes a new key.
    ///
    /// - Throws: `unsupportedAlgorithm` for secp256k1 and ``Algorithm/other(_:)``, `invalidInput` for an RSA length outside 512...16384 or odd and a DSA
    ///   length other than 1024, 2048 and 3072.
    /// - Complexity: RSA takes about 0.1 s for 2048 bits, seconds for 4096 and minutes for 16384; DSA up to several seconds.
    public static func generate(_ algorithm: Algorithm) throws(KeyStoreError) -> PrivateKey {
        switch algorithm {
        case .rsa(let bits), .rsaPSS(let bits):
            guard (512...16384).contains(bits), bits.isMultiple(of: 2) else {
                throw KeyStoreError(.invalidInput, "An RSA key has 512 to 16384 bits, an even number; \(bits) were asked for")
            }
        case .dsa(let bits):
            guard [1024, 2048, 3072].contains(bits) else {
                throw KeyStoreError(.invalidInput, "A DSA key has 1024, 2048 or 3072 bits; \(bits) were asked for")
            }
        case .ec(.secp256k1), .other: throw KeyStoreError(.unsupportedAlgorithm, "Keys of this kind cannot be generated: \(name(of: algorithm))")
        default: break
        }
        return try PrivateKey(pkcs8: OpenSSLKey.generate(algorithm).pkcs8())
    }

    /// Whether `certificate` holds this key's public key.
    ///
    /// Always `true` for ``Algorithm/other(_:)``, where it cannot be told.
    public func matches(_ certificate: CertificateData) -> Bool {
        guard !publicKeyInfo.isEmpty else { return true }
        guard let other = try? certificate.publicKeyInfo() else { return false }
        return other == publicKeyInfo || PublicKeyInfo.areEqual(other, publicKeyInfo)
    }
}

extension PrivateKey: Hashable {
    /// Equal when the PKCS#8 bytes are; external keys when their public keys are.
    public static func == (lhs: PrivateKey, rhs: PrivateKey) -> Bool {
        lhs.pkcs8 == rhs.pkcs8 && (lhs.external == nil || lhs.publicKeyInfo == rhs.publicKeyInfo)
    }

    /// Hashes the public key.
    public func hash(into hasher: inout Hasher) { hasher.combine(publicKeyInfo) }
}

extension PrivateKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The algorithm, such as `2048-bit RSA key`.
    public var description: String {
        if case .other = algorithm { "key of algorithm \(Self.name(of: algorithm))" } else { "\(Self.name(of: algorithm)) key" }
    }

    static func name(of algorithm: Algorithm) -> String {
        switch algorithm {
        case .rsa(let bits): "\(bits)-bit RSA"
        case .rsaPSS(let bits): "\(bits)-bit RSASSA-PSS"
        case .ec(let curve): "EC (\(curve.rawValue))"
        case .dsa(let bits): "\(bits)-bit DSA"
        case .ed25519: "Ed25519"
        case .ed448: "Ed448"
        case .x25519: "X25519"
        case .x448: "X448"
        case .other(let oid): oid
        }
    }

    /// As ``description``.
    public var debugDescription: String { description }

    /// A mirror without children, so that `dump` does not show the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
