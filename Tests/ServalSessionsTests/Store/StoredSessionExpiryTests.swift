import Synchronization
import Testing

@testable import ServalSessions

/// Who ends which of the expired sessions that several servers share.
@Suite(.timeLimit(.minutes(2))) struct StoredSessionExpiryTests {
    private static let pastDeadline = Duration.seconds(1800 + 90 + 2)

    @Test func aSweepEndsWithManySessionsInUsePastTheirDeadline() async throws {
        let nodes = try HookedNodes { $0.sessions.sessionActivityCheck = true }
        var sessions: [HTTPSession] = []
        for number in 0..<300 {
            let session = try await nodes.session(visits: number)
            #expect(session.beginAccess())
            sessions.append(session)
        }
        for _ in 0..<3 {
            nodes.clock.advance(by: Self.pastDeadline)
            _ = nodes.store.takeCalls()
            await nodes[0].processExpires()
            let calls = nodes.store.takeCalls()
            #expect(calls.count { $0.name == .claim } <= 3)
            #expect(calls.count { $0.name == .touch } <= 600)
            #expect(sessions.allSatisfy { $0.isValid })
            #expect(try await nodes[0].storedSessionCount() == 300)
        }
        for session in sessions { session.endAccess() }
        nodes.clock.advance(by: Self.pastDeadline * 3)
        await nodes[0].processExpires()
        #expect(nodes.endings == 300)
        #expect(try await nodes[0].storedSessionCount() == 0)
    }

    /// One that a store hands out although it is in use here is looked at once.
    @Test func whatIsInUseIsLookedAtOnceInASweep() async throws {
        let nodes = try HookedNodes { $0.sessions.sessionActivityCheck = true }
        for number in 0..<260 { #expect(try await nodes.session(visits: number).beginAccess()) }
        nodes.clock.advance(by: Self.pastDeadline)
        // The store has not heard of it, and forgets at once what it hears.
        nodes.store.before { call throws(SessionError) in
            guard call.name == .touch else { return }
            throw SessionError(code: .storeUnavailable, message: "locked", isOfOneOperation: true)
        }
        await nodes[0].processExpires()
        #expect(nodes.store.takeCalls().count { $0.name == .claim } <= 3)
        #expect(nodes.endings == 0)
    }

    @Test func aSweepThatIsCancelledEnds() async throws {
        let nodes = try HookedNodes()
        for number in 0..<600 { _ = try await nodes.session(visits: number) }
        nodes.clock.advance(by: Self.pastDeadline)
        let gate = Gate()
        let sweep = Task {
            await gate.pass()
            await nodes[0].processExpires()
        }
        nodes.store.before { call in if call.name == .removeClaimed { sweep.cancel() } }
        gate.open()
        await sweep.value
        #expect(nodes.store.takeCalls().count { $0.name == .removeClaimed } == 1)
    }

    /// A store may hand out fewer than it is asked for though there are more.
    @Test func aSweepEndsAllThatHasExpired() async throws {
        let (store, clock, log) = (StingyStore(), ManualClock(), EventLog())
        var configuration = PersistentSessionManager.Configuration()
        configuration.sessions.clock = { clock.now }
        let sealer = try SessionSealer(secret: [UInt8](repeating: 1, count: 32))
        let manager = PersistentSessionManager(store: store, sealer: sealer, configuration: configuration)
        manager.addListener(DestructionListener { _ in log.append("end") })
        for number in 0..<7 {
            let session = try await manager.create(id: nil)
            session[Visits.self] = number
            try await manager.save(session)
            session.endAccess()
        }
        clock.advance(by: Self.pastDeadline)
        await manager.processExpires()
        #expect(log.all.count == 7)
        #expect(try await store.memory.count() == 0)
    }

    private final class StingyStore: ForwardingSessionStore {
        let memory = MemorySessionStore()
        var target: any SessionStore { self.memory }

        func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
            try await self.memory.claimExpired(at: now, limit: min(limit, 2), lease: lease)
        }
    }

    // MARK: Clocks that are set

    @Test func aClaimIsNotYoungBecauseTheClockWasSetBack() async throws {
        let nodes = try HookedNodes()
        let session = try await nodes.session()
        await nodes[0].table.relieve(of: session)
        nodes.clock.advance(by: Self.pastDeadline)
        let key = nodes.key(session.id)
        nodes.store.after { call throws(SessionError) in
            guard call.name == .claim else { return }
            nodes.store.after(nil)
            // Another server uses it, and this one's clock is set back.
            let now = nodes.clock.now
            _ = try await nodes.store.memory.touch(key, lastAccessed: now, deadline: now.advanced(by: .seconds(3600)))
            nodes.clock.advance(by: .seconds(-600))
        }
        await nodes[0].processExpires()
        #expect(nodes.endings == 0)
        #expect(try await nodes.store.memory.count() == 1)
    }

    @Test func aClockThatIsSetBackKeepsNothingFromItsEnd() async throws {
        let nodes = try HookedNodes()
        let session = try await nodes.session()
        await nodes[0].table.relieve(of: session)
        nodes.clock.advance(by: Self.pastDeadline)
        nodes.store.after { call throws(SessionError) in
            guard call.name == .claim else { return }
            nodes.store.after(nil)
            nodes.clock.advance(by: .seconds(-600))
        }
        await nodes[0].processExpires()
        #expect(nodes.endings == 1)
        #expect(try await nodes.store.memory.count() == 0)
    }

    @Test func aClockThatIsSetForwardKeepsNoSessionForYears() async throws {
        let nodes = try HookedNodes { $0.sessions.sessionActivityCheck = true }
        await nodes[0].processExpires()
        nodes.clock.advance(by: .seconds(50 * 365 * 86_400))
        let session = try await nodes.session()
        #expect(session.beginAccess())
        await nodes[0].processExpires()
        guard case .found(let record) = try await nodes.store.memory.load(nodes.key(session.id), unless: nil) else {
            Issue.record("the session is gone")
            return
        }
        #expect(try #require(record.deadline) <= nodes.clock.now.advanced(by: .seconds(2 * 3600)))
    }

    @Test func whatIsSavedWhileListenersHearOfItsEndStays() async throws {
        let nodes = try HookedNodes(2)
        let session = try await nodes.session(1)
        #expect(session.beginAccess())
        nodes.clock.advance(by: Self.pastDeadline)
        nodes[0].addListener(
            DestructionListener { _ in
                session[Visits.self] = 7
                try? await nodes[1].save(session)
            }
        )
        await nodes[0].processExpires()
        #expect(!session.hasUnsavedChanges, "the save was acknowledged")
        guard case .found(let record) = try await nodes.store.memory.load(nodes.key(session.id), unless: nil) else {
            Issue.record("an acknowledged write is lost")
            return
        }
        #expect(record.attributes[Visits.name] != nil)
        session.endAccess()
        try await nodes[1].save(session)
        #expect(try await nodes[1].find(session.id)?[Visits.self] == 7)
        #expect(try await nodes[0].find(session.id)?[Visits.self] == 7)
    }

    @Test func whatIsUsedBeforeItsTurnComesIsNotAnnounced() async throws {
        let nodes = try HookedNodes(2)
        let sessions = [try await nodes.session(1), try await nodes.session(1)]
        for session in sessions { #expect(session.beginAccess()) }
        nodes.clock.advance(by: Self.pastDeadline)
        let ended = Mutex<[SessionID]>([])
        nodes[0].addListener(
            DestructionListener { session in
                // The first takes its time, in which a request on the other server saves the second.
                let isFirst = ended.withLock { ended in
                    ended.append(session.id)
                    return ended.count == 1
                }
                guard isFirst, let other = sessions.first(where: { $0.id != session.id }) else { return }
                nodes.clock.advance(by: .seconds(5))
                other[Visits.self] = 7
                try? await nodes[1].save(other)
            }
        )
        await nodes[0].processExpires()
        #expect(ended.withLock { $0.count } == 1)
        #expect(try await nodes[0].storedSessionCount() == 1)
    }

    @Test func slowListenersHearOfEachEndOnce() async throws {
        let nodes = try HookedNodes(2)
        for number in 0..<5 { _ = try await nodes.session(visits: number) }
        nodes.clock.advance(by: Self.pastDeadline)
        nodes[0].addListener(
            DestructionListener { _ in
                nodes.clock.advance(by: .seconds(40))
                // Its own listeners need no time.
                await nodes[1].processExpires()
            }
        )
        await nodes[0].processExpires()
        #expect(nodes.endings == 5)
        #expect(try await nodes[0].storedSessionCount() == 0)
    }

    @Test func aSessionInUseOnAnotherServerIsNotEnded() async throws {
        let nodes = try HookedNodes(2) { $0.sessions.sessionActivityCheck = true }
        let session = try await nodes.session(1)
        #expect(session.beginAccess())
        for _ in 0..<100 {
            nodes.clock.advance(by: .seconds(60))
            await nodes[1].processExpires()
            await nodes[0].processExpires()
        }
        #expect(session.isValid && nodes.endings == 0)
        #expect(try await nodes[0].find(session.id)?[Visits.self] == 1)
        session.endAccess()
        try await nodes[1].save(session)
        for _ in 0..<40 {
            nodes.clock.advance(by: .seconds(60))
            await nodes[0].processExpires()
            await nodes[1].processExpires()
        }
        #expect(nodes.endings == 1)
        #expect(try await nodes[0].storedSessionCount() == 0)
    }

    @Test func oneRecordThatCannotBeRemovedDoesNotKeepTheOthers() async throws {
        let nodes = try HookedNodes()
        let stuck = nodes.key(try await nodes.session().id)
        for number in 0..<20 { _ = try await nodes.session(visits: number) }
        nodes.clock.advance(by: Self.pastDeadline)
        nodes.store.before { call throws(SessionError) in
            if call.name == .removeClaimed, call.key == stuck { throw SessionError(code: .storeUnavailable, message: "no answer") }
        }
        await nodes[0].processExpires()
        #expect(try await nodes[0].storedSessionCount() == 1)
    }
}
