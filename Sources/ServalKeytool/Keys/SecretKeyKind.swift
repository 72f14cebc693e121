import ServalKeyStore

/// The kind of secret key that `-keyalg` and `-keysize` ask for.
struct SecretKeyKind {
    private enum Family {
        case aes, des, tripleDES, hmac(least: Int), blowfish, ranged, chaCha20
    }

    /// The algorithm's name in the JDK's spelling.
    let name: String
    let bits: Int
    private let family: Family

    /// Far more than any algorithm uses; the JDK tries until its memory is full.
    private static let longestHMACKey = 1 << 20

    private static let all: [(name: String, otherName: String?, family: Family)] =
        [
            ("AES", nil, .aes), ("DES", nil, .des), ("DESede", "TripleDES", .tripleDES), ("Blowfish", nil, .blowfish), ("RC2", nil, .ranged),
            ("ARCFOUR", "RC4", .ranged), ("ChaCha20", nil, .chaCha20), ("HmacMD5", nil, .hmac(least: 1)), ("HmacSHA1", nil, .hmac(least: 1)),
        ]
        + [
            "HmacSHA224", "HmacSHA256", "HmacSHA384", "HmacSHA512", "HmacSHA512/224", "HmacSHA512/256", "HmacSHA3-224", "HmacSHA3-256",
            "HmacSHA3-384", "HmacSHA3-512",
        ].map { ($0, nil, .hmac(least: 40)) }

    /// Checks the options.
    init(algorithm: String, size: Int?) throws {
        let wanted = algorithm.uppercased()
        guard let kind = Self.all.first(where: { $0.name.uppercased() == wanted || $0.otherName?.uppercased() == wanted }) else {
            throw Failure.noSuchAlgorithm("\(algorithm) KeyGenerator not available")
        }
        name = kind.name
        family = kind.family
        // The JDK takes -1 for "not given".
        guard let bits = size.flatMap({ $0 == -1 ? nil : $0 }) ?? Self.usualSizes[wanted] else {
            throw Failure.error("Please provide -keysize for secret key generation")
        }
        self.bits = bits
        try checkSize()
    }

    /// Makes a key from the system's random numbers.
    func generate() -> SecretKey {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<(bits + 7) / 8).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        switch family {
        case .des: bytes = Self.withOddParity((0..<8).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        case .tripleDES:
            bytes = Self.withOddParity((0..<(bits == 112 ? 16 : 24)).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
            if bits == 112 { bytes += bytes[..<8] }
        default: break
        }
        return SecretKey(algorithm: name, bytes: bytes)
    }

    private static let usualSizes = ["DES": 56, "DESEDE": 168]

    private func checkSize() throws {
        let complaint: String? =
            switch family {
            case .aes: [128, 192, 256].contains(bits) ? nil : "Wrong keysize: must be equal to 128, 192 or 256"
            case .des: bits == 56 ? nil : "Wrong keysize: must be equal to 56"
            case .tripleDES: [112, 168].contains(bits) ? nil : "Wrong keysize: must be equal to 112 or 168"
            case .blowfish:
                (32...448).contains(bits) && bits.isMultiple(of: 8)
                    ? nil : "Keysize must be multiple of 8, and can only range from 32 to 448 (inclusive)"
            case .ranged: (40...1024).contains(bits) ? nil : "Key length for \(name) must be between 40 and 1024 bits"
            case .chaCha20: bits == 256 ? nil : "Key length for ChaCha20 must be 256 bits"
            case .hmac(let least):
                bits < least
                    ? "Key length must be at least \(least) bits"
                    : bits > Self.longestHMACKey ? "Key length must be at most \(Self.longestHMACKey) bits" : nil
            }
        if bits == 0, case .hmac(least: 1) = family { throw Failure.illegalArgument("Empty key") }
        guard let complaint else { return }
        throw Failure.exception(javaClass: "java.security.InvalidParameterException", message: complaint)
    }

    /// The lowest bit of each byte of a DES key makes the number of ones odd.
    private static func withOddParity(_ bytes: [UInt8]) -> [UInt8] {
        bytes.map { $0 & 0xFE | (($0 & 0xFE).nonzeroBitCount.isMultiple(of: 2) ? 1 : 0) }
    }
}
