import Crypto

/// The key protection of JKS stores: a SHA-1 key stream, and a SHA-1 over password and plain key to tell a right password.
///
/// Weak by today's standards; it is what the format prescribes.
enum JavaKeyProtector {
    private static let digestSize = 20

    /// The plain key, or `nil` when the check says that the password is another (or the bytes were changed).
    static func open(_ data: [UInt8], password: String) throws(KeyStoreError) -> [UInt8]? {
        guard data.count > 2 * digestSize else { throw KeyStoreError(.corrupt, "A protected key is cut off") }
        let characters = JavaText.utf16(password)
        let plain = applyStream(to: data[digestSize..<data.count - digestSize], salt: Array(data.prefix(digestSize)), password: characters)
        return check(plain, characters) == data.suffix(digestSize) ? plain : nil
    }

    static func seal(_ plain: [UInt8], password: String) -> [UInt8] {
        let characters = JavaText.utf16(password)
        let salt = SystemRandom.bytes(digestSize)
        return salt + applyStream(to: plain[...], salt: salt, password: characters) + check(plain, characters)
    }

    private static func applyStream(to bytes: ArraySlice<UInt8>, salt: [UInt8], password: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var block = salt
        var rest = bytes
        while !rest.isEmpty {
            block = digest(password, block)
            result += zip(rest, block).map { $0 ^ $1 }
            rest = rest.dropFirst(digestSize)
        }
        return result
    }

    private static func check(_ plain: [UInt8], _ password: [UInt8]) -> [UInt8] { digest(password, plain) }

    private static func digest(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        var hash = Insecure.SHA1()
        hash.update(data: first)
        hash.update(data: second)
        return Array(hash.finalize())
    }
}
