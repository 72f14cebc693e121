/// An elliptic curve with a name, whether or not this library computes with it.
package struct NamedCurve: Sendable, CustomStringConvertible {
    /// The JDK's name, such as `secp256r1`.
    package let name: String
    /// Other authors' names of the same curve.
    package let otherNames: [String]
    /// The dotted object identifier.
    package let oid: String
    /// The length of private keys in bits.
    package let bits: Int

    private init(_ name: String, _ oid: String, _ bits: Int, _ otherNames: String...) {
        self.name = name
        self.otherNames = otherNames
        self.oid = oid
        self.bits = bits
    }

    /// The curve with this name or object identifier, in any case.
    package static func named(_ name: String) -> NamedCurve? {
        let wanted = name.lowercased()
        return all.first { $0.oid == name || $0.name.lowercased() == wanted || $0.otherNames.contains { $0.lowercased() == wanted } }
    }

    static func identified(by oid: OID) -> NamedCurve? { byIdentifier[oid] }

    /// All names and the identifier, as the JDK shows them: `secp224r1 [NIST P-224] (1.3.132.0.33)`.
    package var description: String {
        "\(name) \(otherNames.isEmpty ? "" : "[\(otherNames.joined(separator: ","))] ")(\(oid))"
    }

    private static let byIdentifier = Dictionary(all.map { (OID(stringLiteral: $0.oid), $0) }) { first, _ in first }

    /// The curves that the JDK knows by name (SEC 2, X9.62, RFC 5639).
    private static let all: [NamedCurve] = [
        NamedCurve("secp112r2", "1.3.132.0.7", 110),
        NamedCurve("secp112r1", "1.3.132.0.6", 112),
        NamedCurve("secp128r2", "1.3.132.0.29", 126),
        NamedCurve("secp128r1", "1.3.132.0.28", 128),
        NamedCurve("secp160k1", "1.3.132.0.9", 161),
        NamedCurve("secp160r1", "1.3.132.0.8", 161),
        NamedCurve("secp160r2", "1.3.132.0.30", 161),
        NamedCurve("secp192k1", "1.3.132.0.31", 192),
        NamedCurve("secp192r1", "1.2.840.10045.3.1.1", 192, "NIST P-192", "X9.62 prime192v1"),
        NamedCurve("secp224r1", "1.3.132.0.33", 224, "NIST P-224"),
        NamedCurve("secp224k1", "1.3.132.0.32", 225),
        NamedCurve("secp256k1", "1.3.132.0.10", 256),
        NamedCurve("secp256r1", "1.2.840.10045.3.1.7", 256, "NIST P-256", "X9.62 prime256v1"),
        NamedCurve("secp384r1", "1.3.132.0.34", 384, "NIST P-384"),
        NamedCurve("secp521r1", "1.3.132.0.35", 521, "NIST P-521"),
        NamedCurve("sect113r1", "1.3.132.0.4", 113),
        NamedCurve("sect113r2", "1.3.132.0.5", 113),
        NamedCurve("sect131r1", "1.3.132.0.22", 131),
        NamedCurve("sect131r2", "1.3.132.0.23", 131),
        NamedCurve("sect163r1", "1.3.132.0.2", 162),
        NamedCurve("sect163k1", "1.3.132.0.1", 163, "NIST K-163"),
        NamedCurve("sect163r2", "1.3.132.0.15", 163, "NIST B-163"),
        NamedCurve("sect193r1", "1.3.132.0.24", 193),
        NamedCurve("sect193r2", "1.3.132.0.25", 193),
        NamedCurve("sect233k1", "1.3.132.0.26", 232, "NIST K-233"),
        NamedCurve("sect233r1", "1.3.132.0.27", 233, "NIST B-233"),
        NamedCurve("sect239k1", "1.3.132.0.3", 238),
        NamedCurve("sect283k1", "1.3.132.0.16", 281, "NIST K-283"),
        NamedCurve("sect283r1", "1.3.132.0.17", 282, "NIST B-283"),
        NamedCurve("sect409k1", "1.3.132.0.36", 407, "NIST K-409"),
        NamedCurve("sect409r1", "1.3.132.0.37", 409, "NIST B-409"),
        NamedCurve("sect571k1", "1.3.132.0.38", 570, "NIST K-571"),
        NamedCurve("sect571r1", "1.3.132.0.39", 570, "NIST B-571"),
        NamedCurve("brainpoolP160r1", "1.3.36.3.3.2.8.1.1.1", 160),
        NamedCurve("brainpoolP192r1", "1.3.36.3.3.2.8.1.1.3", 192),
        NamedCurve("brainpoolP224r1", "1.3.36.3.3.2.8.1.1.5", 224),
        NamedCurve("brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7", 256),
        NamedCurve("brainpoolP320r1", "1.3.36.3.3.2.8.1.1.9", 320),
        NamedCurve("brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11", 384),
        NamedCurve("brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13", 512),
        NamedCurve("X9.62 c2tnb191v3", "1.2.840.10045.3.0.7", 189),
        NamedCurve("X9.62 c2tnb191v2", "1.2.840.10045.3.0.6", 190),
        NamedCurve("X9.62 c2tnb191v1", "1.2.840.10045.3.0.5", 191),
        NamedCurve("X9.62 prime192v2", "1.2.840.10045.3.1.2", 192),
        NamedCurve("X9.62 prime192v3", "1.2.840.10045.3.1.3", 192),
        NamedCurve("X9.62 c2tnb239v3", "1.2.840.10045.3.0.13", 236),
        NamedCurve("X9.62 c2tnb239v2", "1.2.840.10045.3.0.12", 237),
        NamedCurve("X9.62 c2tnb239v1", "1.2.840.10045.3.0.11", 238),
        NamedCurve("X9.62 prime239v1", "1.2.840.10045.3.1.4", 239),
        NamedCurve("X9.62 prime239v2", "1.2.840.10045.3.1.5", 239),
        NamedCurve("X9.62 prime239v3", "1.2.840.10045.3.1.6", 239),
        NamedCurve("X9.62 c2tnb359v1", "1.2.840.10045.3.0.18", 353),
        NamedCurve("X9.62 c2tnb431r1", "1.2.840.10045.3.0.20", 418),
    ]
}
