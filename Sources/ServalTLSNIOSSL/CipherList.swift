#if NIOSSL
import ServalTLS

/// The ciphers that a value of `ciphers` leaves of what BoringSSL has, and what is to be said about it.
///
/// OpenSSL's language is worked out here and not left to BoringSSL: that ignores words it does not know, so that `!WORD` would exclude nothing, and its words
/// mean other things than OpenSSL's.
struct CipherList {
    private(set) var suites: [CipherSuite] = []
    private(set) var warnings: [String] = []
    private var banned: [CipherSuite] = []

    /// Reads names of OpenSSL or of the RFCs, and words, separated by colons, commas or spaces; `!`, `-` and `+` as in `openssl ciphers`.
    ///
    /// - Throws: `.invalidConfiguration` for what cannot be had and would be missed: finite-field Diffie-Hellman by name, and security levels above 2.
    init(_ text: String) throws(TLSError) {
        for element in text.split(whereSeparator: { $0 == ":" || $0 == "," || $0.isWhitespace }) { try apply(String(element)) }
    }

    private mutating func apply(_ element: String) throws(TLSError) {
        guard !element.hasPrefix("@") else { return try applyCommand(element) }
        let sign = element.first.flatMap { "!-+".contains($0) ? $0 : nil }
        let words = element.dropFirst(sign == nil ? 0 : 1).split(separator: "+").map(String.init)
        guard !words.isEmpty else { return }
        if sign == nil {
            for word in words where Self.isFiniteFieldDH(word) {
                throw TLSError(
                    .invalidConfiguration,
                    "ciphers [\(element)] asks for finite-field Diffie-Hellman (DHE), which this TLS implementation does not have; take it out, or use OpenSSL"
                )
            }
        }
        var matching = CipherSuite.forTLS12
        for word in words {
            guard let isMeant = Self.meaning(of: word) else {
                warnings.append("The cipher [\(word)] in ciphers is not known and is ignored")
                return
            }
            matching = matching.filter(isMeant)
        }
        switch sign {
        case "!":
            banned += matching
            suites.removeAll(where: matching.contains)
        case "-":
            suites.removeAll(where: matching.contains)
        case "+":
            let moved = suites.filter(matching.contains)
            suites = suites.filter { !moved.contains($0) } + moved
        default:
            suites += matching.filter { !suites.contains($0) && !banned.contains($0) }
        }
    }

    private mutating func applyCommand(_ element: String) throws(TLSError) {
        if element == "@STRENGTH" {
            suites = suites.enumerated().sorted { ($1.element.bits, $0.offset) < ($0.element.bits, $1.offset) }.map(\.element)
        } else if element.hasPrefix("@SECLEVEL="), let level = Int(element.dropFirst(10)), level <= 2 {
            warnings.append("[\(element)] in ciphers means nothing to this TLS implementation and is ignored")
        } else {
            throw TLSError(.invalidConfiguration, "ciphers contains [\(element)], which this TLS implementation cannot follow; use OpenSSL")
        }
    }

    private static func isFiniteFieldDH(_ word: String) -> Bool {
        ["DH", "DHE", "EDH", "kDHE", "kEDH"].contains(word)
            || ["DHE-", "EDH-", "TLS_DHE_", "SSL_DHE_"].contains { word.hasPrefix($0) }
    }

    private static func meaning(of word: String) -> (@Sendable (CipherSuite) -> Bool)? {
        if let meaning = words[word] { return meaning }
        if nothing.contains(word) || isFiniteFieldDH(word) { return { _ in false } }
        let name = word.hasPrefix("SSL_") ? "TLS_" + word.dropFirst(4) : word
        guard let suite = CipherSuite.forTLS12.first(where: { $0.openSSLName == word || $0.name == name }) else { return nil }
        return { $0 == suite }
    }

    private static let words: [String: @Sendable (CipherSuite) -> Bool] = [
        "ALL": { _ in true }, "DEFAULT": { _ in true }, "HIGH": { $0.bits >= 128 }, "MEDIUM": { $0.bits < 128 },
        "kRSA": { $0.keyExchange == .rsa }, "RSA": { $0.keyExchange == .rsa }, "aRSA": { $0.authentication == .rsa },
        "kECDHE": { $0.keyExchange == .ecdhe }, "kEECDH": { $0.keyExchange == .ecdhe }, "ECDHE": { $0.keyExchange == .ecdhe },
        "EECDH": { $0.keyExchange == .ecdhe }, "ECDH": { $0.keyExchange == .ecdhe },
        "aECDSA": { $0.authentication == .ecdsa }, "ECDSA": { $0.authentication == .ecdsa },
        "AES": { $0.encryption == .aes || $0.encryption == .aesGCM }, "AESGCM": { $0.encryption == .aesGCM },
        "AES128": { ($0.encryption == .aes || $0.encryption == .aesGCM) && $0.bits == 128 },
        "AES256": { ($0.encryption == .aes || $0.encryption == .aesGCM) && $0.bits == 256 },
        "CHACHA20": { $0.encryption == .chaCha20 }, "3DES": { $0.encryption == .tripleDES },
        "SHA": { $0.digest == .sha1 }, "SHA1": { $0.digest == .sha1 }, "SHA256": { $0.digest == .sha256 },
        "SSLv3": { !$0.isForTLS12Only }, "TLSv1": { !$0.isForTLS12Only }, "TLSv1.0": { !$0.isForTLS12Only }, "TLSv1.2": { $0.isForTLS12Only },
        "FIPS": { $0.encryption != .chaCha20 },
    ]

    /// OpenSSL's words for what BoringSSL does not have.
    private static let nothing: Set<String> = [
        "COMPLEMENTOFALL", "COMPLEMENTOFDEFAULT", "LOW", "EXP", "EXPORT", "eNULL", "NULL", "aNULL", "ADH", "AECDH", "aDSS", "DSS", "kPSK", "aPSK",
        "PSK",
        "kECDHEPSK", "kDHEPSK", "kRSAPSK", "kSRP", "aSRP", "SRP", "SHA384", "MD5", "DES", "RC2", "RC4", "IDEA", "SEED", "AESCCM", "AESCCM8",
        "CAMELLIA",
        "CAMELLIA128", "CAMELLIA256", "ARIA", "ARIAGCM", "ARIA128", "ARIA256", "GOST94", "GOST89", "GOST89MAC", "GOST12", "kGOST", "aGOST", "aGOST01",
    ]
}
#endif
