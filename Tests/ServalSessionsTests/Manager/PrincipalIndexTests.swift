import Synchronization
import Testing

@testable import ServalSessions

/// The index of principals keeps what is there, and nothing else.
@Suite struct PrincipalIndexTests {
    @Test func manySessionsOfOnePrincipalAreKeptOnceEach() {
        let index = PrincipalIndex()
        var sessions: [HTTPSession] = []
        for number in 0..<20_000 {
            let session = HTTPSession(id: SessionID(rawValue: "\(number)"))
            session.state.withLock { $0.principal = "robot" }
            for _ in 0..<2 { index.add(session, to: "robot") }
            sessions.append(session)
        }
        #expect(index.sessions(of: "robot").count == 20_000)
        for session in sessions { index.remove(session, from: "robot") }
        #expect(index.sessions(of: "robot").isEmpty)
    }

    @Test func whatHasEndedIsNotAdded() async throws {
        let index = PrincipalIndex()
        weak var gone: HTTPSession?
        do {
            let session = HTTPSession(id: SessionID(rawValue: "a"))
            session.state.withLock { $0.principal = "ada" }
            try await session.invalidate()
            index.add(session, to: "ada")
            gone = session
        }
        #expect(gone == nil)
    }

    @Test func anotherServersChangeIsFollowed() async throws {
        let nodes = try HookedNodes(2)
        let session = try await nodes.session()
        try await session.signOn(as: "ada")
        try await nodes[0].save(session)
        let elsewhere = try #require(try await nodes[1].find(session.id))
        let oldID = elsewhere.id
        try await elsewhere.signOn(as: "bob")
        #expect(try await nodes[0].find(oldID) == nil)
        let found = try #require(try await nodes[0].find(elsewhere.id))
        #expect(found.principalName == "bob")
        let index = nodes[0].table.principals
        #expect(index.sessions(of: "bob").count == 1 && index.sessions(of: "ada").isEmpty)
        try await found.invalidate()
        #expect(index.sessions(of: "bob").isEmpty)
    }
}
