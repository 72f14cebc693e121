/// The parts of a PrivateKeyInfo, and the public key that follows from them.
struct PrivateKeyParts {
    let algorithm: PrivateKey.Algorithm
    let publicKeyInfo: [UInt8]
    /// What the algorithm calls the key: an RSAPrivateKey, an ECPrivateKey, a number, or the raw bytes of Ed25519 and its like.
    let key: [UInt8]
    /// The key in the form that OpenSSL reads: without attributes, without a public key that might be another's, numbers at their full length.
    let computable: [UInt8]
    /// The signatures that an RSASSA-PSS key is restricted to; `nil` for no restriction.
    let pss: PSSParameters?
    /// The length of a DSA group's second prime in bits.
    let subprimeBits: Int?

    init(pkcs8: [UInt8]) throws(KeyStoreError) {
        do throws(KeyStoreError) {
            var reader = try ASN1Value(pkcs8).reader()
            // 1 is the version of RFC 5958, which lets the public key stand behind the private one.
            guard try reader.next().integer() <= 1 else { throw KeyStoreError(.corrupt, "The version is neither 0 nor 1") }
            let identifier = try reader.next()
            let octets = try reader.next().octets()
            // [0] attributes, [1] public key, which is derived anew from the private one.
            while let tag = reader.nextTag {
                guard tag == 0xA0 || tag == 0x81 || tag == 0xA1 else { throw KeyStoreError(.corrupt, "Unexpected data behind the key") }
                _ = try reader.next()
            }
            try self.init(identifier: identifier, octets: octets)
        } catch {
            throw error.about("Not a PKCS#8 private key")
        }
    }

    private init(identifier: ASN1Value, octets: [UInt8]) throws(KeyStoreError) {
        var reader = try identifier.reader()
        let oid = try reader.next().objectIdentifier()
        let parameters = reader.isAtEnd ? nil : try reader.next()
        var pss: PSSParameters?
        var subprimeBits: Int?
        switch oid {
        case .rsaEncryption, .rsassaPSS:
            let numbers = try RSANumbers(octets)
            let isPSS = oid == .rsassaPSS
            if isPSS, let parameters, parameters.tag != ASN1Value.null { pss = try PSSParameters(parameters) }
            key = octets
            algorithm = isPSS ? .rsaPSS(bits: numbers.bits) : .rsa(bits: numbers.bits)
            let algorithmDER = isPSS ? DEREncoding.sequence(DEREncoding.oid(oid), pss?.encoded ?? []) : DEREncoding.algorithm(oid)
            publicKeyInfo = PublicKeyInfo.rsa(algorithm: algorithmDER, modulus: numbers.modulus, exponent: numbers.exponent)
            computable = PrivateKeyParts.pkcs8(algorithmDER, octets)
        case .ecPublicKey:
            guard let name = try? parameters?.objectIdentifier(), let curve = PrivateKey.Curve(oid: name) else {
                self = PrivateKeyParts(unknown: (try? parameters?.objectIdentifier()) ?? oid, octets: octets)
                return
            }
            key = octets
            algorithm = .ec(curve: curve)
            let scalar = try PrivateKeyParts.scalar(sec1: octets, size: curve.size)
            computable = PrivateKeyParts.pkcs8(
                DEREncoding.sequence(DEREncoding.oid(oid), DEREncoding.oid(name)),
                DEREncoding.sequence(DEREncoding.integer(1), DEREncoding.octetString(scalar))
            )
            publicKeyInfo = try PrivateKeyParts.publicKeyInfo(of: computable, "The number is not a key of \(curve.rawValue)")
        case .ed25519, .ed448, .x25519, .x448:
            let (kind, length) = PrivateKeyParts.edwards(oid)
            key = try ASN1Value(octets).octets()
            guard key.count == length else { throw KeyStoreError(.corrupt, "An \(PrivateKey.name(of: kind)) key has \(length) bytes") }
            algorithm = kind
            computable = PrivateKeyParts.pkcs8(DEREncoding.sequence(DEREncoding.oid(oid)), DEREncoding.octetString(key))
            publicKeyInfo = try OpenSSLKey(pkcs8: computable).publicKeyInfo()
        case .dsa:
            guard let parameters else { throw KeyStoreError(.corrupt, "The DSA key has no parameters") }
            let group = try DSAGroup(parameters)
            subprimeBits = group.subprimeBits
            let number = try ASN1Value(octets)
            guard number.tag == ASN1Value.integer, PublicKeyInfo.bits(number.content) <= group.subprimeBits else {
                throw KeyStoreError(.corrupt, "The DSA key is longer than its group allows")
            }
            key = octets
            algorithm = .dsa(bits: group.bits)
            computable = PrivateKeyParts.pkcs8(DEREncoding.sequence(DEREncoding.oid(oid), group.encoded), octets)
            publicKeyInfo = try PrivateKeyParts.publicKeyInfo(of: computable, "The number is not a key of its DSA group")
        default:
            self = PrivateKeyParts(unknown: oid, octets: octets)
            return
        }
        self.pss = pss
        self.subprimeBits = subprimeBits
    }

