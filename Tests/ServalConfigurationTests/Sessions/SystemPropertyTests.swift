import ServalContainer
import ServalServlet
import ServalSessions
import Synchronization
import Testing

@testable import ServalConfiguration

/// Tomcat's system properties about sessions, by what they do to requests.
@Suite("System properties about sessions")
struct SystemPropertyTests {
    private static let access = "org.apache.catalina.core.StandardHostValve.ACCESS_SESSION"
    private static let activity = "org.apache.catalina.session.StandardSession.ACTIVITY_CHECK"
    private static let start = "org.apache.catalina.session.StandardSession.LAST_ACCESS_AT_START"
    private static let strict = "org.apache.catalina.STRICT_SERVLET_COMPLIANCE"

    @Test(
        "O02, O03, O04, O05, O06: each property changes its behaviour, and STRICT_SERVLET_COMPLIANCE all three",
        arguments: [
            (nil, false, false, false), (Self.access, true, false, false), (Self.activity, false, true, false), (Self.start, false, false, true),
            (Self.strict, true, true, true),
        ]
    )
    func behaviour(_ property: String?, _ countsEveryRequest: Bool, _ protectsActive: Bool, _ countsFromStart: Bool) async throws {
        let clock = Mutex<SiteClock?>(nil)
        var registry = ComponentRegistry()
        // Takes as long as it is told, and asks in the middle whether the session is still there.
        registry.register(servlet: "test.plain") {
            LongServlet { request in
                guard let seconds = request.parameter("seconds").flatMap({ Double($0) }) else { return .text("plain") }
                let session = try await request.session()
                let last = session.lastAccessedTime.millisecondsSince1970
                clock.withLock { $0 }?.advance(seconds: seconds)
                return .text("\(last) \(session.isValid)")
            }
        }
        let properties = property.map { [$0: "true"] } ?? [:]
        try await ConfiguredSite.run([("a", "<Context/>", "")], properties: properties, registry: registry) { site async throws in
            clock.withLock { $0 = site.clock }
            // O02, O03: two requests that do not ask for the session, each after half of its time.
            let id = try #require(try await site.get("/a/interval?seconds=10").id)
            for _ in 0..<2 {
                site.clock.advance(seconds: 6)
                #expect(try await site.get("/a/plain", cookie: "JSESSIONID=\(id)").text == "plain")
            }
            #expect((try await site.get("/a/look", cookie: "JSESSIONID=\(id)").text == id) == countsEveryRequest)

            // O04: a request that takes longer than the session's time.
            let other = try #require(try await site.get("/a/interval?seconds=10").id)
            #expect(try await site.get("/a/plain?seconds=11", cookie: "JSESSIONID=\(other)").text.hasSuffix(" \(protectsActive)"))

            // O05: what the next request sees as last access is the start or the end of one that takes three seconds.
            let third = try #require(try await site.get("/a/interval?seconds=600").id)
            site.clock.advance(seconds: 5)
            let begin = site.clock.now.millisecondsSince1970
            _ = try await site.get("/a/plain?seconds=3", cookie: "JSESSIONID=\(third)")
            site.clock.advance(seconds: 5)
            let last = try await site.get("/a/plain?seconds=0", cookie: "JSESSIONID=\(third)").text
            #expect(last == "\(begin + (countsFromStart ? 0 : 3000)) true")
        }
    }

    @Test(
        "O01: the cookie of a single sign-on has the name that the property says",
        arguments: [(nil, "", "JSESSIONIDSSO"), ("X", "", "X"), ("X", "cookieName='Y'", "Y")]
    )
    func singleSignOnCookie(_ property: String?, _ attribute: String, _ name: String) async throws {
        let valve = "<Valve className='org.apache.catalina.authenticator.SingleSignOn' \(attribute)/>"
        let properties = property.map { ["org.apache.catalina.authenticator.Constants.SSO_SESSION_COOKIE_NAME": $0] } ?? [:]
        try await ConfiguredSite.run([("a", "<Context/>", ""), ("b", "<Context/>", "")], server: serverXML(host: valve), properties: properties) {
            site async throws in
            #expect(site.loaded.report(site.base, .warning) == "")
            let login = try await site.get("/a/sign?as=alice")
            let sso = try #require(login.value(of: name))
            #expect(login.cookies.contains("\(name)=\(sso); Path=/; HttpOnly"))
            #expect(try await site.get("/b/sign", cookie: "\(name)=\(sso)").text == "alice -")
            #expect(try await site.get("/b/sign").text == "- -")
        }
    }
}

private struct LongServlet: Servlet {
    let body: @Sendable (Request) async throws -> Response
    func respond(to request: Request) async throws -> Response { try await self.body(request) }
}
