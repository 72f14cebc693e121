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
        for _ in 0..<Self.maximumTries {
            guard let batch = session.takeBatch(touchAfterPercent: Self.touchShare, policy: self.policy, isComplete: isComplete) else { return true }
            let outcome: Outcome
            do {
                outcome = try await self.write(batch, of: session)
            } catch {
                session.putBack(batch)
                throw error
            }
            switch outcome {
            case .done: return true
            case .again: continue
            case .gone: return false
            }
        }
        let reason = "a session could not be saved: other servers changed the same attributes \(Self.maximumTries) times in a row"
        throw SessionError(code: .storeUnavailable, message: reason)
    }

    private enum Outcome { case done, again, gone }

    private func write(_ batch: HTTPSession.Batch, of session: HTTPSession) async throws(SessionError) -> Outcome {
        let batch = self.filtered(batch)
        var key = self.key(of: batch.id)
        if batch.isTouch {
            // Gone elsewhere, or under another id there: the next look at the store finds out, and an access is not worth more.
            _ = try await self.ask { [key] store throws(SessionError) in
                try await store.touch(key, lastAccessed: batch.lastAccessed, deadline: batch.deadline)
            }
            session.didSave(batch, writing: [], version: 0, at: self.clock())
            return .done
        }
        let writes = self.sealed(batch)
        if !batch.isStored {
            let version = self.firstVersion()
            let record = StoredSession(
                key: key,
                version: version,
                lastAccessed: batch.lastAccessed,
                deadline: batch.deadline,
                principal: batch.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) },
                head: self.sealedHead(batch, for: key),
                attributes: writes.compactMapValues { write in write.bytes.map { .init(version: version, bytes: $0) } }
            )
            if try await self.ask({ store throws(SessionError) in try await store.insert(record) }) {
                session.didSave(batch, writing: writes.keys, version: version, at: self.clock())
                return .done
            }
            // The id is taken: another application's, which shares ids, made the same session on another server.
            session.putBack(batch)
            try await self.takeOver(key, into: session)
            return .again
        }
        for _ in 0..<Self.maximumRenames {
            let changes = StoredSessionChanges(
                writes: writes,
                head: batch.head == nil ? nil : self.sealedHead(batch, for: key),
                principal: batch.principal.map { StoredSessionKey.principal($0, namespace: self.namespace) },
                lastAccessed: batch.lastAccessed,
                deadline: batch.deadline
            )
            switch try await self.ask({ [key] store throws(SessionError) in try await store.save(changes, to: key) }) {
            case .saved(let version):
                session.didSave(batch, writing: writes.keys, version: version, at: self.clock())
                return .done
            case .conflict(let record):
                guard let head = self.head(of: record) else { return self.hasGone(session) }
                session.rebase(onto: record, head: head, unsaved: batch, at: self.clock())
                return .again
            case .absent:
                guard let newKey = try await self.forwarding(of: key) else { return self.hasGone(session) }
                key = newKey
            }
        }
        return self.hasGone(session)
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

    private func hasGone(_ session: HTTPSession) -> Outcome {
        session.table?.forgetEnded(session)
        return .gone
    }

    /// Makes a new session the one that is stored under its id, because contexts share ids; one that has expired is ended first.
    private func takeOver(_ key: StoredSessionKey, into session: HTTPSession) async throws(SessionError) {
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(key, unless: nil) }) else { return }
        let now = self.clock()
        guard !record.isExpired(at: now) else {
            try await session.table?.expire(record, at: now)
            return
        }
        guard let head = self.head(of: record) else {
            throw SessionError(
                code: .storeUnavailable,
                message: "a session cannot be saved: the store has one of its id that another secret has sealed"
            )
        }
        session.rebase(onto: record, head: head, at: now)
    }

    /// Tells the store of the last access to a session here.
    func touch(_ key: StoredSessionKey, of session: HTTPSession) async throws(SessionError) {
        let (lastAccessed, deadline) = session.state.withLock { ($0.idleSince, HTTPSession.deadline(of: $0, policy: self.policy)) }
        _ = try await self.ask { store throws(SessionError) in
            try await store.touch(key, lastAccessed: Timestamp(millisecondsSince1970: lastAccessed), deadline: deadline)
        }
    }
}
