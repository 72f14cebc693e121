import CPKCS11
import ServalKeyStore

/// The public half of a key, in the token's terms and in X.509's.
enum TokenPublicKey {
    static let curves: [(curve: PrivateKey.Curve, oid: OID)] = [
        (.p256, "1.2.840.10045.3.1.7"), (.p384, "1.3.132.0.34"), (.p521, "1.3.132.0.35"),
    ]

    /// What kind of key a SubjectPublicKeyInfo holds.
    static func algorithm(of publicKeyInfo: [UInt8]) -> PrivateKey.Algorithm {
        guard let parts = try? ASN1Value(publicKeyInfo).children(), parts.count == 2, let names = try? parts[0].children(), let first = names.first,
            let oid = try? first.objectIdentifier()
        else { return .other("unknown") }
        if oid == "1.2.840.113549.1.1.1", let modulus = try? ASN1Value(Array(parts[1].content.dropFirst())).children().first {
            let digits = modulus.content.drop { $0 == 0 }
            return .rsa(bits: digits.first.map { digits.count * 8 - $0.leadingZeroBitCount } ?? 0)
        }
        if oid == "1.2.840.10045.2.1", names.count == 2, let name = try? names[1].objectIdentifier() {
            return curves.first { $0.oid == name }.map { .ec(curve: $0.curve) } ?? .other(name.description)
        }
        return .other(oid.description)
    }

    static func rsa(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let key = DEREncoding.sequence(unsigned(modulus), unsigned(exponent))
        return DEREncoding.sequence(DEREncoding.algorithm("1.2.840.113549.1.1.1"), DEREncoding.bitString(key))
    }

    /// - Parameters:
    ///   - parameters: `CKA_EC_PARAMS`: the curve's object identifier in DER.
    ///   - point: `CKA_EC_POINT`: an OCTET STRING in DER around the point; some modules leave it out.
    static func ec(parameters: [UInt8], point: [UInt8]) -> [UInt8] {
        var bare = point
        if point.first == 0x04, let wrapped = try? ASN1Value(point), wrapped.tag == ASN1Value.octetString { bare = Array(wrapped.content) }
        return DEREncoding.sequence(DEREncoding.sequence(DEREncoding.oid("1.2.840.10045.2.1"), parameters), DEREncoding.bitString(bare))
    }

    /// A non-negative INTEGER of these digits.
    static func unsigned(_ digits: [UInt8]) -> [UInt8] {
        var bare = Array(digits.drop { $0 == 0 })
        if bare.first.map({ $0 >= 0x80 }) ?? true { bare.insert(0, at: 0) }
        return DEREncoding.value(ASN1Value.integer, bare)
    }
}
