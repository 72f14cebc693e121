import Synchronization

/// Writing what a request has changed.
extension SessionPersistence {
    /// Saves what has changed; nothing if nothing has.
    ///
    /// - Parameter isComplete: see ``HTTPSession/takeBatch(touchAfterPercent:policy:isComplete:)``.
    /// - Returns: `false` if the session has ended elsewhere; it is then no longer live here.
    /// - Throws: ``SessionError/Code/storeUnavailable``; the changes stay in memory and are part of the next save.
    @discardableResult
    func save(_ session: HTTPSession, isComplete: Bool = false) async throws(SessionError) -> Bool {
        guard isComplete || session.needsSaving(touchAfterPercent: Self.touchShare) else { return true }
        await session.enterStore()
        defer { session.leaveStore() }
        guard try await self.settle(session) else { return false }
        for _ in 0..<Self.maximumTries {
            guard let batch = session.takeBatch(touchAfterPercent: Self.touchShare, policy: self.policy, isComplete: isComplete) else { return true }
            switch try await self.write(batch, of: session) {
            case .done: return true
            case .again: continue
            case .gone: return false
            }
        }
        let reason = "a session could not be saved: other servers changed the same attributes \(Self.maximumTries) times in a row"
        throw SessionError(code: .storeUnavailable, message: reason)
    }

    /// What became of a write: `again` if its changes are to be saved anew, with what others have written.
    enum Outcome { case done, again, gone }

    /// A write that is ready to be sent, once or several times.
    struct PreparedSave: Sendable {
        enum Request: Sendable {
            case insertion(StoredSession)
            case changes(StoredSessionChanges, to: StoredSessionKey)
        }

        var batch: HTTPSession.Batch
        /// The attributes that are written.
        var names: [String]
        var request: Request

        var head: [UInt8]? {
            switch self.request {
            case .insertion(let record): record.head
            case .changes(let changes, _): changes.head
            }
        }
    }

    private func write(_ batch: HTTPSession.Batch, of session: HTTPSession) async throws(SessionError) -> Outcome {
        guard batch.isTouch else { return try await self.perform(self.prepared(self.filtered(batch)), of: session) }
        let key = self.key(of: batch.id)
        let isStored = try await self.ask { store throws(SessionError) in
            try await store.touch(key, lastAccessed: batch.lastAccessed, deadline: batch.deadline)
        }
        session.didTouch(batch, isStored: isStored)
        return .done
    }

