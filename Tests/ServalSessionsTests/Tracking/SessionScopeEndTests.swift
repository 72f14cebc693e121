import Synchronization
import Testing

@testable import ServalSessions

@Suite("What a request for another server asks for after its end")
struct SessionScopeEndTests {
    /// Lets a test do something while a session is made or saved.
    private final class HookedManager: SessionManager {
        typealias Hook = @Sendable () async throws(SessionError) -> Void

        private let inner = StandardSessionManager()
        let beforeSave = Mutex<Hook?>(nil)
        let beforeCreate = Mutex<Hook?>(nil)

        var defaultMaxInactiveInterval: Duration? {
            get { self.inner.defaultMaxInactiveInterval }
            set { self.inner.defaultMaxInactiveInterval = newValue }
        }
        var statistics: SessionStatistics { self.inner.statistics }
        var savesSessions: Bool { true }
        func save(_ session: HTTPSession) async throws(SessionError) { try await self.beforeSave.withLock { $0 }?() }
        func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? { try await self.inner.find(id) }
        func create(id: SessionID?) async throws(SessionError) -> HTTPSession {
            try await self.beforeCreate.withLock { $0 }?()
            return try await self.inner.create(id: id)
        }
        func processExpires() async { await self.inner.processExpires() }
        func addListener(_ listener: any HTTPSessionListener) { self.inner.addListener(listener) }
        func start() async throws { try await self.inner.start() }
        func stop() async { await self.inner.stop() }

        func session() async throws -> HTTPSession {
            let session = try await self.create(id: nil)
            session.endAccess()
            return session
        }

        func scope(_ sessions: HTTPSession...) -> SessionScope {
            SessionScope(manager: self, cookieFields: sessions.map { "JSESSIONID=\($0.id.rawValue)" }, isSecure: false)
        }
    }

    private static func isInUse(_ session: HTTPSession) -> Bool { session.state.withLock { $0.isInUse } }

    @Test("A session that is first asked for after the end can be read and is not in use for ever")
    func late() async throws {
        let manager = HookedManager()
        let session = try await manager.session()
        let scope = manager.scope(session)
        #expect(try await scope.close() == nil)
        for _ in 0..<2 { #expect(try await scope.existingSession() === session) }
        #expect(try await scope.session() === session)
        #expect(!Self.isInUse(session))
        #expect(try await scope.close() == nil)
    }

    @Test("So is one that takes the place of another while that is saved")
    func whileSaving() async throws {
        let manager = HookedManager()
        let (first, second) = (try await manager.session(), try await manager.session())
        let scope = manager.scope(first, second)
        #expect(try await scope.existingSession() === first)
        let found = Mutex<HTTPSession?>(nil)
        manager.beforeSave.withLock { hook in
            hook = { () async throws(SessionError) in
                try await first.invalidate()
                let session = try await scope.existingSession()
                found.withLock { $0 = session }
            }
        }
        #expect(try await scope.close() == nil)
        #expect(found.withLock { $0 } === second)
        #expect(!Self.isInUse(first) && !Self.isInUse(second))
    }

    @Test("A session that is made too late to be told to the client is none")
    func madeTooLate() async throws {
        let manager = HookedManager()
        let scope = manager.scope()
        manager.beforeCreate.withLock { hook in hook = { () async throws(SessionError) in _ = try await scope.close() } }
        let error = await #expect(throws: SessionError.self) { try await scope.session() }
        #expect(error?.code == .creationForbidden)
        #expect(manager.statistics.activeSessions == 0 && manager.statistics.sessionCounter == 1)
    }
}
