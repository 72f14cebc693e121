import ServalServlet
import Synchronization

/// A store in memory that can be down.
final class FailingStore: ForwardingSessionStore {
    let memory = MemorySessionStore()
    let isDown = Atomic(false)
    var target: any SessionStore { self.memory }

    func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        guard !self.isDown.load(ordering: .sequentiallyConsistent) else { throw SessionError(code: .storeUnavailable, message: "switched off") }
        return try await operation(self.memory)
    }
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
