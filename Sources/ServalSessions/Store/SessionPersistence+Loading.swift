import Synchronization

/// Reading what is stored, and what is newer there.
extension SessionPersistence {
    /// What became of a session in memory that was compared with the store.
    enum Refreshed {
        case current, ended, moved
        /// Another session has its id: contexts share ids.
        case replaced
    }

    /// Compares a session in memory with the store and takes over what is newer.
    func refresh(_ session: HTTPSession) async throws(SessionError) -> Refreshed {
        if session.isUnsettled {
            await session.enterStore()
            defer { session.leaveStore() }
            guard try await self.settle(session) else { return .ended }
        }
        let (id, version, isStored) = session.state.withLock { ($0.id, $0.stored?.version, $0.stored?.isStored == true) }
        guard isStored else { return .current }
        let key = self.key(of: id)
        let answer = try await self.ask { store throws(SessionError) in try await store.load(key, unless: version) }
        switch answer {
        case .unchanged(let lastAccessed, _):
            session.isUnchanged(lastAccessed: lastAccessed, at: self.clock())
            return .current
        case .found(let record):
            guard let head = self.head(of: record) else {
                session.table?.forgetEnded(session)
                return .ended
            }
            guard head.lineage == session.lineage else {
                session.table?.forgetEnded(session)
                return .replaced
            }
            // After the saves in progress: what they write is newer than the record, or makes them fail.
            await session.enterStore()
            // What is unsettled would be taken for another server's; it is settled first, with the next look.
            if !session.isUnsettled { session.rebase(onto: record, head: head, at: self.clock()) }
            session.leaveStore()
            return .current
        case .absent:
            let outcome = try await self.followIfRenamed(session, from: id)
            // What an outage has kept here.
            if outcome == .moved, session.hasUnsavedChanges { _ = try? await self.save(session) }
            return outcome
        }
    }

    private func followIfRenamed(_ session: HTTPSession, from id: SessionID) async throws(SessionError) -> Refreshed {
        await session.enterStore()
        defer { session.leaveStore() }
        // This server may have given it another id, or ended it, while the store was looking.
        guard session.id == id, session.isValid, !session.isOrphan else { return .moved }
        guard !session.isUnsettled else { return try await self.settle(session) ? .current : .ended }
        guard try await self.follow(session) != .gone else { return .ended }
        return session.isOrphan ? .moved : .current
    }

    /// The stored session of an id; `nil` if there is none that is alive.
    func load(_ id: SessionID, into table: SessionTable) async throws(SessionError) -> HTTPSession? {
        let key = self.key(of: id)
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(key, unless: nil) }),
            !record.isExpired(at: self.clock()), let head = self.head(of: record)
        else { return nil }
        return self.session(id, record, head, table)
    }

    /// A session object of a record.
    func session(_ id: SessionID, _ record: StoredSession, _ head: SessionHead, _ table: SessionTable) -> HTTPSession {
        var state = HTTPSessionState(
            restored: id,
            creationTime: head.creationTime.millisecondsSince1970,
            lastAccessed: record.lastAccessed.millisecondsSince1970,
            maxInactiveMilliseconds: head.maxInactiveMilliseconds,
            attributes: record.attributes.mapValues { .stored($0.bytes) }
        )
        state.principal = head.principal
        state.stored = StoredSessionState(
            lineage: head.lineage,
            version: record.version,
            attributeVersions: record.attributes.mapValues(\.version),
            storedLastAccessed: record.lastAccessed.millisecondsSince1970,
            lastChecked: self.clock().millisecondsSince1970
        )
        state.stored?.noteHead(record.head, of: head.principal, version: record.version)
        state.stored?.isAccessElsewhere = true
        return HTTPSession(state, table: table)
    }

    /// The value of a stored attribute.
    func value<Key: SessionAttributeKey>(of key: Key.Type, from sealed: [UInt8], lineage: SessionLineage) throws(SessionError) -> Key.Value? {
        guard let bytes = self.sealer.open(attribute: sealed, named: key.name, of: lineage) else {
            let reason = "attribute '\(key.name)' was not sealed with this server's secret for this session, or was changed"
            self.report("open \(key.name)", reason)
            throw SessionError(code: .undecodable, message: reason)
        }
        do {
            return try SessionValueCoding.decode(key, bytes)
        } catch {
            let version = SessionValueCoding.version(of: bytes).map(String.init) ?? "none"
            let reason =
                "attribute '\(key.name)', stored with version \(version), cannot be read as \(Key.Value.self) version \(key.version): \(error)"
            self.report("decode \(key.name) \(version)", reason)
            throw SessionError(code: .undecodable, message: reason)
        }
    }

    /// The records of a principal that have not expired.
    func sessions(ofPrincipal name: String) async throws(SessionError) -> [StoredSession] {
        let entry = StoredSessionKey.principal(name, namespace: self.namespace)
        let now = self.clock()
        return try await self.ask { store throws(SessionError) in try await store.sessions(ofPrincipal: entry) }
            .filter { !$0.isExpired(at: now) }
    }
}
