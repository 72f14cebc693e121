import Synchronization
import Testing

@testable import ServalSessions

/// Sessions whose clients have not come back, and the limit of their number.
@Suite struct NewcomerTests {
    private func manager(_ limit: Int) -> StandardSessionManager {
        var configuration = StandardSessionManager.Configuration()
        configuration.maximumNewSessions = limit
        return StandardSessionManager(configuration: configuration)
    }

    private func visit(_ manager: StandardSessionManager) async throws -> HTTPSession {
        let session = try await manager.create(id: nil)
        session.endAccess()
        return session
    }

    @Test(arguments: [0, 1, 10, 100, 1000]) func asManyAsAreAllowedLive(_ limit: Int) async throws {
        let manager = self.manager(limit)
        var sessions: [HTTPSession] = []
        for _ in 0..<limit { sessions.append(try await self.visit(manager)) }
        #expect(sessions.allSatisfy { $0.isValid })
        for _ in 0..<20 { sessions.append(try await self.visit(manager)) }
        // The newest is in its first request when it is counted, so it never makes room itself.
        #expect(sessions.map(\.isValid) == sessions.indices.map { $0 >= sessions.count - max(1, limit) }, "the oldest make room")
    }

    @Test func whoHasComeBackDoesNotCount() async throws {
        let manager = self.manager(10)
        var known: [HTTPSession] = []
        for _ in 0..<200 {
            let session = try await self.visit(manager)
            #expect(session.beginAccess())
            session.endAccess()
            known.append(session)
        }
        var new: [HTTPSession] = []
        for _ in 0..<10 { new.append(try await self.visit(manager)) }
        #expect(known.allSatisfy(\.isValid) && new.allSatisfy(\.isValid))
        for session in new { try await session.invalidate() }
        new = []
        for _ in 0..<10 { new.append(try await self.visit(manager)) }
        #expect(new.allSatisfy { $0.isValid }, "what has ended does not count")
    }

    /// A program with a certificate or a password that keeps no cookie leaves a session with each of its requests.
    @Test(arguments: [false, true]) func whoSignsOnWithEachRequestMakesRoomAsOthersDo(withNewID: Bool) async throws {
        let manager = self.manager(10)
        var sessions: [HTTPSession] = []
        for _ in 0..<50 {
            let session = try await manager.create(id: nil)
            if withNewID { try await session.signOn(as: "program") } else { try await session.begin(as: "program") }
            session.endAccess()
            sessions.append(session)
        }
        #expect(sessions.map(\.isValid) == sessions.indices.map { $0 >= 40 })
        let visitor = try await self.visit(manager)
        #expect(visitor.isValid && sessions.count(where: \.isValid) == 9)
        #expect(try await manager.sessions(ofPrincipal: "program").count == 9)
    }

    @Test func aLongFirstRequestDoesNotEvadeTheLimit() async throws {
        let manager = self.manager(5)
        var busy: [HTTPSession] = []
        for _ in 0..<20 { busy.append(try await manager.create(id: nil)) }
        for _ in 0..<50 { _ = try await self.visit(manager) }
        #expect(busy.allSatisfy { $0.isValid }, "their requests are under way")
        for session in busy { session.endAccess() }
        for _ in 0..<50 { _ = try await self.visit(manager) }
        #expect(busy.allSatisfy { !$0.isValid })
        #expect(manager.statistics.activeSessions == 5)
    }

    @Test func theListDoesNotKeepWhatHasEnded() async throws {
        let manager = self.manager(100)
        weak var gone: HTTPSession?
        do {
            let session = try await self.visit(manager)
            gone = session
            try await session.invalidate()
        }
        for _ in 0..<5000 { try await self.visit(manager).invalidate() }
        #expect(gone == nil, "without a background run, too")
    }

    @Test func aStopForgetsThemAll() async throws {
        let manager = self.manager(100)
        for _ in 0..<150 { _ = try await self.visit(manager) }
        await manager.stop()
        try await manager.start()
        var sessions: [HTTPSession] = []
        for _ in 0..<100 { sessions.append(try await self.visit(manager)) }
        #expect(sessions.allSatisfy { $0.isValid })
    }

    // MARK: Two requests with one id

    @Test func theSecondWhoMakesASessionUsesItToo() async throws {
        let manager = self.manager(100)
        let id = SessionID(rawValue: "shared")
        let first = try await manager.create(id: id)
        let second = try await manager.create(id: id)
        #expect(first === second)
        first.endAccess()
        #expect(first.state.withLock { $0.accessCount } == 1, "the second request goes on")
        second.endAccess()
        #expect(first.state.withLock { $0.accessCount } == 0)

        let third = try await manager.create(id: id)
        #expect(third === first && third.state.withLock { $0.accessCount } == 1)
        third.endAccess()
        #expect(third.state.withLock { $0.accessCount } == 0)
    }

    @Test func aSessionThatAnotherRequestHasMadeIsNotEvicted() async throws {
        var configuration = StandardSessionManager.Configuration()
        configuration.maxActiveSessions = 1
        configuration.evictsAtMaxActiveSessions = true
        configuration.idGenerator = StandardSessionIDGenerator()
        let manager = StandardSessionManager(configuration: configuration)
        let id = SessionID(rawValue: "shared")
        let first = try await manager.create(id: id)
        #expect(first.joinAccess(), "a parallel request")
        first.endAccess()
        await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
        #expect(first.isValid)
    }
}
