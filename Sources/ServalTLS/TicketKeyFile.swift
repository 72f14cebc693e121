#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A file of keys for session tickets, shared by several nodes (`serval.sessionTicketKeyFile`).
///
/// Text: one key in each line, 64 to 128 hexadecimal digits (`openssl rand -hex 32`), the newest first; empty lines and lines that begin with `#` do
/// not count. New tickets are made with the first key; all of them decrypt. At most 64 keys. To rotate, put a new line at the top, and remove the last
/// one when its tickets have ended (`sessionTimeout`); where several nodes get the file one after the other, put the new key into the second place
/// first, and to the top when all nodes know it.
///
/// Nobody but the file's owner may be able to read or write it (mode 0600 or 0400): whoever knows a key can read recorded connections of TLS 1.2, and
/// pretend to be a client that had a certificate. The keys themselves never encrypt anything: every host derives its own from them and from a digest of
/// its security settings, so that tickets are good for nodes with the same settings only.
public enum TicketKeyFile {
    /// The most keys.
    public static let keyLimit = 64

    /// Reads the keys, the newest first.
    ///
    /// - Throws: `TLSError` that names the file and the line. Reads a file; do not call it on an event loop.
    public static func read(_ path: String) throws(TLSError) -> [[UInt8]] {
        var status = stat()
        let obstacle = fileObstacle(path)
        guard obstacle == nil, stat(path, &status) == 0 else {
            throw TLSError(.fileNotFound, "The serval.sessionTicketKeyFile [\(path)] \(obstacle ?? "does not exist")")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw TLSError(
                .invalidConfiguration,
                "The serval.sessionTicketKeyFile [\(path)] can be read or written by others than its owner; its mode has to be 0600 or 0400"
            )
        }
        let bytes: [UInt8]
        do {
            bytes = try readFile(path, limit: 65536)
        } catch {
            throw TLSError(.fileNotFound, "The serval.sessionTicketKeyFile [\(path)] cannot be read: \(error.cause)")
        }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
            throw TLSError(
                .invalidConfiguration,
                "The serval.sessionTicketKeyFile [\(path)] begins with a byte order mark (BOM): save it as plain text without one"
            )
        }
        let keys = try parse(bytes, path)
        guard !keys.isEmpty else { throw TLSError(.invalidConfiguration, "The serval.sessionTicketKeyFile [\(path)] has no key") }
        guard keys.count <= keyLimit else {
            throw TLSError(.invalidConfiguration, "The serval.sessionTicketKeyFile [\(path)] has more than \(keyLimit) keys")
        }
        return keys
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(TLSError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let text = line.filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
            if text.isEmpty || text.first == UInt8(ascii: "#") { continue }
            let digits = text.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            guard digits.count == text.count, digits.count.isMultiple(of: 2), (64...128).contains(digits.count) else {
                // The line itself may be a key with a slip of the pen.
                throw TLSError(
                    .invalidConfiguration,
                    "The serval.sessionTicketKeyFile [\(path)] has no key in line \(index + 1): 64 to 128 hexadecimal digits are expected (openssl rand -hex 32)"
                )
            }
            let key = stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
            guard Set(key).count > 1 else {
                throw TLSError(
                    .invalidConfiguration,
                    "The serval.sessionTicketKeyFile [\(path)] has no random key in line \(index + 1), but one byte again and again (openssl rand -hex 32)"
                )
            }
            guard !keys.contains(key) else {
                throw TLSError(.invalidConfiguration, "The serval.sessionTicketKeyFile [\(path)] has the key in line \(index + 1) twice")
            }
            keys.append(key)
        }
        return keys
    }
}
