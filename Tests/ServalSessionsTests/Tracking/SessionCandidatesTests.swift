import Synchronization
import Testing

@testable import ServalSessions

@Suite("Clients that send many ids")
struct SessionCandidatesTests {
    /// Ids that nobody has made.
    private static func invented(_ count: Int) -> [String] { (0..<count).map { _ in StandardSessionIDGenerator().makeID().rawValue } }

    @Test("A session in memory is found behind any number of stale ids, up to that of the cookies that are read", arguments: [0, 3, 15, 100, 199])
    func inMemory(stale: Int) async throws {
        let manager = StandardSessionManager()
        try await manager.start()
        let session = try await manager.create(id: nil)
        #expect(try await manager.holdFirst(of: Self.invented(stale) + [session.id.rawValue])?.session === session)
        #expect(try await manager.holdFirst(of: Self.invented(stale)) == nil)
        #expect(try await manager.holdFirst(of: Self.invented(Cookie.defaultLimit) + [session.id.rawValue]) == nil)
        await manager.stop()
    }

    @Test("Of ids that are not in memory the store is asked for the first four and the last four", arguments: [1, 4, 8, 9, 100, 200])
    func questions(count: Int) async throws {
        let nodes = try SessionNodes()
        let ids = Self.invented(count)
        #expect(try await nodes[0].holdFirst(of: ids) == nil)
        #expect(nodes.store.takeCounts()[.load] == min(count, 8))

        for place in [0, 3, count - 4, count - 1] where ids.indices.contains(place) {
            var ids = ids
            ids[place] = try await nodes.session(1).rawValue
            #expect(try await nodes[0].holdFirst(of: ids)?.id?.rawValue == ids[place], "\(place) of \(count)")
        }
        // Of what is in memory any place will do.
        var others = ids
        others[count / 2] = try await nodes.session(0).rawValue
        #expect(try await nodes[0].holdFirst(of: others)?.id?.rawValue == others[count / 2])
    }

    @Test("The order counts: a session in the store comes before one in memory that is behind it")
    func order() async throws {
        let nodes = try SessionNodes()
        let (there, here) = (try await nodes.session(1), try await nodes.session(0))
        let ids = [Self.invented(1), [there.rawValue, here.rawValue], Self.invented(20)].flatMap { $0 }
        #expect(try await nodes[0].holdFirst(of: ids)?.id == there)
    }

    @Test("Sessions of others are passed over, but not more than eight")
    func others() async throws {
        let manager = StandardSessionManager()
        try await manager.start()
        func session(_ principal: String?) async throws -> String {
            let session = try await manager.create(id: nil)
            if let principal { try await session.begin(as: principal) }
            return session.id.rawValue
        }
        let own = try await session("ann")
        var others: [String] = []
        for _ in 0..<9 { others.append(try await session("joe")) }
        #expect(try await manager.holdFirst(of: others.prefix(8) + [own], for: "ann")?.id?.rawValue == own)
        #expect(try await manager.holdFirst(of: others + [own], for: "ann") == nil)
        #expect(try await manager.holdFirst(of: others + [own], for: "joe")?.id?.rawValue == others[0])
        #expect(try await manager.holdFirst(of: others + [own])?.id?.rawValue == others[0])
        await manager.stop()
    }

    @Test("A principal's own session comes before one of nobody, wherever it stands; whatever is not taken is let go of")
    func anonymous() async throws {
        let manager = StandardSessionManager()
        try await manager.start()
        var all: [HTTPSession] = []
        func session(_ principal: String? = nil) async throws -> String {
            let session = try await manager.create(id: nil)
            if let principal { try await session.begin(as: principal) }
            session.endAccess()
            all.append(session)
            return session.id.rawValue
        }
        let (planted, own, other) = (try await session(), try await session("ann"), try await session("joe"))
        var anonymous: [String] = []
        for _ in 0..<9 { anonymous.append(try await session()) }
        func found(_ ids: [String], for principal: String? = "ann") async throws -> String? {
            let held = try await manager.holdFirst(of: ids, for: principal)
            held?.session.release()
            #expect(all.allSatisfy { $0.state.withLock { $0.holdCount == 0 } })
            return held?.id?.rawValue
        }
        #expect(try await found([planted, own]) == own)
        #expect(try await found([planted, own], for: nil) == planted)
        #expect(try await found([other, planted, "unknown"]) == planted, "she has no other")
        #expect(try await found([planted, other, own]) == own)
        #expect(try await found([planted] + anonymous.prefix(8) + [own]) == own)
        // Nobody has looked at all of them: her own may be behind.
        #expect(try await found([planted] + anonymous + [own]) == nil)
        #expect(try await found([planted] + anonymous, for: "mary") == nil)
        #expect(try await found([planted] + Self.invented(9)) == nil)
        #expect(try await found([planted] + Self.invented(8)) == planted)
        #expect(try await found([planted] + Self.invented(100), for: nil) == planted)
        await manager.stop()
    }

    @Test("A store that fails in the middle leaves nothing in use")
    func failing() async throws {
        let nodes = try HookedNodes()
        let planted = try await nodes.session()
        let unknown = try #require(SessionID(Self.invented(1)[0]))
        nodes.store.before { [key = nodes.key(unknown)] call throws(SessionError) in
            guard call.key != key else { throw SessionError(code: .storeUnavailable, message: "switched off") }
        }
        let error = await #expect(throws: SessionError.self) {
            _ = try await nodes[0].holdFirst(of: [planted.id.rawValue, unknown.rawValue], for: "ann")
        }
        #expect(error?.code == .storeUnavailable)
        #expect(planted.state.withLock { $0.holdCount } == 0)
    }

    @Test("A session that begins as a principal's counts as one at once, here and in the store, and keeps its id")
    func beginning() async throws {
        let nodes = try SessionNodes { $0.sessions.maximumSessionsPerPrincipal = 2 }
        for number in 0..<3 {
            let session = try await nodes[number % 2].create(id: nil)
            let id = session.id
            try await session.begin(as: "ann")
            #expect(session.id == id && session.principalName == "ann")
            try await nodes[number % 2].save(session)
            session.endAccess()
            #expect(try await nodes[1 - number % 2].find(id)?.principalName == "ann")
        }
        #expect(try await nodes[0].sessions(ofPrincipal: "ann").count == 2)
        let nobody = try await nodes[0].create(id: nil)
        let error = await #expect(throws: SessionError.self) { try await nobody.begin(as: "") }
        #expect(error?.code == .illegalSetting)
        try await nobody.invalidate()
        let ended = await #expect(throws: SessionError.self) { try await nobody.begin(as: "ann") }
        #expect(ended?.code == .invalidated)
    }
}
