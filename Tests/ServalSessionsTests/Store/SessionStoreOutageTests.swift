import Testing

@testable import ServalSessions

/// A store that does not answer, for a while.
@Suite struct SessionStoreOutageTests {
    @Test func aStoreThatIsDownLeavesMemoryReadable() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        nodes.store.isDown = true
        let session = try #require(try await nodes[0].find(id))
        #expect(session[Visits.self] == 1)
        session[Visits.self] = 2
        let error = await #expect(throws: SessionError.self) { try await nodes[0].save(session) }
        #expect(error?.code == .storeUnavailable)
        let unknown = await #expect(throws: SessionError.self) { try await nodes[1].find(id) }
        #expect(unknown?.code == .storeUnavailable, "nobody says that the session is gone")
        nodes.store.isDown = false
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        try await nodes[0].save(session)
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 2)
    }

    /// What one request could not save is not the failure of the next one, which only reads.
    @Test func onlyWhoHasChangedSomethingHearsOfIt() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        nodes.store.isDown = true
        let session = try #require(try await nodes[0].find(id))
        let writer = HeldSession(session, foundAs: id)
        session[Visits.self] = 2
        let early = HeldSession(session, foundAs: id)
        await #expect(throws: SessionError.self) { try await writer.save(to: nodes[0]) }
        try await early.save(to: nodes[0])
        let found = try #require(try await nodes[0].find(id))
        let reader = HeldSession(found, foundAs: id)
        #expect(found[Visits.self] == 2)
        try await reader.save(to: nodes[0])
        found.maxInactiveInterval = .seconds(77)
        await #expect(throws: SessionError.self) { try await reader.save(to: nodes[0]) }
        await #expect(throws: SessionError.self) { try await found.rotateID() }
        await #expect(throws: SessionError.self) { try await writer.save(to: nodes[0]) }
        let made = try await nodes[0].create(id: nil)
        made[Visits.self] = 1
        await #expect(throws: SessionError.self) { try await HeldSession(made: made).save(to: nodes[0]) }
        nodes.store.isDown = false
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        try await HeldSession(found, foundAs: id).save(to: nodes[0])
        #expect(try await nodes.request(1, found.id) { $0[Visits.self] } == 2, "a later request saves it")
    }

    @Test func whatEndsWhileTheStoreIsDownIsRemovedLater() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let session = try #require(try await nodes[0].find(id))
        nodes.store.isDown = true
        let error = await #expect(throws: SessionError.self) { try await session.invalidate() }
        #expect(error?.code == .storeUnavailable)
        #expect(!session.isValid)
        nodes.store.isDown = false
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        #expect(try await nodes[0].find(id) == nil, "this server does not bring it back")
        await nodes[0].processExpires()
        #expect(try await nodes[1].find(id) == nil)
    }

    @Test func stopDuringAnOutageRemovesNothing() async throws {
        let nodes = try SessionNodes()
        var ids: [SessionID] = []
        for number in 0..<20 { ids.append(try await nodes.session(visits: number)) }
        let busy = try #require(try await nodes[0].find(ids[0]))
        #expect(busy.beginAccess())
        busy[Visits.self] = 500
        nodes.store.isDown = true
        async let stopped: Void = nodes[0].stop()
        try await Task.sleep(for: .milliseconds(1500))
        nodes.store.isDown = false
        await stopped
        for (number, id) in ids.enumerated() {
            #expect(try await nodes.request(1, id) { $0[Visits.self] } == (number == 0 ? 500 : number))
        }
        #expect(!nodes.logs[0].all.contains { $0.hasPrefix("destroyed") })
    }

    @Test func aSessionWhoseFirstSaveWasNotConfirmedCanBeEnded() async throws {
        let nodes = try SessionNodes()
        let session = try await nodes[0].create(id: nil)
        session[Visits.self] = 1
        nodes.store.losesAnswers = true
        await #expect(throws: SessionError.self) { try await nodes[0].save(session) }
        nodes.store.losesAnswers = false
        #expect(try await nodes[0].storedSessionCountEventually() == 1)
        try await session.invalidate()
        #expect(try await nodes[1].find(session.id) == nil)
    }

    @Test func signOnDoesNotBringBackWhatEndedDuringAnOutage() async throws {
        let nodes = try SessionNodes { $0.sessions.maximumSessionsPerPrincipal = 5 }
        let id = try await nodes.session()
        let old = try #require(try await nodes.request(0, id) { try await $0.signOn(as: "ada") })
        let session = try #require(try await nodes[0].find(old))
        nodes.store.isDown = true
        try? await session.invalidate()
        nodes.store.isDown = false
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        let next = try await nodes.session()
        _ = try await nodes.request(0, next) { try await $0.signOn(as: "ada") }
        #expect(try await nodes[0].find(old) == nil)
        #expect(try await nodes[0].sessions(ofPrincipal: "ada").count == 1)
    }

    @Test func memoryPressureEndsNothingWhileTheStoreIsDown() async throws {
        let nodes = try SessionNodes { $0.sessions.memoryBudget = 20_000 }
        var ids: [SessionID] = []
        for number in 0..<50 {
            ids.append(try await nodes.session(visits: number))
            _ = try await nodes.request(0, ids[number]) { $0[Visits.self] }
        }
        nodes.store.isDown = true
        for _ in 0..<100 {
            let session = try await nodes[0].create(id: nil)
            session[Visits.self] = 1
            try? await nodes[0].save(session)
            session.endAccess()
        }
        try await Task.sleep(for: .milliseconds(200))
        nodes.store.isDown = false
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        for (number, id) in ids.enumerated() { #expect(try await nodes.request(1, id) { $0[Visits.self] } == number) }
    }
}

extension PersistentSessionManager {
    /// The count, as soon as the store is asked again.
    fileprivate func storedSessionCountEventually() async throws -> Int {
        try await Task.sleep(for: SessionPersistence.pause + .milliseconds(50))
        return try await self.storedSessionCount()
    }
}
