import ServalServlet
import Testing

@testable import ServalContainer

/// One sign-on for all applications of a host.
@Suite("Single sign-on")
struct SingleSignOnTests {
    static func context(_ path: String) -> ContextDefinition {
        ContextDefinition(path) { context in
            context.addServlet(
                "sign",
                ClosureServlet { request in
                    try await request.session().signOn(as: request.parameter("as") ?? "nobody")
                    return .text("signed")
                }
            ).map("/sign")
            context.addServlet(
                "who",
                ClosureServlet { request in
                    let session = try await request.existingSession()
                    return .text("\(request.remoteUser ?? "-") \(request.authType ?? "-") \(session?.principalName ?? "-")")
                }
            ).map("/who")
            context.addServlet("make", ClosureServlet { request in .text(try await request.session().id.rawValue) }).map("/make")
            context.addServlet(
                "end",
                ClosureServlet { request in
                    try await request.existingSession()?.invalidate()
                    return .text("ended")
                }
            ).map("/end")
            context.addServlet(
                "rotate",
                ClosureServlet { request in .text(try await request.session().rotateID().rawValue) }
            ).map("/rotate")
        }
    }

    private static func run(_ configuration: SingleSignOnValve.Configuration = .init(), body: (EngineHarness) async throws -> Void) async throws {
        let valve = try SingleSignOnValve(configuration)
        try await EngineHarness.run([Self.context("/a"), Self.context("/b")], host: { $0.valves = [valve] }, engine: { _ in }, body: body)
    }

