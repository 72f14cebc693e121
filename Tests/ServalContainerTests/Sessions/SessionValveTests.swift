import HTTPTypes
import ServalServlet
import Synchronization
import Testing

@testable import ServalContainer

/// Valves and filters about sessions.
@Suite("Session valves")
struct SessionValveTests {
    /// `/app/make` makes a session, `/app/look` only looks for one.
    private static func context(_ path: String = "/app", valves: [any Valve] = [], filter: (any Filter)? = nil) -> ContextDefinition {
        var definition = ContextDefinition(path) { context in
            context.addServlet(
                "make",
                ClosureServlet { request in
                    let session = try await request.session()
                    return .text("\(session.id.rawValue) \(session.maxInactiveInterval.map { "\($0)" } ?? "never")")
                }
            ).map("/make")
            context.addServlet("look", ClosureServlet { request in .text(try await request.existingSession()?.id.rawValue ?? "null") }).map("/look")
            context.addServlet("plain", ClosureServlet { _ in .text("plain") }).map("/plain")
            if let filter { context.addFilter("filter", filter).map("/*") }
        }
        definition.valves = valves
        return definition
    }

    private static let bot: HeaderFields = [.userAgent: "Mozilla/5.0 (compatible; Googlebot/2.1)"]

    private func id(_ answer: Answer) -> String { String(answer.text.prefix { $0 != " " }) }

    // MARK: CrawlerSessionManagerValve

    @Test("Requests of a crawler without cookies share one short session; those of others do not")
    func crawler() async throws {
        try await EngineHarness.run(Self.context(valves: [try CrawlerSessionManagerValve()])) { harness async throws in
            let first = try await harness.get("/app/make", headers: Self.bot)
            let second = try await harness.get("/app/make", headers: Self.bot)
            #expect(self.id(first) == self.id(second))
            #expect(second.text.hasSuffix("60.0 seconds"))
            #expect(first.sessionID != nil && second.sessionID == nil)
            let other = ConnectionInfo(remoteAddress: "192.0.2.9")
            #expect(self.id(try await harness.get("/app/make", headers: Self.bot, connection: other)) != self.id(first))
            let person: HeaderFields = [.userAgent: "Mozilla/5.0 (X11)"]
            let one = try await harness.get("/app/make", headers: person)
            #expect(try await harness.get("/app/make", headers: person).text != one.text)
            // A crawler that does take cookies has the session of its cookie.
            var cookie = Self.bot
            cookie[.cookie] = "JSESSIONID=\(self.id(one))"
            #expect(self.id(try await harness.get("/app/make", headers: cookie)) == self.id(one))
            // Two names are no name.
            var twice = Self.bot
            twice.append(.userAgent, "another bot")
            #expect(self.id(try await harness.get("/app/make", headers: twice)) != self.id(first))
            #expect(harness.engine.hosts[0].contexts[0].sessionManager?.statistics.activeSessions == 5)
        }
    }

