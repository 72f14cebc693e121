import Testing

@testable import ServalSessions

/// Sessions that begin as a principal's, who comes with each request anew: with a certificate, a password, a single sign-on.
@Suite(.timeLimit(.minutes(1))) struct BegunSessionTests {
    private func begin(_ nodes: SessionNodes, _ number: Int = 0, as principal: String = "ann", _ body: (HTTPSession) async throws -> Void = { _ in })
        async throws -> HTTPSession
    {
        let session = try await nodes[number].create(id: nil)
        try await session.begin(as: principal)
        try await body(session)
        try await nodes[number].save(session)
        session.endAccess()
        return session
    }

    @Test func aClientThatKeepsNoCookieLeavesNothingInTheStore() async throws {
        let nodes = try SessionNodes(1) { $0.sessions.maximumNewSessions = 10 }
        for _ in 0..<50 { #expect(!(try await self.begin(nodes).hasUnsavedChanges)) }
        #expect(nodes.store.takeCounts().isEmpty)
        #expect(nodes[0].statistics.activeSessions == 10)
        await nodes[0].stop()
        #expect(try await nodes.store.memory.count() == 0)
    }

    @Test func aClientThatComesBackHasItsSessionEverywhere() async throws {
        let nodes = try SessionNodes()
        let id = try await self.begin(nodes).id
        #expect(try await nodes[1].find(id) == nil, "there it begins another one, as somebody anonymous does")
        #expect(try await nodes.request(0, id) { $0.principalName } == "ann")
        #expect(try await nodes[1].find(id)?.principalName == "ann")
        #expect(try await nodes[1].invalidateSessions(ofPrincipal: "ann") == 1)
        #expect(try await nodes[0].find(id) == nil)
    }

    @Test(arguments: ["attribute", "idle time", "sign-on", "other sign-on", "maximum"])
    func whatIsWorthStoringIsStoredAtOnce(_ kind: String) async throws {
        let nodes = try SessionNodes { if kind == "maximum" { $0.sessions.maximumSessionsPerPrincipal = 5 } }
        let session = try await self.begin(nodes) { session in
            switch kind {
            case "attribute": session[Visits.self] = 1
            case "idle time": session.maxInactiveInterval = .seconds(60)
            case "sign-on": try await session.signOn(as: "ann")
            case "other sign-on": try await session.signOn(as: "bob")
            default: break
            }
        }
        #expect(try await nodes[1].find(session.id)?.principalName == (kind == "other sign-on" ? "bob" : "ann"))
    }

    @Test func aSignOnInASessionThatNobodyHasBegunIsStoredAtOnce() async throws {
        let nodes = try SessionNodes()
        let session = try await nodes[0].create(id: nil)
        try await session.signOn(as: "ann")
        try await nodes[0].save(session)
        session.endAccess()
        #expect(try await nodes[1].find(session.id)?.principalName == "ann")
    }

    /// The store gets to know whose the session is, though the session was on its way there when it began as somebody's.
    @Test func whoBeginsWhileTheSessionIsSavedIsStored() async throws {
        let nodes = try HookedNodes(2)
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        let gate = Gate()
        nodes.store.before { call in if call.name == .insert { await gate.pass() } }
        async let saved: Void = nodes[0].save(session)
        await gate.waitForArrival()
        try await session.begin(as: "ann")
        gate.open()
        try await saved
        try await nodes[0].save(session)
        session.endAccess()
        #expect(try await nodes[1].find(session.id)?.principalName == "ann")
        #expect(!session.hasUnsavedChanges)
    }

    /// Contexts that share ids make a session at the same moment, one of them for nobody.
    @Test func whoseASessionHasBegunAsStays() async throws {
        let nodes = try SessionNodes()
        let id = SessionID(rawValue: "shared")
        let session = try await nodes[1].create(id: id)
        try await session.begin(as: "ann")
        session[Visits.self] = 1
        let other = try await nodes[0].create(id: id)
        other[Cart.self] = ["a"]
        try await nodes[0].save(other)
        try await nodes[1].save(session)
        #expect(session.principalName == "ann" && session[Cart.self] == ["a"])
        #expect(try await nodes[0].find(id)?.principalName == "ann")
    }
}
