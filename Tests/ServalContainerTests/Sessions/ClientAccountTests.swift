import ServalServlet
import Testing

@testable import ServalContainer

/// Applications that have names of their own for clients with certificates.
@Suite("Accounts of clients that sign in with certificates")
struct ClientAccountTests {
    private typealias Signed = SignedInSessionTests

    @Test("The session that an application signs on under its own name stays the client's, and is nobody else's", arguments: Signed.Place.allCases)
    func account(place: SignedInSessionTests.Place) async throws {
        let store = place == .store ? MemorySessionStore() : nil
        // What tells whose the session is is stored whatever else is.
        let filter = try SessionAttributeFilter(names: "note")
        let context = Signed.context(store: store) { $0.attributeFilter = filter }
        var alice = ""
        try await EngineHarness.run(context) { harness async throws in
            let signed = try await Signed.get(harness, "CN=alice", "/app/sign?note=hers")
            let first = try #require(signed.sessionID)
            #expect(signed.text == first)
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", first).text == "hers alice true /app/x")
            // As often as the application likes.
            let again = try await Signed.get(harness, "CN=alice", "/app/sign?note=more", first)
            alice = try #require(again.sessionID)
            #expect(alice != first)
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", first).text == "- - false /app/x")
            let next = try await Signed.get(harness, "CN=alice", "/app/look", alice)
            #expect(next.text == "more alice true /app/x" && next.headers[.setCookie] == nil)

            let joe = try #require(try await Signed.get(harness, "CN=joe", "/app/sign?note=his").sessionID)
            #expect(try await Signed.get(harness, "CN=joe", "/app/look", alice).text == "- - false /app/x")
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", joe).text == "- - false /app/x", "planted")
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", joe, alice).text == "more alice true /app/x")
            #expect(try await Signed.get(harness, "alice", "/app/look", alice).text == "more alice true /app/x", "the name itself")
            #expect(try await Signed.manager(harness).sessions(ofPrincipal: "alice").map(\.id.rawValue) == [alice])
        }
        guard store != nil else { return }
        // On another server, and after a restart.
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await Signed.get(harness, "CN=joe", "/app/look", alice).text == "- - false /app/x")
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", alice).text == "more alice true /app/x")
        }
    }

    @Test("Who signs on in the session later, without a certificate or with another one, has it alone")
    func another() async throws {
        try await EngineHarness.run(Signed.context()) { harness async throws in
            let alice = try #require(try await Signed.get(harness, "CN=alice", "/app/sign").sessionID)
            let bob = try #require(try await Signed.get(harness, "CN=alice", "/app/open/sign?as=bob&note=his", alice).sessionID)
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", bob).text == "- - false /app/x")
            let back = try #require(try await Signed.get(harness, "CN=joe", "/app/open/sign?as=alice", bob).sessionID)
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", back).text == "- - false /app/x")
            // Several accounts of one client.
            let one = try #require(try await Signed.get(harness, "CN=alice", "/app/sign?as=one&note=1").sessionID)
            let two = try #require(try await Signed.get(harness, "CN=alice", "/app/sign?as=two&note=2", one).sessionID)
            #expect(try await Signed.get(harness, "CN=alice", "/app/look", two).text == "2 two true /app/x")
        }
    }

    @Test("With single sign-on, and with ids that applications share")
    func severalApplications() async throws {
        let valve = try SingleSignOnValve(.init())
        let contexts = ["/a", "/b"].map { path in
            var definition = Signed.context(path)
            definition.sessionCookiePath = "/"
            return definition
        }
        try await EngineHarness.run(contexts, host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            let signed = try await Signed.get(harness, "CN=alice", "/a/sign?note=a")
            let (id, sso) = (try #require(signed.sessionID), try #require(SingleSignOnTests.sso(signed)))
            #expect(try await Signed.get(harness, "CN=alice", "/a/look", id, sso: sso).text == "a alice true /a/x")
            #expect(try await Signed.get(harness, "CN=joe", "/a/look", id, sso: sso).text == "- - false /a/x")
            let kept = try await Signed.get(harness, "CN=alice", "/b/keep?note=b", id)
            #expect(kept.text == "\(id) CN=alice", "one id for both")
            #expect(try await Signed.get(harness, "CN=joe", "/b/keep", id).text.hasPrefix("\(id) ") == false)
        }
    }

    @Test("A session of nobody gives way to the client's own, however late somebody signs in", arguments: Signed.Way.allCases)
    func planted(way: SignedInSessionTests.Way) async throws {
        try await EngineHarness.run(Signed.context(way: way)) { harness async throws in
            let planted = try #require(try await harness.get("/app/open/keep?note=planted").sessionID)
            let own = try #require(try await Signed.get(harness, "CN=ann", "/app/keep?note=own").sessionID)
            for ids in [[planted, own], [own, planted]] {
                let answer = try await Signed.get(harness, "CN=ann", "/app/look", ids[0], ids[1])
                #expect(answer.text == "own CN=ann true /app/x" && answer.headers[.setCookie] == nil)
            }
            let session = try #require(try await Signed.manager(harness).find(SessionID(rawValue: planted)))
            #expect(session.principalName == nil)
            try await session.invalidateUnlessUsed()
            #expect(!session.isValid, "nobody uses it")
        }
    }

    @Test("A crawler's session is shared only if it is nobody's, and only with nobody")
    func crawlers() async throws {
        let bot: HeaderFields = [.userAgent: "xBot"]
        var definition = Signed.context()
        definition.valves = [try CrawlerSessionManagerValve()] + definition.valves
        try await EngineHarness.run(definition) { harness async throws in
            #expect(try await Signed.get(harness, "CN=xBot", "/app/keep?note=secret", headers: bot).status == 200)
            #expect(try await harness.get("/app/open/look", headers: bot).text == "- - false /app/x")
            let shared = try await harness.get("/app/open/keep?note=open", headers: bot).text
            #expect(try await harness.get("/app/open/keep?note=open", headers: bot).text == shared)
        }
        let valve = try SingleSignOnValve(.init())
        var b = SingleSignOnTests.context("/b")
        b.valves = [try CrawlerSessionManagerValve()]
        try await EngineHarness.run([SingleSignOnTests.context("/a"), b], host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            func ask(_ path: String, _ sso: String?) async throws -> String {
                var headers = sso.map { SingleSignOnTests.cookies($0) } ?? [:]
                headers[.userAgent] = "xBot"
                return try await harness.get(path, headers: headers).text
            }
            let alice = try #require(SingleSignOnTests.sso(try await harness.get("/a/sign?as=alice")))
            let bob = try #require(SingleSignOnTests.sso(try await harness.get("/a/sign?as=bob")))
            let hers = try await ask("/b/make", alice)
            #expect(try await ask("/b/who", bob) == "bob SSO -")
            let his = try await ask("/b/make", bob)
            #expect(his != hers)
            let nobodys = try await ask("/b/make", nil)
            #expect(nobodys != hers && nobodys != his)
            #expect(try await ask("/b/make", nil) == nobodys)
            #expect(try await ask("/b/who", alice) == "alice SSO -")
            #expect(try await ask("/b/make", alice) != nobodys)
        }
    }
}
