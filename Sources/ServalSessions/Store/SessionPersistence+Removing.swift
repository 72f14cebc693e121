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
        // Who stands in front of the line may never come back.
        guard !self.store.isGivenUp else { return true }
        await session.enterStore()
        defer { session.leaveStore() }
        let isStored = session.isStored
        let unsettled = session.takeUnsettled(isEnding: true)
        guard isStored || unsettled != nil else { return true }
        var keys = [self.key(of: session.storedID)]
        if case .renaming(_, let newID) = unsettled { keys.append(self.key(of: newID)) }
        do {
            for key in keys where try await self.remove(key) { return true }
            return !isStored
        } catch {
            if let lineage = session.lineage, !keys.allSatisfy({ self.ended.addUnremoved($0, lineage) }) {
                self.report("unremoved", "more than \(EndedSessions.limit) sessions ended while the store did not answer; others stay in it")
            }
            throw error
        }
    }

    /// Removes a session, whatever id other servers give it at this moment: who ends a session ends it under any id.
    private func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        var key = key
        for _ in 0..<Self.maximumRenames {
            if try await self.ask({ [key] store throws(SessionError) in try await store.remove(key) }) { return true }
            guard let newKey = try await self.forwarding(of: key) else { return false }
            key = newKey
        }
        return false
    }

    /// Tries again to remove what ended while the store did not answer.
    ///
    /// - Throws: the first failure, after all have been tried, unless the store is down.
    func removeLeftovers() async throws(SessionError) {
        self.ended.tidy(at: self.clock())
        var failure: SessionError?
        for (key, lineage) in self.ended.allUnremoved {
            do throws(SessionError) {
                try await self.removeLeftover(key, lineage)
                self.ended.didRemove(key)
            } catch {
                guard !self.store.isDown else { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// Removes a session that has ended here, also under an id that another server has given it since.
    private func removeLeftover(_ key: StoredSessionKey, _ lineage: SessionLineage) async throws(SessionError) {
        var key = key
        for _ in 0..<Self.maximumRenames {
            // Contexts that share ids may have a new session under this key by now.
            if case .found(let record) = try await self.ask({ [key] store throws(SessionError) in try await store.load(key, unless: nil) }),
                self.headIfReadable(of: record)?.lineage == lineage, try await self.removeRecord(key)
            {
                return
            }
            guard let newKey = try await self.forwarding(of: key) else { return }
            key = newKey
        }
    }

    /// Removes a session; `true` if it was there.
    func removeRecord(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.ask { store throws(SessionError) in try await store.remove(key) }
    }
}
