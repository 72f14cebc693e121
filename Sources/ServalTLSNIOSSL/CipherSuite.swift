#if NIOSSL
/// A cipher suite that BoringSSL speaks.
struct CipherSuite: Equatable {
    enum KeyExchange { case rsa, ecdhe }
    enum Authentication { case rsa, ecdsa }
    enum Encryption { case tripleDES, aes, aesGCM, chaCha20 }
    enum Digest { case sha1, sha256, aead }

    var number: UInt16
    /// The name in the RFCs.
    var name: String
    /// OpenSSL's name.
    var openSSLName: String
    var keyExchange: KeyExchange
    var authentication: Authentication
    var encryption: Encryption
    /// The effective length of the key.
    var bits: Int
    var digest: Digest

    private init(
        _ number: UInt16,
        _ name: String,
        _ openSSLName: String,
        _ keyExchange: KeyExchange,
        _ authentication: Authentication,
        _ encryption: Encryption,
        _ bits: Int,
        _ digest: Digest
    ) {
        self.number = number
        self.name = name
        self.openSSLName = openSSLName
        self.keyExchange = keyExchange
        self.authentication = authentication
        self.encryption = encryption
        self.bits = bits
        self.digest = digest
    }

    /// Whether it needs TLS 1.2.
    var isForTLS12Only: Bool { digest != .sha1 }

    /// Those for TLS 1.2 and older, the best first.
    static let forTLS12: [CipherSuite] = [
        .init(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384", .ecdhe, .ecdsa, .aesGCM, 256, .aead),
        .init(0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", .ecdhe, .rsa, .aesGCM, 256, .aead),
        .init(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", .ecdhe, .ecdsa, .chaCha20, 256, .aead),
        .init(0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", .ecdhe, .rsa, .chaCha20, 256, .aead),
        .init(0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", .ecdhe, .ecdsa, .aesGCM, 128, .aead),
        .init(0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256", .ecdhe, .rsa, .aesGCM, 128, .aead),
        .init(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256", .ecdhe, .ecdsa, .aes, 128, .sha256),
        .init(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256", .ecdhe, .rsa, .aes, 128, .sha256),
        .init(0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA", .ecdhe, .ecdsa, .aes, 256, .sha1),
        .init(0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA", .ecdhe, .rsa, .aes, 256, .sha1),
        .init(0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA", .ecdhe, .ecdsa, .aes, 128, .sha1),
        .init(0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", .ecdhe, .rsa, .aes, 128, .sha1),
        .init(0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384", .rsa, .rsa, .aesGCM, 256, .aead),
        .init(0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256", .rsa, .rsa, .aesGCM, 128, .aead),
        .init(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA", .rsa, .rsa, .aes, 256, .sha1),
        .init(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA", .rsa, .rsa, .aes, 128, .sha1),
        .init(0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA", .rsa, .rsa, .tripleDES, 112, .sha1),
    ]

    /// Those for TLS 1.3, which swift-nio-ssl offers always and in an order of its own.
    static let forTLS13: [String: (number: UInt16, bits: Int)] = [
        "TLS_AES_128_GCM_SHA256": (0x1301, 128), "TLS_AES_256_GCM_SHA384": (0x1302, 256), "TLS_CHACHA20_POLY1305_SHA256": (0x1303, 256),
    ]

    /// What is known of the suite with this number.
    static func facts(of number: UInt16) -> (name: String, bits: Int)? { byNumber[number] }

    /// The name in the RFCs; hexadecimal digits for a suite that BoringSSL does not have.
    static func name(of number: UInt16) -> String {
        if let known = byNumber[number] { return known.name }
        let digits = String(number, radix: 16)
        return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
    }

    private static let byNumber: [UInt16: (name: String, bits: Int)] = {
        var table: [UInt16: (name: String, bits: Int)] = [:]
        for suite in forTLS12 { table[suite.number] = (suite.name, suite.bits) }
        for (name, suite) in forTLS13 { table[suite.number] = (name, suite.bits) }
        return table
    }()
}
#endif
