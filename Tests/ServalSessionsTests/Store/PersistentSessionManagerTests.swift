import Testing

@testable import ServalSessions

/// Sessions that move between servers over one store.
@Suite struct PersistentSessionManagerTests {
    @Test func sessionsMoveBetweenServers() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 41)
        let seen = try await nodes.request(1, id) {
            $0.update(Visits.self, default: 0) {
                $0 += 1; return $0
            }
        }
        #expect(seen == 42)
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 42)
        // An unknown id is nobody's.
        #expect(try await nodes[1].find(SessionID(rawValue: "00000000000000000000000000000000")) == nil)
    }

    @Test func whatNobodyChangedIsNotWritten() async throws {
        let nodes = try SessionNodes()
        let empty = try await nodes[0].create(id: nil)
        try await nodes[0].save(empty)
        #expect(nodes.store.takeCounts().isEmpty, "an empty session is not stored")
        let id = try await nodes.session()
        #expect(nodes.store.takeCounts() == [.insert: 1])
        for _ in 0..<5 { _ = try await nodes.request(0, id) { $0[Visits.self] } }
        #expect(nodes.store.takeCounts() == [.load: 5], "one read, no write")
        // A mere access is told once in five percent of the idle time, 90 of 1,800 s.
        for _ in 0..<10 {
            nodes.clock.advance(by: .seconds(30))
            _ = try await nodes.request(0, id) { $0[Visits.self] }
        }
        #expect(nodes.store.takeCounts() == [.load: 10, .touch: 2])
    }

    @Test func boundedStalenessSavesReads() async throws {
        let nodes = try SessionNodes(mode: .everyRequest(maximumStaleness: .seconds(5)))
        let id = try await nodes.session()
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 1)
        _ = nodes.store.takeCounts()
        _ = try await nodes.request(0, id) { $0[Visits.self] = 2 }
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 1, "at most five seconds old")
        #expect(nodes.store.takeCounts() == [.save: 1])
        // A write is right nevertheless.
        _ = try await nodes.request(1, id) { $0.update(Visits.self, default: 0) { $0 += 10 } }
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 12)
        nodes.clock.advance(by: .seconds(5))
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 12)
    }

    @Test func updatesOfTwoServersAreBothKept() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 0)
        let one = try #require(try await nodes[0].find(id))
        let two = try #require(try await nodes[1].find(id))
        one.update(Visits.self, default: 0) { $0 += 1 }
        one[Cart.self] = ["shoes"]
        two.update(Visits.self, default: 0) { $0 += 10 }
        try await nodes[0].save(one)
        try await nodes[1].save(two)
        #expect(two[Visits.self] == 11 && two[Cart.self] == ["shoes"])
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 11)
    }

    @Test func attributesOfTwoServersDoNotMeet() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let one = try #require(try await nodes[0].find(id))
        let two = try #require(try await nodes[1].find(id))
        one[Visits.self] = 5
        two[Cart.self] = ["hat"]
        one.remove(Cart.self)
        try await nodes[0].save(one)
        try await nodes[1].save(two)
        for node in 0...1 {
            let both = try await nodes.request(node, id) { ($0[Visits.self], $0[Cart.self]) }
            #expect(both?.0 == 5 && both?.1 == ["hat"])
        }
        _ = try await nodes.request(0, id) { $0.remove(Cart.self) }
        #expect(try await nodes.request(1, id) { $0.attributeNames } == ["visits"])
    }

    @Test func whatEndedStaysEnded() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let late = try #require(try await nodes[1].find(id))
        #expect(late.beginAccess())
        late[Visits.self] = 99
        _ = try await nodes.request(0, id) { try await $0.invalidate() }
        try await nodes[1].save(late)
        late.endAccess()
        #expect(!late.isValid)
        for node in 0...1 { #expect(try await nodes[node].find(id) == nil) }
        #expect(try await nodes[0].storedSessionCount() == 0)
        #expect(nodes.logs[0].all == ["created", "destroyed invalidated visits=1 valid=false"])
        #expect(nodes.logs[1].all.isEmpty, "one server tells of an end")
        #expect(nodes[0].statistics.activeSessions == 0 && nodes[1].statistics.activeSessions == 0)
    }

    @Test func oldIDsFindNothingAndWritesUnderWayAreKept() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let late = try #require(try await nodes[1].find(id))
        #expect(late.beginAccess())
        late.update(Visits.self, default: 0) { $0 += 1 }
        let newID = try #require(try await nodes.request(0, id) { try await $0.rotateID() })
        try await nodes[1].save(late)
        late.endAccess()
        for node in 0...1 {
            #expect(try await nodes[node].find(id) == nil)
            #expect(try await nodes.request(node, newID) { $0[Visits.self] } == 2)
        }
    }

    @Test func oneServerTellsOfAnExpiry() async throws {
        let nodes = try SessionNodes(3)
        let id = try await nodes.session()
        for node in 0...2 { _ = try await nodes.request(node, id) { $0[Visits.self] } }
        nodes.clock.advance(by: .seconds(1799))
        for node in nodes.managers { await node.processExpires() }
        #expect(try await nodes[2].find(id) != nil)
        nodes.clock.advance(by: .seconds(100))
        for node in nodes.managers { #expect(try await node.find(id) == nil) }
        for _ in 0..<2 { for node in nodes.managers.reversed() { await node.processExpires() } }
        #expect(nodes.logs.flatMap(\.all).filter { $0.hasPrefix("destroyed") } == ["destroyed expired visits=1 valid=false"])
        #expect(try await nodes[0].storedSessionCount() == 0)
        #expect(nodes.managers.allSatisfy { $0.statistics.activeSessions == 0 })
        #expect(nodes.managers.map(\.statistics.expiredSessions).reduce(0, +) == 1)
    }

    @Test func aUsedSessionIsNotExpiredByAnotherServer() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        nodes.clock.advance(by: .seconds(1700))
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 1)
        // Below the share of the idle time that a server may keep to itself.
        nodes.clock.advance(by: .seconds(80))
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 1)
        nodes.clock.advance(by: .seconds(1790))
        await nodes[1].processExpires()
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 1)
    }

    @Test func sessionsOfAnotherSecretAreIgnored() async throws {
        let nodes = try SessionNodes(secrets: [1, 2])
        let id = try await nodes.session()
        #expect(try await nodes[1].find(id) == nil)
        #expect(try await nodes[0].find(id) != nil, "it is not removed either")
    }

    @Test(arguments: [false, true]) func oneBadAttributeDoesNotTakeTheOthersAlong(encrypts: Bool) async throws {
        let nodes = try SessionNodes(encrypts: encrypts)
        let id = try await nodes.session()
        _ = try await nodes.request(0, id) { $0[Cart.self] = ["shoes"] }
        let key = StoredSessionKey(id, namespace: "/Catalina/localhost/shop")
        let spoil = StoredSessionChanges(
            writes: ["visits": .init(bytes: [1, 2, 3], condition: .any)],
            head: nil,
            principal: nil,
            lastAccessed: nodes.clock.now,
            deadline: nil
        )
        _ = try await nodes.store.save(spoil, to: key)
        let session = try #require(try await nodes[1].find(id))
        #expect(session[Visits.self] == nil && session[Cart.self] == ["shoes"])
        #expect(session.attributeNames == ["cart", "visits"])
        #expect(throws: SessionError.self) { try session.decode(Visits.self) }
        session.update(Visits.self, default: 7) { $0 += 1 }
        try await nodes[1].save(session)
        #expect(try await nodes.request(0, id) { $0[Visits.self] } == 8)
    }

    enum OldProfile: SessionAttributeKey {
        typealias Value = String
        static let name = "profile"
    }

    enum NewProfile: SessionAttributeKey {
        struct Value: Codable, Sendable, Equatable { var name: String }
        static let name = "profile"
        static let version = 2
        static func migrate(from version: Int, _ decoder: any Decoder) throws -> Value? {
            guard version == 1 else { return nil }
            return Value(name: try decoder.singleValueContainer().decode(String.self))
        }
    }

    @Test func valuesOfOlderReleasesAreMigratedByTheirKey() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        _ = try await nodes.request(0, id) { $0[OldProfile.self] = "Ada" }
        #expect(try await nodes.request(1, id) { $0[NewProfile.self] } == .init(name: "Ada"))
        _ = try await nodes.request(1, id) { $0[NewProfile.self] = .init(name: "Grace") }
        // The old release drops what the new one wrote, and nothing else.
        let old = try await nodes.request(0, id) { ($0[OldProfile.self], $0[Visits.self]) }
        #expect(old?.0 == nil && old?.1 == 1)
    }

    enum Cache: TransientSessionKey {
        typealias Value = [Int]
        static let name = "cache"
    }

    @Test func transientValuesStayWhereTheyAre() async throws {
        let nodes = try SessionNodes()
        let session = try await nodes[0].create(id: nil)
        session[Cache.self] = [1, 2]
        try await nodes[0].save(session)
        #expect(nodes.store.takeCounts().isEmpty)
        session[Visits.self] = 1
        try await nodes[0].save(session)
        #expect(session[Cache.self] == [1, 2])
        #expect(try await nodes.request(1, session.id) { $0.attributeNames } == ["visits"])
    }

    @Test func sessionsOfAPrincipalAreListedAndEnded() async throws {
        let nodes = try SessionNodes { $0.sessions.maximumSessionsPerPrincipal = 3 }
        var ids: [SessionID] = []
        for node in [0, 1, 0] {
            nodes.clock.advance(by: .seconds(1))
            let id = try await nodes.session(node)
            ids.append(try #require(try await nodes.request(node, id) { try await $0.signOn(as: "ada") }))
            #expect(ids.last != id)
        }
        #expect(try await nodes[1].sessions(ofPrincipal: "ada").map(\.id) == ids)
        #expect(try await nodes[1].sessions(ofPrincipal: "adam").isEmpty)
        nodes.clock.advance(by: .seconds(1))
        let fourth = try await nodes.session(1)
        let newest = try #require(try await nodes.request(1, fourth) { try await $0.signOn(as: "ada") })
        #expect(try await nodes[0].sessions(ofPrincipal: "ada").map(\.id) == [ids[1], ids[2], newest], "the oldest ended")
        let stays = try #require(try await nodes[0].find(newest))
        #expect(try await nodes[0].invalidateSessions(ofPrincipal: "ada", except: stays) == 2)
        for id in ids { for node in 0...1 { #expect(try await nodes[node].find(id) == nil) } }
        #expect(try await nodes[1].find(newest)?.principalName == "ada")
    }

    @Test func signOnIsRefusedAtTheLimit() async throws {
        let nodes = try SessionNodes {
            $0.sessions.maximumSessionsPerPrincipal = 1
            $0.sessions.principalSessionLimit = .reject
        }
        let first = try await nodes.session()
        _ = try await nodes.request(0, first) { try await $0.signOn(as: "ada") }
        let second = try await nodes.session(1)
        let error = await #expect(throws: SessionError.self) {
            _ = try await nodes.request(1, second) { try await $0.signOn(as: "ada") }
        }
        #expect(error?.code == .limitReached)
        #expect(try await nodes[1].find(second)?.principalName == nil)
    }

    @Test func nothingOutlivesTheLongestLife() async throws {
        let nodes = try SessionNodes { $0.sessions.maxLifetime = .seconds(3600) }
        var id = try await nodes.session()
        for _ in 0..<5 {
            nodes.clock.advance(by: .seconds(700))
            id = try #require(try await nodes.request(0, id) { try await $0.rotateID() })
        }
        nodes.clock.advance(by: .seconds(100))
        for node in 0...1 { #expect(try await nodes[node].find(id) == nil) }
        await nodes[1].processExpires()
        #expect(nodes.logs[1].all.contains { $0.hasPrefix("destroyed expired") })
    }

    @Test(.timeLimit(.minutes(1))) func listenersOfANewIDMayEndTheSession() async throws {
        let nodes = try SessionNodes()
        nodes[0].addListener(EndingListener())
        let id = try await nodes.session()
        let newID = try await nodes.request(0, id) { try await $0.rotateID() }
        for id in [id, try #require(newID)] { #expect(try await nodes[1].find(id) == nil) }
        #expect(nodes.logs[0].all.contains { $0.hasPrefix("destroyed invalidated") })
    }

    @Test func anExpiredSessionOfTheSameIDDoesNotComeBack() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session(visits: 99)
        nodes.clock.advance(by: .seconds(4000))
        // Contexts that share ids make a new session with an id that they know.
        let session = try await nodes[1].create(id: id)
        session[Cart.self] = ["new"]
        try await nodes[1].save(session)
        #expect(session[Visits.self] == nil)
        #expect(try await nodes.request(0, id) { $0.attributeNames } == ["cart"])
        await nodes[0].processExpires()
        #expect(nodes.logs.flatMap(\.all).filter { $0.hasPrefix("destroyed expired") } == ["destroyed expired visits=99 valid=false"])
        #expect(try await nodes.request(0, id) { $0[Cart.self] } == ["new"])
    }

    @Test func whatCannotBeEncodedStaysInMemory() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        _ = try await nodes.request(0, id) { $0[Unencodable.self] = .nan }
        _ = try await nodes.request(1, id) { $0[Visits.self] = 2 }
        let values = try await nodes.request(0, id) { ($0[Visits.self], $0[Unencodable.self]?.isNaN) }
        #expect(values?.0 == 2 && values?.1 == true)
        #expect(try await nodes.request(1, id) { $0.attributeNames } == ["visits"])
    }

    enum Unencodable: SessionAttributeKey {
        typealias Value = Double
        static let name = "unencodable"
    }

    @Test func stopKeepsWhatIsStored() async throws {
        let nodes = try SessionNodes()
        let id = try await nodes.session()
        let session = try #require(try await nodes[0].find(id))
        session[Visits.self] = 2
        _ = try await nodes[0].create(id: nil)
        await nodes[0].stop()
        #expect(nodes.logs[0].all.filter { $0.hasPrefix("destroyed") } == ["destroyed serverStopped visits=none valid=false"])
        #expect(try await nodes.request(1, id) { $0[Visits.self] } == 2)
        await #expect(throws: SessionError.self) { try await nodes[0].create(id: nil) }
    }
}

/// Ends a session as soon as it has a new id.
private struct EndingListener: HTTPSessionListener {
    func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async { try? await session.invalidate() }
}
