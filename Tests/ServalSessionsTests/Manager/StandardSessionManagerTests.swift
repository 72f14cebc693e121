import Testing

@testable import ServalSessions

@Suite struct StandardSessionManagerTests {
    let clock = ManualClock()

    func manager(_ change: (inout StandardSessionManager.Configuration) -> Void = { _ in }) -> StandardSessionManager {
        var configuration = StandardSessionManager.Configuration()
        let clock = self.clock
        configuration.clock = { clock.now }
        change(&configuration)
        return StandardSessionManager(configuration: configuration)
    }

    @Test func createsAndFinds() async throws {
        let manager = self.manager()
        try await manager.start()
        let session = try await manager.create(id: nil)
        #expect(try await manager.find(session.id) === session)
        #expect(try await manager.find(#require(SessionID(session.id.rawValue))) === session)
        #expect(try await manager.find(SessionID(rawValue: session.id.rawValue.lowercased())) == nil)
        #expect(try await manager.find(SessionID(rawValue: "invented")) == nil)
        #expect(session.isValid && session.isNew)
        #expect(session.maxInactiveInterval == .seconds(1800))
        #expect(session.creationTime == self.clock.now && session.lastAccessedTime == self.clock.now)
        #expect(manager.statistics.activeSessions == 1)
    }

    @Test("O05: the last access is the start or the end of the request before", arguments: [false, true])
    func accessFollowsTomcatsRules(fromStart: Bool) async throws {
        let manager = self.manager { $0.sessionLastAccessAtStart = fromStart }
        let session = try await manager.create(id: nil)
        let creation = session.creationTime
        self.clock.advance(by: .seconds(5))
        #expect(session.isNew)
        session.endAccess()
        let firstEnd = self.clock.now

        self.clock.advance(by: .seconds(10))
        let second = self.clock.now
        #expect(session.beginAccess())
        #expect(!session.isNew)
        #expect(session.lastAccessedTime == (fromStart ? creation : firstEnd))
        self.clock.advance(by: .seconds(10))
        session.endAccess()
        let secondEnd = self.clock.now

        self.clock.advance(by: .seconds(10))
        session.beginAccess()
        #expect(session.lastAccessedTime == (fromStart ? second : secondEnd))
        #expect(session.creationTime == creation)
    }

