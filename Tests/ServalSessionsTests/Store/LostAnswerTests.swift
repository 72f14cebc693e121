import Testing

@testable import ServalSessions

/// Writes whose answers are lost: done, not done, or done when nobody waits any more.
@Suite struct LostAnswerTests {
    /// What became of the write, and when.
    enum Fate: CaseIterable, Sendable {
        case notDone, done, lateBeforeTheNextLook, lateBehindTheNextLook

        var fault: SwitchableStore.Fault {
            switch self {
            case .notDone: .fails
            case .done: .losesAnswer
            case .lateBeforeTheNextLook, .lateBehindTheNextLook: .comesLate
            }
        }
    }

    private func key(_ id: SessionID) -> StoredSessionKey { StoredSessionKey(id, namespace: "/Catalina/localhost/shop") }

    private func isStored(_ id: SessionID, in nodes: SessionNodes) async throws -> Bool {
        try await nodes.store.memory.load(self.key(id), unless: nil) != .absent
    }

    @Test(arguments: Fate.allCases, [false, true]) func aSignOnThatFailedHasNotHappened(fate: Fate, isStale: Bool) async throws {
        let nodes = try SessionNodes(mode: .everyRequest(maximumStaleness: isStale ? .seconds(60) : .zero))
        let id = try await nodes.session()
        nodes.store.setFault(fate.fault, of: .rename)
        let error = await #expect(throws: SessionError.self) { try await nodes.request(0, id) { try await $0.signOn(as: "ada") } }
        #expect(error?.code == .storeUnavailable)
        if fate == .lateBeforeTheNextLook { await nodes.store.catchUp() }
        let session = try #require(try await nodes[0].find(id), "the client's id is the old one")
        await nodes.store.catchUp()
        #expect(session.id == id && session.principalName == nil && session[Visits.self] == 1)
        for node in 0...1 {
            let found = try #require(try await nodes[node].find(id))
            #expect(found.principalName == nil && found[Visits.self] == 1)
            #expect(try await nodes[node].sessions(ofPrincipal: "ada").isEmpty)
        }
        // What is written now stays, and the next sign-on leaves nothing under the old id.
        _ = try await nodes.request(1, id) { $0.update(Visits.self, default: 0) { $0 += 1 } }
        let newID = try #require(try await nodes.request(0, id) { try await $0.signOn(as: "ada") })
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 {
            #expect(try await nodes[node].find(id) == nil)
            let found = try #require(try await nodes[node].find(newID))
            #expect(found.principalName == "ada" && found[Visits.self] == 2)
            #expect(try await nodes[node].sessions(ofPrincipal: "ada").map(\.id) == [newID])
        }
    }

