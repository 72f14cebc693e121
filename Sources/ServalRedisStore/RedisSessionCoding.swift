import ServalSessions

/// How a namespace's sessions are named and written in Redis.
struct RedisSessionCoding: Sendable {
    /// What all keys of the namespace begin with; the braces keep them together.
    let prefix: [UInt8]
    private let margin: Duration

    init(prefix: String, namespace: String, margin: Duration) {
        // No two namespaces have the same: '}' only ends one.
        var escaped: [UInt8] = []
        for byte in namespace.utf8 {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "%"): escaped += Array("%\(String(byte, radix: 16))".utf8)
            default: escaped.append(byte)
            }
        }
        self.prefix = Array("\(prefix){".utf8) + escaped + Array("}:".utf8)
        self.margin = margin
    }

    /// The sorted set of all sessions.
    var index: [UInt8] { self.prefix + Array("due".utf8) }

    func id(_ key: StoredSessionKey) -> RedisWord { RedisWord(key.hexadecimal) }

    func key(_ key: StoredSessionKey) -> RedisWord { RedisWord(self.prefix + Array("s:\(key.hexadecimal)".utf8)) }

    func version(_ version: UInt64) -> RedisWord { RedisWord(Self.bytes(version)) }

    /// Last access and deadline as a session's bytes have them.
    func times(_ lastAccessed: Timestamp, _ deadline: Timestamp?) -> [RedisWord] {
        [lastAccessed.millisecondsSince1970, deadline?.millisecondsSince1970 ?? .max].map { RedisWord(Self.bytes($0)) }
    }

    /// What tells one state of a session from another: version, last access and deadline.
    func header(_ bytes: [UInt8]) -> RedisWord { RedisWord(Array(bytes.prefix(StoredSessionSummary.length))) }

    /// The place in the index.
    func score(_ deadline: Timestamp?) -> RedisWord { RedisWord(deadline.map { "\($0.millisecondsSince1970)" } ?? "inf") }

    /// When Redis drops the session, in milliseconds; empty for never.
    func end(_ deadline: Timestamp?) -> RedisWord {
        guard let deadline else { return "" }
        let end = max(deadline, .now).advanced(by: self.margin).millisecondsSince1970
        // What Redis cannot count, it would refuse.
        return end < 1 << 52 ? RedisWord("\(end)") : ""
    }

    /// Session, principal, place in the index, and end.
    func record(_ session: StoredSession) throws(SessionError) -> [RedisWord] {
        [RedisWord(try session.encoded()), RedisWord(session.principal ?? ""), self.score(session.deadline), self.end(session.deadline)]
    }

    /// The sessions of an answer with ids and sessions by turns.
    func sessions(_ answer: RedisValue) -> [StoredSession] {
        let values = answer.list ?? []
        return stride(from: 0, to: values.count - 1, by: 2).compactMap { position in
            guard let id = values[position].bytes, let key = StoredSessionKey(hexadecimal: String(decoding: id, as: UTF8.self)),
                let bytes = values[position + 1].bytes
            else { return nil }
            return try? StoredSession(key: key, encoded: bytes)
        }
    }

    private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}
