import ServalContainer
import ServalServlet
import Synchronization
import Testing

/// Requests that have a session made under the same shared id at the same moment.
@Suite("Requests that have the same session made")
struct JoinedSessionRequestTests {
    /// Lets another request make a session just before.
    private final class Manager: SessionManager {
        typealias Other = @Sendable (HTTPSession) async throws(SessionError) -> Void

        private let inner: StandardSessionManager
        /// What the other request does with its session; `nil` for no other request.
        let other = Mutex<Other?>(nil)

        init(_ configuration: StandardSessionManager.Configuration) { self.inner = StandardSessionManager(configuration: configuration) }

        var defaultMaxInactiveInterval: Duration? {
            get { self.inner.defaultMaxInactiveInterval }
            set { self.inner.defaultMaxInactiveInterval = newValue }
        }
        var statistics: SessionStatistics { self.inner.statistics }
        func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? { try await self.inner.find(id) }
        func create(id: SessionID?) async throws(SessionError) -> HTTPSession {
            if id != nil, let other = self.other.withLock({ $0 }) { try await other(try await self.inner.create(id: id)) }
            return try await self.inner.create(id: id)
        }
        func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] { try await self.inner.sessions(ofPrincipal: name) }
        func processExpires() async { await self.inner.processExpires() }
        func addListener(_ listener: any HTTPSessionListener) { self.inner.addListener(listener) }
        func start() async throws { try await self.inner.start() }
        func stop() async { await self.inner.stop() }
    }

    /// Applications `/a` and `/b` that share ids.
    private static func run(_ manager: Manager, body: (EngineHarness) async throws -> Void) async throws {
        let contexts = ["/a", "/b"].map { path in
            var definition = SignedInSessionTests.context(path)
            definition.sessionCookiePath = "/"
            if path == "/b" { definition.makeSessionManager = { _ in manager } }
            return definition
        }
        try await EngineHarness.run(contexts, host: { _ in }, engine: { _ in }, body: body)
    }

    @Test("What somebody else's request has made is not touched; the second one gets another session")
    func somebodyElse() async throws {
        let manager = Manager(.init())
        try await Self.run(manager) { harness async throws in
            let joe = try #require(try await SignedInSessionTests.get(harness, "CN=joe", "/a/keep").sessionID)
            manager.other.withLock { other in other = { (session) async throws(SessionError) in _ = try await session.begin(as: "CN=ann") } }
            let answer = try await SignedInSessionTests.get(harness, "CN=joe", "/b/keep?note=his", joe)
            let id = try #require(answer.sessionID)
            #expect(id != joe && answer.text == "\(id) CN=joe")
            #expect(try await manager.find(SessionID(rawValue: joe))?.principalName == "CN=ann")
            #expect(try await manager.sessions(ofPrincipal: "CN=joe").map(\.id.rawValue) == [id])
            #expect(try await manager.sessions(ofPrincipal: "CN=ann").map(\.id.rawValue) == [joe])
        }
    }

    @Test("A request that may have no more sessions ends the one that it has made, and not another request's", arguments: [true, false])
    func failure(isJoined: Bool) async throws {
        var configuration = StandardSessionManager.Configuration()
        configuration.maximumSessionsPerPrincipal = 1
        configuration.principalSessionLimit = .reject
        let manager = Manager(configuration)
        try await Self.run(manager) { harness async throws in
            let joe = try #require(try await SignedInSessionTests.get(harness, "CN=joe", "/a/keep").sessionID)
            #expect(try await SignedInSessionTests.get(harness, "CN=joe", "/b/keep").status == 200)
            if isJoined { manager.other.withLock { other in other = { (_) async throws(SessionError) in } } }
            #expect(try await SignedInSessionTests.get(harness, "CN=joe", "/b/keep", joe).status >= 500)
            let session = try await manager.find(SessionID(rawValue: joe))
            #expect((session?.isValid == true) == isJoined)
            #expect(manager.statistics.activeSessions == (isJoined ? 2 : 1))
        }
    }
}
