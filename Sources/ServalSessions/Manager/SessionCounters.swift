import Synchronization

/// What a table counts.
///
/// Every count is exact; two counts read one after the other may belong to different moments.
final class SessionCounters: Sendable {
    private let active = Atomic(0)
    private let maxActive = Atomic(0)
    private let created = Atomic(0)
    private let expired = Atomic(0)
    private let rejected = Atomic(0)
    private let evicted = Atomic(0)
    private let ended = Atomic(0)
    private let maxAlive = Atomic<Int64>(0)
    private let totalAlive = Atomic<Int64>(0)
    private let processing = Atomic<Int64>(0)

    var activeCount: Int { self.active.load(ordering: .relaxed) }

    /// Takes a place for one more session; `false` if there is none below `limit` (negative: no limit).
    func reserve(limit: Int) -> Bool {
        var current = self.active.load(ordering: .relaxed)
        while true {
            if limit >= 0, current >= limit { return false }
            let (exchanged, original) = self.active.weakCompareExchange(expected: current, desired: current + 1, ordering: .relaxed)
            if exchanged { break }
            current = original
        }
        return true
    }

    /// A session was refused.
    func didReject() { self.rejected.wrappingAdd(1, ordering: .relaxed) }

    /// Gives back a place that no session took.
    func cancelReservation() {
        self.active.wrappingSubtract(1, ordering: .relaxed)
    }

    /// The session for a reserved place is there.
    func didCreate() {
        self.created.wrappingAdd(1, ordering: .relaxed)
        self.maxActive.max(self.active.load(ordering: .relaxed), ordering: .relaxed)
    }

    /// A session came back from a store.
    func didRestore() {
        self.maxActive.max(self.active.load(ordering: .relaxed), ordering: .relaxed)
    }

    func didEnd(reason: SessionEndReason, aliveMilliseconds: Int64) {
        let alive = max(0, aliveMilliseconds)
        self.active.wrappingSubtract(1, ordering: .relaxed)
        self.ended.wrappingAdd(1, ordering: .relaxed)
        if reason == .expired { self.expired.wrappingAdd(1, ordering: .relaxed) }
        if reason == .evicted { self.evicted.wrappingAdd(1, ordering: .relaxed) }
        self.maxAlive.max(alive, ordering: .relaxed)
        self.totalAlive.wrappingAdd(alive, ordering: .relaxed)
    }

    func didProcess(milliseconds: Int64) {
        self.processing.wrappingAdd(milliseconds, ordering: .relaxed)
    }

    var statistics: SessionStatistics {
        var statistics = SessionStatistics()
        statistics.activeSessions = self.active.load(ordering: .relaxed)
        statistics.maxActive = self.maxActive.load(ordering: .relaxed)
        statistics.sessionCounter = self.created.load(ordering: .relaxed)
        statistics.expiredSessions = self.expired.load(ordering: .relaxed)
        statistics.rejectedSessions = self.rejected.load(ordering: .relaxed)
        statistics.evictedSessions = self.evicted.load(ordering: .relaxed)
        statistics.sessionMaxAliveTime = .milliseconds(self.maxAlive.load(ordering: .relaxed))
        let ended = self.ended.load(ordering: .relaxed)
        if ended > 0 { statistics.sessionAverageAliveTime = .milliseconds(self.totalAlive.load(ordering: .relaxed) / Int64(ended)) }
        statistics.processingTime = .milliseconds(self.processing.load(ordering: .relaxed))
        return statistics
    }
}