    @Test func expiresInWholeSecondsAfterTheLastAccess() async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = .seconds(2) }
        let session = try await manager.create(id: nil)
        session.endAccess()
        self.clock.advance(by: .milliseconds(1999))
        #expect(session.isValid)
        #expect(try await manager.find(session.id) === session)
        session.beginAccess()
        self.clock.advance(by: .milliseconds(1500))
        session.endAccess()
        self.clock.advance(by: .milliseconds(1999))
        await manager.processExpires()
        #expect(session.isValid)
        self.clock.advance(by: .milliseconds(1))
        #expect(!session.isValid)
        #expect(try await manager.find(session.id) == nil)
        #expect(manager.statistics.activeSessions == 0)
        #expect(manager.statistics.expiredSessions == 1)
        #expect(!session.beginAccess())
    }

    @Test func fractionsOfSecondsAreNotCounted() async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = .milliseconds(1500) }
        let session = try await manager.create(id: nil)
        self.clock.advance(by: .milliseconds(1999))
        #expect(session.isValid)
        self.clock.advance(by: .milliseconds(1))
        #expect(!session.isValid)
    }

    @Test func lookingASessionUpIsNoAccess() async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = .seconds(10) }
        let session = try await manager.create(id: nil)
        for _ in 0..<9 {
            self.clock.advance(by: .seconds(1))
            #expect(try await manager.find(session.id) === session)
        }
        self.clock.advance(by: .seconds(1))
        #expect(try await manager.find(session.id) == nil)
    }

    @Test(arguments: [nil, Duration.zero, .seconds(-1)]) func neverExpires(interval: Duration?) async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = interval }
        #expect(manager.defaultMaxInactiveInterval == nil)
        let session = try await manager.create(id: nil)
        self.clock.advance(by: .seconds(1_000_000_000))
        await manager.processExpires()
        #expect(try await manager.find(session.id) === session)
        session.maxInactiveInterval = .seconds(1)
        #expect(try await manager.find(session.id) == nil)
    }

    @Test func clockThatGoesBackExpiresNothing() async throws {
        let manager = self.manager { $0.defaultMaxInactiveInterval = .seconds(1) }
        let session = try await manager.create(id: nil)
        self.clock.advance(by: .seconds(-1_000_000))
        await manager.processExpires()
        #expect(session.isValid)
    }

    @Test(arguments: [false, true]) func activityCheckKeepsSessionsInUse(isOn: Bool) async throws {
        let manager = self.manager { $0.sessionActivityCheck = isOn }
        let session = try await manager.create(id: nil)
        session.beginAccess()
        session.beginAccess()
        session.endAccess()
        self.clock.advance(by: .seconds(1800))
        await manager.processExpires()
        #expect(session.isValid == isOn)
        session.endAccess()
        self.clock.advance(by: .seconds(1800))
        await manager.processExpires()
        #expect(!session.isValid)
    }

    @Test(arguments: [(false, true), (true, false)]) func idleTimeCountsFromEndOrStart(fromStart: Bool, isAlive: Bool) async throws {
        let manager = self.manager { $0.sessionLastAccessAtStart = fromStart }
        let session = try await manager.create(id: nil)
        session.beginAccess()
        self.clock.advance(by: .seconds(1000))
        session.endAccess()
        self.clock.advance(by: .seconds(1000))
        #expect(session.isValid == isAlive)
    }

    @Test func changedDefaultHoldsForNewSessions() async throws {
        let manager = self.manager()
        let old = try await manager.create(id: nil)
        manager.defaultMaxInactiveInterval = .seconds(60)
        let new = try await manager.create(id: nil)
        #expect(old.maxInactiveInterval == .seconds(1800) && new.maxInactiveInterval == .seconds(60))
    }

    @Test func listenersHearInOrder() async throws {
        let log = EventLog()
        let manager = self.manager()
        manager.addListener(RecordingListener("1 ", log: log))
        manager.addListener(RecordingListener("2 ", log: log))
        let session = try await manager.create(id: nil)
        session[Visits.self] = 7
        try await session.rotateID()
        try await session.invalidate()
        try await session.invalidate()
        #expect(
            log.all == [
                "1 created", "2 created", "1 changed really", "2 changed really", "1 destroyed invalidated visits=7 valid=false",
                "2 destroyed invalidated visits=7 valid=false",
            ]
        )
        #expect(session[Visits.self] == nil)
    }

    @Test func listenerMayEndTheSessionAgain() async throws {
        struct Eager: HTTPSessionListener {
            let log: EventLog
            func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async {
                self.log.append("\(reason)")
                try? await session.invalidate()
                session[Visits.self] = 1
            }
        }
        let log = EventLog()
        let manager = self.manager()
        manager.addListener(Eager(log: log))
        let session = try await manager.create(id: nil)
        try await session.invalidate()
        #expect(log.all == ["invalidated"])
        #expect(session[Visits.self] == nil)
    }

    @Test func attributeListenersHearOfChanges() async throws {
        let log = EventLog()
        let manager = self.manager()
        let silent = try await manager.create(id: nil)
        silent[Visits.self] = 1
        (manager as any SessionManager).addAttributeListener(RecordingListener(log: log))
        let session = try await manager.create(id: nil)
        session[Visits.self] = 1
        session[Visits.self] = 2
        session.update(Visits.self, default: 0) { $0 += 1 }
        session.remove(Visits.self)
        session.remove(Visits.self)
        session.update(Visits.self, default: 9) { $0 += 1 }
        session[Cart.self] = []
        session[Cart.self] = nil
        try await session.invalidate()
        session[Visits.self] = 1
        #expect(
            log.all == [
                "added visits=1", "replaced visits=1", "replaced visits=2", "removed visits=3", "added visits=10", "added cart=[]", "removed cart=[]",
                "removed visits=10",
            ]
        )
    }

    @Test func stopEndsEverything() async throws {
        let log = EventLog()
        let manager = self.manager()
        manager.addListener(RecordingListener(log: log))
        var sessions: [HTTPSession] = []
        for _ in 0..<1000 { sessions.append(try await manager.create(id: nil)) }
        await manager.stop()
        #expect(log.all.count { $0 == "destroyed serverStopped visits=none valid=false" } == 1000)
        #expect(sessions.allSatisfy { !$0.isValid })
        #expect(manager.statistics.activeSessions == 0)
        let error = await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
        #expect(error?.code == .creationForbidden)
        #expect(manager.statistics.activeSessions == 0)
        try await manager.start()
        _ = try await manager.create(id: nil)
        #expect(manager.statistics.activeSessions == 1)
    }

    @Test func limitHolds() async throws {
        let manager = self.manager { $0.maxActiveSessions = 2 }
        let first = try await manager.create(id: nil)
        _ = try await manager.create(id: nil)
        let error = await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
        #expect(error?.code == .limitReached)
        #expect(error?.message.contains("Too many active sessions") == true && error?.message.contains("maxActiveSessions") == true)
        #expect(try await manager.find(first.id) === first)
        try await first.invalidate()
        _ = try await manager.create(id: nil)
        #expect(manager.statistics.rejectedSessions == 1)
        #expect(manager.statistics.maxActive == 2)
        #expect(manager.statistics.sessionCounter == 3)
    }

    @Test func statisticsTellLives() async throws {
        let manager = self.manager()
        let short = try await manager.create(id: nil)
        let long = try await manager.create(id: nil)
        self.clock.advance(by: .seconds(2))
        try await short.invalidate()
        self.clock.advance(by: .seconds(4))
        try await long.invalidate()
        #expect(manager.statistics.sessionMaxAliveTime == .seconds(6))
        #expect(manager.statistics.sessionAverageAliveTime == .seconds(4))
        #expect(manager.statistics.expiredSessions == 0)
    }

    @Test func sharedIDGivesOneSessionPerContext() async throws {
        let one = self.manager()
        let log = EventLog()
        let two = self.manager { $0.maxActiveSessions = 1 }
        two.addListener(RecordingListener(log: log))
        let session = try await one.create(id: nil)
        let sibling = try await two.create(id: session.id)
        #expect(sibling !== session && sibling.id == session.id)
        await #expect(throws: SessionError.self) { try await two.create(id: session.id) }
        #expect(log.all == ["created"])
        let three = self.manager()
        let first = try await three.create(id: session.id)
        #expect(try await three.create(id: session.id) === first)
        #expect(three.statistics.activeSessions == 1 && three.statistics.sessionCounter == 1)
        self.clock.advance(by: .seconds(1800))
        let next = try await three.create(id: session.id)
        #expect(next !== first && !first.isValid && next.isValid)
        #expect(three.statistics.activeSessions == 1 && three.statistics.expiredSessions == 1)
    }

    @Test func fewPossibleIDsEndInAnError() async throws {
        struct Stuck: SessionIDGenerator {
            func makeID() -> SessionID { SessionID(rawValue: "SAME") }
        }
        let manager = self.manager { $0.idGenerator = Stuck() }
        let session = try await manager.create(id: nil)
        let error = await #expect(throws: SessionError.self) { try await manager.create(id: nil) }
        #expect(error?.code == .limitReached)
        let rotation = await #expect(throws: SessionError.self) { try await session.rotateID() }
        #expect(rotation?.code == .limitReached)
        #expect(try await manager.find(session.id) === session)
        #expect(manager.statistics.activeSessions == 1)
    }

    @Test func rotationKeepsEverythingButTheID() async throws {
        let generator = try StandardSessionIDGenerator(route: "node1")
        let manager = self.manager { $0.idGenerator = generator }
        let session = try await manager.create(id: nil)
        session[Visits.self] = 3
        for _ in 0..<200 {
            let old = session.id
            let new = try await session.rotateID()
            #expect(session.id == new && new.route == "node1")
            #expect(try await manager.find(old) == nil)
            #expect(try await manager.find(new) === session)
        }
        #expect(session[Visits.self] == 3)
        #expect(manager.statistics.activeSessions == 1 && manager.statistics.sessionCounter == 1)
    }

    @Test func goesAwayWithItsSessions() async throws {
        weak var gone: HTTPSession?
        var kept: HTTPSession?
        do {
            let manager = self.manager()
            gone = try await manager.create(id: nil)
            kept = try await manager.create(id: nil)
        }
        #expect(gone == nil)
        let session = try #require(kept)
        await #expect(throws: SessionError.self) { try await session.rotateID() }
        try await session.invalidate()
        #expect(!session.isValid)
    }
}
