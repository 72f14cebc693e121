/// A store in front of another one: what it does not do itself, it passes on.
package protocol ForwardingSessionStore: SessionStore {
    /// The store behind it.
    var target: any SessionStore { get }

    /// Passes an operation on, or does otherwise.
    ///
    /// - Parameter operation: what the caller asks for; to be done with ``target``, or with a store that stands for it.
    func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer
}

/// An operation of a store.
package struct SessionStoreCall: Sendable, Hashable {
    /// The operations of ``SessionStore``, in short.
    package enum Name: Sendable, Hashable {
        case load, insert, save, rename, touch, remove, claim, renew, removeClaimed, principal, count, removeAll
    }

    package var name: Name
    /// Whose session it is about; `nil` for many.
    package var key: StoredSessionKey?

    package init(_ name: Name, _ key: StoredSessionKey? = nil) {
        self.name = name
        self.key = key
    }
}

extension ForwardingSessionStore {
    package func start() async throws(SessionError) { try await self.target.start() }

    package func stop() async { await self.target.stop() }

    /// Passes the operation on.
    package func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        try await operation(self.target)
    }

    package func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.forward(SessionStoreCall(.load, key)) { store throws(SessionError) in try await store.load(key, unless: version) }
    }

    package func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        try await self.forward(SessionStoreCall(.insert, session.key)) { store throws(SessionError) in try await store.insert(session) }
    }

    package func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.forward(SessionStoreCall(.save, key)) { store throws(SessionError) in try await store.save(changes, to: key) }
    }

    package func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.forward(SessionStoreCall(.rename, key)) { store throws(SessionError) in try await store.rename(key, by: renaming) }
    }

    @discardableResult
    package func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.forward(SessionStoreCall(.touch, key)) { store throws(SessionError) in
            try await store.touch(key, lastAccessed: lastAccessed, deadline: deadline)
        }
    }

    @discardableResult
    package func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.forward(SessionStoreCall(.remove, key)) { store throws(SessionError) in try await store.remove(key) }
    }

    package func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.forward(SessionStoreCall(.claim)) { store throws(SessionError) in
            try await store.claimExpired(at: now, limit: limit, lease: lease)
        }
    }

    package func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.forward(SessionStoreCall(.renew, key)) { store throws(SessionError) in
            try await store.renewClaim(key, until: end, to: newEnd)
        }
    }

    package func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.forward(SessionStoreCall(.removeClaimed, key)) { store throws(SessionError) in
            try await store.removeClaimed(key, until: end)
        }
    }

    package func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.forward(SessionStoreCall(.principal)) { store throws(SessionError) in try await store.sessions(ofPrincipal: principal) }
    }

    package func count() async throws(SessionError) -> Int {
        try await self.forward(SessionStoreCall(.count)) { store throws(SessionError) in try await store.count() }
    }

    package func removeAll() async throws(SessionError) {
        try await self.forward(SessionStoreCall(.removeAll)) { store throws(SessionError) in try await store.removeAll() }
    }
}
