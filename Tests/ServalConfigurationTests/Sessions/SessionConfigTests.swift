import Foundation
import ServalContainer
import ServalServlet
import ServalSessions
import Testing

@testable import ServalConfiguration

/// `<session-config>` of web.xml, and what `<Context>` says of the session cookie.
@Suite("Sessions as web.xml and context.xml say")
struct SessionConfigTests {
    @Test("J01, J02, J03: each application's sessions end after its own session-timeout, in minutes")
    func timeouts() async throws {
        func timeout(_ minutes: Int) -> String { "<session-config><session-timeout>\(minutes)</session-timeout></session-config>" }
        try await ConfiguredSite.run([("a", "<Context/>", timeout(1)), ("b", "<Context/>", timeout(5))]) { site async throws in
            let (a, b) = (try await site.get("/a/session"), try await site.get("/b/session"))
            #expect(a.text.hasSuffix(" true 60") && b.text.hasSuffix(" true 300"))
            let (aCookie, bCookie) = ("JSESSIONID=\(a.id ?? "")", "JSESSIONID=\(b.id ?? "")")
            site.clock.advance(seconds: 59)
            #expect(try await site.get("/a/look", cookie: aCookie).text == a.id)
            site.clock.advance(seconds: 60)
            #expect(try await site.get("/a/look", cookie: aCookie).text == "none")
            #expect(try await site.get("/b/look", cookie: bCookie).text == b.id)
            site.clock.advance(seconds: 300)
            // Nobody asks: the background work finds it.
            for _ in 0..<6 { await site.engine.processBackground() }
            let statistics = try site.manager("/b").statistics
            #expect(statistics.activeSessions == 0 && statistics.expiredSessions == 1)
        }
    }

    @Test(
        "P18: without a session-timeout it is 30 minutes",
        arguments: ["", "<session-config><session-timeout>30</session-timeout></session-config>"]
    )
    func defaultTimeout(_ shared: String) async throws {
        try await ConfiguredSite.run([("a", "<Context/>", "")], files: shared.isEmpty ? [:] : ["conf/web.xml": "<web-app>\(shared)</web-app>"]) {
            site async throws in
            let first = try await site.get("/a/session")
            #expect(first.text.hasSuffix(" 1800"))
            site.clock.advance(seconds: 1799)
            #expect(try site.manager("/a").statistics.activeSessions == 1)
            for _ in 0..<6 { await site.engine.processBackground() }
            #expect(try site.manager("/a").statistics.activeSessions == 1)
            site.clock.advance(seconds: 1)
            #expect(try await site.get("/a/look", cookie: "JSESSIONID=\(first.id ?? "")").text == "none")
        }
    }

    @Test("J16: the application sets the idle time of one session, in seconds")
    func intervals() async throws {
        try await ConfiguredSite.run([("a", "<Context/>", "")]) { site async throws in
            let long = try await site.get("/a/interval?seconds=600")
            let short = try await site.get("/a/interval?seconds=2")
            #expect(long.text == "600" && short.text == "2")
            site.clock.advance(seconds: 1.9)
            await site.engine.processBackground()
            #expect(try site.manager("/a").statistics.activeSessions == 2)
            site.clock.advance(seconds: 0.1)
            #expect(try await site.get("/a/look", cookie: "JSESSIONID=\(short.id ?? "")").text == "none")
            #expect(try await site.get("/a/look", cookie: "JSESSIONID=\(long.id ?? "")").text == long.id)
        }
    }

    @Test("J07: the comment of a cookie is accepted and not sent")
    func comment() async throws {
        let web = "<session-config><cookie-config><name>MINE</name><comment>What a cookie</comment></cookie-config></session-config>"
        try await ConfiguredSite.run([("a", "<Context/>", web)]) { site async throws in
            #expect(site.loaded.report(site.base, .warning) == "")
            #expect(site.loaded.report(site.base, .info).contains("comment") == false)
            let answer = try await site.get("/a/session")
            #expect(answer.cookies == ["MINE=\(answer.value(of: "MINE") ?? ""); Path=/a; HttpOnly"])
        }
    }

    @Test("J13: with one tracking mode the id travels in that way alone", arguments: SessionTrackingMode.allCases)
    func trackingModes(_ mode: SessionTrackingMode) async throws {
        let web = "<session-config><tracking-mode>\(mode.rawValue)</tracking-mode></session-config>"
        let connector = "<Connector port='0' secure='true' scheme='https'/>"
        try await ConfiguredSite.run([("a", "<Context/>", web)], server: serverXML(connectors: connector)) { site async throws in
            let header = try #require(HTTPField.Name("ssl_session_id"))
            let made = try await site.get("/a/session", isSecure: true)
            let id = String(made.text.prefix { $0 != " " })
            #expect((made.id == id) == (mode == .cookie))
            #expect(made.cookies.isEmpty == (mode != .cookie))
            #expect(try await site.get("/a/look", cookie: "JSESSIONID=\(id)", isSecure: true).text == (mode == .cookie ? id : "none"))
            #expect(try await site.get("/a/look;jsessionid=\(id)", isSecure: true).text == (mode == .url ? id : "none"))
            #expect(try await site.get("/a/look", headers: [header: id], isSecure: true).text == "none", "no proxy is trusted here")
        }
        guard mode == .ssl else { return }
        let valve = "<Valve className='org.apache.catalina.valves.SSLValve'/>"
        try await ConfiguredSite.run([("a", "<Context/>", web)], server: serverXML(connectors: connector, host: valve)) { site async throws in
            let header = try #require(HTTPField.Name("ssl_session_id"))
            let made = try await site.get("/a/session", headers: [header: "00ff00ff"], isSecure: true)
            #expect(made.text == "00ff00ff true 1800" && made.cookies.isEmpty)
            #expect(try await site.get("/a/look", headers: [header: "00ff00ff"], isSecure: true).text == "00ff00ff")
        }
    }

