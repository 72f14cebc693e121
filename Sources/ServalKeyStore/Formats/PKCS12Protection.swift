/// How a PKCS12 file is protected when it is written.
public struct PKCS12Protection: Hashable, Sendable {
    private enum Kind { case modern, legacy, pbmac1, keysOnly }

    private let kind: Kind

    /// As JDK 17 and OpenSSL 3 write by default: AES-256 under PBKDF2 with HMAC-SHA256, MAC with SHA-256; 10,000 iterations each.
    public static let modern = PKCS12Protection(kind: .modern)

    /// For programs that read nothing newer (Java before 8u301, Windows before 10, OpenSSL 1.0): triple DES for keys, 40-bit RC2 for certificates,
    /// MAC with SHA-1.
    ///
    /// Triple DES under a strong password still holds; RC2 with 40 bits hides nothing, but certificates are no secret.
    public static let legacy = PKCS12Protection(kind: .legacy)

    /// As ``modern``, with a PBMAC1 (RFC 9579) as FIPS 140-3 wants it.
    ///
    /// OpenSSL 3.4 and newer read it; JDK 17 and OpenSSL 3.0 do not.
    public static let pbmac1 = PKCS12Protection(kind: .pbmac1)

    /// Keys as in ``modern``, certificates in the clear and no MAC, so that a trust store opens without a password, as the JDK's `cacerts`.
    ///
    /// Nothing tells whether somebody has changed such a file.
    public static let keysOnly = PKCS12Protection(kind: .keysOnly)

    var isLegacy: Bool { kind == .legacy }
    var usesPBMAC1: Bool { kind == .pbmac1 }
    /// Whether certificates are encrypted and there is a MAC.
    var coversAll: Bool { kind != .keysOnly }

    /// Whether a key that was found encrypted in this way may stay so.
    func keeps(_ algorithm: OID) -> Bool {
        isLegacy ? algorithm != .pbes2 && PasswordAlgorithms.pbes1[algorithm] != nil && algorithm != .jceKeyProtector : algorithm == .pbes2
    }
}