    @Test("crawlerIps, hostAware and contextAware; a crawler's session that has ended is replaced")
    func crawlerSettings() async throws {
        var configuration = CrawlerSessionManagerValve.Configuration()
        configuration.crawlerUserAgents = ""
        configuration.crawlerIPs = "192\\.0\\.2\\..*"
        configuration.sessionInactiveInterval = .seconds(1)
        let valve = try CrawlerSessionManagerValve(configuration)
        let connection = ConnectionInfo(remoteAddress: "192.0.2.7")
        try await EngineHarness.run([Self.context("/a"), Self.context("/b")], host: { _ in }, engine: { $0.valves = [valve] }) {
            harness async throws in
            let first = try await harness.get("/a/make", connection: connection)
            #expect(try await harness.get("/a/make", connection: connection).text.hasPrefix(self.id(first)))
            #expect(self.id(try await harness.get("/b/make", connection: connection)) != self.id(first))
            #expect(self.id(try await harness.get("/a/make", headers: [.host: "other"], connection: connection)) != self.id(first))
            #expect(self.id(try await harness.get("/a/make", headers: Self.bot)) != self.id(first))
            try await Task.sleep(for: .milliseconds(1100))
            let later = try await harness.get("/a/make", connection: connection)
            #expect(later.status == 200 && self.id(later) != self.id(first))
        }
        #expect(throws: ConfigurationError.self) {
            var wrong = CrawlerSessionManagerValve.Configuration()
            wrong.crawlerUserAgents = "("
            _ = try CrawlerSessionManagerValve(wrong)
        }
    }

    // MARK: LoadBalancerDrainingValve

    @Test("A node that is drained keeps clients with live sessions and sends the others away without id")
    func draining() async throws {
        var configuration = LoadBalancerDrainingValve.Configuration()
        configuration.ignoreCookieName = "stay"
        configuration.ignoreCookieValue = "yes"
        let field = try #require(HTTPField.Name("JK_LB_ACTIVATION"))
        try await EngineHarness.run(Self.context(valves: [try LoadBalancerDrainingValve(configuration)])) { harness async throws in
            let live = try #require(try await harness.get("/app/make", headers: [field: "ACT"]).sessionID)
            #expect(try await harness.get("/app/look", headers: [field: "DIS", .cookie: "JSESSIONID=\(live)"]).text == live)
            #expect(try await harness.get("/app/look;jsessionid=\(live)", headers: [field: "DIS"]).text == live)
            let unknown = "0123456789ABCDEF0123456789ABCDEF"
            let away = try await harness.get("/app/look?a=b", headers: [field: "DIS", .cookie: "JSESSIONID=\(unknown)"])
            #expect(away.status == 307 && away.headers[.location] == "/app/look?a=b")
            let cookie = try #require(away.headers[.setCookie])
            #expect(cookie.hasPrefix("JSESSIONID=;"), "\(cookie)")
            #expect(cookie.contains("Expires=Thu, 01 Jan 1970") && cookie.contains("Path=/app") && cookie.contains("HttpOnly"), "\(cookie)")
            let url = try await harness.get("//app/look;x=1;jsessionid=\(unknown);y=2?q", headers: [field: "DIS"])
            #expect(url.status != 307 || url.headers[.location]?.hasPrefix("//") == false)
            let plain = try await harness.get("/app/look;x=1;jsessionid=\(unknown);y=2?q", headers: [field: "DIS"])
            #expect(plain.headers[.location] == "/app/look;x=1;y=2?q" && plain.headers[.setCookie] == nil)
            #expect(try await harness.get("/app/plain", headers: [field: "DIS"]).status == 307)
            #expect(try await harness.get("/app/plain", headers: [field: "DIS", .cookie: "stay=yes"]).text == "plain")
            #expect(try await harness.get("/app/plain", headers: [field: "DIS", .cookie: "stay=no"]).status == 307)
            #expect(try await harness.get("/app/plain").text == "plain")
        }
        let attribute = ClosureValve { request, next in
            request[.loadBalancerActivation] = "DIS"
            return try await next(request)
        }
        var moved = LoadBalancerDrainingValve.Configuration()
        moved.redirectStatusCode = 302
        try await EngineHarness.run(Self.context(valves: [attribute, try LoadBalancerDrainingValve(moved)])) { harness async throws in
            #expect(try await harness.get("/app/plain").status == 302)
        }
        moved.redirectStatusCode = 200
        #expect(throws: ConfigurationError.self) { try LoadBalancerDrainingValve(moved) }
    }

    @Test("While the store does not answer, valves that look for sessions leave requests as they are")
    func storeIsDown() async throws {
        let activation = try #require(HTTPField.Name("JK_LB_ACTIVATION"))
        let unknown: HeaderFields = [.cookie: "JSESSIONID=0123456789ABCDEF0123456789ABCDEF", .userAgent: "a bot", activation: "DIS"]
        let manager = FailingManager()
        var definition = Self.context(valves: [try LoadBalancerDrainingValve(), try CrawlerSessionManagerValve()])
        definition.makeSessionManager = { _ in manager }
        try await EngineHarness.run(definition) { harness async throws in
            let crawler = try await harness.get("/app/make", headers: Self.bot)
            #expect(try await harness.get("/app/plain", headers: unknown).status == 307)
            manager.isDown.store(true, ordering: .sequentiallyConsistent)
            let answer = try await harness.get("/app/plain", headers: unknown)
            #expect(answer.text == "plain" && answer.headers[.setCookie] == nil)
            #expect(try await harness.get("/app/plain", headers: Self.bot).text == "plain")
            #expect(try await harness.get("/app/look", headers: unknown).status == 503)
            manager.isDown.store(false, ordering: .sequentiallyConsistent)
            #expect(self.id(try await harness.get("/app/make", headers: Self.bot)) == self.id(crawler))
        }
    }

    @Test("Patterns look at texts of 1024 bytes at most, scalar by scalar, and at several texts at once")
    func patterns() async throws {
        let pattern = try CachedPattern(".*[bB]ot.*", attribute: "crawlerUserAgents")
        #expect(pattern.matches("a Bot/1.0") && !pattern.matches("a browser"))
        #expect(pattern.matches(String(repeating: "x", count: 1021) + "bot"))
        #expect(!pattern.matches(String(repeating: "x", count: 1022) + "bot"))
        #expect(pattern.matches("bot\u{0301} \u{0600}bot"))
        let answers = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<2000 { group.addTask { pattern.matches("\(number) bot") && !pattern.matches("\(number) person") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 2000 && answers.allSatisfy { $0 })
    }

    // MARK: PersistentValve

    @Test("Requests that the PersistentValve's filter matches store nothing")
    func persistentValveFilter() async throws {
        let store = MemorySessionStore()
        var definition = Self.context(valves: [try PersistentValve(filter: ".*/quiet")])
        definition.application = WebApplication(path: "/app") { context in
            for name in ["quiet", "loud"] {
                context.addServlet(
                    name,
                    ClosureServlet { request in
                        try await request.session()[Word.self] = name
                        return .text(name)
                    }
                ).map("/\(name)")
            }
        }
        definition.makeSessionManager = { _ in
            PersistentSessionManager(store: store, sealer: try SessionSealer(secret: [UInt8](repeating: 7, count: 32)))
        }
        try await EngineHarness.run(definition) { harness async throws in
            let id = try #require(try await harness.get("/app/quiet").sessionID)
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await store.count() == 0)
            _ = try await harness.get("/app/loud", headers: [.cookie: "JSESSIONID=\(id)"])
            #expect(try await store.count() == 1)
        }
        #expect(throws: ConfigurationError.self) { try PersistentValve(filter: "[") }
    }

    private enum Word: SessionAttributeKey {
        typealias Value = String
        static let name = "word"
    }

    // MARK: No sessions

    @Test("Q03, Q04, Q05, Q06, Q07: behind the filter there are no sessions, and who insists is told")
    func noSessions() async throws {
        try await EngineHarness.run(Self.context(filter: NoSessionFilter()), Self.context("/with")) { harness async throws in
            let id = try #require(try await harness.get("/with/make").sessionID)
            for _ in 0..<100 {
                let answer = try await harness.get("/app/look", headers: [.cookie: "JSESSIONID=\(id)"])
                #expect(answer.text == "null" && answer.headers[.setCookie] == nil)
            }
            let insisting = try await harness.get("/app/make")
            #expect(insisting.status == 500 && insisting.headers[.setCookie] == nil)
            #expect(harness.log.text.contains("the session policy of this request is forbidden"))
            #expect(harness.engine.hosts[0].contexts[0].sessionManager?.statistics.sessionCounter == 0)
        }
    }

    // MARK: Access

    @Test("O02, O03: requests that do not ask for their session keep it alive only with alwaysAccessSession", arguments: [false, true])
    func access(always: Bool) async throws {
        var definition = Self.context()
        definition.alwaysAccessesSession = always
        try await EngineHarness.run(definition) { harness async throws in
            let id = try #require(try await harness.get("/app/make").sessionID)
            let cookie: HeaderFields = [.cookie: "JSESSIONID=\(id)"]
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            let session = try #require(try await manager.find(SessionID(rawValue: id)))
            let before = session.lastAccessedTime
            try await Task.sleep(for: .milliseconds(30))
            for _ in 0..<2 { #expect(try await harness.get("/app/plain", headers: cookie).text == "plain") }
            #expect((session.lastAccessedTime > before) == always)
        }
    }
}
