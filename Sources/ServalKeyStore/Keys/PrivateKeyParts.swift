import Crypto

/// The parts of a PrivateKeyInfo, and the public key that follows from them.
struct PrivateKeyParts {
    let algorithm: PrivateKey.Algorithm
    let publicKeyInfo: [UInt8]
    /// What the algorithm calls the key: an RSAPrivateKey, an ECPrivateKey, or the raw bytes of Ed25519.
    let key: [UInt8]

    init(pkcs8: [UInt8]) throws(KeyStoreError) {
        do throws(KeyStoreError) {
            var reader = try ASN1Value(pkcs8).reader()
            _ = try reader.next().integer()
            var identifier = try reader.next().reader()
            let octets = try reader.next().octets()
            try self.init(oid: identifier.next().objectIdentifier(), curve: PrivateKeyParts.curve(&identifier), octets: octets)
        } catch {
            throw error.about("Not a PKCS#8 private key")
        }
    }

    private init(oid: OID, curve: OID?, octets: [UInt8]) throws(KeyStoreError) {
        switch oid {
        case .rsaEncryption:
            key = octets
            let numbers = try ASN1Value(octets).children()
            guard numbers.count >= 9, numbers.allSatisfy({ $0.tag == ASN1Value.integer }) else {
                throw KeyStoreError(.corrupt, "An RSA key has nine numbers")
            }
            let bits = PublicKeyInfo.bits(numbers[1].content)
            guard (512...16384).contains(bits) else { throw KeyStoreError(.unsupportedAlgorithm, "An RSA key of \(bits) bits") }
            algorithm = .rsa(bits: bits)
            publicKeyInfo = PublicKeyInfo.rsa(modulus: Array(numbers[1].content), exponent: Array(numbers[2].content))
        case .ecPublicKey:
            key = octets
            guard let curve, let known = PrivateKey.Curve(oid: curve) else {
                algorithm = .other((curve ?? oid).description)
                publicKeyInfo = []
                return
            }
            algorithm = .ec(curve: known)
            publicKeyInfo = PublicKeyInfo.ec(curve: curve, point: try known.point(sec1: octets))
        case .ed25519:
            let raw = try ASN1Value(octets).octets()
            key = raw
            algorithm = .ed25519
            guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: raw) else {
                throw KeyStoreError(.corrupt, "An Ed25519 key has 32 bytes")
            }
            publicKeyInfo = PublicKeyInfo.ed25519(Array(key.publicKey.rawRepresentation))
        default:
            key = octets
            algorithm = .other(oid.description)
            publicKeyInfo = []
        }
    }

    /// The secret number of an ECPrivateKey (RFC 5915), in `size` bytes.
    static func scalar(sec1: [UInt8], size: Int) throws(KeyStoreError) -> [UInt8] {
        var reader = try ASN1Value(sec1).reader()
        _ = try reader.next().integer()
        let digits = try reader.next().octets().drop { $0 == 0 }
        guard digits.count <= size else { throw KeyStoreError(.corrupt, "An elliptic-curve key is longer than its curve allows") }
        return [UInt8](repeating: 0, count: size - digits.count) + digits
    }

    private static func curve(_ identifier: inout ASN1Reader) throws(KeyStoreError) -> OID? {
        try identifier.next(ifTag: ASN1Value.objectIdentifier)?.objectIdentifier()
    }
}

extension PrivateKey.Curve {
    init?(oid: OID) {
        switch oid {
        case .p256: self = .p256
        case .p384: self = .p384
        case .p521: self = .p521
        default: return nil
        }
    }

    /// The length of the curve's numbers in bytes.
    var size: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    /// The public point that belongs to an ECPrivateKey.
    func point(sec1: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        let scalar = try PrivateKeyParts.scalar(sec1: sec1, size: size)
        do {
            switch self {
            case .p256: return try Array(P256.Signing.PrivateKey(rawRepresentation: scalar).publicKey.x963Representation)
            case .p384: return try Array(P384.Signing.PrivateKey(rawRepresentation: scalar).publicKey.x963Representation)
            case .p521: return try Array(P521.Signing.PrivateKey(rawRepresentation: scalar).publicKey.x963Representation)
            }
        } catch {
            throw KeyStoreError(.corrupt, "The number is not a key of \(rawValue)")
        }
    }
}

extension PrivateKey {
    /// From an RSAPrivateKey (PKCS#1).
    init(pkcs1: [UInt8]) throws(KeyStoreError) {
        try self.init(pkcs8: PrivateKey.pkcs8(DEREncoding.algorithm(.rsaEncryption), pkcs1))
    }

    /// From an ECPrivateKey (SEC 1), which has to name its curve.
    ///
    /// - Parameter curve: The curve's parameters as found elsewhere, when the key itself does not say.
    init(sec1: [UInt8], parameters: [UInt8]? = nil) throws(KeyStoreError) {
        var reader = try ASN1Value(sec1).reader()
        _ = try reader.next()
        _ = try reader.next()
        guard let curve = try reader.next(ifTag: 0xA0).map({ Array($0.content) }) ?? parameters else {
            throw KeyStoreError(.unsupportedAlgorithm, "The elliptic-curve key does not name its curve")
        }
        try self.init(pkcs8: PrivateKey.pkcs8(DEREncoding.sequence(DEREncoding.oid(.ecPublicKey), curve), sec1))
    }

    private static func pkcs8(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.integer(0), algorithm, DEREncoding.octetString(key))
    }
}
