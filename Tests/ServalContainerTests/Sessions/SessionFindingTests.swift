import HTTPTypes
import ServalContainer
import ServalServlet
import Testing

/// What the documents tell of finding and of doing without sessions.
@Suite("Sessions found, piling up, and switched off")
struct SessionFindingTests {
    /// `make` makes a session, `look` looks for one, `id` tells the id in the documents' words.
    private static func context(_ path: String, filters: [any Filter] = []) -> ContextDefinition {
        ContextDefinition(path) { context in
            for (number, filter) in filters.enumerated() { context.addFilter("filter \(number)", filter).map("/*") }
            context.addServlet("make", ClosureServlet { request in .text(try await request.session().id.rawValue) }).map("/make")
            context.addServlet("look", ClosureServlet { request in .text(try await request.existingSession()?.id.rawValue ?? "none") }).map("/look")
            context.addServlet(
                "user",
                ClosureServlet { request in .text("\(request[.user] ?? "-") \(try await request.existingSession()?.id.rawValue ?? "none")") }
            ).map("/user")
        }
    }

    private static func manager(_ harness: EngineHarness, _ number: Int = 0) throws -> any SessionManager {
        try #require(harness.engine.hosts[0].contexts[number].sessionManager)
    }

    @Test("P03, P12: every request without cookie makes a session of its own, and the count is that of the ids")
    func withoutCookies() async throws {
        try await EngineHarness.run(Self.context("/app")) { harness async throws in
            var ids: Set<String> = []
            for number in 1...10 {
                let answer = try await harness.get("/app/make")
                ids.insert(answer.text)
                #expect(answer.sessionID == answer.text)
                #expect(try Self.manager(harness).statistics.activeSessions == number)
            }
            #expect(ids.count == 10)
            for id in ids { #expect(try await Self.manager(harness).find(SessionID(rawValue: id))?.id.rawValue == id) }
            #expect(try await Self.manager(harness).find(SessionID(rawValue: "0123456789ABCDEF0123456789ABCDEF")) == nil)
        }
    }

    @Test("P20: a second server knows nothing of the first one's sessions")
    func secondServer() async throws {
        try await EngineHarness.run(Self.context("/app")) { one async throws in
            try await EngineHarness.run(Self.context("/app")) { two async throws in
                let id = try #require(try await one.get("/app/make").sessionID)
                let cookie: HeaderFields = [.cookie: "JSESSIONID=\(id)"]
                #expect(try await two.get("/app/look", headers: cookie).text == "none")
                #expect(try await one.get("/app/look", headers: cookie).text == id)
                let other = try await two.get("/app/make", headers: cookie)
                #expect(other.sessionID != nil && other.sessionID != id)
            }
        }
    }

    @Test("P22: who is known by a token of somebody else's needs no session")
    func tokens() async throws {
        let authentication = ClosureFilter { request, next in
            guard request.headers[.authorization] == "Bearer token-of-alice" else { return .error(.unauthorized) }
            request[.user] = "alice"
            return try await next(request)
        }
        try await EngineHarness.run(Self.context("/app", filters: [NoSessionFilter(), authentication])) { harness async throws in
            let token: HeaderFields = [.authorization: "Bearer token-of-alice"]
            for _ in 0..<3 {
                let answer = try await harness.get("/app/user", headers: token)
                #expect(answer.text == "alice none" && answer.headers[.setCookie] == nil)
            }
            #expect(try await harness.get("/app/user").status == 401)
            #expect(try Self.manager(harness).statistics.sessionCounter == 0)
        }
    }
}

extension RequestAttributeKey where Value == String {
    fileprivate static var user: Self { .init("test.user") }
}
