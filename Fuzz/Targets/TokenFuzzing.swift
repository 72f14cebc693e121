@testable import ServalPKCS11

/// The two ways of naming a PKCS#11 token.
enum TokenFuzzing {
    /// A `pkcs11:` URI (RFC 7512).
    static func uri(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        _ = try? PKCS11Reference(uri: text)
    }

    /// The configuration of Java's SunPKCS11 provider; only the text, as a file name would open a file.
    static func configuration(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        _ = try? PKCS11Reference(sunPKCS11Text: text, place: "the fuzzer")
    }
}
