/// Looks into SubjectPublicKeyInfo values.
package enum PublicKeyInfo {
    static func rsa(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let key = DEREncoding.sequence(DEREncoding.value(ASN1Value.integer, modulus), DEREncoding.value(ASN1Value.integer, exponent))
        return DEREncoding.sequence(DEREncoding.algorithm(.rsaEncryption), DEREncoding.bitString(key))
    }

    static func ec(curve: OID, point: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.sequence(DEREncoding.oid(.ecPublicKey), DEREncoding.oid(curve)), DEREncoding.bitString(point))
    }

    static func ed25519(_ key: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.sequence(DEREncoding.oid(.ed25519)), DEREncoding.bitString(key))
    }

    /// Whether two values hold the same key, although one may be encoded loosely (absent parameters for RSA).
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard let one = try? parts(ASN1Value(one)), let other = try? parts(ASN1Value(other)) else { return false }
        return one.algorithm == other.algorithm && one.curve == other.curve && one.key == other.key
    }

    /// As keytool prints it: `2048-bit RSA key`.
    package static func describe(_ value: ASN1Value) -> String {
        guard let parts = try? parts(value) else { return "unreadable key" }
        switch parts.algorithm {
        case .rsaEncryption: return (rsaBits(parts.key).map { "\($0)-bit" } ?? "unknown size") + " RSA key"
        case .ecPublicKey:
            let name = parts.curve.map { "EC (\(AlgorithmNames.curve($0)))" } ?? "EC"
            return (parts.curve.flatMap(AlgorithmNames.curveBits).map { "\($0)-bit " } ?? "") + name + " key"
        case "1.2.840.10040.4.1": return (dsaBits(value).map { "\($0)-bit" } ?? "unknown size") + " DSA key"
        case .ed25519: return "255-bit Ed25519 key"
        case "1.3.101.113": return "448-bit Ed448 key"
        default: return AlgorithmNames.signature(parts.algorithm) + " key"
        }
    }

    /// The length of a number without its leading zero bits.
    static func bits(_ number: some Collection<UInt8>) -> Int {
        let digits = number.drop { $0 == 0 }
        return digits.first.map { digits.count * 8 - $0.leadingZeroBitCount } ?? 0
    }

    /// The content of a BIT STRING of whole octets.
    static func octets(ofBitString value: ASN1Value) throws(KeyStoreError) -> [UInt8] {
        guard value.tag == ASN1Value.bitString, value.content.first == 0 else { throw KeyStoreError(.corrupt, "A bit string does not hold octets") }
        return Array(value.content.dropFirst())
    }

    private static func parts(_ value: ASN1Value) throws(KeyStoreError) -> (algorithm: OID, curve: OID?, key: [UInt8]) {
        var reader = try value.reader()
        var algorithm = try reader.next().reader()
        let oid = try algorithm.next().objectIdentifier()
        let curve = try algorithm.next(ifTag: ASN1Value.objectIdentifier)?.objectIdentifier()
        return (oid, curve, try octets(ofBitString: reader.next()))
    }

    private static func rsaBits(_ key: [UInt8]) -> Int? {
        (try? ASN1Value(key).children().first).map { bits($0.content) }
    }

    private static func dsaBits(_ value: ASN1Value) -> Int? {
        guard let algorithm = try? value.children().first?.children(), algorithm.count == 2 else { return nil }
        return (try? algorithm[1].children().first).map { bits($0.content) }
    }
}
