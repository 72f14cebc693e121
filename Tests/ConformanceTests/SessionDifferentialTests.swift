import Foundation
import TestPrograms
import Testing

/// The same requests to Serval and to Debian's tomcat10, with the same applications and settings: ids, cookies and encoded URLs have to be the same.
@Suite("Sessions beside Tomcat")
struct SessionDifferentialTests {
    private struct Step {
        var path: String
        var cookie: String?
        /// Waits before the request.
        var pause = 0.0

        var label: String { self.path + (self.cookie.map { " | \($0)" } ?? "") }
    }

    /// What `META-INF/context.xml` and `<session-config>` of each application say.
    private static let applications: [(name: String, context: String, sessionConfig: String)] = [
        ("a", "<Context/>", ""),
        ("b", "<Context sessionCookiePath='/'/>", ""),
        ("c", "<Context sessionCookiePath='/'/>", ""),
        (
            "d", "<Context/>",
            "<session-timeout>1</session-timeout><cookie-config><name>MYID</name><domain>example.org</domain><path>/p</path>"
                + "<comment>a comment</comment><http-only>false</http-only><secure>true</secure><max-age>3600</max-age></cookie-config>"
        ),
        ("e", "<Context cookies='false'/>", ""),
        (
            "f", "<Context sessionCookieName='CTX' sessionCookieDomain='ctx.example' sessionCookiePathUsesTrailingSlash='true' useHttpOnly='false'/>",
            "<cookie-config><name>WEB</name><domain>web.example</domain></cookie-config>"
        ),
        ("g", "<Context/>", "<tracking-mode>URL</tracking-mode>"),
        ("h", "<Context/>", "<tracking-mode>COOKIE</tracking-mode>"),
        ("i", "<Context sessionCookiePath='/' validateClientProvidedNewSessionId='false'/>", ""),
        ("j", "<Context sessionCookiePathUsesTrailingSlash='true'/>", "<cookie-config><path>/web</path><http-only>true</http-only></cookie-config>"),
        ("k l", "<Context/>", ""), ("m%20n", "<Context sessionCookiePathUsesTrailingSlash='true'/>", ""), ("o'p", "<Context/>", ""),
    ]

    private static func encodings(_ application: String, _ id: String, _ cookie: String?) -> [Step] {
        [
            "x", "/\(application)/x", "http://localhost/\(application)/x", "http://other/\(application)/x", "%23f", "x?q=1%23f", "/\(application)",
            "/other/x", "../x", "../\(application)/x", "/\(application)/../x", "./x/../y",
        ]
        .map { Step(path: "/\(application)/encode\(id)?url=\($0)", cookie: cookie) }
    }

    /// An application whose path is not what stands in URLs; `{last}` is the id that the server made last.
    private static func encodedPath(_ path: String) -> [Step] {
        let url = path.replacingOccurrences(of: "%", with: "%25")
        return [
            Step(path: "\(path)/session"), Step(path: "\(path)/session", cookie: "JSESSIONID={last}"),
            Step(path: "\(path)/session;jsessionid={last}"),
            Step(path: "\(path)/encode;jsessionid={last}?url=x"), Step(path: "\(path)/encode;jsessionid={last}?url=\(url)/x"),
        ]
    }

