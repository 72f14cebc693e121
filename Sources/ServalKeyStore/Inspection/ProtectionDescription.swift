/// How something is protected by a password, in words: key derivation, rounds, cipher.
struct ProtectionDescription {
    struct Weakness {
        let severity: KeyStoreFinding.Severity
        let reason: String
    }

    /// What JDK 17 and later take.
    static let usualIterations = 10_000
    /// Less than OpenSSL's default of 2,048 is a leftover of the last century.
    static let leastIterations = 2_000

    let text: String
    /// The rounds of key derivation; `nil` where there are none or they count otherwise (scrypt).
    var iterations: Int?
    var weakness: Weakness?

    init(_ text: String, iterations: Int? = nil, weakness: Weakness? = nil) {
        self.text = text
        self.iterations = iterations
        self.weakness = weakness
    }

    /// Reads an AlgorithmIdentifier.
    init(_ identifier: ASN1Value) {
        guard let parts = try? identifier.children(), let oid = try? parts.first?.objectIdentifier() else {
            self.init("an unreadable algorithm")
            return
        }
        let parameters = parts.count > 1 ? (try? parts[1].children()) ?? [] : []
        if oid == .pbes2 {
            self = Self.pbes2(parameters)
        } else if oid == .javaKeyProtector {
            self.init("Java's own key protector (SHA-1)", weakness: Weakness(severity: .warning, reason: "one round of SHA-1 per password guessed"))
        } else if let (name, weakness) = Self.simple[oid] {
            let iterations = parameters.count == 2 ? try? parameters[1].integer() : nil
            self.init(name + (iterations.map { ", \(Self.rounds($0))" } ?? ""), iterations: iterations, weakness: weakness)
        } else {
            self.init("algorithm \(oid)")
        }
    }

    private static func pbes2(_ parameters: [ASN1Value]) -> ProtectionDescription {
        guard parameters.count == 2, let function = try? parameters[0].children(), let scheme = try? parameters[1].children() else {
            return ProtectionDescription("PBES2 with unreadable parameters")
        }
        let cipher = (try? scheme.first?.objectIdentifier()).map { ciphers[$0] ?? "cipher \($0)" } ?? "an unreadable cipher"
        let derivation = derivation(function)
        let isWeak = cipher.hasPrefix("RC2") || cipher == "DES-CBC"
        return ProtectionDescription(
            "PBES2: \(derivation.text), \(cipher)",
            iterations: derivation.iterations,
            weakness: isWeak ? Weakness(severity: .warning, reason: "the cipher is broken") : cipher == "3DES-CBC" ? tripleDES : nil
        )
    }

    /// PBKDF2 or scrypt.
    static func derivation(_ function: [ASN1Value]) -> ProtectionDescription {
        guard function.count == 2, let oid = try? function[0].objectIdentifier(), let parameters = try? function[1].children(), parameters.count >= 2
        else { return ProtectionDescription("an unreadable key derivation") }
        switch oid {
        case .pbkdf2:
            let prf = parameters.dropFirst(2).first { $0.tag == ASN1Value.sequence }.flatMap { try? $0.children().first?.objectIdentifier() }
            let name = prf.map { digests[$0] ?? "function \($0)" } ?? "HMAC-SHA1"
            guard let iterations = try? parameters[1].integer() else { return ProtectionDescription("PBKDF2 with an unreadable number of rounds") }
            return ProtectionDescription(
                "PBKDF2 with \(name), \(rounds(iterations)), \(parameters[0].content.count) bytes of salt",
                iterations: iterations
            )
        case "1.3.6.1.4.1.11591.4.11":
            let numbers = parameters.dropFirst().prefix(3).map { (try? $0.integer()).map(String.init) ?? "?" }
            return ProtectionDescription("scrypt (N, r, p = \(numbers.joined(separator: ", ")))")
        default: return ProtectionDescription("key derivation \(oid)")
        }
    }

    static func rounds(_ count: Int) -> String { "\(count) round\(count == 1 ? "" : "s")" }

    private static let tripleDES = Weakness(severity: .info, reason: "an old cipher, which newer libraries no longer read by default")
    private static let broken = Weakness(severity: .warning, reason: "the cipher is broken")
    private static let short = Weakness(severity: .warning, reason: "40 bits can be tried out in a day")

    private static let simple: [OID: (name: String, weakness: Weakness?)] = [
        "1.2.840.113549.1.12.1.1": ("RC4 with 128 bits (SHA-1)", broken), "1.2.840.113549.1.12.1.2": ("RC4 with 40 bits (SHA-1)", short),
        "1.2.840.113549.1.12.1.3": ("3DES (SHA-1)", tripleDES), "1.2.840.113549.1.12.1.4": ("3DES with two keys (SHA-1)", tripleDES),
        "1.2.840.113549.1.12.1.5": ("RC2 with 128 bits (SHA-1)", broken), "1.2.840.113549.1.12.1.6": ("RC2 with 40 bits (SHA-1)", short),
        "1.2.840.113549.1.5.1": ("DES (MD2)", broken), "1.2.840.113549.1.5.3": ("DES (MD5)", broken),
        "1.2.840.113549.1.5.4": ("RC2 (MD2)", broken), "1.2.840.113549.1.5.6": ("RC2 (MD5)", broken),
        "1.2.840.113549.1.5.10": ("DES (SHA-1)", broken), "1.2.840.113549.1.5.11": ("RC2 (SHA-1)", broken),
        "1.3.6.1.4.1.42.2.19.1": ("JCEKS's key protector (3DES, MD5)", tripleDES),
    ]

    private static let ciphers: [OID: String] = [
        "2.16.840.1.101.3.4.1.2": "AES-128-CBC", "2.16.840.1.101.3.4.1.22": "AES-192-CBC", .aes256CBC: "AES-256-CBC",
        "2.16.840.1.101.3.4.1.6": "AES-128-GCM", "2.16.840.1.101.3.4.1.26": "AES-192-GCM", "2.16.840.1.101.3.4.1.46": "AES-256-GCM",
        "1.2.840.113549.3.7": "3DES-CBC", "1.2.840.113549.3.2": "RC2-CBC", "1.3.14.3.2.7": "DES-CBC", "1.2.392.200011.61.1.1.1.2": "Camellia-128-CBC",
        "1.2.392.200011.61.1.1.1.4": "Camellia-256-CBC", "1.2.410.200004.1.4": "SEED-CBC", "1.2.410.200046.1.1.2": "ARIA-128-CBC",
        "1.2.410.200046.1.1.12": "ARIA-256-CBC",
    ]

    private static let digests: [OID: String] = [
        .hmacSHA1: "HMAC-SHA1", "1.2.840.113549.2.8": "HMAC-SHA224", .hmacSHA256: "HMAC-SHA256", "1.2.840.113549.2.10": "HMAC-SHA384",
        "1.2.840.113549.2.11": "HMAC-SHA512", "1.2.840.113549.2.12": "HMAC-SHA512/224", "1.2.840.113549.2.13": "HMAC-SHA512/256",
        "1.2.840.113549.2.6": "HMAC-MD5", "2.16.840.1.101.3.4.2.13": "HMAC-SHA3-224", "2.16.840.1.101.3.4.2.14": "HMAC-SHA3-256",
        "2.16.840.1.101.3.4.2.15": "HMAC-SHA3-384", "2.16.840.1.101.3.4.2.16": "HMAC-SHA3-512",
    ]
}
