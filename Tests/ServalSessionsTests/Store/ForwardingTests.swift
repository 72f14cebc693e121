import Testing

@testable import ServalSessions

/// What is left for those who know an id from before somebody signed on at another server.
@Suite struct ForwardingTests {
    /// Two servers, of which the second has the session, and is content with what it knows for a while.
    private func nodes() async throws -> (SessionNodes, SessionID) {
        let nodes = try SessionNodes(mode: .everyRequest(maximumStaleness: .seconds(60)))
        let id = try await nodes.session()
        _ = try await nodes.request(1, id) { $0[Visits.self] }
        return (nodes, id)
    }

    @Test func theFirstWriteShowsThatTheIDIsOld() async throws {
        let (nodes, id) = try await self.nodes()
        let newID = try #require(
            try await nodes.request(0, id) {
                $0[Cart.self] = ["secret"]
                return try await $0.signOn(as: "ada")
            }
        )
        let late = try #require(try await nodes[1].find(id), "within the staleness that is allowed")
        #expect(late.beginAccess())
        late.update(Visits.self, default: 0) { $0 += 1 }
        try await nodes[1].save(late)
        #expect(late[Cart.self] == nil && late.principalName == nil && late.id == id, "it sees nothing of who has signed on")
        #expect(try await nodes[1].find(id) == nil)
        // The same request may write once more, and end.
        late.update(Visits.self, default: 0) { $0 += 1 }
        try await nodes[1].save(late)
        late.endAccess()
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 {
            #expect(try await nodes[node].find(id) == nil)
            let values = try await nodes.request(node, newID) { ($0[Visits.self], $0[Cart.self], $0.principalName) }
            #expect(values?.0 == 3 && values?.1 == ["secret"] && values?.2 == "ada")
        }
        #expect(nodes.managers.allSatisfy { $0.statistics.activeSessions == 1 })
    }

    @Test(arguments: [false, true]) func nobodyGetsANewIDForAnOldOne(hasWritten: Bool) async throws {
        let (nodes, id) = try await self.nodes()
        let newID = try #require(try await nodes.request(0, id) { try await $0.signOn(as: "ada") })
        let late = try #require(try await nodes[1].find(id))
        #expect(late.beginAccess())
        if hasWritten {
            late[Visits.self] = 9
            try await nodes[1].save(late)
        }
        for name in [nil, "mallory"] {
            let error = await #expect(throws: SessionError.self) {
                if let name { try await late.signOn(as: name) } else { try await late.rotateID() }
            }
            #expect(error?.code == .invalidated)
        }
        late.endAccess()
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 {
            #expect(try await nodes[node].find(newID)?.principalName == "ada", "whose session it is keeps it")
            #expect(try await nodes[node].sessions(ofPrincipal: "mallory").isEmpty)
        }
    }

    @Test func anOldIDIsForgottenWithoutWritesToo() async throws {
        let (nodes, id) = try await self.nodes()
        _ = try await nodes.request(0, id) { try await $0.signOn(as: "ada") }
        for _ in 0..<7 {
            nodes.clock.advance(by: .seconds(10))
            _ = try await nodes.request(1, id) { $0[Visits.self] }
        }
        #expect(try await nodes[1].find(id) == nil)
    }

    @Test func anIdleTimeFromElsewhereLeavesThePrincipal() async throws {
        let (nodes, id) = try await self.nodes()
        let newID = try #require(try await nodes.request(0, id) { try await $0.signOn(as: "ada") })
        _ = try await nodes.request(1, id) { $0.maxInactiveInterval = .seconds(777) }
        for node in 0...1 { #expect(try await nodes[node].sessions(ofPrincipal: "ada").map(\.id) == [newID]) }
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 {
            let session = try #require(try await nodes[node].find(newID))
            #expect(session.principalName == "ada" && session.maxInactiveInterval == .seconds(777))
        }
        #expect(try await nodes[1].invalidateSessions(ofPrincipal: "ada") == 1)
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 { #expect(try await nodes[node].find(newID) == nil) }
    }

    @Test(arguments: [false, true]) func aSignOnLeavesAnIdleTimeFromElsewhere(changesItToo: Bool) async throws {
        let (nodes, id) = try await self.nodes()
        _ = try await nodes.request(1, id) { $0.maxInactiveInterval = .seconds(777) }
        let newID = try #require(
            try await nodes.request(0, id) {
                if changesItToo { $0.maxInactiveInterval = .seconds(888) }
                return try await $0.signOn(as: "ada")
            }
        )
        nodes.clock.advance(by: .seconds(61))
        for node in 0...1 {
            let session = try #require(try await nodes[node].find(newID))
            #expect(session.principalName == "ada" && session.maxInactiveInterval == .seconds(changesItToo ? 888 : 777))
        }
    }

    @Test func idleTimeIsNotCutShortByAMove() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        _ = try await nodes.request(0, id) { $0.maxInactiveInterval = .seconds(60) }
        nodes.clock.advance(by: .milliseconds(2800))
        _ = try await nodes.request(0, id) { $0[Visits.self] }
        // The store was not told of that one: it is within 5 % of the idle time.
        nodes.clock.advance(by: .milliseconds(57_800))
        #expect(try await nodes[1].find(id)?.isValid == true, "idle for 57.8 of 60 s")
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 1)
        nodes.clock.advance(by: .seconds(59))
        #expect(try await nodes[1].find(id) != nil)
        nodes.clock.advance(by: .seconds(1))
        #expect(try await nodes[1].find(id) == nil, "exact, where the access was")
    }
}
