import Synchronization

/// Other ids, and where sessions have gone.
extension SessionPersistence {
    /// Gives a stored session another id, in the store; `.renamed` for one that is not stored.
    func rename(_ session: HTTPSession, from oldID: SessionID, to newID: SessionID) async throws(SessionError) -> SessionRenameResult {
        guard var head = session.head(), session.state.withLock({ $0.stored?.isStored == true }) else { return .renamed }
        head.id = newID.rawValue
        let (oldKey, newKey) = (self.key(of: oldID), self.key(of: newID))
        guard let sealedHead = self.sealer.seal(head: head.encoded, for: newKey), let forwarding = self.forwarding(from: oldKey, to: newKey) else {
            return .absent
        }
        let principal = head.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) }
        return try await self.ask { store throws(SessionError) in
            try await store.rename(oldKey, to: newKey, head: sealedHead, principal: principal, forwarding: forwarding)
        }
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

    /// Gives a session that another server renamed the id that it has now; `false`, and it has ended here, if it has ended elsewhere.
    func catchUp(_ session: HTTPSession, with id: SessionID) async throws(SessionError) -> Bool {
        guard let newKey = try await self.forwarding(of: self.key(of: id)) else {
            session.table?.forgetEnded(session)
            return false
        }
        try await self.follow(session, from: id, to: newKey)
        return session.isValid
    }

    func forwarding(of key: StoredSessionKey) async throws(SessionError) -> StoredSessionKey? {
        let place = key.forwarding
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(place, unless: nil) }),
            let bytes = self.sealer.open(head: record.head, of: place), case .forwarding(let newKey) = SessionHead.decode(bytes)
        else { return nil }
        return newKey
    }

    /// Gives a session in memory the id that other servers gave it in the store, so that requests under way save it there.
    func follow(_ session: HTTPSession, from id: SessionID, to key: StoredSessionKey) async throws(SessionError) {
        var key = key
        for _ in 0..<Self.maximumRenames {
            if case .found(let record) = try await self.ask({ [key] store throws(SessionError) in try await store.load(key, unless: nil) }) {
                guard let head = self.head(of: record) else { break }
                session.rebase(onto: record, head: head, at: self.clock())
                session.table?.follow(session, from: id, to: SessionID(rawValue: head.id))
                return
            }
            guard let newKey = try await self.forwarding(of: key) else { break }
            key = newKey
        }
        session.table?.forgetEnded(session)
    }
}
