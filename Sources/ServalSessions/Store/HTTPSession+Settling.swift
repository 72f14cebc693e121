import Synchronization

/// One session's side of what is done to it as a whole: other ids, and writes whose answers were lost.
extension HTTPSession {
    /// What a rename writes.
    struct RenamingBatch: Sendable {
        /// With the id and the principal as they are; those that are new are for the caller to put in.
        var head: SessionHead
        var expectedHead: [UInt8]
        var mark: StoredSessionMark
        var lastAccessed: Timestamp
        var deadline: Timestamp?
    }

    /// What a rename is to write; `nil` for a session that is not stored.
    func renamingBatch(policy: HTTPSessionState.IdlePolicy) -> RenamingBatch? {
        self.state.withLock { state in
            guard let stored = state.stored, let expectedHead = stored.storedHead?.bytes else { return nil }
            return RenamingBatch(
                head: Self.head(of: state, stored),
                expectedHead: expectedHead,
                mark: stored.nextMark(),
                lastAccessed: Timestamp(millisecondsSince1970: state.idleSince),
                deadline: Self.deadline(of: state, policy: policy)
            )
        }
    }

    /// Says that the store has a new head.
    func didWrite(_ head: SessionHead, sealed: [UInt8], version: UInt64) {
        self.state.withLock { state in
            guard let stored = state.stored else { return }
            stored.noteHead(sealed, of: head.principal, version: version)
            if head.maxInactiveMilliseconds == state.maxInactiveMilliseconds { stored.isHeadChanged = false }
            if version == stored.version + 1 { stored.version = version } else { stored.lastChecked = 0 }
        }
    }

    /// Notes a write whose answer was lost; the next request looks at the store, however short ago the last one did.
    func note(_ unsettled: SessionPersistence.UnsettledWrite) {
        self.state.withLock { state in
            state.stored?.unsettled = unsettled
            state.stored?.lastChecked = 0
            if case .renaming = unsettled { state.stored?.countChange() }
        }
    }

    /// Takes the write over whose answer was lost.
    ///
    /// - Parameter isEnding: `true` for who ends the session; nobody else does anything for one that has ended.
    func takeUnsettled(isEnding: Bool = false) -> SessionPersistence.UnsettledWrite? {
        self.state.withLock { state in
            guard isEnding || state.phase == .live else { return nil }
            defer { state.stored?.unsettled = nil }
            return state.stored?.unsettled
        }
    }

    var isUnsettled: Bool { self.state.withLock { $0.stored?.unsettled != nil } }

    /// The id under which the store has the session.
    var storedID: SessionID { self.state.withLock { $0.stored?.orphan?.id ?? $0.id } }
}
