import Testing

@testable import ServalSessions

/// Many tasks at once; each test ends by itself and has no sleeps.
@Suite(.timeLimit(.minutes(2))) struct SessionRaceTests {
    let clock = ManualClock()

    func manager(_ change: (inout StandardSessionManager.Configuration) -> Void = { _ in }) -> StandardSessionManager {
        var configuration = StandardSessionManager.Configuration()
        let clock = self.clock
        configuration.clock = { clock.now }
        change(&configuration)
        return StandardSessionManager(configuration: configuration)
    }

    @Test func endHappensOnce() async throws {
        for _ in 0..<200 {
            let log = EventLog()
            let manager = self.manager()
            manager.addListener(RecordingListener(log: log))
            let session = try await manager.create(id: nil)
            session[Visits.self] = 1
            self.clock.advance(by: .seconds(1800))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { try? await session.invalidate() } }
                for _ in 0..<2 { group.addTask { await manager.processExpires() } }
                group.addTask { _ = try? await manager.find(session.id) }
                group.addTask { _ = try? await session.rotateID() }
                group.addTask { await manager.stop() }
            }
            let ends = log.all.filter { $0.hasPrefix("destroyed") }
            #expect(ends.count == 1)
            #expect(ends.first?.contains("visits=1") == true)
            #expect(manager.statistics.activeSessions == 0)
            #expect(session[Visits.self] == nil)
        }
    }

    @Test func limitIsExact() async throws {
        let manager = self.manager { $0.maxActiveSessions = 100 }
        let created = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    var created = 0
                    for _ in 0..<50 where (try? await manager.create(id: nil)) != nil { created += 1 }
                    return created
                }
            }
            return await group.reduce(0, +)
        }
        #expect(created == 100)
        let statistics = manager.statistics
        #expect(statistics.activeSessions == 100 && statistics.maxActive == 100)
        #expect(statistics.rejectedSessions == 900 && statistics.sessionCounter == 100)
    }

    @Test func limitIsExactWhileSessionsComeAndGo() async throws {
        let alive = Counter()
        let tooMany = Counter()
        let manager = self.manager { $0.maxActiveSessions = 5 }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    for _ in 0..<200 {
                        guard let session = try? await manager.create(id: nil) else { continue }
                        if alive.add(1) > 5 { tooMany.add(1) }
                        await Task.yield()
                        alive.add(-1)
                        try? await session.invalidate()
                    }
                }
            }
        }
        #expect(tooMany.value == 0)
        #expect(manager.statistics.activeSessions == 0)
        #expect(manager.statistics.maxActive <= 5)
    }

    @Test func parallelRotationsLeaveOneID() async throws {
        for _ in 0..<50 {
            let manager = self.manager()
            let session = try await manager.create(id: nil)
            let first = session.id
            let ids = await withTaskGroup(of: SessionID?.self) { group in
                for _ in 0..<8 { group.addTask { try? await session.rotateID() } }
                return await group.reduce(into: [SessionID]()) { ids, id in if let id { ids.append(id) } }
            }
            #expect(ids.count == 8)
            var live: [SessionID] = []
            for id in ids + [first] where try await manager.find(id) != nil { live.append(id) }
            #expect(live == [session.id])
            #expect(manager.statistics.activeSessions == 1)
        }
    }

    /// The old id must be dead before the new one can be seen: whoever has read the new id finds nothing under the old one, and finds the session under
    /// the new one unless it was rotated again.
    @Test func noMomentWithBothOrNone() async throws {
        let manager = self.manager()
        let session = try await manager.create(id: nil)
        let isDone = Counter()
        let violations = EventLog()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<2000 { _ = try? await session.rotateID() }
                isDone.add(1)
            }
            for _ in 0..<2 {
                group.addTask {
                    while isDone.value == 0 {
                        let old = session.id
                        let found = try? await manager.find(old)
                        let new = session.id
                        if old == new, found == nil { violations.append("none") }
                        if old != new, (try? await manager.find(old)) != nil { violations.append("both") }
                        await Task.yield()
                    }
                }
            }
        }
        #expect(violations.all.isEmpty)
        #expect(try await manager.find(session.id) === session)
    }

    @Test func rotationNeverRevivesASession() async throws {
        for _ in 0..<300 {
            let manager = self.manager()
            let session = try await manager.create(id: nil)
            let old = session.id
            let new = await withTaskGroup(of: SessionID?.self) { group in
                group.addTask { try? await session.rotateID() }
                group.addTask {
                    try? await session.invalidate()
                    return nil
                }
                return await group.reduce(nil) { $0 ?? $1 }
            }
            for id in [old, session.id] + (new.map { [$0] } ?? []) { #expect(try await manager.find(id) == nil) }
            #expect(manager.statistics.activeSessions == 0)
            #expect(!session.isValid)
        }
    }

    @Test func sessionsCreatedWhileStoppingEndToo() async throws {
        for _ in 0..<20 {
            let manager = self.manager()
            let sessions = await withTaskGroup(of: [HTTPSession].self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var sessions: [HTTPSession] = []
                        for _ in 0..<200 {
                            guard let session = try? await manager.create(id: nil) else { break }
                            sessions.append(session)
                            _ = try? await session.rotateID()
                        }
                        return sessions
                    }
                }
                group.addTask {
                    await Task.yield()
                    await manager.stop()
                    return []
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(sessions.allSatisfy { !$0.isValid })
            #expect(manager.statistics.activeSessions == 0)
        }
    }

    @Test func parallelRequestsWithASharedIDGetOneSession() async throws {
        for _ in 0..<100 {
            let manager = self.manager()
            let log = EventLog()
            manager.addListener(RecordingListener(log: log))
            let id = StandardSessionIDGenerator().makeID()
            let sessions = await withTaskGroup(of: HTTPSession?.self) { group in
                for _ in 0..<8 { group.addTask { try? await manager.create(id: id) } }
                return await group.reduce(into: [ObjectIdentifier]()) { if let session = $1 { $0.append(ObjectIdentifier(session)) } }
            }
            #expect(sessions.count == 8 && Set(sessions).count == 1)
            #expect(log.all == ["created"])
            #expect(manager.statistics.activeSessions == 1 && manager.statistics.sessionCounter == 1)
        }
    }

    @Test func sessionInUseSurvivesASweep() async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = .seconds(10) }
        let session = try await manager.create(id: nil)
        let isDone = Counter()
        let clock = self.clock
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while isDone.value == 0 { await manager.processExpires() }
            }
            group.addTask {
                for _ in 0..<300 {
                    clock.advance(by: .seconds(9))
                    session.beginAccess()
                    session.update(Visits.self, default: 0) { $0 += 1 }
                    session.endAccess()
                    await Task.yield()
                }
                isDone.add(1)
            }
        }
        #expect(session[Visits.self] == 300)
        #expect(session.isValid)
    }

    @Test func everythingAtOnceAddsUp() async throws {
        let log = EventLog()
        let manager = self.manager()
        manager.addListener(RecordingListener(log: log))
        let clock = self.clock
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<200 {
                        guard let session = try? await manager.create(id: nil) else { continue }
                        session[Visits.self] = step
                        switch (task + step) % 4 {
                        case 0: try? await session.invalidate()
                        case 1: _ = try? await session.rotateID()
                        case 2: session.maxInactiveInterval = .seconds(1)
                        default: _ = try? await manager.find(session.id)
                        }
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 {
                    clock.advance(by: .seconds(1))
                    await manager.processExpires()
                    await Task.yield()
                }
            }
        }
        clock.advance(by: .seconds(1800))
        await manager.processExpires()
        let statistics = manager.statistics
        #expect(statistics.activeSessions == 0)
        #expect(statistics.sessionCounter == 1600)
        #expect(log.all.count { $0.hasPrefix("created") } == 1600)
        #expect(log.all.count { $0.hasPrefix("destroyed") } == 1600)
        #expect(statistics.expiredSessions == log.all.count { $0.contains("expired") })
    }
}