    /// `{1}` is the first id that the server made, and so on.
    private static let steps: [Step] =
        [
            Step(path: "/a/lookup"), Step(path: "/a/session"), Step(path: "/a/session", cookie: "JSESSIONID={1}"),
            Step(path: "/a/lookup", cookie: "JSESSIONID={1}"), Step(path: "/a/session", cookie: "JSESSIONID=bogus; JSESSIONID={1}"),
            Step(path: "/a/session", cookie: "JSESSIONID={1}; JSESSIONID=bogus"), Step(path: "/a/session", cookie: "a=b"),
            Step(path: "/a/session", cookie: "JSESSIONID=bogus1; JSESSIONID=bogus2"), Step(path: "/a/session;jsessionid={1}"),
            Step(path: "/a/session;jsessionid=invented"), Step(path: "/a/lookup;jsessionid={1}", cookie: "JSESSIONID={2}"),
            Step(path: "/a/lookup;jsessionid={1}", cookie: "JSESSIONID=bogus"), Step(path: "/b/lookup", cookie: "JSESSIONID={1}"),
            Step(path: "/a", cookie: nil), Step(path: "/a;jsessionid={1}"), Step(path: "/a/session/", cookie: "JSESSIONID={1}"),
        ] + Self.encodings("a", ";jsessionid={1}", nil) + Self.encodings("a", "", "JSESSIONID={1}") + [
            Step(path: "/a/session?invalidate=true", cookie: "JSESSIONID={1}"), Step(path: "/a/lookup", cookie: "JSESSIONID={1}"),
            Step(path: "/a/session", cookie: "JSESSIONID={1}"), Step(path: "/a/session?timeout=1", cookie: "JSESSIONID={2}"),
            Step(path: "/a/lookup", cookie: "JSESSIONID={2}", pause: 2.2),
            // Ids that several applications share.
            Step(path: "/b/session"), Step(path: "/c/session", cookie: "JSESSIONID={6}"), Step(path: "/c/session", cookie: "JSESSIONID={6}"),
            Step(path: "/b/session?invalidate=true", cookie: "JSESSIONID={6}"), Step(path: "/b/session", cookie: "JSESSIONID={6}"),
            Step(path: "/b/session", cookie: "JSESSIONID=inventedinventedinventedinvented"), Step(path: "/b/session;jsessionid=invented2"),
            Step(path: "/i/session", cookie: "JSESSIONID=inventedinventedinventedinvented"), Step(path: "/i/session;jsessionid=invented3"),
            // Settings of cookies.
            Step(path: "/d/session"), Step(path: "/f/session"), Step(path: "/j/session"), Step(path: "/h/session"),
            Step(path: "/h/session;jsessionid={10}"), Step(path: "/e/session"), Step(path: "/g/session"),
        ]
        + [
            // Ids in URLs alone, and in cookies alone.
            Step(path: "/e/lookup", cookie: "JSESSIONID={2}"), Step(path: "/e/encode?url=x"), Step(path: "/g/session", cookie: "JSESSIONID={1}"),
            Step(path: "/h/encode;jsessionid={13}?url=x"), Step(path: "/h/encode?url=x", cookie: "JSESSIONID={13}"),
        ] + Self.encodedPath("/k%20l") + Self.encodedPath("/m%2520n") + Self.encodedPath("/o'p")

    /// Where Serval differs on purpose, by the step, and why.
    private static let differences: [String: String] = [
        "/d/session":
            "Tomcat 10 writes Max-Age before Expires; here, as in later Tomcats, Expires comes first. The order means nothing (RFC 6265 §5.2)."
    ]

    @Test(
        "J03 J04 J05 J06 J07 J08 J11 J12 K01 K02 K03 K04 K06 K07 K09 K12 K13 K14 K15 K16 P01 P02 P04 P05 P06 P07 P08 P09 P10 P11: like tomcat10"
    )
    func sequences() async throws {
        let tomcat = try await TomcatProcess.start { base in
            for application in Self.applications { try Self.write(application, to: base, isTomcat: true) }
        }
        let serval = try await ServalProcess.start(serverXML: TomcatProcess.serverXML(port: 0)) { base in
            try FileManager.default.removeItem(atPath: base.path + "/webapps")
            for application in Self.applications { try Self.write(application, to: base, isTomcat: false) }
        }
        let theirs = try await Self.transcript(port: tomcat.port)
        let ours = try await Self.transcript(port: try serval.port("http"))
        for (step, (our, their)) in zip(Self.steps, zip(ours, theirs)) {
            if let reason = Self.differences[step.label] {
                #expect(our != their, "\(step.label) is the same now; it was said to differ: \(reason)")
            } else {
                #expect(our == their, "\(step.label)")
            }
        }
        serval.signal(SIGTERM)
        #expect(try await serval.waitForExit() == 0)
    }

    private static func write(_ application: (name: String, context: String, sessionConfig: String), to base: TemporaryFolder, isTomcat: Bool) throws
    {
        let pages = [
            "session": """
            HttpSession s = request.getSession(); Integer n = (Integer) s.getAttribute("n"); n = n == null ? 1 : n + 1; s.setAttribute("n", n);
            if (request.getParameter("timeout") != null) s.setMaxInactiveInterval(Integer.parseInt(request.getParameter("timeout")));
            if ("true".equals(request.getParameter("invalidate"))) s.invalidate(); out.print(n);
            """,
            "lookup": """
            HttpSession s = request.getSession(false); out.print(s == null ? "none" : String.valueOf(s.getAttribute("n") == null ? 0 : s.getAttribute("n")));
            """,
            "encode": "request.getSession(false); out.print(response.encodeURL(request.getParameter(\"url\")));",
        ]
        let classes = ["session": "SessionServlet", "lookup": "LookupServlet", "encode": "EncodeServlet"]
        var xml = "<web-app>"
        for (name, code) in pages.sorted(by: { $0.key < $1.key }) {
            let target = isTomcat ? "<jsp-file>/\(name).jsp</jsp-file>" : "<servlet-class>serval.examples.\(classes[name] ?? "")</servlet-class>"
            xml += "<servlet><servlet-name>\(name)</servlet-name>\(target)</servlet>"
            if isTomcat {
                let directive = "<%@ page session=\"false\" contentType=\"text/plain\" trimDirectiveWhitespaces=\"true\" %>"
                try base.write("\(directive)<% \(code) %>", to: "webapps/\(application.name)/\(name).jsp")
            }
        }
        for name in pages.keys.sorted() {
            xml += "<servlet-mapping><servlet-name>\(name)</servlet-name><url-pattern>/\(name)</url-pattern></servlet-mapping>"
        }
        if !application.sessionConfig.isEmpty { xml += "<session-config>\(application.sessionConfig)</session-config>" }
        try base.write(xml + "</web-app>", to: "webapps/\(application.name)/WEB-INF/web.xml")
        try base.write(application.context, to: "webapps/\(application.name)/META-INF/context.xml")
    }

