import ServalSessions

/// What a worker does to a store, step by step; the same every time, so that a test can tell what must be there after so many steps.
///
/// In five steps a session is inserted, saved, touched, given another id and, a round later, removed.
struct Workload {
    static let namespace = "/writer"
    static let workers = 4
    private static let now = Timestamp(millisecondsSince1970: 4_000_000_000_000)

    let worker: Int

    /// Does one step.
    func perform(_ step: Int, on store: any SessionStore) async throws {
        let round = step / 5
        let (old, new) = (self.key("old", round), self.key("new", round))
        let isDone: Bool
        switch step % 5 {
        case 0: isDone = try await store.insert(self.session(old, round))
        case 1:
            let writes: [String: StoredSessionChanges.Write] = [
                "a": .init(bytes: Array("changed in \(round)".utf8), condition: .version(1)), "b": .init(bytes: [1], condition: .absent),
                "large": .init(bytes: nil, condition: .any),
            ]
            let changes = StoredSessionChanges(writes: writes, head: nil, principal: nil, lastAccessed: Self.now, deadline: Self.now)
            isDone = try await store.save(changes, to: old) == .saved(version: 2)
        case 2:
            isDone = try await store.touch(
                old,
                lastAccessed: Self.now.advanced(by: .seconds(round)),
                deadline: Self.now.advanced(by: .seconds(round + 60))
            )
        case 3:
            let forwarding = self.session(self.key("forwarding", round), round)
            let renaming = StoredSessionRenaming(
                to: new,
                head: [2],
                expectedHead: [1],
                principal: "principal \(self.worker)",
                forwarding: forwarding
            )
            isDone = try await store.rename(old, by: renaming) == .renamed(version: 3)
        default: isDone = round == 0 ? true : try await store.remove(self.key("new", round - 1))
        }
        guard isDone else {
            throw SessionError(code: .undecodable, message: "step \(step) of worker \(self.worker) did not find what the steps before left")
        }
    }

    /// All keys that the first steps use.
    func keys(after steps: Int) -> [StoredSessionKey] {
        (0...(steps / 5 + 1)).flatMap { round in ["old", "new", "forwarding"].map { self.key($0, round) } }
    }

    private func key(_ kind: String, _ round: Int) -> StoredSessionKey {
        StoredSessionKey(SessionID(rawValue: "\(kind) \(self.worker) \(round)"), namespace: Self.namespace)
    }

    private func session(_ key: StoredSessionKey, _ round: Int) -> StoredSession {
        StoredSession(
            key: key,
            version: 1,
            lastAccessed: Self.now,
            deadline: Self.now,
            principal: nil,
            head: [1],
            attributes: ["a": .init(version: 1, bytes: [1]), "large": .init(version: 1, bytes: [UInt8](repeating: 1, count: round % 7 * 5000))]
        )
    }
}
