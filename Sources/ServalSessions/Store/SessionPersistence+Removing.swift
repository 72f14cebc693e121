import Synchronization

/// The end of sessions.
extension SessionPersistence {
    /// Notes that a session is about to end, before it leaves the table.
    ///
    /// - Returns: the note, for ``willNotEnd(_:)``; `nil` if somebody else has noted it.
    func willEnd(_ session: HTTPSession) -> SessionLineage? {
        guard let lineage = session.lineage else { return nil }
        return self.ended.note(lineage, at: self.clock()) ? lineage : nil
    }

    /// Takes a note back: somebody else ends the session, or it is not in memory.
    func willNotEnd(_ note: SessionLineage) { self.ended.takeBack(note) }

    /// Whether a session ended here within the last minute, or has ended and is still in the store.
    func hasEnded(_ session: HTTPSession) -> Bool { session.lineage.map { self.ended.contains($0) } ?? false }

    /// Removes a session that has ended here.
    ///
    /// - Returns: whether this server is the one that ended it.
    /// - Throws: ``SessionError/Code/storeUnavailable``; it is tried again in the background.
    func remove(_ session: HTTPSession) async throws(SessionError) -> Bool {
        await session.enterStore()
        defer { session.leaveStore() }
        let (isStored, mayBeStored) = session.state.withLock { ($0.stored?.isStored == true, $0.stored?.mayBeStored == true) }
        guard isStored || mayBeStored else { return true }
        var key = self.key(of: session.id)
        do {
            for _ in 0..<Self.maximumRenames {
                if try await self.ask({ [key] store throws(SessionError) in try await store.remove(key) }) { return true }
                // Another server gave it another id at this moment. Who ends a session ends it under any id.
                guard let newKey = try await self.forwarding(of: key) else { return !isStored }
                key = newKey
            }
            return !isStored
        } catch {
            if let lineage = session.lineage, !self.ended.addUnremoved(key, lineage) {
                self.report("unremoved", "more than \(EndedSessions.limit) sessions ended while the store did not answer; others stay in it")
            }
            throw error
        }
    }

    /// Tries again to remove what ended while the store did not answer.
    func removeLeftovers() async throws(SessionError) {
        self.ended.tidy(at: self.clock())
        for (key, lineage) in self.ended.allUnremoved {
            // Contexts that share ids may have a new session under this key by now.
            if case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(key, unless: nil) }),
                self.headIfReadable(of: record)?.lineage == lineage
            {
                try await self.removeRecord(key)
            }
            self.ended.didRemove(key)
        }
    }

    func removeRecord(_ key: StoredSessionKey) async throws(SessionError) {
        _ = try await self.ask { store throws(SessionError) in try await store.remove(key) }
    }
}