    /// What a server answers: status, what it says of sessions, and the body, with its own ids numbered.
    private static func transcript(port: Int) async throws -> [String] {
        var ids: [String] = []
        var lines: [String] = []
        for step in self.steps {
            if step.pause > 0 { try await Task.sleep(for: .seconds(step.pause)) }
            func filled(_ text: String) -> String {
                ids.enumerated().reduce(text.replacingOccurrences(of: "{last}", with: ids.last ?? "")) {
                    $0.replacingOccurrences(of: "{\($1.offset + 1)}", with: $1.element)
                }
            }
            var arguments = ["-s", "-i", "-g", "--max-time", "30", "-H", "Host: localhost"]
            if let cookie = step.cookie { arguments += ["-H", "Cookie: \(filled(cookie))"] }
            let result = try await Command.run("curl", arguments + ["http://127.0.0.1:\(port)\(filled(step.path))"])
            let parts = result.output.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
            let head = parts[0].split(separator: "\r\n")
            var answer = String(head.first?.split(separator: " ")[1] ?? "?")
            for line in head where line.lowercased().hasPrefix("set-cookie:") || line.lowercased().hasPrefix("location:") { answer += " | \(line)" }
            if answer.hasPrefix("200"), parts.count > 1 { answer += " | \(parts[1].trimmingCharacters(in: .whitespacesAndNewlines))" }
            answer = answer.replacing(/Expires=[^;]*/, with: "Expires=DATE")
            for match in answer.matches(of: /[0-9A-F]{32}/) where !ids.contains(String(match.output)) { ids.append(String(match.output)) }
            for (number, id) in ids.enumerated() { answer = answer.replacingOccurrences(of: id, with: "{\(number + 1)}") }
            lines.append(answer)
        }
        return lines
    }
}

/// Debian's tomcat10, run from a base directory of its own.
final class TomcatProcess: Sendable {
    let port: Int
    private let base: TemporaryFolder
    private let process: ChildProcess

    static func serverXML(port: Int) -> String {
        """
        <Server port="-1"><Service name="Catalina"><Connector port="\(port)" address="127.0.0.1"/>
        <Engine name="Catalina" defaultHost="localhost" backgroundProcessorDelay="1"><Host name="localhost" appBase="webapps"/></Engine></Service></Server>
        """
    }

    static func start(_ prepare: (TemporaryFolder) throws -> Void) async throws -> TomcatProcess {
        let base = try TemporaryFolder()
        for folder in ["conf", "logs", "temp", "work", "webapps"] {
            try FileManager.default.createDirectory(atPath: base.path + "/" + folder, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: "/etc/tomcat10/web.xml", toPath: base.path + "/conf/web.xml")
        try base.write(self.serverXML(port: 0), to: "conf/server.xml")
        try prepare(base)
        let process = try self.run(base)
        for _ in 0..<3600 {
            let text = (try? String(contentsOfFile: base.path + "/out.log", encoding: .utf8)) ?? ""
            if text.contains("Server startup in"), let match = text.firstMatch(of: /http-nio-[^"\]]*?-auto-[0-9]+-([0-9]+)/),
                let port = Int(match.output.1)
            {
                return TomcatProcess(base, process, port: port)
            }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        throw ServalProcessError(
            description: "tomcat10 did not start: \((try? String(contentsOfFile: base.path + "/out.log", encoding: .utf8)) ?? "")"
        )
    }

    private init(_ base: TemporaryFolder, _ process: ChildProcess, port: Int) {
        self.base = base
        self.process = process
        self.port = port
    }

    private static func run(_ base: TemporaryFolder) throws -> ChildProcess {
        let log = base.path + "/out.log"
        try Data().write(to: URL(fileURLWithPath: log))
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec /usr/share/tomcat10/bin/catalina.sh run"]
        // The applications have no tag libraries; looking for them takes most of the start.
        let options = "-XX:TieredStopAtLevel=1 -Dtomcat.util.scan.StandardJarScanFilter.jarsToSkip=*.jar"
        process.environment = ProcessInfo.processInfo.environment
            .merging(["CATALINA_BASE": base.path, "CATALINA_HOME": "/usr/share/tomcat10", "CATALINA_OPTS": options]) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: base.path)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        try process.run()
        return process
    }

    deinit {
        if self.process.isRunning { kill(self.process.processIdentifier, SIGKILL) }
    }
}