    /// A key that is kept and not computed with.
    private init(unknown oid: OID, octets: [UInt8]) {
        algorithm = .other(oid.description)
        publicKeyInfo = []
        key = octets
        computable = []
        pss = nil
        subprimeBits = nil
    }

    /// The secret number of an ECPrivateKey (RFC 5915), in `size` bytes.
    static func scalar(sec1: [UInt8], size: Int) throws(KeyStoreError) -> [UInt8] {
        var reader = try ASN1Value(sec1).reader()
        _ = try reader.next().integer()
        let digits = try reader.next().octets().drop { $0 == 0 }
        guard digits.count <= size else { throw KeyStoreError(.corrupt, "An elliptic-curve key is longer than its curve allows") }
        return [UInt8](repeating: 0, count: size - digits.count) + digits
    }

    /// A PrivateKeyInfo of the first version.
    static func pkcs8(_ algorithm: [UInt8], _ key: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.integer(0), algorithm, DEREncoding.octetString(key))
    }

    private static func publicKeyInfo(of computable: [UInt8], _ complaint: String) throws(KeyStoreError) -> [UInt8] {
        do throws(KeyStoreError) {
            let key = try OpenSSLKey(pkcs8: computable)
            guard key.hasPrivateNumberInRange else { throw KeyStoreError(.corrupt, "out of range") }
            return try key.publicKeyInfo()
        } catch {
            throw KeyStoreError(.corrupt, complaint)
        }
    }

    private static func edwards(_ oid: OID) -> (algorithm: PrivateKey.Algorithm, length: Int) {
        switch oid {
        case .ed25519: (.ed25519, 32)
        case .ed448: (.ed448, 57)
        case .x25519: (.x25519, 32)
        default: (.x448, 56)
        }
    }
}

/// The numbers of an RSAPrivateKey (RFC 8017 appendix A.1.2), their sizes checked.
private struct RSANumbers {
    let modulus: [UInt8]
    let exponent: [UInt8]
    let bits: Int

