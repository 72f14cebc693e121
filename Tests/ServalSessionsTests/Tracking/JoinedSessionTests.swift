import Testing

@testable import ServalSessions

@Suite("Requests that have the same session made at the same moment")
struct JoinedSessionTests {
    @Test("Who is first has it, whoever else asks meanwhile")
    func first() async throws {
        let nodes = try HookedNodes { $0.sessions.maximumSessionsPerPrincipal = 5 }
        let id = StandardSessionIDGenerator().makeID()
        let session = try await nodes[0].create(id: id)
        let rounds = Counter()
        nodes.store.before { call throws(SessionError) in
            // While joe's sessions are counted.
            guard call.name == .principal, rounds.add(1) == 1 else { return }
            let joined = try await nodes[0].create(id: id)
            let isHers = try await joined.begin(as: "ann")
            #expect(joined === session && isHers)
        }
        #expect(try await session.begin(as: "joe") == false)
        nodes.store.before(nil)
        #expect(try await session.begin(as: "ann") && rounds.value > 1)
        #expect(session.principalName == "ann")
        #expect(try await nodes[0].sessions(ofPrincipal: "joe").isEmpty)
        #expect(try await nodes[0].sessions(ofPrincipal: "ann").map(\.id) == [id])
    }

    @Test("Who cannot have it leaves it to the others, and the last one ends it")
    func failed() async throws {
        let manager = StandardSessionManager()
        try await manager.start()
        let id = StandardSessionIDGenerator().makeID()
        let session = try await manager.create(id: id)
        #expect(try await manager.create(id: id) === session)
        session.endAccess()
        try await session.invalidateUnlessUsed()
        #expect(session.isValid)
        session.endAccess()
        try await session.invalidateUnlessUsed()
        #expect(!session.isValid && manager.statistics.activeSessions == 0)
        await manager.stop()
    }
}
