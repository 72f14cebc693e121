import Synchronization

/// One session's side of saving: what is to be saved, and what becomes of it.
extension HTTPSession {
    /// What one save writes.
    struct Batch: Sendable {
        var id: SessionID
        var lineage: SessionLineage
        var isStored: Bool
        var changes: [String: StoredSessionState.Change]
        var values: [String: SessionAttributeSlot.Content]
        var attributeVersions: [String: UInt64]
        /// The new head; `nil` if it has not changed.
        var head: SessionHead?
        var principal: String?
        var lastAccessed: Timestamp
        var deadline: Timestamp?
        /// Nothing but a later access.
        var isTouch: Bool
    }

    // MARK: One at a time

    /// Waits until nobody else saves, renames or removes this session.
    func enterStore() async {
        if self.state.withLock({ $0.stored?.enter() ?? true }) { return }
        await withCheckedContinuation { continuation in
            self.state.withLock { state in
                if let stored = state.stored { stored.wait(continuation) } else { continuation.resume() }
            }
        }
    }

    func leaveStore() { self.state.withLock { $0.stored?.leave() } }

    // MARK: Saving

    /// Whether there is anything to save.
    ///
    /// - Parameter share: the part of the idle time after which a mere access is worth a write, in percent.
    func needsSaving(touchAfterPercent share: Int64) -> Bool {
        self.state.withLock { state in
            guard state.phase == .live, let stored = state.stored else { return false }
            if stored.isStored { return stored.hasChanges || Self.isTouchDue(state, stored, share) }
            return Self.isWorthStoring(state, stored)
        }
    }

    /// Takes what is to be saved; `nil` if there is nothing.
    ///
    /// Changes from now on belong to the next save.
    ///
    /// - Parameter isComplete: saves a session that nobody has written to, too, and the last access in any case.
    func takeBatch(touchAfterPercent share: Int64, policy: HTTPSessionState.IdlePolicy, isComplete: Bool = false) -> Batch? {
        self.state.withLock { state -> Batch? in
            guard state.phase == .live, let stored = state.stored else { return nil }
            let isTouch = stored.isStored && !stored.hasChanges
            if isTouch {
                guard isComplete ? stored.storedLastAccessed < state.idleSince : Self.isTouchDue(state, stored, share) else { return nil }
            } else if !stored.isStored {
                guard isComplete || Self.isWorthStoring(state, stored) else { return nil }
            }
            let changes = stored.changes
            stored.changes = [:]
            if !stored.isStored { stored.mayBeStored = true }
            let needsHead = !stored.isStored || stored.isHeadChanged
            stored.isHeadChanged = false
            var values: [String: SessionAttributeSlot.Content] = [:]
            let names: any Collection<String> = stored.isStored ? changes.keys : state.attributes.keys
            for name in names { values[name] = state.attributes[name]?.content }
            return Batch(
                id: state.id,
                lineage: stored.lineage,
                isStored: stored.isStored,
                changes: changes,
                values: values,
                attributeVersions: stored.attributeVersions,
                head: needsHead ? Self.head(of: state, lineage: stored.lineage) : nil,
                principal: state.principal,
                lastAccessed: Timestamp(millisecondsSince1970: state.idleSince),
                deadline: Self.deadline(of: state, policy: policy),
                isTouch: isTouch
            )
        }
    }

    func head() -> SessionHead? {
        self.state.withLock { state in state.stored.map { Self.head(of: state, lineage: $0.lineage) } }
    }

    /// Says that a batch was saved.
    ///
    /// - Parameter isComplete: whether the version follows the one that is in memory, so that nothing that others saved is missing here.
    func didSave(_ batch: Batch, writing names: some Collection<String>, version: UInt64, at now: Timestamp) {
        self.state.withLock { state in
            guard let stored = state.stored else { return }
            stored.storedLastAccessed = max(stored.storedLastAccessed, batch.lastAccessed.millisecondsSince1970)
            guard !batch.isTouch else { return }
            // What could not be encoded was not written; it stays as it is, here and there.
            for name in names {
                if case .decoded = batch.values[name] { stored.attributeVersions[name] = version } else { stored.attributeVersions[name] = nil }
            }
            // Otherwise another server saved in between; the next look at the store fetches what it wrote.
            if version == stored.version + 1 || !stored.isStored {
                stored.version = version
                stored.lastChecked = now.millisecondsSince1970
            }
        }
    }

    /// Puts a batch back that was not saved, for the next try.
    func putBack(_ batch: Batch) {
        self.state.withLock { state in
            guard let stored = state.stored else { return }
            stored.restore(batch.changes)
            if batch.head != nil { stored.isHeadChanged = true }
        }
    }

    // MARK: Taking over

