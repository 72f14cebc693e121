/// The JDK's names of secret keys' algorithms and the object identifiers it stores in PKCS12 files.
enum SecretKeyNames {
    static func name(_ oid: OID) -> String { byOID[oid] ?? oid.description }

    /// `nil` for a name that the JDK cannot store either.
    static func oid(_ name: String) -> OID? {
        let upper = name.uppercased()
        return byName[upper] ?? others[upper] ?? (name.contains(".") ? OID(dotted: name) : nil)
    }

    private static let pairs: [(String, OID)] = [
        ("AES", "2.16.840.1.101.3.4.1"), ("DES", "1.3.14.3.2.7"), ("DESede", "1.3.14.3.2.17"), ("ARCFOUR", "1.2.840.113549.3.4"),
        ("ChaCha20-Poly1305", "1.2.840.113549.1.9.16.3.18"),
        ("HmacSHA1", .hmacSHA1), ("HmacSHA224", "1.2.840.113549.2.8"), ("HmacSHA256", .hmacSHA256), ("HmacSHA384", "1.2.840.113549.2.10"),
        ("HmacSHA512", "1.2.840.113549.2.11"), ("HmacSHA512/224", "1.2.840.113549.2.12"), ("HmacSHA512/256", "1.2.840.113549.2.13"),
        ("HmacSHA3-224", "2.16.840.1.101.3.4.2.13"), ("HmacSHA3-256", "2.16.840.1.101.3.4.2.14"),
        ("HmacSHA3-384", "2.16.840.1.101.3.4.2.15"), ("HmacSHA3-512", "2.16.840.1.101.3.4.2.16"),
        ("PBEWithMD5AndDES", "1.2.840.113549.1.5.3"), ("PBEWithSHA1AndDESede", .pbeWithSHA1AndTripleDES),
        ("PBEWithSHA1AndRC2_128", "1.2.840.113549.1.12.1.5"), ("PBEWithSHA1AndRC2_40", .pbeWithSHA1AndRC2With40Bits),
        ("PBEWithSHA1AndRC4_128", "1.2.840.113549.1.12.1.1"), ("PBEWithSHA1AndRC4_40", "1.2.840.113549.1.12.1.2"),
        ("PBKDF2WithHmacSHA1", .pbkdf2),
    ]

    /// Names that are written but not chosen when reading.
    private static let others: [String: OID] = ["RC4": "1.2.840.113549.3.4", "DES/CBC": "1.3.14.3.2.7"]

    private static let byOID = Dictionary(pairs.map { ($1, $0) }) { first, _ in first }
    private static let byName = Dictionary(pairs.map { ($0.uppercased(), $1) }) { first, _ in first }
}

extension SecretKey {
    /// Whether PKCS12 files can hold the key: they name its algorithm by an object identifier, which not every algorithm has.
    package var hasPKCS12Identifier: Bool { SecretKeyNames.oid(algorithm) != nil }
}
