import Testing

@testable import ServalSessions

/// Tomcat's way: one server, and a store for what is idle.
@Suite struct IdleSessionStoringTests {
    private func nodes(_ limits: (inout PersistentSessionManager.IdleLimits) -> Void = { _ in }, maxActive: Int = -1) throws -> SessionNodes {
        var value = PersistentSessionManager.IdleLimits()
        limits(&value)
        return try SessionNodes(1, mode: .whenIdle(value)) { $0.sessions.maxActiveSessions = maxActive }
    }

    private func create(_ nodes: SessionNodes, _ count: Int) async throws -> [SessionID] {
        var ids: [SessionID] = []
        for number in 0..<count {
            let session = try await nodes[0].create(id: nil)
            session[Visits.self] = number
            session.endAccess()
            ids.append(session.id)
        }
        return ids
    }

    @Test func idleSessionsAreBackedUpAndStay() async throws {
        let nodes = try self.nodes { $0.maxIdleBackup = .seconds(1) }
        let ids = try await self.create(nodes, 1)
        await nodes[0].processExpires()
        #expect(try await nodes[0].storedSessionCount() == 0)
        nodes.clock.advance(by: .seconds(2))
        await nodes[0].processExpires()
        #expect(try await nodes[0].storedSessionCount() == 1)
        #expect(nodes[0].statistics.activeSessions == 1)
        _ = nodes.store.takeCounts()
        nodes.clock.advance(by: .seconds(2))
        await nodes[0].processExpires()
        #expect(nodes.store.takeCounts()[.save] == nil, "nothing has changed")
        #expect(try await nodes[0].find(ids[0])?[Visits.self] == 0)
    }

    @Test func idleSessionsLeaveMemoryAndComeBack() async throws {
        let nodes = try self.nodes { $0.maxIdleSwap = .seconds(2) }
        let ids = try await self.create(nodes, 3)
        let busy = try #require(try await nodes[0].find(ids[2]))
        #expect(busy.beginAccess())
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        #expect(nodes[0].statistics.activeSessions == 1, "one is in use")
        busy.endAccess()
        for (number, id) in ids.enumerated() { #expect(try await nodes[0].find(id)?[Visits.self] == number) }
        #expect(nodes[0].statistics.activeSessions == 3)
        #expect(nodes.logs[0].all == ["created", "created", "created"], "leaving memory is no end")
    }

    @Test func theLeastRecentlyUsedLeaveAtNineTenths() async throws {
        let nodes = try self.nodes({ $0.minIdleSwap = .seconds(0) }, maxActive: 10)
        var ids: [SessionID] = []
        for _ in 0..<10 {
            ids += try await self.create(nodes, 1)
            nodes.clock.advance(by: .seconds(1))
        }
        await nodes[0].processExpires()
        #expect(nodes[0].statistics.activeSessions == 9)
        #expect(try await nodes[0].storedSessionCount() == 1)
        #expect(try await nodes[0].find(ids[0])?[Visits.self] == 0)
    }

    @Test func restartKeepsSessionsOrNot() async throws {
        let nodes = try self.nodes()
        let ids = try await self.create(nodes, 100)
        await nodes[0].stop()
        try await nodes[0].start()
        #expect(try await nodes[0].storedSessionCount() == 100)
        for (number, id) in ids.enumerated() { #expect(try await nodes[0].find(id)?[Visits.self] == number) }

        let forgetful = try self.nodes { $0.saveOnRestart = false }
        let id = try await self.create(forgetful, 1)[0]
        await forgetful[0].stop()
        try await forgetful[0].start()
        #expect(try await forgetful[0].find(id) == nil)
    }

    @Test func aSessionThatLeftMemoryCanStillBeEnded() async throws {
        let nodes = try self.nodes { $0.maxIdleSwap = .seconds(2) }
        let ids = try await self.create(nodes, 1)
        let held = try #require(try await nodes[0].find(ids[0]))
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        #expect(!held.isValid)
        try await held.invalidate()
        #expect(try await nodes[0].find(ids[0]) == nil)
        #expect(try await nodes[0].storedSessionCount() == 0)
        #expect(nodes.logs[0].all == ["created", "destroyed invalidated visits=0 valid=false"])
    }

    @Test(arguments: 0..<20) func whatEndsWhileItIsLoadedStaysEnded(round: Int) async throws {
        var limits = PersistentSessionManager.IdleLimits()
        limits.maxIdleSwap = .seconds(2)
        let nodes = try SessionNodes(1, mode: .whenIdle(limits), yields: true)
        let id = try await self.create(nodes, 1)[0]
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<6 {
                group.addTask {
                    for _ in 0..<worker { await Task.yield() }
                    let session = try? await nodes[0].find(id)
                    if worker == round % 6 { try? await session?.invalidate() }
                }
            }
        }
        #expect(try await nodes[0].find(id) == nil)
        #expect(nodes[0].statistics.activeSessions == 0)
    }

    @Test func swappedOutSessionsExpireOnce() async throws {
        let nodes = try self.nodes { $0.maxIdleSwap = .seconds(2) }
        let ids = try await self.create(nodes, 2)
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        #expect(nodes[0].statistics.activeSessions == 0)
        nodes.clock.advance(by: .seconds(3600))
        for _ in 0..<3 { await nodes[0].processExpires() }
        #expect(nodes.logs[0].all.filter { $0.hasPrefix("destroyed expired") }.count == 2)
        #expect(try await nodes[0].find(ids[0]) == nil)
        #expect(try await nodes[0].storedSessionCount() == 0)
    }
}
