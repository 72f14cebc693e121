import Synchronization

/// Sessions whose time is over.
extension SessionTable {
    /// What becomes of a session whose idle time is over: without a store it ends; one that a store keeps is let go of, because the store tells who of all servers
    /// announces its end.
    func expire(_ session: HTTPSession, at now: Timestamp) async {
        if session.isStored {
            self.forget(session, despiteChanges: true)
        } else {
            // Nothing is stored, so nothing can fail.
            try? await self.end(session, reason: .expired, if: .expired(at: now))
        }
    }

    /// Ends an expired session that a store has handed out to this server alone; gives it back if a request uses it here.
    ///
    /// - Parameters:
    ///   - moment: when it was claimed.
    ///   - time: how long a session that is in use is to stay alive.
    /// - Returns: whether it has ended; otherwise somebody has used it.
    func expire(_ record: StoredSession, claimedAt moment: Timestamp, keepingAliveFor time: Duration) async throws(SessionError) -> Bool {
        guard let persistence = self.persistence else { return false }
        guard let head = persistence.headIfReadable(of: record) else {
            return try await persistence.removeClaimed(record.key, until: moment.advanced(by: SessionPersistence.lease))
        }
        // A session with the same id and another lineage is another one, of contexts that share ids.
        if let local = self.lookUp(SessionID(rawValue: head.id)), local.lineage == head.lineage {
            guard local.isExpired(now: self.configuration.clock(), policy: self.policy) else {
                try await persistence.keepAlive(record.key, local, for: time)
                return false
            }
            self.forget(local, despiteChanges: true)
        }
        guard let end = try await persistence.confirmClaim(of: record.key, since: moment) else { return false }
        await self.announceExpiry(of: record, head)
        // Somebody may have saved it while listeners heard of its end; what was acknowledged stays.
        return try await persistence.removeClaimed(record.key, until: end)
    }

    /// Ends a session that has expired and is in the way of a new one with its id; if another server does so at this moment, nothing happens.
    func expire(_ record: StoredSession) async throws(SessionError) {
        guard let persistence = self.persistence else { return }
        guard try await persistence.removeRecord(record.key), let head = persistence.headIfReadable(of: record) else { return }
        await self.announceExpiry(of: record, head)
    }

    private func announceExpiry(of record: StoredSession, _ head: SessionHead) async {
        guard let session = self.persistence?.session(SessionID(rawValue: head.id), record, head, self), session.beginEnding() else { return }
        _ = self.counters.reserve(limit: -1)
        await self.announceEnd(of: session, reason: .expired)
    }

    /// Tells the store of sessions whose idle time would be over soon if no request used them (`sessionActivityCheck`), so that no other server ends them.
    func keepUsedSessionsAlive(for time: Duration) async throws(SessionError) {
        guard let persistence = self.persistence, self.policy.protectsActiveSessions else { return }
        let latest = self.configuration.clock().advanced(by: time)
        try await self.forEach(where: { $0.isUsedAndDue(by: latest, policy: self.policy) }) { sessions throws(SessionError) in
            for session in sessions {
                do throws(SessionError) {
                    try await persistence.keepAlive(persistence.key(of: session.storedID), session, for: time)
                } catch {
                    guard !persistence.store.isDown else { throw error }
                }
            }
        }
    }

    /// Ends what has expired, a few sessions at a time.
    func processExpires() async {
        let start = ContinuousClock.now
        let now = self.configuration.clock()
        var count = 0
        for shard in self.shards {
            var cursor = 0
            while let expired = self.slice(of: shard, from: &cursor, where: { $0.isExpired(now: now, policy: self.policy) }) {
                for session in expired { await self.expire(session, at: now) }
                count += expired.count
                await Task.yield()
            }
            shard.contents.withLock { $0.compact() }
        }
        self.newcomers.tidy()
        self.relieveIfNeeded()
        if count >= FreedMemory.threshold { FreedMemory.giveBack() }
        self.counters.didProcess(milliseconds: (ContinuousClock.now - start).wholeMilliseconds)
    }
}

extension HTTPSession {
    /// Whether a request uses this stored session and the store may take it for expired by some moment.
    fileprivate func isUsedAndDue(by latest: Timestamp, policy: HTTPSessionState.IdlePolicy) -> Bool {
        self.state.withLock { state in
            guard state.phase == .live, state.accessCount > 0, state.stored?.isStored == true, state.maxInactiveMilliseconds > 0 else { return false }
            return Self.deadline(of: state, policy: policy).map { $0 <= latest } ?? false
        }
    }
}