    init(_ key: [UInt8]) throws(KeyStoreError) {
        let numbers = try ASN1Value(key).children()
        if numbers.count == 10 { throw KeyStoreError(.unsupportedAlgorithm, "An RSA key with more than two primes") }
        guard numbers.count == 9, numbers.allSatisfy({ $0.tag == ASN1Value.integer }) else {
            throw KeyStoreError(.corrupt, "An RSA key has nine numbers")
        }
        modulus = Array(numbers[1].content)
        exponent = Array(numbers[2].content)
        bits = PublicKeyInfo.bits(modulus)
        guard (512...16384).contains(bits) else { throw KeyStoreError(.unsupportedAlgorithm, "An RSA key of \(bits) bits") }
        // Longer numbers would not be right, and computing with them could take for ever.
        for number in numbers.dropFirst() {
            guard let first = number.content.first, first < 0x80, (1...bits).contains(PublicKeyInfo.bits(number.content)) else {
                throw KeyStoreError(.corrupt, "A number of the RSA key is negative, zero or longer than the modulus")
            }
        }
        guard modulus.last.map({ $0 & 1 == 1 }) == true, exponent.last.map({ $0 & 1 == 1 }) == true else {
            throw KeyStoreError(.corrupt, "The modulus or the exponent of the RSA key is even")
        }
        guard numbers[4...5].allSatisfy({ PublicKeyInfo.bits($0.content) > 1 }),
            OpenSSLNumber.isProduct(numbers[1].content, of: numbers[4].content, and: numbers[5].content)
        else {
            throw KeyStoreError(.corrupt, "The modulus of the RSA key is not the product of its primes")
        }
    }
}

/// The numbers that users of a DSA group share, their sizes checked.
private struct DSAGroup {
    let encoded: [UInt8]
    let bits: Int
    let subprimeBits: Int

    init(_ parameters: ASN1Value) throws(KeyStoreError) {
        let numbers = try parameters.children()
        guard numbers.count == 3, numbers.allSatisfy({ $0.tag == ASN1Value.integer && $0.content.first.map { $0 < 0x80 } == true }) else {
            throw KeyStoreError(.corrupt, "A DSA group has three numbers")
        }
        encoded = Array(parameters.encoded)
        bits = PublicKeyInfo.bits(numbers[0].content)
        subprimeBits = PublicKeyInfo.bits(numbers[1].content)
        guard (512...8192).contains(bits), [160, 224, 256].contains(subprimeBits) else {
            throw KeyStoreError(.unsupportedAlgorithm, "A DSA key of \(bits) bits with a group of \(subprimeBits) bits")
        }
        guard (2...bits).contains(PublicKeyInfo.bits(numbers[2].content)), numbers[0].content.last.map({ $0 & 1 == 1 }) == true else {
            throw KeyStoreError(.corrupt, "The numbers of the DSA group contradict each other")
        }
    }
}

extension PrivateKey.Curve {
    init?(oid: OID) {
        guard let known = Self.allCases.first(where: { $0.oid == oid }) else { return nil }
        self = known
    }

    var oid: OID {
        switch self {
        case .p256: .p256
        case .p384: .p384
        case .p521: .p521
        case .secp256k1: .secp256k1
        }
    }

    /// The length of the curve's numbers in bytes.
    var size: Int {
        switch self {
        case .p256, .secp256k1: 32
        case .p384: 48
        case .p521: 66
        }
    }
}

extension PrivateKey {
    /// From an RSAPrivateKey (PKCS#1).
    init(pkcs1: [UInt8]) throws(KeyStoreError) {
        try self.init(pkcs8: PrivateKeyParts.pkcs8(DEREncoding.algorithm(.rsaEncryption), pkcs1))
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
        try self.init(pkcs8: PrivateKeyParts.pkcs8(DEREncoding.sequence(DEREncoding.oid(.ecPublicKey), curve), sec1))
    }

    /// From a DSA key in OpenSSL's old form: version, p, q, g, the public and the private number.
    init(legacyDSA: [UInt8]) throws(KeyStoreError) {
        let numbers = try ASN1Value(legacyDSA).children()
        guard numbers.count == 6, numbers.allSatisfy({ $0.tag == ASN1Value.integer }) else {
            throw KeyStoreError(.corrupt, "A DSA key has six numbers")
        }
        let group = DEREncoding.sequence(of: numbers[1...3].map { Array($0.encoded) })
        try self.init(pkcs8: PrivateKeyParts.pkcs8(DEREncoding.sequence(DEREncoding.oid(.dsa), group), Array(numbers[5].encoded)))
    }
}
