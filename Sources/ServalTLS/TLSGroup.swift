/// A group for key exchange by its number (IANA's registry of TLS supported groups), with all the names that people write.
package struct TLSGroup: Sendable, Hashable {
    package let number: UInt16
    /// IANA's name first, which is the JDK's, then OpenSSL's and NIST's.
    package let names: [String]

    package var name: String { names[0] }

    private init(_ number: UInt16, _ names: String...) {
        self.number = number
        self.names = names
    }

    /// The group with this name, else the one whose name differs only in case; nil for a name that nobody knows.
    package static func named(_ name: String) -> TLSGroup? {
        if let exact = byName[name] { return exact }
        let lowercased = name.lowercased()
        return all.first { $0.names.contains { $0.lowercased() == lowercased } }
    }

    /// The name for a number; hexadecimal digits for one that nobody knows.
    package static func name(of number: UInt16) -> String { byNumber[number]?.name ?? hexadecimalNumber(number) }

    /// Whether a group has less than 112 bits of security (NIST SP 800-57), which is as much as OpenSSL asks for unless its security level is lowered.
    package static func isWeak(_ number: UInt16) -> Bool { (1...5).contains(number) || (15...19).contains(number) }

    private static let byName = Dictionary(all.flatMap { group in group.names.map { ($0, group) } }) { first, _ in first }
    private static let byNumber = Dictionary(all.map { ($0.number, $0) }) { first, _ in first }

    private static let all: [TLSGroup] = [
        TLSGroup(23, "secp256r1", "P-256", "prime256v1"), TLSGroup(24, "secp384r1", "P-384"), TLSGroup(25, "secp521r1", "P-521"),
        TLSGroup(29, "x25519", "X25519"), TLSGroup(30, "x448", "X448"),
        TLSGroup(256, "ffdhe2048"), TLSGroup(257, "ffdhe3072"), TLSGroup(258, "ffdhe4096"), TLSGroup(259, "ffdhe6144"), TLSGroup(260, "ffdhe8192"),
        TLSGroup(4588, "X25519MLKEM768"), TLSGroup(4587, "SecP256r1MLKEM768"), TLSGroup(4589, "SecP384r1MLKEM1024"),
        TLSGroup(512, "MLKEM512"), TLSGroup(513, "MLKEM768"), TLSGroup(514, "MLKEM1024"), TLSGroup(25497, "X25519Kyber768Draft00"),
        TLSGroup(26, "brainpoolP256r1"), TLSGroup(27, "brainpoolP384r1"), TLSGroup(28, "brainpoolP512r1"),
        TLSGroup(31, "brainpoolP256r1tls13"), TLSGroup(32, "brainpoolP384r1tls13"), TLSGroup(33, "brainpoolP512r1tls13"),
        TLSGroup(1, "sect163k1"), TLSGroup(2, "sect163r1"), TLSGroup(3, "sect163r2"), TLSGroup(4, "sect193r1"), TLSGroup(5, "sect193r2"),
        TLSGroup(6, "sect233k1"), TLSGroup(7, "sect233r1"), TLSGroup(8, "sect239k1"), TLSGroup(9, "sect283k1"), TLSGroup(10, "sect283r1"),
        TLSGroup(11, "sect409k1"), TLSGroup(12, "sect409r1"), TLSGroup(13, "sect571k1"), TLSGroup(14, "sect571r1"), TLSGroup(15, "secp160k1"),
        TLSGroup(16, "secp160r1"), TLSGroup(17, "secp160r2"), TLSGroup(18, "secp192k1"), TLSGroup(19, "secp192r1", "P-192", "prime192v1"),
        TLSGroup(20, "secp224k1"), TLSGroup(21, "secp224r1", "P-224"), TLSGroup(22, "secp256k1"),
    ]
}

/// `0x11ec`.
package func hexadecimalNumber(_ number: UInt16) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
}