    private func prepared(_ batch: HTTPSession.Batch) -> PreparedSave {
        let key = self.key(of: batch.id)
        let writes = self.sealed(batch)
        let principal = batch.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) }
        guard batch.isStored else {
            let version = self.firstVersion()
            let record = StoredSession(
                key: key,
                version: version,
                lastAccessed: batch.lastAccessed,
                deadline: batch.deadline,
                principal: principal,
                head: self.sealedHead(batch, for: key),
                attributes: writes.compactMapValues { write in write.bytes.map { .init(version: version, bytes: $0) } },
                writings: [.init(mark: batch.mark, version: version)]
            )
            return PreparedSave(batch: batch, names: Array(writes.keys), request: .insertion(record))
        }
        let changes = StoredSessionChanges(
            writes: writes,
            head: batch.head == nil ? nil : self.sealedHead(batch, for: key),
            expectedHead: batch.head == nil ? nil : batch.expectedHead,
            principal: principal,
            mark: batch.mark,
            lastAccessed: batch.lastAccessed,
            deadline: batch.deadline
        )
        return PreparedSave(batch: batch, names: Array(writes.keys), request: .changes(changes, to: key))
    }

    /// Sends a write to the store; if the answer is lost, the write is unsettled.
    ///
    /// - Parameter isRepetition: whether it was sent before.
    func perform(_ save: PreparedSave, of session: HTTPSession, isRepetition: Bool = false) async throws(SessionError) -> Outcome {
        do {
            switch save.request {
            case .insertion(let record): return try await self.insert(record, save, of: session, isRepetition: isRepetition)
            case .changes(let changes, let key): return try await self.apply(changes, to: key, save, of: session, isRepetition: isRepetition)
            }
        } catch {
            if error.code == .storeUnavailable { session.note(.saving(save)) } else { session.putBack(save.batch) }
            throw error
        }
    }

    private func insert(
        _ record: StoredSession,
        _ save: PreparedSave,
        of session: HTTPSession,
        isRepetition: Bool
    ) async throws(SessionError) -> Outcome {
        // It may have been inserted, found by another server, and given another id there.
        if isRepetition, try await self.successor(of: session) != nil { return try await self.follow(session, unsaved: save) }
        if try await self.ask({ store throws(SessionError) in try await store.insert(record) }) {
            session.didSave(save.batch, writing: save.names, head: record.head, version: record.version, isRepetition: isRepetition, at: self.clock())
            return .done
        }
        return try await self.takeOver(record.key, save, into: session)
    }

    private func apply(
        _ changes: StoredSessionChanges,
        to key: StoredSessionKey,
        _ save: PreparedSave,
        of session: HTTPSession,
        isRepetition: Bool
    ) async throws(SessionError) -> Outcome {
        switch try await self.ask({ store throws(SessionError) in try await store.save(changes, to: key) }) {
        case .saved(let version):
            session.didSave(save.batch, writing: save.names, head: changes.head, version: version, isRepetition: isRepetition, at: self.clock())
            return .done
        case .conflict(let record):
            guard let head = self.head(of: record) else { return self.hasGone(session) }
            session.rebase(onto: record, head: head, unsaved: save.batch, at: self.clock())
            return .again
        case .absent: return try await self.follow(session, unsaved: save)
        }
    }

    /// The batch with what the filter keeps from the store as values that stay in memory.
    private func filtered(_ batch: HTTPSession.Batch) -> HTTPSession.Batch {
        guard let filter = self.filter else { return batch }
        var batch = batch
        for (name, content) in batch.values where !filter.allows(name, content) { batch.values[name] = .transient(()) }
        return batch
    }

    /// Later than any version of a session that had the same id before.
    private func firstVersion() -> UInt64 { UInt64(max(1, self.clock().millisecondsSince1970)) << 20 }

    private func sealed(_ batch: HTTPSession.Batch) -> [String: StoredSessionChanges.Write] {
        var writes: [String: StoredSessionChanges.Write] = [:]
        for (name, content) in batch.values {
            switch content {
            case .transient, .saved: continue
            case .stored(let bytes): writes[name] = .init(bytes: bytes, condition: .any)
            case .decoded(let value, let version):
                guard let bytes = self.sealed(value, version: version, named: name, lineage: batch.lineage) else { continue }
                var condition = StoredSessionChanges.Condition.any
                if case .updated = batch.changes[name] { condition = batch.attributeVersions[name].map { .version($0) } ?? .absent }
                writes[name] = .init(bytes: bytes, condition: condition)
            }
        }
        for (name, change) in batch.changes where batch.values[name] == nil || batch.values[name]?.isTransient == true {
            if case .updated = change { continue }
            writes[name] = .init(bytes: nil, condition: .any)
        }
        return writes
    }

    private func sealed(_ value: any Codable & Sendable, version: Int, named name: String, lineage: SessionLineage) -> [UInt8]? {
        do {
            return self.sealer.seal(attribute: try SessionValueCoding.encode(value, version: version), named: name, of: lineage)
        } catch {
            self.report("encode \(name)", "the session attribute '\(name)' cannot be encoded and stays in memory only: \(error)")
            return nil
        }
    }

    private func sealedHead(_ batch: HTTPSession.Batch, for key: StoredSessionKey) -> [UInt8] {
        batch.head.flatMap { self.sealer.seal(head: $0.encoded, for: key) } ?? []
    }

    func hasGone(_ session: HTTPSession) -> Outcome {
        session.table?.forgetEnded(session)
        return .gone
    }

    /// The key of a new session is taken: by its own insertion, whose answer was lost, or by a session of contexts that share ids, which this one becomes then;
    /// one that has expired is ended first.
    private func takeOver(_ key: StoredSessionKey, _ save: PreparedSave, into session: HTTPSession) async throws(SessionError) -> Outcome {
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(key, unless: nil) }) else {
            session.putBack(save.batch)
            return .again
        }
        let now = self.clock()
        if let version = record.version(of: save.batch.mark) {
            session.didSave(save.batch, writing: save.names, head: save.head, version: version, isRepetition: true, at: now)
            return .done
        }
        guard !record.isExpired(at: now) else {
            try await session.table?.expire(record)
            session.putBack(save.batch)
            return .again
        }
        guard let head = self.head(of: record) else {
            throw SessionError(
                code: .storeUnavailable,
                message: "a session cannot be saved: the store has one of its id that another secret has sealed"
            )
        }
        session.rebase(onto: record, head: head, unsaved: save.batch, at: now)
        return .again
    }
}
