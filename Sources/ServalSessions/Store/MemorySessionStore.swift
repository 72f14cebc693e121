import Synchronization

/// A store in this process's memory: for tests, and as the plainest example of the contract.
///
/// Several managers that share one behave as servers that share a database. Nothing survives the process.
public final class MemorySessionStore: SessionStore {
    private struct Entry: Sendable {
        var session: StoredSession
        /// Until when nobody else may claim the expired session.
        var claimedUntil: Timestamp?
    }

    private let entries = Mutex<[StoredSessionKey: Entry]>([:])

    /// An empty store.
    public init() {}

    /// Does nothing.
    public func start() async throws(SessionError) {}

    /// Does nothing.
    public func stop() async {}

    /// See ``SessionStore/load(_:unless:)``.
    public func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        guard let session = self.entries.withLock({ $0[key]?.session }) else { return .absent }
        return session.version == version ? .unchanged(lastAccessed: session.lastAccessed, deadline: session.deadline) : .found(session)
    }

    /// See ``SessionStore/insert(_:)``.
    public func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        // For its limits, which every store has.
        _ = try session.encoded()
        return self.entries.withLock { entries in
            guard entries[session.key] == nil else { return false }
            entries[session.key] = Entry(session: session)
            return true
        }
    }

    /// See ``SessionStore/save(_:to:)``.
    public func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try self.entries.withLock { entries throws(SessionError) in
            guard var session = entries[key]?.session else { return .absent }
            if let version = session.version(of: changes.mark) { return .saved(version: version) }
            guard session.apply(changes) else { return .conflict(session) }
            _ = try session.encoded()
            entries[key] = Entry(session: session)
            return .saved(version: session.version)
        }
    }

    /// See ``SessionStore/rename(_:by:)``.
    public func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        self.entries.withLock { entries in
            guard entries[renaming.key] == nil else { return .taken }
            guard var session = entries[key]?.session else { return .absent }
            guard session.apply(renaming) else { return .conflict(session) }
            entries[key] = nil
            entries[renaming.key] = Entry(session: session)
            entries[renaming.forwarding.key] = Entry(session: renaming.forwarding)
            return .renamed(version: session.version)
        }
    }

    /// See ``SessionStore/touch(_:lastAccessed:deadline:)``.
    @discardableResult
    public func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        self.entries.withLock { entries in
            guard entries[key] != nil else { return false }
            entries[key]?.session.touch(lastAccessed: lastAccessed, deadline: deadline)
            entries[key]?.claimedUntil = nil
            return true
        }
    }

    /// See ``SessionStore/remove(_:)``.
    @discardableResult
    public func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        self.entries.withLock { $0.removeValue(forKey: key) != nil }
    }

    /// See ``SessionStore/claimExpired(at:limit:lease:)``.
    public func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        let end = now.advanced(by: lease)
        return self.entries.withLock { entries in
            let free = entries.values.filter { $0.session.isExpired(at: now) && $0.claimedUntil.map { $0 <= now } ?? true }
            let claimed = free.map(\.session).sorted { ($0.deadline ?? now) < ($1.deadline ?? now) }.prefix(limit)
            for session in claimed { entries[session.key]?.claimedUntil = end }
            return Array(claimed)
        }
    }

    /// See ``SessionStore/renewClaim(_:until:to:)``.
    public func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        self.entries.withLock { entries in
            guard entries[key]?.claimedUntil == end else { return false }
            entries[key]?.claimedUntil = newEnd
            return true
        }
    }

    /// See ``SessionStore/removeClaimed(_:until:)``.
    public func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        self.entries.withLock { entries in
            guard entries[key]?.claimedUntil == end else { return false }
            return entries.removeValue(forKey: key) != nil
        }
    }

    /// See ``SessionStore/sessions(ofPrincipal:)``.
    public func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        self.entries.withLock { $0.values.map(\.session).filter { $0.principal == principal } }
    }

    /// See ``SessionStore/count()``.
    public func count() async throws(SessionError) -> Int { self.entries.withLock { $0.count } }

    /// See ``SessionStore/removeAll()``.
    public func removeAll() async throws(SessionError) { self.entries.withLock { $0 = [:] } }
}
