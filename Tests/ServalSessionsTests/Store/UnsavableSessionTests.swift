import Testing

@testable import ServalSessions

/// What is wrong with one session is not wrong with the others.
@Suite(.timeLimit(.minutes(2))) struct UnsavableSessionTests {
    /// A store that does not take some sessions.
    private func refuse(_ sessions: [HTTPSession], in nodes: HookedNodes, _ code: SessionError.Code) {
        let keys = Set(sessions.map { nodes.key($0.id) })
        nodes.store.before { call throws(SessionError) in
            guard let key = call.key, keys.contains(key) else { return }
            throw SessionError(code: code, message: "too large")
        }
    }

    /// Nodes that do not give a store up for its silence between the tries, however long those take on a busy machine.
    private func patientNodes() throws -> HookedNodes { try HookedNodes(mode: .whenIdle(.init())) { $0.patience = .seconds(600) } }

    private func create(_ count: Int, at nodes: HookedNodes) async throws -> [HTTPSession] {
        var sessions: [HTTPSession] = []
        for number in 0..<count {
            let session = try await nodes[0].create(id: nil)
            session[Visits.self] = number
            session.endAccess()
            sessions.append(session)
        }
        return sessions
    }

    @Test(arguments: [SessionError.Code.limitReached, .storeUnavailable]) func aStopSavesAllOthers(_ code: SessionError.Code) async throws {
        let nodes = try self.patientNodes()
        let sessions = try await self.create(400, at: nodes)
        self.refuse([sessions[0], sessions[200]], in: nodes, code)
        await nodes[0].stop()
        nodes.store.before(nil)
        #expect(try await nodes[0].storedSessionCount() == 398)
    }

    /// So many, side by side, that the store is taken for down.
    @Test func aStopSavesAllOthersOfManyThatFail() async throws {
        let nodes = try self.patientNodes()
        let sessions = try await self.create(30, at: nodes)
        self.refuse(Array(sessions.prefix(6)), in: nodes, .storeUnavailable)
        await nodes[0].stop()
        nodes.store.before(nil)
        #expect(try await nodes[0].storedSessionCountOnceItAnswers() == 24)
    }

    @Test(arguments: [SessionError.Code.limitReached, .storeUnavailable])
    func idleSessionsLeaveMemoryWithoutIt(_ code: SessionError.Code) async throws {
        var limits = PersistentSessionManager.IdleLimits()
        limits.maxIdleSwap = .seconds(60)
        let nodes = try HookedNodes(mode: .whenIdle(limits))
        let sessions = try await self.create(50, at: nodes)
        self.refuse([sessions[10]], in: nodes, code)
        nodes.clock.advance(by: .seconds(100))
        await nodes[0].processExpires()
        #expect(nodes[0].statistics.activeSessions == 1)
        #expect(sessions[10].isValid && sessions[10][Visits.self] == 10, "what cannot be saved stays in memory")
        #expect(try await nodes[0].storedSessionCount() == 49)
    }

    @Test func othersAreServedWhileOneFailsAgainAndAgain() async throws {
        let nodes = try HookedNodes()
        let honest = try await nodes.session()
        let session = try await nodes.session()
        self.refuse([session], in: nodes, .storeUnavailable)
        for number in 0..<50 {
            session[Visits.self] = number
            await #expect(throws: SessionError.self) { try await nodes[0].save(session) }
            honest[Visits.self] = number
            try await nodes[0].save(honest)
            #expect(try await nodes[0].find(honest.id) === honest)
        }
    }

    @Test func signingOutEverywhereGoesOnAfterAFailure() async throws {
        let nodes = try HookedNodes()
        var sessions: [HTTPSession] = []
        for number in 0..<5 {
            let session = try await nodes.session(visits: number)
            try await session.signOn(as: "ada")
            try await nodes[0].save(session)
            sessions.append(session)
        }
        self.refuse([sessions[1]], in: nodes, .storeUnavailable)
        let error = await #expect(throws: SessionError.self) { try await nodes[0].invalidateSessions(ofPrincipal: "ada") }
        #expect(error?.code == .storeUnavailable)
        #expect(sessions.allSatisfy { !$0.isValid })
        nodes.store.before(nil)
        await nodes[0].processExpires()
        for session in sessions { #expect(try await nodes.store.memory.load(nodes.key(session.id), unless: nil) == .absent) }
        #expect(try await nodes[0].sessions(ofPrincipal: "ada").isEmpty)
    }

    @Test func whatEndedHereEndsUnderTheIDThatAnotherServerGaveIt() async throws {
        let nodes = try HookedNodes(2)
        let session = try await nodes.session()
        let id = session.id
        let key = nodes.key(id)
        // This server cannot remove it, and does not hear of the new id.
        nodes.store.before { call throws(SessionError) in
            if call.name == .remove, call.key == key { throw SessionError(code: .storeUnavailable, message: "no answer") }
        }
        await #expect(throws: SessionError.self) { try await session.invalidate() }
        let elsewhere = try #require(try await nodes[1].find(id))
        let newID = try await elsewhere.rotateID()
        nodes.store.before(nil)
        await nodes[0].processExpires()
        #expect(try await nodes[1].find(newID) == nil)
    }
}
