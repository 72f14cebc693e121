import COpenSSL
import ServalTLS

/// The ciphers for TLS 1.2 and older that the loaded OpenSSL has, and what the words of the cipher language mean among them.
///
/// Taken from OpenSSL itself, so that a distribution's build decides what there is.
struct CipherCatalog: Sendable {
    /// One cipher, described by the words that OpenSSL describes it with.
    struct Cipher: Sendable, Hashable {
        /// The number on the wire.
        var number: UInt16
        /// OpenSSL's name, `ECDHE-RSA-AES128-GCM-SHA256`.
        var name: String
        /// The RFC's name, which is JSSE's: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`.
        var standardName: String
        /// The oldest version that may use it: `TLSv1.2`, `TLSv1`, `SSLv3`.
        var version: String
        /// `ECDH`, `DH`, `RSA`, `PSK`, `ECDHEPSK`, `DHEPSK`, `RSAPSK`, `SRP`.
        var keyExchange: String
        /// `RSA`, `ECDSA`, `DSS`, `PSK`, `SRP`, `None`.
        var authentication: String
        /// `AES`, `AESGCM`, `AESCCM`, `AESCCM8`, `ARIAGCM`, `Camellia`, `CHACHA20/POLY1305`, `None`, and what weaker builds have.
        var encryption: String
        /// The key's length in bits.
        var bits: Int
        /// `AEAD`, `SHA1`, `SHA256`, `SHA384`, `MD5`.
        var mac: String
    }

    /// In OpenSSL's order, the strongest first.
    let ciphers: [Cipher]
    private let byName: [String: [Int]]
    private let names: [UInt16: String]

    /// What the loaded OpenSSL has; found out once.
    static let system: CipherCatalog = {
        let all = readCiphers()
        return CipherCatalog(all.filter { $0.version != "TLSv1.3" }, suites: all.filter { $0.version == "TLSv1.3" })
    }()

    /// - Parameter suites: those for TLS 1.3, which only have names here.
    init(_ ciphers: [Cipher], suites: [Cipher] = []) {
        self.ciphers = ciphers
        var byName: [String: [Int]] = [:]
        for (position, cipher) in ciphers.enumerated() {
            byName[cipher.name] = [position]
            if !cipher.standardName.isEmpty { byName[cipher.standardName] = [position] }
        }
        for (name, belongs) in CipherAliases.all { byName[name] = ciphers.indices.filter { belongs(ciphers[$0]) } }
        let standard = byName["DEFAULT"] ?? []
        byName["COMPLEMENTOFDEFAULT"] = (byName["ALL"] ?? []).filter { !standard.contains($0) }
        for name in CipherAliases.empty { byName[name] = [] }
        self.byName = byName
        names = Dictionary((ciphers + suites).map { ($0.number, $0.standardName.isEmpty ? $0.name : $0.standardName) }) { first, _ in first }
    }

    /// The positions of the ciphers that a name, an RFC's name or an alias stands for; empty for an alias of ciphers that OpenSSL no longer has, and `nil`
    /// for a word that nobody knows.
    func positions(of word: String) -> [Int]? {
        if let known = byName[word] { return known }
        // Names that the JDK spells as they were in SSL 3.0, and OpenSSL's older names of DHE.
        if word.hasPrefix("SSL_"), let known = byName["TLS_" + word.dropFirst(4)] { return known }
        if word.hasPrefix("EDH-"), let known = byName["DHE-" + word.dropFirst(4)] { return known }
        return nil
    }

    /// The RFC's name for a number; hexadecimal digits for one that OpenSSL does not know.
    func name(of number: UInt16) -> String { names[number] ?? hexadecimalNumber(number) }

    private static func readCiphers() -> [Cipher] {
        guard let context = SSL_CTX_new(TLS_server_method()) else { return [] }
        defer {
            SSL_CTX_free(context)
            ERR_clear_error()
        }
        SSL_CTX_set_security_level(context, 0)
        // The two with short tags are not among OpenSSL's defaults.
        _ = SSL_CTX_set_ciphersuites(context, CipherExpression.known13.sorted().joined(separator: ":"))
        guard SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL:@SECLEVEL=0") == 1 else { return [] }
        let list = SSL_CTX_get_ciphers(context)
        return (0..<serval_cipher_count(list)).compactMap { serval_cipher_at(list, $0).flatMap(Cipher.init) }
    }
}

extension CipherCatalog.Cipher {
    /// Reads the one line that `SSL_CIPHER_description` gives.
    init?(_ cipher: OpaquePointer) {
        let line = String(unsafeUninitializedCapacity: 256) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                SSL_CIPHER_description(cipher, characters.baseAddress, Int32(characters.count)) == nil
                    ? 0 : characters.firstIndex(of: 0) ?? characters.count
            }
        }
        let words = line.split(whereSeparator: \.isWhitespace)
        guard words.count >= 6 else { return nil }
        func value(_ key: String) -> Substring { words.first { $0.hasPrefix(key) }?.dropFirst(key.count) ?? "" }
        number = SSL_CIPHER_get_protocol_id(cipher)
        name = String(words[0])
        standardName = SSL_CIPHER_standard_name(cipher).map { String(cString: $0) } ?? ""
        version = String(words[1])
        keyExchange = String(value("Kx="))
        authentication = String(value("Au="))
        encryption = String(value("Enc=").prefix { $0 != "(" })
        bits = Int(SSL_CIPHER_get_bits(cipher, nil))
        mac = String(value("Mac="))
    }
}

