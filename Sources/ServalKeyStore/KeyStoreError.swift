/// What went wrong with a key store, a key, a certificate or a PEM file.
///
/// Two errors are equal when their ``code`` is equal, so that tests and callers compare the kind of failure and not its wording.
/// ``message`` is for people: it names the file or entry and what to do, and never contains a password or key material.
public struct KeyStoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure; new kinds may be added, so a `switch` needs a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case fileNotFound, unreadable, empty, notAKeyStore, corrupt, wrongPassword, wrongKeyPassword, unsupportedAlgorithm
            case unsupportedFormat, aliasNotFound, notAKeyEntry, noKeyEntry, duplicateAlias, invalidInput, keyMismatch, writeFailed
            case moduleUnavailable, tokenNotFound, pinLocked, tokenNotResponding, tokenFailed
        }

        private let kind: Kind

        /// There is no file at the path.
        public static let fileNotFound = Code(kind: .fileNotFound)
        /// The file is there and cannot be read: permissions, a folder, larger than 64 MiB.
        public static let unreadable = Code(kind: .unreadable)
        /// The file has no bytes, or no block of the kind that was looked for.
        public static let empty = Code(kind: .empty)
        /// The bytes are not those of any key store this library knows.
        public static let notAKeyStore = Code(kind: .notAKeyStore)
        /// The format is known but the bytes are cut off, changed or contradict themselves.
        public static let corrupt = Code(kind: .corrupt)
        /// The store's password is wrong (for a format that cannot tell: wrong, or the file was changed).
        public static let wrongPassword = Code(kind: .wrongPassword)
        /// The store opened but the key has another password.
        public static let wrongKeyPassword = Code(kind: .wrongKeyPassword)
        /// A cipher, digest, key type or limit in the file that this library does not support; the message names it.
        public static let unsupportedAlgorithm = Code(kind: .unsupportedAlgorithm)
        /// A store format or kind of entry that is known by name but not supported here.
        public static let unsupportedFormat = Code(kind: .unsupportedFormat)
        /// No entry has this alias.
        public static let aliasNotFound = Code(kind: .aliasNotFound)
        /// The alias names a certificate or a secret key where a private key is needed.
        public static let notAKeyEntry = Code(kind: .notAKeyEntry)
        /// The store has no private key at all.
        public static let noKeyEntry = Code(kind: .noKeyEntry)
        /// The alias is taken (aliases that differ only in case are the same).
        public static let duplicateAlias = Code(kind: .duplicateAlias)
        /// An argument or a text (distinguished name, PEM, certificate) cannot be understood.
        public static let invalidInput = Code(kind: .invalidInput)
        /// The private key does not belong to the certificate.
        public static let keyMismatch = Code(kind: .keyMismatch)
        /// The file could not be written; what was there before is unchanged.
        public static let writeFailed = Code(kind: .writeFailed)

        /// A PKCS#11 module cannot be loaded or does not start; the message says why.
        public static let moduleUnavailable = Code(kind: .moduleUnavailable)
        /// No slot of the PKCS#11 module holds the token that was asked for.
        public static let tokenNotFound = Code(kind: .tokenNotFound)
        /// The token takes no PIN any more after too many wrong ones; its security officer has to unlock it.
        public static let pinLocked = Code(kind: .pinLocked)
        /// The token gave no answer within its time limit, or did not shortly before.
        public static let tokenNotResponding = Code(kind: .tokenNotResponding)
        /// The token refused, was removed, or failed in itself; the message names the call and Cryptoki's code.
        public static let tokenFailed = Code(kind: .tokenFailed)

        /// The code's name, for logs and metric labels.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure.
    public let code: Code
    /// One or two sentences in plain words.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message with its code.
    public var description: String { "\(message) [\(code)]" }

    /// Equal when the codes are.
    public static func == (lhs: Self, rhs: Self) -> Bool { lhs.code == rhs.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }

    /// The same error with `prefix: ` before its message, to say which file or entry it is about.
    package func about(_ prefix: String) -> KeyStoreError { KeyStoreError(code, "\(prefix): \(message)") }
}