    @Test func aLostRenameIsTakenBackWithoutARequest() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        nodes.store.setFault(.losesAnswer, of: .rename)
        await #expect(throws: SessionError.self) { try await nodes.request(0, id) { try await $0.rotateID() } }
        #expect(try await !self.isStored(id, in: nodes))
        await nodes[0].processExpires()
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 1)
    }

    @Test func aSessionEndsWhateverBecameOfItsRename() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let session = try #require(try await nodes[0].find(id))
        nodes.store.setFault(.losesAnswer, of: .rename)
        await #expect(throws: SessionError.self) { try await session.signOn(as: "ada") }
        try await session.invalidate()
        #expect(try await nodes[1].find(id) == nil)
        #expect(try await nodes[1].sessions(ofPrincipal: "ada").isEmpty)
        #expect(nodes.logs[0].all.last == "destroyed invalidated visits=1 valid=false")
    }

    @Test(arguments: [Fate.notDone, .done]) func anIDFromBeforeAnUnconfirmedFirstSaveIsWorthNothing(fate: Fate) async throws {
        let nodes = try SessionNodes()
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        nodes.store.setFault(fate.fault, of: .insert)
        await #expect(throws: SessionError.self) { try await nodes[0].save(session) }
        let old = session.id
        let new = try await session.signOn(as: "ada")
        try await nodes[0].save(session)
        #expect(try await !self.isStored(old, in: nodes))
        #expect(try await nodes[1].find(old) == nil)
        #expect(try await nodes.request(1, new) { $0[Visits.self] } == 1)
        try await session.invalidate()
        for id in [old, new] { #expect(try await !self.isStored(id, in: nodes)) }
    }

    @Test(arguments: Fate.allCases) func anUpdateIsDoneOnce(fate: Fate) async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 1)
        nodes.store.setFault(fate.fault, of: .save)
        await #expect(throws: SessionError.self) { try await nodes.request(0, id) { $0.update(Visits.self, default: 0) { $0 += 1 } } }
        if fate == .lateBeforeTheNextLook { await nodes.store.catchUp() }
        // Another server overwrites what was written, if it was.
        _ = try await nodes.request(1, id) { $0.update(Visits.self, default: 0) { $0 += 10 } }
        _ = try await nodes.request(0, id) { $0.update(Visits.self, default: 0) { $0 += 100 } }
        await nodes.store.catchUp()
        for node in 0...1 { #expect(try await nodes.request(node, id) { $0[Visits.self] } == 112) }
    }

    @Test(arguments: [Fate.notDone, .done]) func anUpdateInTheFirstSaveIsDoneOnce(fate: Fate) async throws {
        let nodes = try SessionNodes()
        let session = try await nodes[0].create(id: nil)
        session.update(Visits.self, default: 0) { $0 += 1 }
        nodes.store.setFault(fate.fault, of: .insert)
        await #expect(throws: SessionError.self) { try await nodes[0].save(session) }
        _ = try await nodes.request(1, session.id) { $0.update(Visits.self, default: 0) { $0 += 10 } }
        _ = try await nodes.request(0, session.id) { $0.update(Visits.self, default: 0) { $0 += 100 } }
        #expect(try await nodes.request(1, session.id) { $0[Visits.self] } == (fate == .done ? 111 : 101))
    }

    @Test func anUpdateThatWasDoneIsFoundUnderAnotherID() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 1)
        let late = try #require(try await nodes[0].find(id))
        late.update(Visits.self, default: 0) { $0 += 1 }
        nodes.store.setFault(.losesAnswer, of: .save)
        await #expect(throws: SessionError.self) { try await nodes[0].save(late) }
        let newID = try #require(try await nodes.request(1, id) { try await $0.rotateID() })
        try await nodes[0].save(late)
        #expect(try await nodes.request(1, newID) { $0[Visits.self] } == 2)
    }

    @Test func whoRepeatsAWriteLooksForWhatCameBehindIt() async throws {
        let nodes = try SessionNodes(mode: .everyRequest(maximumStaleness: .seconds(60)))
        let id = try await nodes.session(visits: 1)
        nodes.store.setFault(.losesAnswer, of: .save)
        await #expect(throws: SessionError.self) { try await nodes.request(0, id) { $0.update(Visits.self, default: 0) { $0 += 1 } } }
        _ = try await nodes.request(1, id) { $0.update(Visits.self, default: 0) { $0 += 10 } }
        nodes.clock.advance(by: .seconds(61))
        await nodes[0].processExpires()
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 12)
    }

    @Test(.timeLimit(.minutes(1))) func nobodyIsToldThatSomethingIsStoredWhichSomebodyElseIsStillStoring() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 1)
        let session = try #require(try await nodes[0].find(id))
        session.update(Visits.self, default: 0) { $0 += 1 }
        // Somebody saves, and is not done.
        await session.enterStore()
        _ = session.takeBatch(touchAfterPercent: 5, policy: .init())
        let isSaved = Counter()
        let waiting = Task {
            try await nodes[0].save(session)
            isSaved.add(1)
        }
        for _ in 0..<100 { await Task.yield() }
        #expect(isSaved.value == 0)
        session.leaveStore()
        try await waiting.value
    }
}
