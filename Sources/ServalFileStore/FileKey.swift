import ServalSessions

/// A session's key in 32 bytes inline, and the names of its files.
struct FileKey: Hashable, Sendable {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == StoredSessionKey.length else { return nil }
        var words = [UInt64](repeating: 0, count: 4)
        for (position, byte) in bytes.enumerated() { words[position / 8] = words[position / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    init(_ key: StoredSessionKey) {
        var words: [UInt64] = [0, 0, 0, 0]
        for (position, byte) in key.bytes.prefix(32).enumerated() { words[position / 8] = words[position / 8] << 8 | UInt64(byte) }
        self.words = (words[0], words[1], words[2], words[3])
    }

    /// The key that a file is named after: exactly 64 lower-case digits; `nil` for other people's files.
    init?(name: String) {
        guard name.utf8.count == 64, let key = StoredSessionKey(hexadecimal: name), key.hexadecimal == name else { return nil }
        self.init(key)
    }

    var bytes: [UInt8] {
        [self.words.0, self.words.1, self.words.2, self.words.3].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    /// The folder that the key's files are in.
    var shard: UInt8 { UInt8(truncatingIfNeeded: self.words.0 >> 56) }

    var sessionKey: StoredSessionKey {
        // Cannot fail: there are 32 bytes.
        StoredSessionKey(bytes: self.bytes) ?? StoredSessionKey(SessionID(rawValue: ""), namespace: "")
    }

    /// The session's file.
    var name: String { self.sessionKey.hexadecimal }

    /// The file that says that a session is getting this key.
    var moveName: String { self.name + Self.moveSuffix }

    /// The file that is to become another.
    static func temporaryName(of name: String) -> String { name + Self.temporarySuffix }

    /// Whether a file is left over from a write that did not come to its end.
    static func isTemporary(_ name: String) -> Bool {
        guard name.hasSuffix(Self.temporarySuffix) else { return false }
        let stem = String(name.dropLast(Self.temporarySuffix.count))
        return FileKey(name: stem) != nil || FileKey(moveName: stem) != nil
    }

    /// The key of a file that tells of a rename.
    init?(moveName name: String) {
        guard name.hasSuffix(Self.moveSuffix) else { return nil }
        self.init(name: String(name.dropLast(Self.moveSuffix.count)))
    }

    private static let temporarySuffix = ".new"
    private static let moveSuffix = ".move"

    static func == (one: Self, other: Self) -> Bool { one.words == other.words }

    func hash(into hasher: inout Hasher) {
        // The output of SHA-256: any of its words is as good as all of them, and other files' names only cost time.
        hasher.combine(self.words.0)
        hasher.combine(self.words.1)
    }
}
