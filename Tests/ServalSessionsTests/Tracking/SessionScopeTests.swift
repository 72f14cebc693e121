import ServalSessions
import Testing

@Suite("The session of one request, for other servers")
struct SessionScopeTests {
    private func run(_ body: (StandardSessionManager, (String?) -> SessionScope) async throws -> Void) async throws {
        let manager = StandardSessionManager()
        try await manager.start()
        try await body(manager) { cookie in SessionScope(manager: manager, path: "/app", cookieFields: cookie.map { [$0] } ?? [], isSecure: false) }
        await manager.stop()
    }

    @Test("Nothing is made and no cookie is set unless somebody asks for a session")
    func nothingAsked() async throws {
        try await self.run { manager, scope async throws in
            let scope = scope("JSESSIONID=unknown; other=1")
            #expect(try await scope.existingSession() == nil)
            #expect(try await scope.close() == nil)
            #expect(manager.statistics.sessionCounter == 0)
        }
    }

    @Test("Tasks of one request get one session, and the cookie is told once")
    func oneSession() async throws {
        try await self.run { manager, makeScope async throws in
            let scope = makeScope(nil)
            let ids = try await withThrowingTaskGroup(of: SessionID.self) { group in
                for _ in 0..<20 { group.addTask { try await scope.session().id } }
                return try await group.reduce(into: Set<SessionID>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            let id = try #require(ids.first).rawValue
            #expect(try await scope.close() == "JSESSIONID=\(id); Path=/app; HttpOnly")
            #expect(try await scope.close() == nil)
            #expect(manager.statistics.activeSessions == 1)

            let next = makeScope("JSESSIONID=\(id)")
            #expect(try await next.session().id.rawValue == id)
            #expect(try await next.close() == nil)
        }
    }

    @Test("After the end of a session the same request may begin another one; after the response it may not")
    func afterTheEnd() async throws {
        try await self.run { _, makeScope async throws in
            let scope = makeScope(nil)
            let first = try await scope.session()
            try await first.invalidate()
            #expect(try await scope.existingSession() == nil)
            let second = try await scope.session()
            #expect(second.id != first.id)
            #expect(try await scope.close()?.contains(second.id.rawValue) == true)

            let late = makeScope(nil)
            #expect(try await late.close() == nil)
            await #expect(throws: SessionError.self) { try await late.session() }
        }
    }

    @Test("A session is found behind a hundred stale cookies")
    func manyCookies() async throws {
        try await self.run { manager, makeScope async throws in
            let id = try await manager.create(id: nil).id.rawValue
            let junk = (0..<100).map { "JSESSIONID=junk\($0); " }.joined()
            #expect(try await makeScope(junk + "JSESSIONID=\(id)").existingSession() != nil)
        }
    }

    @Test("The path of the cookie is percent-encoded")
    func encodedPath() async throws {
        try await self.run { manager, _ async throws in
            let scope = SessionScope(manager: manager, path: "/a b/ä", cookieFields: [], isSecure: false)
            _ = try await scope.session()
            #expect(try await scope.close()?.hasSuffix("; Path=/a%20b/%C3%A4; HttpOnly") == true)
        }
    }

    @Test("A request in progress does not learn the id that another one gives its session, and cannot take the session over")
    func anotherRequest() async throws {
        try await self.run { manager, makeScope async throws in
            let planted = try await manager.create(id: nil).id.rawValue
            let attacker = makeScope("JSESSIONID=\(planted)")
            let held = try #require(try await attacker.existingSession())
            let victim = makeScope("JSESSIONID=\(planted)")
            let id = try await victim.run { try await victim.session().signOn(as: "alice") }
            #expect(try await victim.close() == "JSESSIONID=\(id.rawValue); Path=/app; HttpOnly")
            #expect(try await attacker.existingSession() == nil)
            let error = await #expect(throws: SessionError.self) { _ = try await attacker.run { try await held.rotateID() } }
            #expect(error?.code == .invalidated)
            #expect(try await attacker.close() == nil)
            #expect(try await manager.find(id)?.principalName == "alice")

            // It may begin another one.
            let later = makeScope("JSESSIONID=\(planted)")
            #expect(try await later.session().id != id)
        }
    }

    @Test("The id that a request gives its session is told, twice if need be; of a session that it has made, any id is its own")
    func ownIDs() async throws {
        try await self.run { manager, makeScope async throws in
            let old = try await manager.create(id: nil).id.rawValue
            let scope = makeScope("JSESSIONID=\(old)")
            let id = try await scope.run {
                try await scope.session().rotateID()
                // Another framework's application within the first: both know of it.
                return try await makeScope(nil).run { try await scope.session().rotateID() }
            }
            #expect(try await scope.existingSession()?.id == id)
            #expect(try await scope.close()?.hasPrefix("JSESSIONID=\(id.rawValue);") == true)

            let made = makeScope(nil)
            let outside = try await made.session().rotateID()
            #expect(try await made.close()?.hasPrefix("JSESSIONID=\(outside.rawValue);") == true)

            // Nobody knows on whose behalf: the client keeps the id that it has.
            let unknown = makeScope("JSESSIONID=\(outside.rawValue)")
            try await unknown.session().rotateID()
            #expect(try await unknown.close() == nil)
        }
    }
}
