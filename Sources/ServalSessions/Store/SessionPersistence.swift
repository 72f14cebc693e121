import Logging
import Synchronization

/// Moves the sessions of one table to a store and back.
///
/// A session is saved, renamed and removed by one task at a time (``HTTPSession/enterStore()``); what the application does to it meanwhile belongs to the next
/// save. A store that fails is left alone for ``pause``, so that requests get their answer at once instead of one time-out each.
final class SessionPersistence: Sendable {
    /// The part of a session's idle time, in percent, that a server may keep an access to itself.
    static let touchShare: Int64 = 5
    /// How long a claim of an expired session holds.
    static let lease = Duration.seconds(60)
    /// How long a store is left alone after a failure.
    static let pause = Duration.seconds(1)
    /// How long a store knows where a session has gone whose id changed, for requests that were under way.
    static let forwardingTime = Duration.seconds(60)
    /// New ids that a session may get elsewhere while it is saved or removed here.
    private static let maximumRenames = 8
    /// Saves of one session that meet a conflict before giving up.
    private static let maximumTries = 1000

    let store: any SessionStore
    let namespace: String
    let sealer: SessionSealer
    private let logger: Logger
    private let metrics: SessionStoreMetrics
    private let clock: @Sendable () -> Timestamp
    private let policy: HTTPSessionState.IdlePolicy
    private let filter: SessionAttributeFilter?
    private let pausedUntil = Mutex<ContinuousClock.Instant?>(nil)
    private let ended = EndedSessions()
    private let reported = Mutex<Set<String>>([])

    init(
        store: any SessionStore,
        namespace: String,
        sealer: SessionSealer,
        policy: HTTPSessionState.IdlePolicy,
        filter: SessionAttributeFilter? = nil,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.namespace = namespace
        self.sealer = sealer
        self.policy = policy
        self.filter = filter
        self.clock = clock
        self.logger = logger
        self.metrics = SessionStoreMetrics(context: namespace)
    }

    func key(of id: SessionID) -> StoredSessionKey { StoredSessionKey(id, namespace: self.namespace) }

    /// The storing state of a session that was just created.
    func newState(at now: Timestamp) -> StoredSessionState {
        let moment = now.millisecondsSince1970
        return StoredSessionState(lineage: .random(), version: 0, attributeVersions: [:], storedLastAccessed: moment, lastChecked: moment)
    }

    // MARK: Save

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

    // MARK: Load

    /// The head of a stored session; `nil` for one that was not sealed by this secret, and for word of where a session went.
    func headIfReadable(of record: StoredSession) -> SessionHead? {
        guard let bytes = self.sealer.open(head: record.head, of: record.key), case .session(let head) = SessionHead.decode(bytes) else { return nil }
        return head
    }

    /// Tells the store of the last access to a session here.
    func touch(_ key: StoredSessionKey, of session: HTTPSession) async throws(SessionError) {
        let (lastAccessed, deadline) = session.state.withLock { ($0.idleSince, HTTPSession.deadline(of: $0, policy: self.policy)) }
        _ = try await self.ask { store throws(SessionError) in
            try await store.touch(key, lastAccessed: Timestamp(millisecondsSince1970: lastAccessed), deadline: deadline)
        }
    }

    func removeRecord(_ key: StoredSessionKey) async throws(SessionError) {
        _ = try await self.ask { store throws(SessionError) in try await store.remove(key) }
    }

    /// The head of a stored session; `nil`, and a line in the log, for one that was not sealed by this secret.
    func head(of record: StoredSession) -> SessionHead? {
        guard let head = self.headIfReadable(of: record) else {
            self.report("head", "a stored session was ignored: it was not sealed with this server's secret, or was changed (\(record.key))")
            return nil
        }
        return head
    }

    /// What became of a session in memory that was compared with the store.
    enum Refreshed {
        case current, ended, moved
        /// Another session has its id: contexts share ids.
        case replaced
    }

    /// Compares a session in memory with the store and takes over what is newer.
    func refresh(_ session: HTTPSession) async throws(SessionError) -> Refreshed {
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
            session.rebase(onto: record, head: head, at: self.clock())
            session.leaveStore()
            return .current
        case .absent:
            await session.enterStore()
            defer { session.leaveStore() }
            // This server may have given it another id, or ended it, while the store was looking.
            guard session.id == id, session.isValid else { return .moved }
            return try await self.catchUp(session, with: id) ? .moved : .ended
        }
    }

    /// Gives a session in memory the id that other servers gave it in the store, so that requests under way save it there.
    private func follow(_ session: HTTPSession, from id: SessionID, to key: StoredSessionKey) async throws(SessionError) {
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
        return HTTPSession(state, table: table)
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

    // MARK: Rename and remove

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

    private func forwarding(of key: StoredSessionKey) async throws(SessionError) -> StoredSessionKey? {
        let place = key.forwarding
        guard case .found(let record) = try await self.ask({ store throws(SessionError) in try await store.load(place, unless: nil) }),
            let bytes = self.sealer.open(head: record.head, of: place), case .forwarding(let newKey) = SessionHead.decode(bytes)
        else { return nil }
        return newKey
    }

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

    private func hasGone(_ session: HTTPSession) -> Outcome {
        session.table?.forgetEnded(session)
        return .gone
    }

    // MARK: Asking

    /// Asks the store, unless it has just failed.
    func ask<Answer: Sendable>(
        _ question: (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        if let until = self.pausedUntil.withLock({ $0 }), ContinuousClock.now < until {
            throw SessionError(code: .storeUnavailable, message: "the session store has just failed and is left alone for a moment")
        }
        let start = ContinuousClock.now
        do {
            let answer = try await question(self.store)
            self.metrics.note(since: start, failed: false)
            let wasDown = self.pausedUntil.withLock { until in
                defer { until = nil }
                return until != nil
            }
            if wasDown { self.logger.notice("the session store answers again") }
            return answer
        } catch {
            self.metrics.note(since: start, failed: error.code == .storeUnavailable)
            guard error.code == .storeUnavailable else { throw error }
            let wasDown = self.pausedUntil.withLock { until in
                defer { until = ContinuousClock.now + Self.pause }
                return until != nil
            }
            if !wasDown { self.logger.error("the session store does not answer: \(error.message)") }
            throw error
        }
    }

    /// One line in the log for each thing that can be wrong.
    private func report(_ topic: String, _ message: String) {
        let isNew = self.reported.withLock { reported in
            guard reported.count < 1000 else { return false }
            return reported.insert(topic).inserted
        }
        if isNew { self.logger.warning("\(message)") }
    }
}
