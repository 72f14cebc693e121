import Synchronization
import Testing

@testable import ServalSessions

/// Sessions make room for one another, fairly.
@Suite struct SessionBudgetTests {
    private func manager(_ change: (inout StandardSessionManager.Configuration) -> Void) -> (StandardSessionManager, ManualClock) {
        let clock = ManualClock()
        var configuration = StandardSessionManager.Configuration()
        configuration.clock = { clock.now }
        change(&configuration)
        return (StandardSessionManager(configuration: configuration), clock)
    }

    /// A session whose first request is over.
    private func visit(_ manager: any SessionManager, bytes: Int = 0) async throws -> HTTPSession {
        let session = try await manager.create(id: nil)
        if bytes > 0 { session[Cart.self] = [String(repeating: "x", count: bytes)] }
        session.endAccess()
        return session
    }

    /// What happens in the background happens soon.
    private func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        for _ in 0..<500 {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test func clientsThatNeverComeBackCannotFillTheMemory() async throws {
        let (manager, _) = self.manager { $0.maximumNewSessions = 640 }
        let log = EventLog()
        manager.addListener(RecordingListener(log: log))
        var kept: [HTTPSession] = []
        for number in 0..<20_000 {
            let session = try await self.visit(manager)
            if number % 1000 == 0 {
                // Somebody real comes back.
                #expect(session.beginAccess())
                session.endAccess()
                kept.append(session)
            }
        }
        #expect(manager.statistics.activeSessions == 640 + kept.count)
        for session in kept { #expect(try await manager.find(session.id) === session) }
        #expect(log.all.contains { $0.hasPrefix("destroyed evicted") })
        let newest = try await self.visit(manager)
        #expect(try await manager.find(newest.id) === newest)
    }

    @Test func aSessionInItsFirstRequestStays() async throws {
        let (manager, _) = self.manager { $0.maximumNewSessions = 64 }
        let busy = try await manager.create(id: nil)
        for _ in 0..<5000 { _ = try await self.visit(manager) }
        #expect(busy.isValid)
        busy[Visits.self] = 1
        #expect(try await manager.find(busy.id)?[Visits.self] == 1)
    }

    @Test func bytesAreCountedAndTheLeastWorthGoesFirst() async throws {
        let (manager, clock) = self.manager { $0.memoryBudget = 400_000 }
        var groups: [[HTTPSession]] = [[], [], []]
        for number in 0..<300 {
            clock.advance(by: .seconds(1))
            let session = try await self.visit(manager, bytes: 700)
            let group = number % 3
            if group > 0 {
                #expect(session.beginAccess())
                session.endAccess()
            }
            if group == 2 { try await session.signOn(as: "user\(number)") }
            groups[group].append(session)
        }
        #expect(manager.statistics.activeSessions == 300, "about 305,000 bytes")
        for _ in 0..<150 { _ = try await self.visit(manager, bytes: 700) }
        #expect(try await self.eventually { manager.statistics.activeSessions < 400 })
        #expect(groups[2].allSatisfy(\.isValid) && groups[1].allSatisfy(\.isValid))
        #expect(groups[0].contains { !$0.isValid })
        // The oldest of them went first.
        let oldestLeft = groups[0].first { $0.isValid }?.creationTime
        #expect(groups[0].filter { !$0.isValid }.allSatisfy { $0.creationTime < oldestLeft ?? clock.now })
    }

    @Test func growthOfAttributesIsCountedAndGivenBack() async throws {
        let (manager, _) = self.manager { $0.memoryBudget = 100_000 }
        let old = try await self.visit(manager, bytes: 20_000)
        let session = try await manager.create(id: nil)
        for _ in 0..<50 {
            session[Cart.self] = [String(repeating: "x", count: 30_000)]
            session.update(Cart.self, default: []) { $0.append(String(repeating: "y", count: 10_000)) }
            session.remove(Cart.self)
        }
        #expect(old.isValid, "what was removed is not counted any more")
        session[Cart.self] = [String(repeating: "x", count: 90_000)]
        #expect(try await self.eventually { !old.isValid })
        #expect(session.isValid, "a session that a request uses stays")
    }

    @Test func whatIsComputedAnewIsCounted() async throws {
        let nodes = try SessionNodes { $0.sessions.memoryBudget = 100_000_000 }
        let id = try await nodes.session()
        let session = try #require(try await nodes[0].find(id))
        session.update(Cart.self, default: []) { $0.append(String(repeating: "x", count: 50_000)) }
        _ = try await nodes.request(1, id) { $0.update(Cart.self, default: []) { $0.append("y") } }
        try await nodes[0].save(session)
        #expect(session[Cart.self]?.count == 2)
        #expect(session.state.withLock { $0.attributeBytes } > 50_000)
        session[Cart.self] = nil
        #expect(session.state.withLock { $0.attributeBytes } < 1000)
    }

    @Test func aSearchThatDidNotHelpIsNotRepeatedAtOnce() {
        let schedule = ReliefSchedule()
        let now = ContinuousClock.now
        #expect(schedule.begin(at: now) && !schedule.begin(at: now), "one at a time")
        schedule.end(at: now, hasHelped: false)
        #expect(!schedule.begin(at: now + ReliefSchedule.pause - .milliseconds(1)))
        #expect(schedule.begin(at: now + ReliefSchedule.pause))
        schedule.end(at: now, hasHelped: true)
        #expect(schedule.begin(at: now))
    }

    @Test func atMaxActiveSessionsTheLeastWorthMakesRoomOnRequest() async throws {
        let (strict, _) = self.manager { $0.maxActiveSessions = 2 }
        for _ in 0..<2 { _ = try await self.visit(strict) }
        await #expect(throws: SessionError.self) { try await strict.create(id: nil) }

        let (manager, clock) = self.manager {
            $0.maxActiveSessions = 2
            $0.evictsAtMaxActiveSessions = true
        }
        let old = try await self.visit(manager)
        clock.advance(by: .seconds(1))
        let known = try await self.visit(manager)
        try await known.signOn(as: "ada")
        let new = try await self.visit(manager)
        #expect(!old.isValid && known.isValid && new.isValid)
        #expect(manager.statistics.activeSessions == 2)
    }

    @Test func whoNeverCameBackGoesBeforeAnonymousVisitors() async throws {
        let (manager, clock) = self.manager {
            $0.maxActiveSessions = 2
            $0.evictsAtMaxActiveSessions = true
        }
        let visitor = try await self.visit(manager)
        #expect(visitor.beginAccess())
        visitor.endAccess()
        clock.advance(by: .seconds(1))
        let program = try await self.visit(manager)
        try await program.begin(as: "program")
        let new = try await self.visit(manager)
        #expect(visitor.isValid && !program.isValid && new.isValid)
    }

    @Test func withAStoreSessionsOnlyLeaveMemory() async throws {
        let nodes = try SessionNodes(1) { $0.sessions.memoryBudget = 100_000 }
        var ids: [SessionID] = []
        for number in 0..<400 {
            ids.append(try await nodes.session(visits: number))
            _ = try await nodes.request(0, ids[number]) { $0[Visits.self] }
        }
        #expect(try await self.eventually { nodes[0].statistics.activeSessions < 340 })
        for (number, id) in ids.enumerated() { #expect(try await nodes.request(0, id) { $0[Visits.self] } == number) }
        #expect(!nodes.logs[0].all.contains { $0.hasPrefix("destroyed") })
    }
}
