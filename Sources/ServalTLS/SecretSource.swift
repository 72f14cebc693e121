/// Where a password comes from; its descriptions never contain it.
public enum SecretSource: Sendable, Hashable {
    /// The first line of a file (`certificateKeystorePasswordFile` and its like); at most 64 KiB are read.
    case file(String)
    /// An environment variable, read when the configuration is loaded.
    case environment(String)
    /// The password itself (`certificateKeystorePassword`).
    case literal(String)

    /// The password.
    ///
    /// - Throws: `TLSError` with `.secretUnavailable` that names the file or variable. Reads a file; call it at start and at reload only.
    public func resolve() throws(TLSError) -> String {
        switch self {
        case .literal(let secret):
            return secret
        case .environment(let name):
            guard let secret = environmentValue(name) else {
                throw TLSError(.secretUnavailable, "The password is to be read from the environment variable [\(name)], which is not set")
            }
            return secret
        case .file(let path):
            let bytes: [UInt8]
            do {
                bytes = try readFile(path, limit: 65536)
            } catch {
                throw TLSError(.secretUnavailable, "The password file [\(path)] cannot be read: \(error.cause)")
            }
            guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]) else {
                throw TLSError(
                    .secretUnavailable,
                    "The password file [\(path)] begins with a byte order mark (BOM), which would be a part of the password: save it as UTF-8 without one"
                )
            }
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
            guard !line.isEmpty else { throw TLSError(.secretUnavailable, "The password file [\(path)] has no password in its first line") }
            guard let secret = String(validating: line, as: UTF8.self) else {
                throw TLSError(.secretUnavailable, "The password file [\(path)] is not UTF-8 text")
            }
            return secret
        }
    }
}

extension SecretSource: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where the secret is, without it.
    public var description: String {
        switch self {
        case .file(let path): "<secret from file \(path)>"
        case .environment(let name): "<secret from environment \(name)>"
        case .literal: "<secret>"
        }
    }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// Shows nothing to `dump`.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
