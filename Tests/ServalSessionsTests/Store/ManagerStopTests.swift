import Synchronization
import Testing

@testable import ServalSessions

/// The end of a manager whose store does not do what it should.
@Suite(.timeLimit(.minutes(1))) struct ManagerStopTests {
    private func nodes(_ log: EventLog, mode: PersistentSessionManager.Mode, patience: Duration = .milliseconds(200)) throws -> HookedNodes {
        try HookedNodes(mode: mode) {
            $0.namespace = "/Catalina/localhost/shop"
            $0.patience = patience
            $0.logger = log.logger
        }
    }

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

    /// No operation of the store ends before the manager has stopped.
    @Test func aStoreThatHangsIsGivenUp() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .whenIdle(.init()))
        try await nodes[0].start()
        let sessions = try await self.create(200, at: nodes)
        let gate = Gate()
        nodes.store.before { _ in await gate.pass() }
        await nodes[0].stop()
        let lines = log.all.filter { $0.hasPrefix("error 200 sessions of /Catalina/localhost/shop could not be stored") }
        #expect(lines.count == 1 && log.all.count { $0.contains("could not be stored") } == 1, "\(log.all)")
        #expect(sessions.allSatisfy { !$0.isValid })
        #expect(nodes.endings == 200, "listeners hear of the end")
        gate.open()
        nodes.store.before(nil)
        await nodes[0].stopping.withLock { $0 }?.task.value
        try await nodes[0].start()
        let session = try await self.create(1, at: nodes)[0]
        await nodes[0].table.relieve(of: session)
        #expect(session.isAway, "the store is asked again")
        #expect(try await nodes.store.memory.load(StoredSessionKey(session.id, namespace: "/Catalina/localhost/shop"), unless: nil) != .absent)
    }

    @Test func whatTheStoreHasStaysThere() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .everyRequest(maximumStaleness: .zero))
        let sessions = try await self.create(3, at: nodes)
        for session in sessions { try await nodes[0].save(session) }
        sessions[1][Visits.self] = 100
        let gate = Gate()
        nodes.store.before { _ in await gate.pass() }
        await nodes[0].stop()
        gate.open()
        #expect(log.all.contains { $0.hasPrefix("error 1 sessions of /Catalina/localhost/shop could not be stored") }, "\(log.all)")
        #expect(nodes.endings == 0)
        #expect(try await nodes.store.memory.count() == 3)
    }

    @Test func aStoreThatRefusesSomeIsToldOfWithTheReason() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .whenIdle(.init()), patience: .seconds(600))
        let sessions = try await self.create(20, at: nodes)
        let key = StoredSessionKey(sessions[4].id, namespace: "/Catalina/localhost/shop")
        nodes.store.before { call throws(SessionError) in
            if call.key == key { throw SessionError(code: .limitReached, message: "it is too large") }
        }
        await nodes[0].stop()
        #expect(log.all.contains { $0.hasPrefix("error 1 sessions of /Catalina/localhost/shop") && $0.hasSuffix("it is too large") }, "\(log.all)")
        #expect(try await nodes.store.memory.count() == 19)
    }

    @Test func aStoreThatIsDownIsGivenUp() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .whenIdle(.init()))
        _ = try await self.create(20, at: nodes)
        nodes.store.before { _ throws(SessionError) in throw SessionError(code: .storeUnavailable, message: "no connection") }
        await nodes[0].stop()
        let lines = log.all.filter { $0.hasPrefix("error 20 sessions of /Catalina/localhost/shop could not be stored") }
        #expect(lines.count == 1 && lines[0].hasSuffix("said last: no connection"), "\(log.all)")
    }

    // MARK: Cancelled tasks

    @Test func aStopInACancelledTaskSavesEverything() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .whenIdle(.init()), patience: .seconds(600))
        _ = try await self.create(20, at: nodes)
        let gate = Gate()
        nodes.store.before { _ in await gate.pass() }
        let isClosed = Counter()
        nodes.store.beforeStop { isClosed.add(1) }
        let stopping = Self.cancelled { await nodes[0].stop() }
        await gate.waitForArrival()
        gate.open()
        await stopping.value
        #expect(try await nodes.store.memory.count() == 20)
        #expect(isClosed.value == 1, "before it returns")
        #expect(log.all.isEmpty, "\(log.all)")
    }

    @Test func listenersDoNotHearOfTheEndInACancelledTask() async throws {
        let manager = StandardSessionManager()
        let heard = EventLog()
        manager.addListener(DestructionListener { _ in heard.append(Task.isCancelled ? "cancelled" : "going on") })
        try await manager.create(id: nil).endAccess()
        await Self.cancelled { await manager.stop() }.value
        #expect(heard.all == ["going on"])
    }

    /// Does something in a task that is cancelled before.
    private static func cancelled(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            await body()
        }
        task.cancel()
        return task
    }

    // MARK: Stores that do not open or close

    @Test func aStoreThatDoesNotCloseIsGivenUp() async throws {
        let log = EventLog()
        let nodes = try self.nodes(log, mode: .whenIdle(.init()))
        try await nodes[0].start()
        _ = try await self.create(3, at: nodes)
        let gate = Gate()
        nodes.store.beforeStop { await gate.pass() }
        await nodes[0].stop()
        #expect(try await nodes.store.memory.count() == 3)
        #expect(log.all.count == 1 && log.all[0].contains("was given up before it was closed"), "\(log.all)")
        let error = await #expect(throws: SessionError.self) { try await nodes[0].start() }
        #expect(error?.code == .storeUnavailable)
        gate.open()
        nodes.store.beforeStop(nil)
        await nodes[0].stopping.withLock { $0 }?.task.value
        try await nodes[0].start()
        #expect(try await nodes[0].create(id: nil).isValid)
    }

    @Test func aStoreThatCannotBeEmptiedAtTheStartIsGivenUp() async throws {
        var limits = PersistentSessionManager.IdleLimits()
        limits.saveOnRestart = false
        let nodes = try HookedNodes(mode: .whenIdle(limits)) { $0.openingPatience = .milliseconds(200) }
        let gate = Gate()
        nodes.store.before { call in if call.name == .removeAll { await gate.pass() } }
        await #expect(throws: SessionError.self) { try await nodes[0].start() }
        gate.open()
        await nodes[0].stopping.withLock { $0 }?.task.value
        try await nodes[0].start()
        #expect(try await nodes[0].create(id: nil).isValid)
    }

    @Test func aStoreThatDoesNotOpenIsGivenUpAndClosedLater() async throws {
        let nodes = try HookedNodes(mode: .whenIdle(.init())) { $0.openingPatience = .milliseconds(200) }
        let gate = Gate()
        let closed = Counter()
        nodes.store.beforeStart { await gate.pass() }
        nodes.store.beforeStop { closed.add(1) }
        let error = await #expect(throws: SessionError.self) { try await nodes[0].start() }
        #expect(error?.code == .storeUnavailable && error?.message.contains("has not opened") == true)
        #expect(closed.value == 0)
        gate.open()
        await nodes[0].stopping.withLock { $0 }?.task.value
        #expect(closed.value == 1)
        try await nodes[0].start()
        #expect(closed.value == 1)
        #expect(try await nodes[0].create(id: nil).isValid)
    }

    @Test func silenceBeginsWithAQuestionAndEndsWithAnAnswer() {
        let now = ContinuousClock.now
        var silence = StoreSilence()
        #expect(silence.start == nil)
        silence.ask(at: now)
        silence.ask(at: now + .seconds(1))
        #expect(silence.start == now)
        silence.end(isAnswer: true, at: now + .seconds(2))
        #expect(silence.start == now + .seconds(2), "one still waits")
        silence.end(isAnswer: false, at: now + .seconds(7))
        #expect(silence.start == now + .seconds(2))
        silence.ask(at: now + .seconds(8))
        silence.end(isAnswer: true, at: now + .seconds(9))
        #expect(silence.start == nil)
        silence.ask(at: now + .seconds(10))
        silence.end(isAnswer: false, failure: "no", at: now + .seconds(11))
        #expect(silence.failure == "no")
        silence.ask(at: now + .seconds(12))
        #expect(silence.failure == "no", "it is what was said last")
        silence.end(isAnswer: true, failure: nil, at: now + .seconds(13))
        #expect(silence.failure == nil)
    }

    @Test func nobodyNeedsToWaitForWorkThatHangs() async {
        let gate = Gate()
        let work = AbandonableWork { await gate.pass() }
        #expect(await !work.wait { await gate.waitForArrival() })
        gate.open()
        await work.task.value
        #expect(await work.wait { try? await Task.sleep(for: .seconds(60)) }, "once more")
        let quick = AbandonableWork {}
        #expect(await quick.wait { try? await Task.sleep(for: .seconds(60)) })
    }
}
