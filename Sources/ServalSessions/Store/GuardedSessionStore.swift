import Logging
import Synchronization

/// A store behind a ``StoreCircuit``, which also measures it.
///
/// What fails for one session alone (``SessionError/isOfOneOperation``) and lists that take too long keep nobody else from the store.
final class GuardedSessionStore: SessionStore {
    /// What an operation is about.
    private enum Subject {
        case session(StoredSessionKey)
        case many
    }

    /// Whose session is asked for to see whether the store answers.
    private static let probe = StoredSessionKey(SessionID(rawValue: ""), namespace: "")

    private let store: any SessionStore
    private let logger: Logger
    private let metrics: SessionStoreMetrics
    private let circuit = Mutex(StoreCircuit())

    init(_ store: any SessionStore, metrics: SessionStoreMetrics, logger: Logger) {
        self.store = store
        self.metrics = metrics
        self.logger = logger
    }

    /// Whether the store is taken for down.
    var isDown: Bool { self.circuit.withLock { $0.isOpen } }

    /// Sees whether the store answers again, if it is taken for down and may be probed.
    func probe() async { _ = try? await self.ask(.many) { store throws(SessionError) in try await store.load(Self.probe, unless: nil) } }

    /// Asks the store, unless it is down.
    private func ask<Answer: Sendable>(
        _ subject: Subject,
        _ question: (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        switch self.circuit.withLock({ $0.admission(at: .now) }) {
        case .ask: break
        case .probe: try await self.makeProbe()
        case .refuse: throw SessionError(code: .storeUnavailable, message: "the session store does not answer and is left alone for a moment")
        }
        let start = ContinuousClock.now
        do {
            let answer = try await question(self.store)
            self.metrics.note(since: start, failed: false)
            self.didAnswer()
            return answer
        } catch {
            self.metrics.note(since: start, failed: error.code == .storeUnavailable)
            guard error.code == .storeUnavailable, case .session(let key) = subject else { throw error }
            guard !error.isOfOneOperation else {
                self.didAnswer()
                throw error
            }
            switch self.circuit.withLock({ $0.didFail(key, askedAt: start, at: .now) }) {
            case .news: self.logger.warning("the session store failed: \(error.message)")
            case .down: self.logger.error("the session store does not answer: \(error.message)")
            case .known: break
            }
            throw error
        }
    }

    /// Sees whether a store answers again that was down.
    private func makeProbe() async throws(SessionError) {
        let start = ContinuousClock.now
        do throws(SessionError) {
            _ = try await self.store.load(Self.probe, unless: nil)
            self.metrics.note(since: start, failed: false)
            self.didAnswer()
        } catch {
            self.metrics.note(since: start, failed: true)
            self.circuit.withLock { $0.didFailToProbe(at: .now) }
            throw error
        }
    }

    private func didAnswer() {
        guard self.circuit.withLock({ $0.didAnswer(at: .now) }) else { return }
        self.logger.notice("the session store answers again")
    }

    // MARK: The store

    func start() async throws(SessionError) { try await self.store.start() }

    func stop() async { await self.store.stop() }

    func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.load(key, unless: version) }
    }

    func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        try await self.ask(.session(session.key)) { store throws(SessionError) in try await store.insert(session) }
    }

    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.save(changes, to: key) }
    }

    func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.rename(key, by: renaming) }
    }

    func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.ask(.session(key)) { store throws(SessionError) in
            try await store.touch(key, lastAccessed: lastAccessed, deadline: deadline)
        }
    }

    func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.remove(key) }
    }

    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.ask(.many) { store throws(SessionError) in try await store.claimExpired(at: now, limit: limit, lease: lease) }
    }

    func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.renewClaim(key, until: end, to: newEnd) }
    }

    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.ask(.session(key)) { store throws(SessionError) in try await store.removeClaimed(key, until: end) }
    }

    func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.ask(.many) { store throws(SessionError) in try await store.sessions(ofPrincipal: principal) }
    }

    func count() async throws(SessionError) -> Int {
        try await self.ask(.many) { store throws(SessionError) in try await store.count() }
    }

    func removeAll() async throws(SessionError) {
        try await self.ask(.many) { store throws(SessionError) in try await store.removeAll() }
    }
}