    @Test("J14: a tracking-mode may be repeated, a session-config may not")
    func repetition() async throws {
        let modes = "<session-config><tracking-mode>COOKIE</tracking-mode><tracking-mode>URL</tracking-mode></session-config>"
        try await ConfiguredSite.run([("a", "<Context/>", modes), ("b", "<Context/>", modes + "<session-config/>")]) { site async throws in
            #expect(site.engine.hosts[0].contexts.map(\.path) == ["/a"])
            #expect(site.engine.hosts[0].contexts[0].servletContext?.sessionTrackingModes == [.cookie, .url])
            let report = site.loaded.report(site.base, .error)
            #expect(report.contains("webapps/b/WEB-INF/web.xml"), "\(report)")
            #expect(report.contains("<session-config> element is limited to 1 occurrence"), "\(report)")
        }
    }

    @Test("J15: the attributes of <Context> take effect without a session-config")
    func contextAlone() async throws {
        let context = "<Context sessionCookieName='MINE' sessionCookieDomain='example.org' sessionCookiePath='/p' useHttpOnly='false'/>"
        try await ConfiguredSite.run([("a", context, "")]) { site async throws in
            let answer = try await site.get("/a/session")
            #expect(answer.cookies == ["MINE=\(answer.value(of: "MINE") ?? ""); Domain=example.org; Path=/p"])
        }
    }

    @Test("K05: sessionCookiePath=\"/\" in conf/context.xml is for every application")
    func sharedPath() async throws {
        let files = ["conf/context.xml": "<Context sessionCookiePath='/'/>"]
        try await ConfiguredSite.run(
            [("a", "<Context/>", ""), ("b", "<Context/>", ""), ("c", "<Context sessionCookiePath='/own'/>", "")],
            files: files
        ) {
            site async throws in
            for path in ["/a", "/b"] {
                let answer = try await site.get("\(path)/session")
                #expect(answer.cookies == ["JSESSIONID=\(answer.id ?? ""); Path=/; HttpOnly"])
            }
            #expect(try await site.get("/c/session").cookies.first?.contains("; Path=/own;") == true)
        }
    }

    @Test("K08: a sign-on changes the id even where applications share it, and the others go on with the new one")
    func signOnWithASharedID() async throws {
        let files = ["conf/context.xml": "<Context sessionCookiePath='/'/>"]
        try await ConfiguredSite.run([("a", "<Context/>", ""), ("b", "<Context/>", "")], files: files) { site async throws in
            let planted = try #require(try await site.get("/a/session").id)
            #expect(try await site.get("/b/session", cookie: "JSESSIONID=\(planted)").text.hasPrefix(planted))
            let signed = try await site.get("/a/sign?as=alice", cookie: "JSESSIONID=\(planted)")
            let id = try #require(signed.id)
            #expect(id != planted)
            // Whoever planted the id has lost the session in which somebody signed on; what the other application kept under the old id is still there.
            #expect(try await site.get("/a/look", cookie: "JSESSIONID=\(planted)").text == "none")
            #expect(try await site.get("/b/look", cookie: "JSESSIONID=\(planted)").text == planted)
            #expect(try await site.get("/b/session", cookie: "JSESSIONID=\(id)").text == "\(id) true 1800")
        }
        #expect(referenceMarkdown().split(separator: "\n").contains { $0.contains("`sessionCookiePath`") && $0.contains("session fixation") })
    }

    @Test("K09, K11: sessionCookiePathUsesTrailingSlash ends the path in one slash", arguments: [("", "/foo"), ("true", "/foo/"), ("false", "/foo")])
    func trailingSlash(_ value: String, _ path: String) async throws {
        let attribute = value.isEmpty ? "" : " sessionCookiePathUsesTrailingSlash='\(value)'"
        try await ConfiguredSite.run([("foo", "<Context\(attribute)/>", "")]) { site async throws in
            #expect(try await site.get("/foo/session").cookies.first?.contains("; Path=\(path); HttpOnly") == true)
            // Nothing about paths is repaired: the application's root without slash redirects as before.
            #expect(try await site.get("/foo").status == 302)
        }
    }

    @Test("K17: validateClientProvidedNewSessionId has nothing to do with the route", arguments: ["true", "false"])
    func routeAndValidation(_ validates: String) async throws {
        let context = "<Context sessionCookiePath='/' validateClientProvidedNewSessionId='\(validates)'/>"
        let server = serverXML().replacingOccurrences(of: "name=\"Catalina\" defaultHost", with: "name=\"Catalina\" jvmRoute=\"node1\" defaultHost")
        try await ConfiguredSite.run([("a", context, ""), ("b", context, "")], server: server) { site async throws in
            #expect(try #require(try await site.get("/a/session").id).hasSuffix(".node1"))
            for invented in ["0123456789ABCDEF0123456789ABCDEF", "0123456789ABCDEF0123456789ABCDEF.node1", "0123456789ABCDEF0123456789ABCDEE.node2"] {
                let answer = try await site.get("/b/session", cookie: "JSESSIONID=\(invented)")
                #expect(answer.id?.hasSuffix(validates == "true" ? ".node1" : String(invented.dropFirst(31))) == true)
                #expect((answer.id == invented) == (validates == "false"))
            }
        }
    }
}
