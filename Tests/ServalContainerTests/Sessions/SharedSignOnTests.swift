import ServalServlet
import Synchronization
import Testing

@testable import ServalContainer

/// Sign-ons and the life of their sessions: on other servers, at the same moment, and while a store is down.
@Suite("Single sign-on with several servers and failing stores")
struct SharedSignOnTests {
    private typealias One = SingleSignOnTests

    /// The clock of the valve; sessions have the real one.
    private final class Clock: Sendable {
        private let ahead = Atomic(Int64(0))
        func advance(minutes: Int64) { self.ahead.add(minutes * 60_000, ordering: .relaxed) }
        var now: Timestamp { Timestamp(millisecondsSince1970: Timestamp.now.millisecondsSince1970 + self.ahead.load(ordering: .relaxed)) }
    }

    /// Runs a server whose sessions are in a store.
    private static func server(_ store: any SessionStore, _ clock: Clock = Clock(), body: (EngineHarness) async throws -> Void) async throws {
        let contexts = ["/a", "/b"].map { path in
            var definition = One.context(path)
            definition.makeSessionManager = { _ in
                var configuration = PersistentSessionManager.Configuration()
                configuration.namespace = path
                let sealer = try SessionSealer(secret: [UInt8](repeating: 7, count: 32))
                return PersistentSessionManager(store: store, sealer: sealer, configuration: configuration)
            }
            return definition
        }
        let valve = try SingleSignOnValve(.init()) { clock.now }
        try await EngineHarness.run(contexts, host: { $0.valves = [valve] }, engine: { _ in }, body: body)
    }