    /// Takes over what others have stored, but for attributes that this server has changed since; of those, the ones that were computed by
    /// ``HTTPSession/update(_:default:_:)`` are computed anew.
    ///
    /// Only while nobody else saves the session.
    ///
    /// - Parameter batch: what met a conflict; it becomes part of what is to be saved again.
    func rebase(onto record: StoredSession, head: SessionHead, unsaved batch: Batch? = nil, at now: Timestamp) {
        if let batch { self.putBack(batch) }
        // Values are released when the lock is free: their `deinit` is the application's code.
        let (recomputed, released): ([String], [SessionAttributeSlot]) = self.state.withLock { state in
            guard let stored = state.stored, record.version >= stored.version else { return ([], []) }
            var released: [SessionAttributeSlot] = []
            stored.lineage = head.lineage
            let changed = stored.attributesDiffering(from: record)
            for (name, attribute) in changed where stored.changes[name] == nil {
                if let slot = state.takeOver(name, attribute.map { .stored($0.bytes) }) { released.append(slot) }
            }
            for (name, attribute) in changed { stored.attributeVersions[name] = attribute?.version }
            stored.version = record.version
            stored.lastChecked = now.millisecondsSince1970
            stored.storedLastAccessed = max(stored.storedLastAccessed, record.lastAccessed.millisecondsSince1970)
            state.noteAccessElsewhere(at: record.lastAccessed.millisecondsSince1970)
            if !stored.isHeadChanged {
                state.maxInactiveMilliseconds = head.maxInactiveMilliseconds
                state.principal = head.principal
            }
            return (changed.keys.filter { if case .updated = stored.changes[$0] { true } else { false } }, released)
        }
        withExtendedLifetime(released) {}
        for name in recomputed { self.recompute(name, from: record.attributes[name]) }
        self.table?.count(self)
    }

    /// Applies an attribute's unsaved updates to what is stored; the application's closures run without a lock.
    private func recompute(_ name: String, from attribute: StoredSession.Attribute?) {
        while true {
            let (slot, change) = self.state.withLock { ($0.attributes[name], $0.stored?.changes[name]) }
            // Replaced or removed meanwhile: there is nothing to compute.
            guard case .updated(let reruns) = change else { return }
            var current = attribute.map { SessionAttributeSlot(content: .stored($0.bytes), stamp: 0, writer: 0) }
            var isChanged = false
            for rerun in reruns {
                guard let content = rerun(self, current) else { continue }
                current = SessionAttributeSlot(content: content, stamp: 0, writer: 0)
                isChanged = true
            }
            let (isDone, released): (Bool, SessionAttributeSlot?) = self.state.withLock { state in
                guard state.phase == .live, state.attributes[name]?.stamp == slot?.stamp else { return (state.phase != .live, nil) }
                let released = state.takeOver(name, current?.content)
                if !isChanged { state.stored?.changes[name] = nil }
                return (true, released)
            }
            withExtendedLifetime((slot, released)) {}
            if isDone { return }
        }
    }

    /// Notes that the store has nothing newer.
    func isUnchanged(lastAccessed: Timestamp, at now: Timestamp) {
        self.state.withLock { state in
            state.stored?.lastChecked = now.millisecondsSince1970
            state.noteAccessElsewhere(at: lastAccessed.millisecondsSince1970)
        }
    }

    // MARK: Rules

    private static func isWorthStoring(_ state: HTTPSessionState, _ stored: StoredSessionState) -> Bool {
        stored.isHeadChanged || state.principal != nil || state.attributes.values.contains { !$0.isTransient }
    }

    private static func isTouchDue(_ state: HTTPSessionState, _ stored: StoredSessionState, _ share: Int64) -> Bool {
        guard state.maxInactiveMilliseconds > 0 else { return false }
        return state.idleSince - stored.storedLastAccessed > state.maxInactiveMilliseconds / 100 * share
    }

    private static func head(of state: HTTPSessionState, lineage: SessionLineage) -> SessionHead {
        SessionHead(
            lineage: lineage,
            id: state.id.rawValue,
            creationTime: Timestamp(millisecondsSince1970: state.creationTime),
            maxInactiveMilliseconds: state.maxInactiveMilliseconds,
            principal: state.principal
        )
    }

    /// When a store may take the session for expired: late by as much as a server may keep an access to itself, and a second.
    static func deadline(of state: HTTPSessionState, policy: HTTPSessionState.IdlePolicy) -> Timestamp? {
        var deadline: Int64?
        if state.maxInactiveMilliseconds > 0 {
            let slack = state.maxInactiveMilliseconds / 100 * SessionPersistence.touchShare + 1000
            deadline = state.idleSince.addingClamped(state.maxInactiveMilliseconds).addingClamped(slack)
        }
        if policy.maxLifetimeMilliseconds > 0 {
            let end = state.creationTime.addingClamped(policy.maxLifetimeMilliseconds)
            deadline = min(deadline ?? end, end)
        }
        return deadline.map { Timestamp(millisecondsSince1970: $0) }
    }
}

extension Int64 {
    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max - 1 : sum
    }
}
