/// A password in the encodings that key files use, for each the likeliest first.
///
/// No file says how its password was encoded. The standards say UTF-8 for PBKDF2 and big-endian UTF-16 with a terminating zero for PKCS12's own
/// derivation (RFC 7292 appendix B.1); what else is here was written by programs in wide use.
struct PasswordBytes: Sendable {
    /// For PBKDF2, scrypt, PBKDF1 and legacy PEM encryption.
    ///
    /// Second the single bytes of a Latin-1 terminal, which OpenSSL takes as they come, last the UTF-16 that NSS used before 2017.
    let plain: [[UInt8]]

    /// For PKCS12's own derivation: of the empty password some programs use the terminator and others nothing at all.
    ///
    /// Second the UTF-8 bytes taken for characters, as OpenSSL did before 1.1.0.
    let terminatedUTF16: [[UInt8]]

    init(_ password: String) {
        let utf8 = Array(password.utf8)
        let utf16 = JavaText.utf16(password) + [0, 0]
        let isASCII = utf8.allSatisfy { $0 < 0x80 }
        let latin1 = password.unicodeScalars.map { UInt8(exactly: $0.value) }
        plain = [utf8] + (isASCII || latin1.contains(nil) ? [] : [latin1.compactMap(\.self)]) + [utf16]
        if password.isEmpty {
            terminatedUTF16 = [[0, 0], []]
        } else {
            terminatedUTF16 = [utf16] + (isASCII ? [] : [utf8.flatMap { [0, $0] } + [0, 0]])
        }
    }

    /// The UTF-8 bytes: what is written.
    var utf8: [UInt8] { plain.first ?? [] }
}
