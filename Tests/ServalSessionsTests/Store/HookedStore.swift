import Synchronization

@testable import ServalSessions

/// A store in memory that does something of the test's before each operation: fails, or waits.
final class HookedStore: SessionStore {
    /// What is to be done, and with whose session; `nil` for many.
    struct Call: Sendable, Hashable {
        var name: String
        var key: StoredSessionKey?
    }

    typealias Hook = @Sendable (Call) async throws(SessionError) -> Void

    let memory = MemorySessionStore()
    private let hook = Mutex<Hook?>(nil)
    private let calls = Mutex<[Call]>([])

    func before(_ hook: Hook?) { self.hook.withLock { $0 = hook } }

    /// The operations since somebody asked last.
    func takeCalls() -> [Call] {
        self.calls.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }

    private func pass<Answer: Sendable>(
        _ name: String,
        _ key: StoredSessionKey? = nil,
        _ operation: (MemorySessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        let call = Call(name: name, key: key)
        self.calls.withLock { $0.append(call) }
        if let hook = self.hook.withLock({ $0 }) { try await hook(call) }
        return try await operation(self.memory)
    }

    func start() async throws(SessionError) {}
    func stop() async {}
    func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.pass("load", key) { store throws(SessionError) in try await store.load(key, unless: version) }
    }
    func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        try await self.pass("insert", session.key) { store throws(SessionError) in try await store.insert(session) }
    }
    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.pass("save", key) { store throws(SessionError) in try await store.save(changes, to: key) }
    }
    func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.pass("rename", key) { store throws(SessionError) in try await store.rename(key, by: renaming) }
    }
    func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.pass("touch", key) { store throws(SessionError) in
            try await store.touch(key, lastAccessed: lastAccessed, deadline: deadline)
        }
    }
    func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.pass("remove", key) { store throws(SessionError) in try await store.remove(key) }
    }
    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.pass("claim") { store throws(SessionError) in
            try await store.claimExpired(at: now, limit: limit, lease: lease)
        }
    }
    func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.pass("renew", key) { store throws(SessionError) in try await store.renewClaim(key, until: end, to: newEnd) }
    }
    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.pass("removeClaimed", key) { store throws(SessionError) in try await store.removeClaimed(key, until: end) }
    }
    func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.pass("principal") { store throws(SessionError) in try await store.sessions(ofPrincipal: principal) }
    }
    func count() async throws(SessionError) -> Int {
        try await self.pass("count") { store throws(SessionError) in try await store.count() }
    }
    func removeAll() async throws(SessionError) {
        try await self.pass("removeAll") { store throws(SessionError) in try await store.removeAll() }
    }
}

/// Where something waits until the test lets it go on.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var arrived = 0
    }

    private let state = Mutex(State())

    /// How many have come.
    var arrived: Int { self.state.withLock { $0.arrived } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = self.state.withLock { state in
                state.arrived += 1
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = self.state.withLock { state in
            defer { state.waiting = [] }
            state.isOpen = true
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Returns when so many have come.
    func waitForArrival(of count: Int = 1) async { while self.arrived < count { await Task.yield() } }
}
