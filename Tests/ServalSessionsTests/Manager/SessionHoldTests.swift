import Synchronization
import Testing

@testable import ServalSessions

/// From look-up to use: a session that a request has found does not leave memory under its hands.
@Suite(.timeLimit(.minutes(2))) struct SessionHoldTests {
    @Test func aSessionThatIsHandedOutStays() async throws {
        let nodes = try HookedNodes()
        let id = try await nodes.session().id
        let table = nodes[0].table
        let held = try #require(try await nodes[0].hold(id))
        await table.relieve(of: held)
        #expect(held.isValid && table.lookUp(id) === held)
        #expect(try await nodes[0].hold(id) === held)
        held.release()
        await table.relieve(of: held)
        #expect(held.isValid, "another request holds it")
        #expect(held.beginAccess())
        held.release()
        await table.relieve(of: held)
        #expect(held.isValid, "a request uses it")
        held.endAccess()
        await table.relieve(of: held)
        #expect(!held.isValid && table.lookUp(id) == nil)
        #expect(try await nodes[0].find(id)?[Visits.self] == 1)
    }

    /// Memory is needed at the very moment in which the store is asked for news.
    @Test func memoryPressureDuringALookUpLosesNothing() async throws {
        let nodes = try HookedNodes()
        let session = try await nodes.session()
        nodes.store.before { call in if call.name == .load { await nodes[0].table.relieve(of: session) } }
        #expect(try await nodes[0].find(session.id) === session)
        nodes.store.before(nil)
        await nodes[0].table.relieve(of: session)
        #expect(session.isAway)
    }

    /// While one request waits for the store's answer, another one loads, changes and loses the same session.
    @Test(arguments: [false, true]) func whatTheStoreHasSaidMeanwhileIsNotTakenForTrue(byPrincipal: Bool) async throws {
        let nodes = try HookedNodes(mode: .whenIdle(.init()))
        let table = nodes[0].table
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        let id = try await session.signOn(as: "ada")
        session.endAccess()
        await table.relieve(of: session)
        #expect(session.isAway)
        let rounds = Counter()
        nodes.store.after { call throws(SessionError) in
            guard call.name == (byPrincipal ? .principal : .load), rounds.add(1) == 1 else { return }
            let other = try await nodes[0].find(id)
            other?[Visits.self] = 2
            if let other { await table.relieve(of: other) }
        }
        let found = byPrincipal ? try await nodes[0].sessions(ofPrincipal: "ada").first : try await nodes[0].find(id)
        #expect(found?[Visits.self] == 2)
        #expect(rounds.value > 0)
    }

    /// While one request waits for the store's answer about an id, another one loads the session and gives it a new id.
    @Test(arguments: [false, true]) func aSlowLookUpDoesNotBringAFormerIDBack(inOnePartOfTheTable: Bool) async throws {
        let nodes = try HookedNodes(mode: .whenIdle(.init())) { if inOnePartOfTheTable { $0.sessions.idGenerator = NeighbouringIDs() } }
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        session.endAccess()
        await nodes[0].table.relieve(of: session)
        #expect(session.isAway)
        let formerID = session.id
        let rounds = Counter()
        let present = Mutex<HTTPSession?>(nil)
        nodes.store.after { call throws(SessionError) in
            guard call.name == .load, rounds.add(1) == 1, let other = try await nodes[0].find(formerID) else { return }
            try await other.signOn(as: "ada")
            present.withLock { $0 = other }
        }
        #expect(try await nodes[0].find(formerID) == nil)
        let other = try #require(present.withLock { $0 })
        #expect(other.id != formerID)
        #expect(try await nodes[0].find(other.id) === other)
        #expect(nodes[0].statistics.activeSessions == 1)
    }

    /// The same, where it is another server that gives the session a new id.
    @Test func aSlowLookUpDoesNotBringAnIDBackThatAnotherServerHasReplaced() async throws {
        let nodes = try HookedNodes(2)
        let session = try await nodes.session()
        await nodes[0].table.relieve(of: session)
        #expect(session.isAway)
        let formerID = session.id
        let rounds = Counter()
        nodes.store.after { call throws(SessionError) in
            guard call.name == .load, rounds.add(1) == 1 else { return }
            let other = try await nodes[0].find(formerID)
            #expect(other != nil)
            try await nodes[1].find(formerID)?.rotateID()
            let gone = try await nodes[0].find(formerID)
            #expect(gone == nil, "it goes on under another id")
        }
        #expect(try await nodes[0].find(formerID) == nil)
        #expect(nodes[0].table.lookUp(formerID) == nil)
    }

    /// Makes ids that all belong to one part of the table.
    private struct NeighbouringIDs: SessionIDGenerator {
        func makeID() -> SessionID {
            while true {
                let id = StandardSessionIDGenerator().makeID()
                if SessionTable.shardNumber(of: id) == 0 { return id }
            }
        }
    }

    @Test func withLittleMemoryEverybodyKeepsTheirSession() async throws {
        let nodes = try SessionNodes(1, yields: true) { $0.sessions.memoryBudget = 5000 }
        var ids: [SessionID] = []
        for number in 0..<200 { ids.append(try await nodes.session(visits: number)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<4 {
                group.addTask { [ids] in
                    for (number, id) in ids.enumerated() where number % 4 == part {
                        let session = try #require(try await nodes[0].hold(id))
                        #expect(session.beginAccess())
                        session.release()
                        session.update(Visits.self, default: -1000) { $0 += 1 }
                        try await nodes[0].save(session)
                        session.endAccess()
                    }
                }
            }
            try await group.waitForAll()
        }
        for (number, id) in ids.enumerated() { #expect(try await nodes[0].find(id)?[Visits.self] == number + 1) }
    }

    @Test func scopesFindTheirSessionsWithLittleMemory() async throws {
        let nodes = try SessionNodes(1, yields: true) { $0.sessions.memoryBudget = 5000 }
        var ids: [SessionID] = []
        for number in 0..<200 { ids.append(try await nodes.session(visits: number)) }
        for (number, id) in ids.enumerated() {
            let scope = SessionScope(manager: nodes[0], cookieFields: ["JSESSIONID=\(id.rawValue)"], isSecure: false)
            #expect(try await scope.existingSession()?[Visits.self] == number)
            #expect(try await scope.close() == nil)
        }
        for _ in 0..<500 where nodes[0].statistics.activeSessions > 100 {
            await nodes[0].processExpires()
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(nodes[0].statistics.activeSessions <= 100, "nobody holds them")
    }

    @Test func aSessionStaysInMemoryForItsFirstRequest() async throws {
        var limits = PersistentSessionManager.IdleLimits()
        limits.maxIdleSwap = .seconds(2)
        let nodes = try HookedNodes(mode: .whenIdle(limits))
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        #expect(session.isValid)
        session[Visits.self] = 2
        session.endAccess()
        nodes.clock.advance(by: .seconds(3))
        await nodes[0].processExpires()
        #expect(session.isAway)
        #expect(try await nodes[0].find(session.id)?[Visits.self] == 2)
    }

    @Test func aSignOutEverywhereMissesNobody() async throws {
        let nodes = try SessionNodes(1, yields: true) { $0.sessions.memoryBudget = 5000 }
        var ids: [SessionID] = []
        for _ in 0..<60 {
            let id = try await nodes.session()
            ids.append(try #require(try await nodes.request(0, id) { try await $0.signOn(as: "ada") }))
        }
        #expect(try await nodes[0].invalidateSessions(ofPrincipal: "ada") == 60)
        for id in ids { #expect(try await nodes[0].find(id) == nil) }
    }

    @Test func withoutAStoreABudgetEndsNobodysSessionBetweenLookUpAndUse() async throws {
        let manager = StandardSessionManager()
        let session = try await manager.create(id: nil)
        session.endAccess()
        let held = try #require(try await manager.hold(session.id))
        let table = try #require(held.table)
        await table.relieve(of: held)
        #expect(held.isValid)
        held.release()
        await table.relieve(of: held)
        #expect(!held.isValid)
    }
}