    static func sso(_ answer: Answer, _ name: String = "JSESSIONIDSSO") -> String? {
        answer.headers[values: .setCookie].first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1).prefix { $0 != ";" }) }
    }

    static func cookies(_ sso: String?, _ id: String? = nil) -> HeaderFields {
        [.cookie: [sso.map { "JSESSIONIDSSO=\($0)" }, id.map { "JSESSIONID=\($0)" }].compactMap { $0 }.joined(separator: "; ")]
    }

    @Test("O01: who signs on in one application is known in the others, by a cookie for the whole host")
    func knownEverywhere() async throws {
        try await Self.run { harness async throws in
            #expect(try await harness.get("/a/make").headers[values: .setCookie].count == 1)
            let login = try await harness.get("/a/sign?as=alice")
            let sso = try #require(Self.sso(login))
            #expect(sso.wholeMatch(of: /[0-9A-F]{32}/) != nil)
            #expect(login.headers[values: .setCookie].contains("JSESSIONIDSSO=\(sso); Path=/; HttpOnly"))
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso)).text == "alice SSO -")
            #expect(try await harness.get("/b/who").text == "- - -")
            #expect(try await harness.get("/a/who", headers: Self.cookies(sso, login.sessionID)).text == "alice SSO alice")
            let secure = ConnectionInfo(scheme: "https", isSecure: true)
            let cookie = try await harness.get("/a/sign?as=bob", connection: secure).headers[values: .setCookie].first {
                $0.hasPrefix("JSESSIONIDSSO")
            }
            #expect(cookie?.hasSuffix("; Path=/; Secure; HttpOnly") == true)
        }
    }

    @Test("A cookie of nobody is taken back, and several are looked at")
    func unknownCookies() async throws {
        try await Self.run { harness async throws in
            let unknown = try await harness.get("/a/who", headers: Self.cookies("0123456789ABCDEF0123456789ABCDEF"))
            #expect(unknown.text == "- - -")
            let cookie = try #require(unknown.headers[.setCookie])
            #expect(cookie.hasPrefix("JSESSIONIDSSO=REMOVE; ") && cookie.contains("Expires=Thu, 01 Jan 1970") && cookie.contains("Path=/"))
            let sso = try #require(Self.sso(try await harness.get("/a/sign?as=alice")))
            let both: HeaderFields = [.cookie: String(repeating: "JSESSIONIDSSO=bogus; ", count: 100) + "JSESSIONIDSSO=\(sso)"]
            #expect(try await harness.get("/b/who", headers: both).text == "alice SSO -")
            let replaced = try await harness.get("/a/sign?as=bob", headers: Self.cookies("bogus"))
            #expect(Self.sso(replaced)?.count == 32)
        }
    }

    @Test("Signing out of one application signs out of all; a session that ends by idling ends alone")
    func signingOut() async throws {
        try await Self.run { harness async throws in
            let login = try await harness.get("/a/sign?as=alice")
            let (sso, a) = (try #require(Self.sso(login)), try #require(login.sessionID))
            let b = try #require(try await harness.get("/b/make", headers: Self.cookies(sso)).sessionID)
            #expect(try await harness.get("/b/who", headers: Self.cookies(nil, b)).text == "- - alice", "signed on when it is made")
            let next = try await harness.get("/b/make", headers: Self.cookies(sso, b))
            #expect(next.headers[.setCookie] == nil)
            // Another id does not lose the session.
            let rotated = try await harness.get("/b/rotate", headers: Self.cookies(sso, b))
            let renamed = try #require(rotated.sessionID)
            let managers = harness.engine.hosts[0].contexts.compactMap(\.sessionManager)
            #expect(managers.map(\.statistics.activeSessions) == [1, 1])
            #expect(try await managers[1].find(SessionID(rawValue: renamed)) != nil)
            _ = try await harness.get("/a/end", headers: Self.cookies(sso, a))
            #expect(managers.map(\.statistics.activeSessions) == [0, 0])
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso, renamed)).text == "- - -")

            let again = try await harness.get("/a/sign?as=alice")
            let (second, id) = (try #require(Self.sso(again)), try #require(again.sessionID))
            _ = try await harness.get("/b/make", headers: Self.cookies(second))
            try #require(try await managers[0].find(SessionID(rawValue: id))).maxInactiveInterval = .milliseconds(1)
            try await Task.sleep(for: .milliseconds(1100))
            await managers[0].processExpires()
            #expect(managers.map(\.statistics.activeSessions) == [0, 1])
            #expect(try await harness.get("/a/who", headers: Self.cookies(second)).text == "alice SSO -")
        }
    }

    @Test("An anonymous session of another application gets a new id when its client turns out to be known; one of somebody else is not the client's")
    func othersSessions() async throws {
        try await Self.run { harness async throws in
            let planted = try #require(try await harness.get("/b/make").sessionID)
            let sso = try #require(Self.sso(try await harness.get("/a/sign?as=alice")))
            let known = try await harness.get("/b/who", headers: Self.cookies(sso, planted))
            #expect(known.text == "alice SSO alice")
            #expect(known.sessionID != nil && known.sessionID != planted)
            let bob = try #require(try await harness.get("/b/sign?as=bob").sessionID)
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso, bob)).text == "alice SSO -")
            let own = try await harness.get("/b/make", headers: Self.cookies(sso, bob))
            #expect(own.sessionID != nil && own.text != bob && Self.sso(own) == nil)
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso, own.text)).text == "alice SSO alice")
            #expect(try await harness.get("/b/who", headers: Self.cookies(nil, bob)).text == "- - bob", "it is his still")
            // Somebody else signs on in front of the same screen.
            let changed = try await harness.get("/b/sign?as=carol", headers: Self.cookies(sso))
            let other = try #require(Self.sso(changed))
            #expect(other != sso)
            #expect(try await harness.get("/a/who", headers: Self.cookies(other)).text == "carol SSO -")
            #expect(try await harness.get("/a/who", headers: Self.cookies(sso)).text == "alice SSO -")
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso, changed.sessionID)).text == "alice SSO -")
        }
    }

    @Test("cookieName and cookieDomain; a cookie that cannot be sent is refused at the start")
    func settings() async throws {
        var configuration = SingleSignOnValve.Configuration()
        configuration.cookieName = "SIGNED"
        configuration.cookieDomain = "example.org"
        try await Self.run(configuration) { harness async throws in
            let login = try await harness.get("/a/sign?as=alice")
            let sso = try #require(Self.sso(login, "SIGNED"))
            #expect(login.headers[values: .setCookie].contains("SIGNED=\(sso); Domain=example.org; Path=/; HttpOnly"))
        }
        var strict = Self.context("/a")
        strict.sameSiteCookies = .strict
        strict.usesPartitioned = true
        let valve = try SingleSignOnValve(.init())
        try await EngineHarness.run([strict], host: { $0.valves = [valve] }, engine: { _ in }) { harness async throws in
            let cookies = try await harness.get("/a/sign?as=alice").headers[values: .setCookie]
            #expect(cookies.count == 2 && cookies.allSatisfy { $0.hasSuffix("; HttpOnly; SameSite=Strict; Partitioned") }, "\(cookies)")
        }
        for (name, domain) in [("a b", nil), ("", nil), ("X", "a;b")] as [(String, String?)] {
            configuration.cookieName = name
            configuration.cookieDomain = domain
            #expect(throws: ConfigurationError.self) { try SingleSignOnValve(configuration) }
        }
    }

    @Test("A client that never brings back the ids of its sessions keeps the newest; those in other applications stay, and signing out ends them all")
    func manySessions() async throws {
        try await Self.run { harness async throws in
            let login = try await harness.get("/a/sign?as=alice")
            let (sso, a) = (try #require(Self.sso(login)), try #require(login.sessionID))
            let b = try #require(try await harness.get("/b/make", headers: Self.cookies(sso)).sessionID)
            var last = b
            for number in 0..<80 {
                // This one is in use.
                if number % 10 == 0 { #expect(try await harness.get("/b/who", headers: Self.cookies(sso, b)).text == "alice SSO alice") }
                last = try await harness.get("/b/make", headers: Self.cookies(sso)).text
            }
            let managers = harness.engine.hosts[0].contexts.compactMap(\.sessionManager)
            #expect(managers.map(\.statistics.activeSessions) == [1, SingleSignOnTable.membersLimit - 1])
            #expect(try await harness.get("/b/who", headers: Self.cookies(sso, last)).text == "alice SSO alice")
            #expect(try await harness.get("/a/who", headers: Self.cookies(sso, a)).text == "alice SSO alice")
            _ = try await harness.get("/a/end", headers: Self.cookies(sso, a))
            #expect(managers.map(\.statistics.activeSessions) == [0, 0])
        }
    }

    @Test("With more applications than a sign-on has sessions, the one used longest ago makes room")
    func manyApplications() throws {
        var table = SingleSignOnTable(limit: 8)
        let managers = (0...SingleSignOnTable.membersLimit).map { _ in EventLog() }
        let members = managers.enumerated().map { SingleSignOnTable.Member(manager: ObjectIdentifier($1), id: SessionID(rawValue: "S\($0)")) }
        table.add("sso", principal: "p", member: members[0])
        for member in members.dropFirst().dropLast() + [members[0]] {
            guard case .joined(surplus: nil) = table.join("sso", member: member) else {
                Issue.record("there is room")
                return
            }
        }
        guard case .joined(let surplus?) = table.join("sso", member: members[SingleSignOnTable.membersLimit]) else {
            Issue.record("one has to make room")
            return
        }
        #expect(surplus.member == members[1])
        #expect(table.signOut(members[1]).isEmpty && table.members(of: "sso").count == SingleSignOnTable.membersLimit)
        #expect(table.signOut(members[0]).count == SingleSignOnTable.membersLimit - 1)
        withExtendedLifetime(managers) {}
    }

    @Test("Sign-ons have a limit: the oldest make room")
    func limit() {
        var table = SingleSignOnTable(limit: 8)
        let manager = ObjectIdentifier(EventLog())
        func member(_ number: Int) -> SingleSignOnTable.Member { .init(manager: manager, id: SessionID(rawValue: "S\(number)")) }
        for number in 0..<8 { table.add("sso\(number)", principal: "p\(number)", member: member(number)) }
        table.add("sso8", principal: "p8", member: member(8))
        #expect(table.size == 8 && table.principal(of: "sso0") == nil && table.principal(of: "sso1") == "p1" && table.principal(of: "sso8") == "p8")
        _ = table.join("sso1", member: member(2))
        #expect(table.principal(of: "sso2") == nil, "its only session has gone over")
        #expect(table.signOut(member(1)) == [member(2)])
        #expect(table.principal(of: "sso1") == nil && table.signOut(member(1)).isEmpty)
        guard case .unknown = table.join("nobody", member: member(3)) else {
            Issue.record("nobody has signed on with that")
            return
        }
        table.rename(member(3), to: SessionID(rawValue: "T3"))
        table.remove(member(3))
        #expect(table.principal(of: "sso3") == "p3")
        table.remove(.init(manager: manager, id: SessionID(rawValue: "T3")))
        #expect(table.principal(of: "sso3") == nil)
    }
}
