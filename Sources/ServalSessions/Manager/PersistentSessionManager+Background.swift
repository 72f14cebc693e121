import Logging
import Synchronization

/// What happens without a request.
extension PersistentSessionManager {
    /// The most records that are claimed at once.
    private static let claimLimit = 256
    /// The longest time that is taken for that between two sweeps.
    private static let maximumSweepTime = Duration.seconds(3600)

    /// Ends what has expired, here and in the store, and brings idle sessions there.
    public func processExpires() async {
        await self.table.processExpires()
        guard !Task.isCancelled else { return }
        // What fails has its line in the log, keeps nothing else from being done, and is tried again by the next sweep.
        let time = self.timeUntilNextSweep()
        try? await self.table.keepUsedSessionsAlive(for: time)
        if !Task.isCancelled { try? await self.persistence.removeLeftovers() }
        if !Task.isCancelled { await self.settle() }
        if !Task.isCancelled { try? await self.processExpiredRecords(keepingAliveFor: time) }
        if !Task.isCancelled, case .whenIdle(let limits) = self.configuration.mode { await self.processIdle(limits) }
    }

    /// Finishes what a lost answer of the store has left open.
    private func settle() async {
        await self.table.forEach(where: \.isUnsettled) { sessions in
            for session in sessions where !self.persistence.store.isDown && !Task.isCancelled { _ = try? await self.persistence.save(session) }
        }
    }

    /// Twice as long as from the last sweep to this one, or longer, up to two hours: until then somebody will have looked at what is in use.
    private func timeUntilNextSweep() -> Duration {
        let now = self.configuration.sessions.clock().millisecondsSince1970
        let last = self.lastSweep.exchange(now, ordering: .relaxed)
        let passed: Duration = last > 0 ? .milliseconds(max(0, now - last)) : .zero
        // A clock that was set forward tells of no such time.
        return min(max(SessionPersistence.lease, passed), Self.maximumSweepTime) * 2
    }

    /// Ends the sessions of the store that have expired, until there are none or the background work is cancelled.
    private func processExpiredRecords(keepingAliveFor time: Duration) async throws(SessionError) {
        // Each is looked at once.
        var alive: Set<StoredSessionKey> = []
        while !Task.isCancelled {
            let now = self.configuration.sessions.clock()
            let records = try await self.persistence.claimExpired(at: now, limit: Self.claimLimit)
            let news = records.filter { !alive.contains($0.key) }
            for record in news where !Task.isCancelled {
                do throws(SessionError) {
                    if try await self.table.expire(record, claimedAt: now, keepingAliveFor: time) { continue }
                } catch {
                    guard !self.persistence.store.isDown else { throw error }
                }
                alive.insert(record.key)
            }
            // Fewer than were asked for need not be all: a store may hand out what is cheap to find.
            guard !news.isEmpty else { return }
        }
    }

    // MARK: Idle sessions

    private func processIdle(_ limits: IdleLimits) async {
        var failures = SaveFailures()
        if let maxIdleSwap = limits.maxIdleSwap {
            await self.swapOut(idleFor: max(maxIdleSwap, limits.minIdleSwap ?? .zero), atMost: .max, &failures)
        }
        let maximum = self.configuration.sessions.maxActiveSessions
        if maximum > 0, let minIdleSwap = limits.minIdleSwap {
            let surplus = self.statistics.activeSessions - maximum * 9 / 10
            if surplus > 0 { await self.swapOut(idleFor: minIdleSwap, atMost: surplus, &failures) }
        }
        if let maxIdleBackup = limits.maxIdleBackup {
            for session in await self.sessions(idleSince: self.moment(before: maxIdleBackup)) where !self.persistence.store.isDown {
                _ = await self.save(session, &failures)
            }
        }
        self.report(failures)
    }

    /// Moves the sessions that have been idle longest out of memory; those that cannot be saved stay.
    private func swapOut(idleFor time: Duration, atMost limit: Int, _ failures: inout SaveFailures) async {
        let idleSince = self.moment(before: time)
        var candidates = await self.sessions(idleSince: idleSince)
        if limit < candidates.count { candidates.sort { $0.idleSince < $1.idleSince } }
        var count = 0
        for session in candidates where session.idleSince <= idleSince && count < limit && !self.persistence.store.isDown {
            if await self.save(session, &failures), self.table.forget(session) { count += 1 }
        }
    }

    private func sessions(idleSince moment: Int64) async -> [HTTPSession] {
        var sessions: [HTTPSession] = []
        await self.table.forEach(where: { $0.idleSince <= moment }) { sessions += $0 }
        return sessions
    }

    private func moment(before time: Duration) -> Int64 { self.configuration.sessions.clock().millisecondsSince1970 - time.wholeMilliseconds }

    private func save(_ session: HTTPSession, _ failures: inout SaveFailures) async -> Bool {
        do throws(SessionError) {
            return try await self.persistence.save(session, isComplete: true)
        } catch {
            failures.add(error)
            return false
        }
    }

    private func report(_ failures: SaveFailures) {
        guard let first = failures.first else { return }
        self.configuration.logger.warning("\(failures.count) sessions could not be saved; the first of them: \(first.message)")
    }
}

/// Why sessions could not be saved.
struct SaveFailures: Sendable {
    private(set) var count = 0
    private(set) var first: SessionError?
    /// Whether the same may succeed the next time.
    private(set) var mayBeRepeated = false

    mutating func add(_ error: SessionError) {
        self.count += 1
        self.first = self.first ?? error
        if error.code == .storeUnavailable { self.mayBeRepeated = true }
    }

    mutating func add(_ others: Self) {
        self.count += others.count
        self.first = self.first ?? others.first
        self.mayBeRepeated = self.mayBeRepeated || others.mayBeRepeated
    }
}

extension HTTPSession {
    fileprivate var idleSince: Int64 { self.state.withLock { $0.idleSince } }
}
