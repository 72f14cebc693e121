@testable import ServalSessions

/// What a store gives back: whoever can write to it can put anything there.
enum SessionFuzzing {
    private static let key = StoredSessionKey(SessionID(rawValue: "fuzzer"), namespace: "/fuzz")

    /// A stored session, and the parts of it that stores look at alone.
    static func session(_ bytes: [UInt8]) {
        let summary = StoredSessionSummary(encoded: bytes)
        let principal = StoredSessionSummary.principal(of: bytes)
        guard let session = try? StoredSession(key: Self.key, encoded: bytes) else { return }
        expect(summary?.version == session.version, "the summary has the version")
        expect(summary?.lastAccessed == session.lastAccessed && summary?.deadline == session.deadline, "the summary has the times")
        expect(principal == session.principal, "the summary has the principal")
        guard let encoded = try? session.encoded() else { return expect(false, "what was read can be written") }
        expect((try? StoredSession(key: Self.key, encoded: encoded)) == session, "what was written is what was read")
    }

    /// What a sealed head holds.
    ///
    /// Only who has the secret can make one; an older or newer release may.
    static func head(_ bytes: [UInt8]) {
        switch SessionHead.decode(bytes) {
        case .session(let head): expect(SessionHead.decode(head.encoded) == .session(head), "a head that is written is what was read")
        case .forwarding(let key): expect(SessionHead.encoded(forwardingTo: key) == bytes, "a forwarding head is written as it was")
        case nil: break
        }
    }
}
