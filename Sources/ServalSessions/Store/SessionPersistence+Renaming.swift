/// Other ids, and where sessions have gone.
extension SessionPersistence {
    /// What became of a new id: `again` if the session has changed elsewhere.
    enum Renaming { case renamed, taken, again, gone }

    /// Gives a stored session another id and, if one is given, another principal, in the store; `.renamed` for one that is not stored.
    ///
    /// Only while nobody else saves the session, and after ``settle(_:)``.
    func rename(_ session: HTTPSession, from oldID: SessionID, to newID: SessionID, principal: String?) async throws(SessionError) -> Renaming {
        guard session.isStored, let batch = session.renamingBatch(policy: self.policy) else { return .renamed }
        var head = batch.head
        head.id = newID.rawValue
        if let principal { head.principal = principal }
        let (oldKey, newKey) = (self.key(of: oldID), self.key(of: newID))
        guard let renaming = self.renaming(oldKey, to: newKey, head: head, expectedHead: batch.expectedHead, mark: batch.mark) else { return .gone }
        do {
            switch try await self.ask({ store throws(SessionError) in try await store.rename(oldKey, by: renaming) }) {
            case .renamed(let version):
                session.didWrite(head, sealed: renaming.head, version: version)
                return .renamed
            case .taken:
                // By this very rename, if a store has done it twice.
                guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(newKey, unless: nil) }),
                    record.head == renaming.head
                else { return .taken }
                session.didWrite(head, sealed: renaming.head, version: record.version)
                return .renamed
            case .conflict(let record):
                guard let head = self.head(of: record) else {
                    _ = self.hasGone(session)
                    return .gone
                }
                session.rebase(onto: record, head: head, at: self.clock())
                return .again
            case .absent:
                // Another server gave it an id at this moment, which the client of this request may not know, or ended it.
                _ = try await self.follow(session)
                return .gone
            }
        } catch {
            if error.code == .storeUnavailable { session.note(.renaming(from: oldID, to: newID)) }
            throw error
        }
    }

    func renaming(
        _ key: StoredSessionKey,
        to newKey: StoredSessionKey,
        head: SessionHead,
        expectedHead: [UInt8],
        mark: StoredSessionMark
    ) -> StoredSessionRenaming? {
        guard let sealed = self.sealer.seal(head: head.encoded, for: newKey), let forwarding = self.forwarding(from: key, to: newKey) else {
            return nil
        }
        return StoredSessionRenaming(
            to: newKey,
            head: sealed,
            expectedHead: expectedHead,
            principal: head.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) },
            mark: mark,
            forwarding: forwarding
        )
    }

    /// Says where a session went, for a save on another server that finds the old key gone.
    private func forwarding(from key: StoredSessionKey, to newKey: StoredSessionKey) -> StoredSession? {
        let now = self.clock()
        let place = key.forwarding
        guard let head = self.sealer.seal(head: SessionHead.encoded(forwardingTo: newKey), for: place) else { return nil }
        return StoredSession(
            key: place,
            version: 1,
            lastAccessed: now,
            deadline: now.advanced(by: Self.forwardingTime),
            principal: nil,
            head: head,
            attributes: [:]
        )
    }

    func forwarding(of key: StoredSessionKey) async throws(SessionError) -> StoredSessionKey? {
        let place = key.forwarding
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(place, unless: nil) }),
            let bytes = self.sealer.open(head: record.head, of: place), case .forwarding(let newKey) = SessionHead.decode(bytes)
        else { return nil }
        return newKey
    }

    /// Takes note of the id that other servers gave a session: this object is none for new requests any more, and those under way save it there.
    ///
    /// The requests came with the old id, and who knew that one need not be who knows the new one: they do not learn the new id, cannot change it, and see no
    /// attribute that they do not change themselves.
    ///
    /// - Parameter save: what was to be saved.
    func follow(_ session: HTTPSession, unsaved save: PreparedSave? = nil) async throws(SessionError) -> Outcome {
        guard let (record, head) = try await self.successor(of: session) else { return self.hasGone(session) }
        // Under its own id, if it was given that back meanwhile.
        if head.id != session.storedID.rawValue {
            session.table?.abandon(session, as: .init(id: SessionID(rawValue: head.id), principal: head.principal))
        }
        if let save, let version = record.version(of: save.batch.mark) {
            session.didSave(save.batch, writing: save.names, head: nil, version: version, isRepetition: true, at: self.clock())
            return .done
        }
        session.rebase(onto: record, head: head, unsaved: save?.batch, at: self.clock())
        return .again
    }

    /// What other servers have given another id; `nil` if the session has ended.
    func successor(of session: HTTPSession) async throws(SessionError) -> (StoredSession, SessionHead)? {
        var key = self.key(of: session.storedID)
        // Renames that were taken back lead in circles, until the session gets another id.
        for _ in 0..<Self.maximumRenames {
            guard let newKey = try await self.forwarding(of: key) else { return nil }
            key = newKey
            guard case .found(let record) = try await self.ask({ [key] store throws(SessionError) in try await store.load(key, unless: nil) }) else {
                continue
            }
            guard let head = self.head(of: record), head.lineage == session.lineage else { return nil }
            return (record, head)
        }
        return nil
    }
}
