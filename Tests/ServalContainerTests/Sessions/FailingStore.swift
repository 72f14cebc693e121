import ServalServlet
import Synchronization

/// A store in memory that can be down.
final class FailingStore: SessionStore {
    let memory = MemorySessionStore()
    let isDown = Atomic(false)

    private func ask<Answer: Sendable>(
        _ question: (MemorySessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        guard !self.isDown.load(ordering: .sequentiallyConsistent) else { throw SessionError(code: .storeUnavailable, message: "switched off") }
        return try await question(self.memory)
    }

    func start() async throws(SessionError) {}
    func stop() async {}
    func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.ask { memory throws(SessionError) in try await memory.load(key, unless: version) }
    }
    func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        try await self.ask { memory throws(SessionError) in try await memory.insert(session) }
    }
    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.ask { memory throws(SessionError) in try await memory.save(changes, to: key) }
    }
    func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.ask { memory throws(SessionError) in try await memory.rename(key, by: renaming) }
    }
    func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.ask { memory throws(SessionError) in try await memory.touch(key, lastAccessed: lastAccessed, deadline: deadline) }
    }
    func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.ask { memory throws(SessionError) in try await memory.remove(key) }
    }
    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.ask { memory throws(SessionError) in try await memory.claimExpired(at: now, limit: limit, lease: lease) }
    }
    func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.ask { memory throws(SessionError) in try await memory.renewClaim(key, until: end, to: newEnd) }
    }
    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.ask { memory throws(SessionError) in try await memory.removeClaimed(key, until: end) }
    }
    func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.ask { memory throws(SessionError) in try await memory.sessions(ofPrincipal: principal) }
    }
    func count() async throws(SessionError) -> Int { try await self.ask { memory throws(SessionError) in try await memory.count() } }
    func removeAll() async throws(SessionError) { try await self.ask { memory throws(SessionError) in try await memory.removeAll() } }
}

/// A manager in memory whose sessions cannot be found while it is down, as if they were in a store that does not answer.
final class FailingManager: SessionManager {
    private let inner = StandardSessionManager()
    let isDown = Atomic(false)

    var defaultMaxInactiveInterval: Duration? {
        get { self.inner.defaultMaxInactiveInterval }
        set { self.inner.defaultMaxInactiveInterval = newValue }
    }
    var statistics: SessionStatistics { self.inner.statistics }

    func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        guard !self.isDown.load(ordering: .sequentiallyConsistent) else { throw SessionError(code: .storeUnavailable, message: "switched off") }
        return try await self.inner.find(id)
    }
    func create(id: SessionID?) async throws(SessionError) -> HTTPSession { try await self.inner.create(id: id) }
    func processExpires() async { await self.inner.processExpires() }
    func addListener(_ listener: any HTTPSessionListener) { self.inner.addListener(listener) }
    func start() async throws { try await self.inner.start() }
    func stop() async { await self.inner.stop() }
}
