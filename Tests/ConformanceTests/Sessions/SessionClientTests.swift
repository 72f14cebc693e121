import Foundation
import Testing

/// Sessions as curl sees them, at a server of its own.
@Suite("Sessions and their clients")
struct SessionClientTests {
    private static let serverXML = """
        <Server port="-1"><Service name="Catalina"><Connector port="0" address="127.0.0.1"/>
        <Engine name="Catalina" defaultHost="localhost" backgroundProcessorDelay="1"><Host name="localhost" appBase="webapps">
        <Context path="/foo" docBase="examples" sessionCookiePathUsesTrailingSlash="true"/>
        <Context path="/bar" docBase="examples"/>
        <Context path="/a b" docBase="examples"/>
        <Context path="/x%20y" docBase="examples"/>
        <Context path="/ä" docBase="examples"/>
        <Context path="/a;b" docBase="examples"/>
        </Host></Engine></Service></Server>
        """

    private static func curl(_ server: ServalProcess, _ path: String, _ arguments: [String] = []) async throws -> CommandResult {
        try await Command.run("curl", ["-sS", "--max-time", "60"] + arguments + ["http://127.0.0.1:\(try server.port("http"))\(path)"])
    }

    /// Python's cookie jar follows RFC 6265 §5.1.4; curl's takes the slash away.
    private static let jar = """
        import http.cookiejar, sys, urllib.request
        base = sys.argv[1]
        for name in ("foo", "bar"):
            jar = http.cookiejar.CookieJar()
            urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar)).open(f"{base}/{name}/session").read()
            for path in (f"/{name}", f"/{name}bar", f"/{name}/x", f"/{name}/"):
                request = urllib.request.Request(base + path)
                jar.add_cookie_header(request)
                print(path, request.has_header("Cookie"))
        """

