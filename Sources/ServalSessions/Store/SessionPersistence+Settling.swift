/// Writes whose answers were lost: the store may have done them, may do them yet, or never.
extension SessionPersistence {
    /// Looks at both ids of a lost rename before somebody else is taken to have given the session another one.
    private static let maximumTakeBacks = 8

    /// A write whose answer was lost.
    enum UnsettledWrite: Sendable {
        case saving(PreparedSave)
        case renaming(from: SessionID, to: SessionID)
    }

    /// Makes sure of what became of a write whose answer was lost; only while nobody else saves the session.
    ///
    /// A save is repeated under its name, so that it is done once. A rename is taken back, as its caller was told that the id is the old one.
    ///
    /// - Returns: `false` if the session has ended elsewhere.
    func settle(_ session: HTTPSession) async throws(SessionError) -> Bool {
        guard let unsettled = session.takeUnsettled() else { return true }
        switch unsettled {
        case .saving(let save): return try await self.perform(save, of: session, isRepetition: true) != .gone
        case .renaming(let oldID, let newID):
            do {
                return try await self.takeBackRenaming(of: session, from: oldID, to: newID) != .gone
            } catch {
                session.note(unsettled)
                throw error
            }
        }
    }

    /// Gives a session a new head under its old key.
    ///
    /// If the rename comes late, it finds another head than it expects; if it was done, it is reversed.
    private func takeBackRenaming(of session: HTTPSession, from oldID: SessionID, to newID: SessionID) async throws(SessionError) -> Outcome {
        let key = self.key(of: oldID)
        for _ in 0..<Self.maximumTakeBacks {
            guard let batch = session.renamingBatch(policy: self.policy), let sealed = self.sealer.seal(head: batch.head.encoded, for: key) else {
                return .done
            }
            let changes = StoredSessionChanges(
                writes: [:],
                head: sealed,
                expectedHead: batch.expectedHead,
                principal: batch.head.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) },
                lastAccessed: batch.lastAccessed,
                deadline: batch.deadline
            )
            switch try await self.ask({ store throws(SessionError) in try await store.save(changes, to: key) }) {
            case .saved(let version):
                session.didWrite(batch.head, sealed: sealed, version: version)
                return .done
            case .conflict(let record):
                guard let head = self.head(of: record) else { return self.hasGone(session) }
                session.rebase(onto: record, head: head, at: self.clock())
                return .done
            case .absent:
                guard try await self.reverseRenaming(of: session, from: oldID, to: newID, batch) else { continue }
                return .done
            }
        }
        return try await self.follow(session)
    }

    /// - Returns: `false` if nobody is there under the new id any more.
    private func reverseRenaming(
        of session: HTTPSession,
        from oldID: SessionID,
        to newID: SessionID,
        _ batch: HTTPSession.RenamingBatch
    ) async throws(SessionError) -> Bool {
        let (key, newKey) = (self.key(of: oldID), self.key(of: newID))
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(newKey, unless: nil) }),
            var head = self.headIfReadable(of: record), head.lineage == batch.head.lineage
        else { return false }
        (head.id, head.principal) = (oldID.rawValue, batch.head.principal)
        guard let renaming = self.renaming(newKey, to: key, head: head, expectedHead: record.head, mark: batch.mark) else { return false }
        guard case .renamed(let version) = try await self.ask({ store throws(SessionError) in try await store.rename(newKey, by: renaming) }) else {
            return false
        }
        session.didWrite(head, sealed: renaming.head, version: version)
        return true
    }
}
