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
        /// What the new head is made from; `nil` for a session that is not stored.
        var expectedHead: [UInt8]?
        var principal: String?
        var mark: StoredSessionMark
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
            // What somebody else is saving at this moment may be this request's.
            if stored.isBusy || stored.unsettled != nil { return true }
            if stored.isStored { return stored.hasChanges || Self.isTouchDue(state, stored, share) }
            return self.isWorthStoring(state, stored)
        }
    }

    /// Whether a store lacks anything of the session, or may lack it.
    ///
    /// - Parameter isComplete: whether a session that nobody has written to is to be stored, too.
    func lacksSaving(isComplete: Bool) -> Bool {
        self.state.withLock { state in
            guard state.phase == .live, let stored = state.stored else { return false }
            return stored.isBusy || stored.hasChanges || !stored.isStored && (isComplete || self.isWorthStoring(state, stored))
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
                guard !stored.isOrphan, isComplete ? stored.storedLastAccessed < state.idleSince : Self.isTouchDue(state, stored, share) else {
                    return nil
                }
            } else if !stored.isStored {
                guard isComplete || self.isWorthStoring(state, stored) else { return nil }
            }
            let changes = stored.changes
            stored.changes = [:]
            let needsHead = !stored.isStored || stored.isHeadChanged
            stored.isHeadChanged = false
            var values: [String: SessionAttributeSlot.Content] = [:]
            let names: any Collection<String> = stored.isStored ? changes.keys : state.attributes.keys
            for name in names { values[name] = state.attributes[name]?.content }
            return Batch(
                id: stored.orphan?.id ?? state.id,
                lineage: stored.lineage,
                isStored: stored.isStored,
                changes: changes,
                values: values,
                attributeVersions: stored.attributeVersions,
                head: needsHead ? Self.head(of: state, stored) : nil,
                expectedHead: stored.isStored ? stored.storedHead?.bytes : nil,
                principal: Self.storedPrincipal(state, stored),
                mark: stored.nextMark(),
                lastAccessed: Timestamp(millisecondsSince1970: state.idleSince),
                deadline: Self.deadline(of: state, policy: policy),
                isTouch: isTouch
            )
        }
    }

    /// Says that a batch was saved.
    ///
    /// - Parameters:
    ///   - names: the attributes that were written.
    ///   - head: the sealed head that was written; `nil` for none.
    ///   - version: the version that the session got by it.
    ///   - isRepetition: whether that may have been a while ago, so that others may have written since.
    func didSave(
        _ batch: Batch,
        writing names: some Collection<String>,
        head: [UInt8]?,
        version: UInt64,
        isRepetition: Bool,
        at now: Timestamp
    ) {
        self.state.withLock { state in
            guard let stored = state.stored else { return }
            stored.storedLastAccessed = max(stored.storedLastAccessed, batch.lastAccessed.millisecondsSince1970)
            // What could not be encoded was not written; it stays as it is, here and there.
            for name in names {
                if case .decoded = batch.values[name] { stored.attributeVersions[name] = version } else { stored.attributeVersions[name] = nil }
            }
            if let head { stored.noteHead(head, of: batch.principal, version: version) }
            // Otherwise another server saved in between; the next look at the store fetches what it wrote.
            if version == stored.version + 1 || !stored.isStored {
                stored.version = version
                stored.lastChecked = isRepetition ? 0 : now.millisecondsSince1970
            }
        }
    }

    /// Says what a store answered to a touch.
    func didTouch(_ batch: Batch, isStored: Bool) {
        self.state.withLock { state in
            guard let stored = state.stored else { return }
            stored.storedLastAccessed = max(stored.storedLastAccessed, batch.lastAccessed.millisecondsSince1970)
            // Gone elsewhere, or under another id there: the next look at the store finds out, and an access is not worth more.
            if !isStored { stored.lastChecked = 0 }
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
    /// Only while nobody else saves the session. An orphan takes over what it needs to save its own changes, and nothing else.
    ///
    /// - Parameter batch: what met a conflict; it becomes part of what is to be saved again.
    func rebase(onto record: StoredSession, head: SessionHead, unsaved batch: Batch? = nil, at now: Timestamp) {
        if let batch { self.putBack(batch) }
        let previous = self.principalName
        // Values are released when the lock is free: their `deinit` is the application's code.
        let (recomputed, released): ([String], [SessionAttributeSlot]) = self.state.withLock { state in
            guard let stored = state.stored, record.version >= stored.version else { return ([], []) }
            var released: [SessionAttributeSlot] = []
            stored.lineage = head.lineage
            var changed = stored.attributesDiffering(from: record)
            if stored.isOrphan { changed = changed.filter { stored.changes[$0.key] != nil } }
            for (name, attribute) in changed where stored.changes[name] == nil {
                if let slot = state.takeOver(name, attribute.map { .stored($0.bytes) }) { released.append(slot) }
            }
            for (name, attribute) in changed { stored.attributeVersions[name] = attribute?.version }
            stored.version = record.version
            stored.lastChecked = now.millisecondsSince1970
            stored.storedLastAccessed = max(stored.storedLastAccessed, record.lastAccessed.millisecondsSince1970)
            let isLatestHead = record.version >= stored.storedHead?.version ?? 0
            let hasBegun = state.principal != nil && stored.storedHead?.principal == nil
            stored.noteHead(record.head, of: head.principal, version: record.version)
            if !stored.isOrphan { state.noteAccessElsewhere(at: record.lastAccessed.millisecondsSince1970) }
            // Each for itself: a principal that signed on elsewhere, and an idle time that was changed here. Whose it has begun as stays, if it is nobody's elsewhere.
            if isLatestHead, !stored.isOrphan, !hasBegun || head.principal != nil { state.principal = head.principal }
            if isLatestHead, !stored.isHeadChanged { state.maxInactiveMilliseconds = head.maxInactiveMilliseconds }
            return (changed.keys.filter { if case .updated = stored.changes[$0] { true } else { false } }, released)
        }
        withExtendedLifetime(released) {}
        self.table?.principal(of: self, changedFrom: previous)
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
            let size = current.map { self.size(of: $0.content, named: name) } ?? 0
            let (isDone, released): (Bool, SessionAttributeSlot?) = self.state.withLock { state in
                guard state.phase == .live, state.attributes[name]?.stamp == slot?.stamp else { return (state.phase != .live, nil) }
                let released = state.takeOver(name, current?.content, size: size)
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

    private func isWorthStoring(_ state: HTTPSessionState, _ stored: StoredSessionState) -> Bool {
        if stored.isHeadWorthStoring || state.attributes.values.contains(where: { !$0.isTransient }) { return true }
        // Whose it has begun as is worth it when its client has come back, or where the sessions of principals are counted, on all servers.
        return state.principal != nil && (state.hasReturned || self.table?.configuration.maximumSessionsPerPrincipal != nil)
    }

    private static func isTouchDue(_ state: HTTPSessionState, _ stored: StoredSessionState, _ share: Int64) -> Bool {
        guard state.maxInactiveMilliseconds > 0 else { return false }
        let (difference, overflow) = state.idleSince.subtractingReportingOverflow(stored.storedLastAccessed)
        return overflow ? state.idleSince > stored.storedLastAccessed : difference > state.maxInactiveMilliseconds / 100 * share
    }

    static func head(of state: HTTPSessionState, _ stored: StoredSessionState) -> SessionHead {
        SessionHead(
            lineage: stored.lineage,
            id: (stored.orphan?.id ?? state.id).rawValue,
            creationTime: Timestamp(millisecondsSince1970: state.creationTime),
            maxInactiveMilliseconds: state.maxInactiveMilliseconds,
            principal: Self.storedPrincipal(state, stored)
        )
    }

    private static func storedPrincipal(_ state: HTTPSessionState, _ stored: StoredSessionState) -> String? {
        stored.orphan.map(\.principal) ?? state.principal
    }

    /// When a store may take the session for expired: late by as much as a server may keep an access to itself, and a second.
    ///
    /// - Parameters:
    ///   - lastAccessed: a later access than the session's, in milliseconds since 1970.
    ///   - least: before which its idle time is not over in any case.
    static func deadline(
        of state: HTTPSessionState,
        policy: HTTPSessionState.IdlePolicy,
        lastAccessed: Int64? = nil,
        noEarlierThan least: Timestamp? = nil
    ) -> Timestamp? {
        var deadline: Int64?
        if state.maxInactiveMilliseconds > 0 {
            let slack = SessionPersistence.slack(of: state.maxInactiveMilliseconds)
            let end = (lastAccessed ?? state.idleSince).addingClamped(state.maxInactiveMilliseconds).addingClamped(slack)
            deadline = max(end, least?.millisecondsSince1970 ?? end)
        }
        if policy.maxLifetimeMilliseconds > 0 {
            let end = state.creationTime.addingClamped(policy.maxLifetimeMilliseconds)
            deadline = min(deadline ?? end, end)
        }
        return deadline.map { Timestamp(millisecondsSince1970: $0) }
    }
}

extension Int64 {
    func addingClamped(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max - 1 : sum
    }
}
