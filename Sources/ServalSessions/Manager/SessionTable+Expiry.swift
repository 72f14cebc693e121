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
    func expire(_ record: StoredSession, at now: Timestamp) async throws(SessionError) {
        guard let persistence = self.persistence else { return }
        if let head = persistence.headIfReadable(of: record) {
            let id = SessionID(rawValue: head.id)
            // A session with the same id and another lineage is another one, of contexts that share ids.
            let local = self.lookUp(id).flatMap { $0.lineage == head.lineage ? $0 : nil }
            if let local, !local.isExpired(now: now, policy: self.policy) {
                return try await persistence.touch(record.key, of: local)
            }
            if let local { self.forget(local, despiteChanges: true) }
            let session = persistence.session(id, record, head, self)
            if session.beginEnding() {
                _ = self.counters.reserve(limit: -1)
                await self.announceEnd(of: session, reason: .expired)
            }
        }
        try await persistence.removeRecord(record.key)
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
            _ = shard.contents.withLock { $0.removeFormerNewcomers() }
        }
        if count >= FreedMemory.threshold { FreedMemory.giveBack() }
        self.counters.didProcess(milliseconds: (ContinuousClock.now - start).wholeMilliseconds)
    }
}
