/// Looks into SubjectPublicKeyInfo values.
package enum PublicKeyInfo {
    static func rsa(algorithm: [UInt8], modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let key = DEREncoding.sequence(DEREncoding.value(ASN1Value.integer, modulus), DEREncoding.value(ASN1Value.integer, exponent))
        return DEREncoding.sequence(algorithm, DEREncoding.bitString(key))
    }

    /// Whether two values hold the same key, although one may be encoded otherwise (absent parameters for RSA, a compressed point).
    static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        if one == other { return true }
        guard let parts = try? parts(ASN1Value(one)), let others = try? PublicKeyInfo.parts(ASN1Value(other)), parts.algorithm == others.algorithm
        else { return false }
        if parts.curve == others.curve, parts.key == others.key { return true }
        if parts.algorithm == .rsaEncryption || parts.algorithm == .rsassaPSS {
            guard let numbers = rsaNumbers(parts.key) else { return false }
            return numbers == rsaNumbers(others.key)
        }
        // Of the others only a curve's key has several forms, which begin with the same number: that spares OpenSSL a look at most keys.
        let size = min(parts.key.count, others.key.count)
        guard parts.algorithm == .ecPublicKey, parts.curve == others.curve, size > 1,
            parts.key[1..<size].starts(with: others.key[1..<((size + 1) / 2)])
        else { return false }
        guard let key = try? OpenSSLKey(publicKeyInfo: one), let otherKey = try? OpenSSLKey(publicKeyInfo: other) else { return false }
        return key.hasSamePublicKey(as: otherKey)
    }

    /// Whether OpenSSL may be given the key.
    ///
    /// What it would take besides (Diffie-Hellman, curves whose numbers the file itself brings) signs nothing, or lets the file decide how much there
    /// is to compute.
    /// - Throws: `unsupportedAlgorithm` when not, `corrupt` when it cannot be read.
    static func checkIsComputable(_ publicKeyInfo: [UInt8]) throws(KeyStoreError) {
        guard publicKeyInfo.count <= 1 << 14 else { throw KeyStoreError(.unsupportedAlgorithm, "A public key of \(publicKeyInfo.count) bytes") }
        let parts = try parts(ASN1Value(publicKeyInfo))
        switch parts.algorithm {
        case .rsaEncryption, .rsassaPSS, .dsa, .ed25519, .ed448, .x25519, .x448: break
        case .ecPublicKey where parts.curve != nil: break
        default: throw KeyStoreError(.unsupportedAlgorithm, "Keys of algorithm \(parts.algorithm)")
        }
    }

    /// The algorithm of the key.
    static func algorithm(of publicKeyInfo: [UInt8]) throws(KeyStoreError) -> OID { try parts(ASN1Value(publicKeyInfo)).algorithm }

    /// The key inside, as its bytes are hashed for key identifiers.
    static func keyBytes(_ publicKeyInfo: [UInt8]) throws(KeyStoreError) -> [UInt8] { try parts(ASN1Value(publicKeyInfo)).key }

    /// As keytool prints it: `2048-bit RSA key`.
    package static func describe(_ value: ASN1Value) -> String {
        guard let parts = try? parts(value) else { return "unreadable key" }
        switch parts.algorithm {
        case .rsaEncryption: return (rsaBits(parts.key).map { "\($0)-bit" } ?? "unknown size") + " RSA key"
        case .ecPublicKey:
            let name = parts.curve.map { "EC (\(AlgorithmNames.curve($0)))" } ?? "EC"
            return (parts.curve.flatMap(AlgorithmNames.curveBits).map { "\($0)-bit " } ?? "") + name + " key"
        case .rsassaPSS: return (rsaBits(parts.key).map { "\($0)-bit" } ?? "unknown size") + " RSASSA-PSS key"
        case .dsa: return (dsaBits(value).map { "\($0)-bit" } ?? "unknown size") + " DSA key"
        case .ed25519: return "255-bit Ed25519 key"
        case .ed448: return "448-bit Ed448 key"
        case .x25519: return "255-bit XDH key"
        case .x448: return "448-bit XDH key"
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

    /// Modulus and exponent without leading zeros.
    private static func rsaNumbers(_ key: [UInt8]) -> [[UInt8]]? {
        try? ASN1Value(key).children().map { Array($0.content.drop { $0 == 0 }) }
    }

    private static func rsaBits(_ key: [UInt8]) -> Int? {
        (try? ASN1Value(key).children().first).map { bits($0.content) }
    }

    private static func dsaBits(_ value: ASN1Value) -> Int? {
        guard let algorithm = try? value.children().first?.children(), algorithm.count == 2 else { return nil }
        return (try? algorithm[1].children().first).map { bits($0.content) }
    }
}