    @Test("Who signs out on another server is signed out here, in all applications")
    func signedOutElsewhere() async throws {
        let store = MemorySessionStore()
        try await Self.server(store) { here async throws in
            try await Self.server(store) { there async throws in
                let login = try await here.get("/a/sign?as=alice")
                let (sso, a) = (try #require(One.sso(login)), try #require(login.sessionID))
                let b = try #require(try await here.get("/b/sign?as=alice", headers: One.cookies(sso)).sessionID)
                #expect(try await here.get("/b/who", headers: One.cookies(sso, b)).text == "alice SSO alice")
                #expect(try await there.get("/a/end", headers: One.cookies(nil, a)).text == "ended")
                let after = try await here.get("/b/who", headers: One.cookies(sso, b))
                #expect(after.text == "- - -")
                #expect(One.sso(after) == "REMOVE")
                #expect(try await here.get("/a/who", headers: One.cookies(sso, a)).text == "- - -")
                #expect(try await store.count() == 0)
            }
        }
    }

    @Test("A session whose time was over ends alone, also on another server; the sign-on ends with the last")
    func expiredElsewhere() async throws {
        let store = MemorySessionStore()
        let clock = Clock()
        try await Self.server(store, clock) { here async throws in
            try await Self.server(store) { there async throws in
                let login = try await here.get("/a/sign?as=alice")
                let (sso, a) = (try #require(One.sso(login)), try #require(login.sessionID))
                clock.advance(minutes: 40)
                let b = try #require(try await here.get("/b/sign?as=alice", headers: One.cookies(sso)).sessionID)
                _ = try await there.get("/a/end", headers: One.cookies(nil, a))
                #expect(try await here.get("/a/who", headers: One.cookies(sso)).text == "alice SSO -")
                clock.advance(minutes: 40)
                _ = try await there.get("/b/end", headers: One.cookies(nil, b))
                let after = try await here.get("/a/who", headers: One.cookies(sso))
                #expect(after.text == "- - -" && One.sso(after) == "REMOVE")
            }
        }
    }

    @Test("A session that gets another id stays with its sign-on")
    func rotated() async throws {
        let store = MemorySessionStore()
        try await Self.server(store) { here async throws in
            let login = try await here.get("/a/sign?as=alice")
            let (sso, a) = (try #require(One.sso(login)), try #require(login.sessionID))
            let rotated = try await here.get("/a/rotate", headers: One.cookies(sso, a)).text
            #expect(rotated != a)
            #expect(try await here.get("/b/who", headers: One.cookies(sso)).text == "alice SSO -")
            #expect(try await here.get("/a/who", headers: One.cookies(sso, rotated)).text == "alice SSO alice")
        }
    }

    @Test("Who signs out of one application while another one signs on leaves no session behind", arguments: [true, false])
    func signedOutMeanwhile(hasSession: Bool) async throws {
        let harnesses = Mutex<EngineHarness?>(nil)
        let secrets = Mutex<(sso: String, a: String)>(("", ""))
        struct SigningOut: HTTPSessionListener {
            let signOut: @Sendable () async -> Void
            func sessionCreated(_ session: HTTPSession) async { await self.signOut() }
            func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async { await self.signOut() }
        }
        let listener = SigningOut {
            guard let harness = harnesses.withLock({ $0 }) else { return }
            let (sso, a) = secrets.withLock { $0 }
            _ = try? await harness.get("/a/end", headers: One.cookies(sso, a))
        }
        var b = One.context("/b")
        let application = b.application
        b.application = WebApplication(path: "/b") { context in
            context.addListener(listener)
            try await application?.configure(context)
        }
        let valve = try SingleSignOnValve(.init())
        try await EngineHarness.run([One.context("/a"), b], host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            let anonymous = try #require(try await harness.get("/b/make").sessionID)
            let login = try await harness.get("/a/sign?as=alice")
            let (sso, a) = (try #require(One.sso(login)), try #require(login.sessionID))
            secrets.withLock { $0 = (sso, a) }
            harnesses.withLock { $0 = harness }
            let answer = try await harness.get(hasSession ? "/b/who" : "/b/make", headers: One.cookies(sso, hasSession ? anonymous : nil))
            #expect(answer.sessionID == nil)
            // Nobody has signed on in the anonymous session of the second case.
            let count = hasSession ? 0 : 1
            #expect(harness.engine.hosts[0].contexts.compactMap(\.sessionManager?.statistics.activeSessions) == [0, count])
            let next = hasSession ? answer : try await harness.get("/b/who", headers: One.cookies(sso))
            #expect(next.text == "- - -" && One.sso(next) == "REMOVE")
            harnesses.withLock { $0 = nil }
        }
    }

    @Test("While a session cannot be looked up nobody is known, nothing else fails, and the cookie stays")
    func storeIsDown() async throws {
        let (one, two) = (FailingManager(), FailingManager())
        let contexts = [("/a", one), ("/b", two)].map { path, manager in
            var definition = One.context(path)
            definition.makeSessionManager = { _ in manager }
            return definition
        }
        let valve = try SingleSignOnValve(.init())
        try await EngineHarness.run(contexts, host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            let login = try await harness.get("/a/sign?as=alice")
            let (sso, a) = (try #require(One.sso(login)), try #require(login.sessionID))
            let b = try #require(try await harness.get("/b/sign?as=alice", headers: One.cookies(sso)).sessionID)
            one.isDown.store(true, ordering: .sequentiallyConsistent)
            let answer = try await harness.get("/b/nothing", headers: One.cookies(sso, b))
            #expect(answer.status == 404 && answer.headers[values: .setCookie].isEmpty)
            #expect(try await harness.get("/a/who", headers: One.cookies(sso, a)).status == 503)
            one.isDown.store(false, ordering: .sequentiallyConsistent)
            #expect(try await harness.get("/b/who", headers: One.cookies(sso, b)).text == "alice SSO alice")

            // What cannot be ended at the sign-out ends when it turns up again.
            two.isDown.store(true, ordering: .sequentiallyConsistent)
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            try await manager.find(SessionID(rawValue: a))?.invalidate()
            two.isDown.store(false, ordering: .sequentiallyConsistent)
            #expect(try await harness.get("/b/who", headers: One.cookies(nil, b)).text == "- - -")
            #expect(two.statistics.activeSessions == 0)
        }
    }
}
