import Synchronization

/// Sessions that have ended at this server: for a while all of them, and as long as need be those that the store did not hear of.
final class EndedSessions: Sendable {
    /// The most sessions to remember of either kind.
    static let limit = 100_000
    /// How long a load of a session can take that ends meanwhile.
    private static let memory = Duration.seconds(60)

    private let recent = Mutex<[SessionLineage: Timestamp]>([:])
    private let unremoved = Mutex(Unremoved())

    /// Sessions that are to be removed, and how often each lineage is among them.
    private struct Unremoved: Sendable {
        private(set) var lineages: [StoredSessionKey: SessionLineage] = [:]
        private var counts: [SessionLineage: Int] = [:]

        mutating func add(_ key: StoredSessionKey, _ lineage: SessionLineage) {
            self.remove(key)
            self.lineages[key] = lineage
            self.counts[lineage, default: 0] += 1
        }

        mutating func remove(_ key: StoredSessionKey) {
            guard let lineage = self.lineages.removeValue(forKey: key), let count = self.counts[lineage] else { return }
            self.counts[lineage] = count > 1 ? count - 1 : nil
        }

        func contains(_ lineage: SessionLineage) -> Bool { self.counts[lineage] != nil }
    }

    /// Notes an end; `false` if it is noted already.
    func note(_ lineage: SessionLineage, at now: Timestamp) -> Bool {
        self.recent.withLock { recent in
            // Without background runs nobody else tidies up.
            if recent.count >= Self.limit { Self.tidy(&recent, at: now) }
            return recent.updateValue(now, forKey: lineage) == nil
        }
    }

    func takeBack(_ lineage: SessionLineage) { self.recent.withLock { _ = $0.removeValue(forKey: lineage) } }

    func contains(_ lineage: SessionLineage) -> Bool {
        self.recent.withLock { $0[lineage] != nil } || self.unremoved.withLock { $0.contains(lineage) }
    }

    func tidy(at now: Timestamp) { self.recent.withLock { Self.tidy(&$0, at: now) } }

    /// Forgets what ended too long ago to matter; at the limit whatever it is.
    private static func tidy(_ recent: inout [SessionLineage: Timestamp], at now: Timestamp) {
        let past = now.advanced(by: .zero - self.memory)
        recent = recent.filter { $0.value > past }
        if recent.count >= self.limit { recent = [:] }
    }

    // MARK: Still in the store

    /// Notes that a session is still to be removed; `false` if there are too many.
    func addUnremoved(_ key: StoredSessionKey, _ lineage: SessionLineage) -> Bool {
        self.unremoved.withLock { unremoved in
            guard unremoved.lineages.count < Self.limit else { return false }
            unremoved.add(key, lineage)
            return true
        }
    }

    var allUnremoved: [StoredSessionKey: SessionLineage] { self.unremoved.withLock { $0.lineages } }

    func didRemove(_ key: StoredSessionKey) { self.unremoved.withLock { $0.remove(key) } }
}