/// The words of the cipher language that stand for several ciphers, with Tomcat's meanings.
private enum CipherAliases {
    typealias Cipher = CipherCatalog.Cipher

    static let all: [String: @Sendable (Cipher) -> Bool] = {
        var all: [String: @Sendable (Cipher) -> Bool] = [
            "ALL": { $0.encryption != "None" }, "COMPLEMENTOFALL": isPlain, "eNULL": isPlain, "NULL": isPlain, "DEFAULT": isDefault,
            "HIGH": { isModern($0) && $0.encryption != "AESCCM8" },
            "MEDIUM": { !isPlain($0) && $0.encryption != "DES" && !(isModern($0) && $0.encryption != "AESCCM8") },
            "LOW": { $0.encryption == "DES" }, "DES": { $0.encryption == "DES" },
            "aNULL": isAnonymous,
            "kRSA": { $0.keyExchange == "RSA" }, "RSA": { $0.keyExchange == "RSA" },
            "kEDH": { $0.keyExchange == "DH" }, "kDHE": { $0.keyExchange == "DH" }, "DH": { $0.keyExchange == "DH" },
            "EDH": { $0.keyExchange == "DH" && !isAnonymous($0) }, "DHE": { $0.keyExchange == "DH" && !isAnonymous($0) },
            "ADH": { $0.keyExchange == "DH" && isAnonymous($0) },
            "kEECDH": { $0.keyExchange == "ECDH" }, "kECDHE": { $0.keyExchange == "ECDH" }, "ECDH": { $0.keyExchange == "ECDH" },
            "EECDH": { $0.keyExchange == "ECDH" && !isAnonymous($0) }, "ECDHE": { $0.keyExchange == "ECDH" && !isAnonymous($0) },
            "AECDH": { $0.keyExchange == "ECDH" && isAnonymous($0) },
            "AESGCM": { $0.encryption == "AESGCM" }, "AESCCM": { $0.encryption.hasPrefix("AESCCM") }, "AESCCM8": { $0.encryption == "AESCCM8" },
            "CHACHA20": { $0.encryption.hasPrefix("CHACHA20") }, "ARIAGCM": { $0.encryption == "ARIAGCM" },
            "3DES": { $0.encryption == "3DES" }, "RC4": { $0.encryption == "RC4" }, "RC2": { $0.encryption == "RC2" },
            "IDEA": { $0.encryption == "IDEA" }, "SEED": { $0.encryption == "SEED" },
            "CBC": { ["AES", "Camellia", "3DES", "DES", "SEED", "IDEA", "RC2"].contains($0.encryption) },
            "SHA": { $0.mac == "SHA1" }, "kSRP": { $0.keyExchange == "SRP" }, "SRP": { $0.keyExchange == "SRP" },
            "kPSK": { $0.keyExchange == "PSK" }, "PSK": { $0.keyExchange.hasSuffix("PSK") }, "kRSAPSK": { $0.keyExchange == "RSAPSK" },
            "kECDHEPSK": { $0.keyExchange == "ECDHEPSK" }, "kDHEPSK": { $0.keyExchange == "DHEPSK" },
            "TLSv1.0": { $0.version == "TLSv1" || $0.version == "TLSv1.0" }, "TLSv1": { $0.version == "TLSv1" || $0.version == "TLSv1.0" },
            "TLSv1.2": { $0.version == "TLSv1.2" },
        ]
        for (name, word) in ["aRSA": "RSA", "aDSS": "DSS", "DSS": "DSS", "aECDSA": "ECDSA", "ECDSA": "ECDSA", "aPSK": "PSK", "aSRP": "SRP"] {
            all[name] = { $0.authentication == word }
        }
        for mac in ["MD5", "SHA1", "SHA256", "SHA384"] { all[mac] = { $0.mac == mac } }
        for (name, family) in ["AES": "AES", "ARIA": "ARIA", "CAMELLIA": "Camellia"] {
            all[name] = { $0.encryption.hasPrefix(family) }
            for bits in [128, 256] { all["\(name)\(bits)"] = { $0.encryption.hasPrefix(family) && $0.bits == bits } }
        }
        return all
    }()

    /// Words of ciphers that no OpenSSL since 1.1 has; they stand for nothing and need no warning.
    static let empty: Set<String> = [
        "kECDHr", "kECDHe", "kECDH", "aECDH", "kDHr", "kDHd", "kDH", "aDH", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "SSLv2", "KRB5", "kKRB5",
        "aKRB5",
        "FZA", "kFZA", "aFZA", "eFZA", "aGOST", "aGOST01", "aGOST94", "aGOST12", "kGOST", "GOST94", "GOST89MAC",
        // What the JDK puts into such lists to signal something else.
        "TLS_EMPTY_RENEGOTIATION_INFO_SCSV", "TLS_FALLBACK_SCSV",
    ]

    @Sendable private static func isPlain(_ cipher: Cipher) -> Bool { cipher.encryption == "None" }

    @Sendable private static func isAnonymous(_ cipher: Cipher) -> Bool { cipher.authentication == "None" }

    private static func isModern(_ cipher: Cipher) -> Bool {
        ["AES", "ARIA", "Camellia", "CHACHA20"].contains { cipher.encryption.hasPrefix($0) }
    }

    @Sendable private static func isDefault(_ cipher: Cipher) -> Bool {
        !isPlain(cipher) && !isAnonymous(cipher) && cipher.authentication != "DSS"
            && ["AES", "AESGCM", "CHACHA20/POLY1305"].contains(cipher.encryption)
    }
}