    @Test("K10: a cookie for /foo/ is sent to what is below it, and not to /foo or /foobar")
    func trailingSlash() async throws {
        let server = try await ServalProcess.start(serverXML: Self.serverXML)
        let result = try await Command.run("python3", ["-c", Self.jar, "http://127.0.0.1:\(try server.port("http"))"])
        #expect(
            result.output.split(separator: "\n") == [
                "/foo False", "/foobar False", "/foo/x True", "/foo/ True", "/bar True", "/barbar False", "/bar/x True", "/bar/ True",
            ],
            "\(result.errors)"
        )
    }

    @Test(
        "A cookie jar sends the cookie back where the context path has to be encoded, and the id in the URL works as well",
        arguments: ["/a%20b", "/x%2520y", "/%C3%A4", "/a%3Bb"]
    )
    func encodedPaths(path: String) async throws {
        let server = try await ServalProcess.start(serverXML: Self.serverXML)
        let jar = server.base.path + "/jar"
        let first = try await Self.curl(server, "\(path)/session", ["-i", "-c", jar])
        #expect(first.output.contains("; Path=\(path); HttpOnly\r\n"), "\(first.output)")
        for count in 2...3 { #expect(try await Self.curl(server, "\(path)/session", ["-b", jar, "-c", jar]).output == "\(count)") }
        let id = try #require(first.output.firstMatch(of: /JSESSIONID=([0-9A-F]{32})/)?.output.1)
        let url = try await Self.curl(server, "\(path)/encode;jsessionid=\(id)?url=session").output
        #expect(url == "session;jsessionid=\(id)")
        #expect(try await Self.curl(server, "\(path)/\(url)").output == "4")
        let links = try await Self.curl(server, "\(path)/sessions/attributes;jsessionid=\(id)").output
        #expect(links.contains("href=\"\(path)/sessions/tracking;jsessionid=\(id)\""), "\(links)")
    }

    @Test("A live session is found behind a hundred stale cookies")
    func staleCookies() async throws {
        let server = try await ServalProcess.start(serverXML: Self.serverXML)
        let first = try await Self.curl(server, "/bar/session", ["-i"])
        let id = try #require(first.output.firstMatch(of: /JSESSIONID=([0-9A-F]{32})/)?.output.1)
        let stale = (0..<100).map { "JSESSIONID=\(String($0 + 1_000_000_000)); " }.joined()
        #expect(try await Self.curl(server, "/bar/lookup", ["-H", "Cookie: \(stale)JSESSIONID=\(id)"]).output == "1")
    }

    @Test("Q01, Q02: a page that forbids sessions makes none, and another page of the same application still does")
    func pages() async throws {
        let server = try await ServalProcess.start(serverXML: Self.serverXML)
        for _ in 0..<3 {
            let without = try await Self.curl(server, "/bar/sessions/none", ["-i"])
            #expect(without.output.hasPrefix("HTTP/1.1 200") && !without.output.contains("Set-Cookie"), "\(without.output)")
            #expect(without.output.contains("it sees none"))
        }
        let with = try await Self.curl(server, "/bar/sessions/attributes", ["-i"])
        let id = try #require(with.output.firstMatch(of: /Set-Cookie: JSESSIONID=([0-9A-F]{32}); Path=\/bar; HttpOnly/)?.output.1)
        let cookie = ["-H", "Cookie: JSESSIONID=\(id)"]
        #expect(try await Self.curl(server, "/bar/sessions/none", cookie).output.contains("it sees none"), "even where the client has one")
        #expect(try await Self.curl(server, "/bar/sessions/attributes", cookie).output.contains("You had a session."))
    }

    @Test("P16, P17: ten thousand requests without cookies take less than 15 MB")
    func memory() async throws {
        let server = try await ServalProcess.start(serverXML: Self.serverXML)
        let count = 10_000
        // What the first requests need stays.
        _ = try await Self.curl(server, "/bar/session?warm=[1-500]", ["-o", "/dev/null"])
        let before = server.residentBytes
        let result = try await Self.curl(server, "/bar/session?number=[1-\(count)]", ["-o", "/dev/null", "-w", "%{http_code}\\n"])
        #expect(result.output.split(separator: "\n").count { $0 == "200" } == count)
        let growth = server.residentBytes - before
        print("\(count) sessions of an example: \(growth) bytes, \(growth / count) each")
        #expect(growth < 15 * 1_048_576)
        #expect(growth / count < 1536)
    }

    @Test("Q11: the Manager application tells how many sessions an application has, and none where they are switched off")
    func manager() async throws {
        let manager = """
            <web-app><servlet><servlet-name>text</servlet-name><servlet-class>org.apache.catalina.manager.ManagerServlet</servlet-class></servlet>
            <servlet><servlet-name>html</servlet-name><servlet-class>org.apache.catalina.manager.HTMLManagerServlet</servlet-class></servlet>
            <servlet-mapping><servlet-name>text</servlet-name><url-pattern>/text/*</url-pattern></servlet-mapping>
            <servlet-mapping><servlet-name>html</servlet-name><url-pattern>/html/*</url-pattern></servlet-mapping></web-app>
            """
        let off = "<Context docBase='examples'><Manager className='serval.session.DisabledManager'/></Context>"
        let server = try await ServalProcess.start(serverXML: Self.serverXML) { base in
            try base.write(manager, to: "webapps/manager/WEB-INF/web.xml")
            try base.write("<Context privileged='true'/>", to: "webapps/manager/META-INF/context.xml")
            try base.write(off.replacingOccurrences(of: "examples", with: base.path + "/webapps/examples"), to: "conf/Catalina/localhost/off.xml")
        }
        for _ in 0..<4 { #expect(try await Self.curl(server, "/bar/session").output == "1") }
        for _ in 0..<4 { _ = try await Self.curl(server, "/off/session") }
        let list = try await Self.curl(server, "/manager/text/list").output
        #expect(list.hasPrefix("OK - Listed applications for virtual host [localhost]\n"), "\(list)\n\(server.errors)")
        #expect(list.contains("\n/bar:running:4:examples\n"), "\(list)")
        #expect(list.contains("\n/off:running:0:examples\n"), "\(list)")
        let page = try await Self.curl(server, "/manager/html").output
        #expect(page.contains("<tr><td>/bar</td><td>Serval examples</td><td>true</td><td>4</td>"), "\(page)")
        #expect(page.contains("<tr><td>/off</td><td>Serval examples</td><td>true</td><td>0</td>"), "\(page)")
    }
}
