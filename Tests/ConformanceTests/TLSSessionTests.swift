import Foundation
import Testing

/// Tracking by TLS sessions, and client certificates on demand, on the real server; the client is Python's `ssl`, which keeps TLS sessions.
@Suite("TLS sessions of the real server")
struct TLSSessionTests {
    /// Opens connections and sends requests, as told by lines of JSON; answers lines of JSON.
    private static let client = #"""
        import json, socket, ssl, sys
        sessions, contexts = {}, {}
        def context(version, certificate, late):
            key = (version, certificate, late)
            if key not in contexts:
                c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
                c.minimum_version = c.maximum_version = getattr(ssl.TLSVersion, version)
                if certificate: c.load_cert_chain(certificate)
                c.post_handshake_auth = late
                contexts[key] = c
            return contexts[key]
        def answer(s):
            data = b""
            while b"\r\n\r\n" not in data:
                piece = s.recv(65536)
                if not piece: return None
                data += piece
            head, body = data.split(b"\r\n\r\n", 1)
            lines = head.decode("latin1").split("\r\n")
            fields = {n.lower(): v.strip() for n, v in (l.split(":", 1) for l in lines[1:])}
            while len(body) < int(fields.get("content-length", 0)):
                body += s.recv(65536)
            return {"status": int(lines[0].split()[1]), "fields": fields, "body": body.decode("utf-8", "replace")}
        for line in sys.stdin:
            t = json.loads(line)
            c = context(t["version"], t.get("certificate"), t.get("late", False))
            result = {"answers": [], "reused": None, "closed": False, "error": None}
            try:
                s = c.wrap_socket(socket.create_connection(("127.0.0.1", t["port"]), 30), server_hostname=t.get("name", "localhost"),
                                  session=sessions.get(t.get("resume")))
                result["reused"] = s.session_reused
                for r in t["requests"]:
                    body = b"x" * r.get("size", 0)
                    s.sendall((r.get("method", "GET") + " " + r["path"] + " HTTP/1.1\r\nHost: " + r.get("host", "localhost")
                               + ("\r\nContent-Length: %d" % len(body) if body else "") + "\r\n\r\n").encode() + body)
                    result["answers"].append(answer(s))
                if t.get("keep"): sessions[t["keep"]] = s.session
                s.settimeout(t.get("wait", 0.01))
                try: result["closed"] = s.recv(1) == b""
                except TimeoutError: pass
                s.close()
            except (OSError, ssl.SSLError) as e:
                result["error"] = str(e)
            print(json.dumps(result), flush=True)
        """#

    /// A connection: where to, as whom, and what is asked on it.
    struct Step: Encodable {
        struct Sent: Encodable {
            var path: String
            var method: String?
            var host: String?
            var size: Int?
        }

        var port: Int
        var version = "TLSv1_3"
        var name = "localhost"
        /// A file with certificate and key.
        var certificate: String?
        /// Whether it offers to be asked for its certificate later.
        var late = false
        /// The name of the session to resume, and the one under which this one is kept.
        var resume: String?
        var keep: String?
        /// How long to wait for the server to close.
        var wait = 0.01
        var requests: [Sent] = []
    }

    struct Answer: Decodable {
        /// What the examples say of a session and of TLS.
        struct Facts: Decodable {
            var id: String?
            var isNew: Bool?
            var count: Int?
            var sslSessionId: String?
            var trackingId: String?
            var clientSubject: String?
        }

        var status: Int
        var fields: [String: String]
        var body: String

        var facts: Facts { (try? JSONDecoder().decode(Facts.self, from: Data(self.body.utf8))) ?? Facts() }
    }

    struct Result: Decodable {
        var answers: [Answer?]
        var reused: Bool?
        var closed: Bool
        var error: String?

        var statuses: [Int?] { self.answers.map { $0?.status } }
        var facts: [Answer.Facts] { self.answers.map { $0?.facts ?? Answer.Facts() } }
    }

    private static func talk(_ folder: TemporaryFolder, _ steps: [Step]) async throws -> [Result] {
        try folder.write(self.client, to: "client.py")
        let lines = try steps.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        let result = try await Command.run("python3", [folder.path + "/client.py"], input: lines.joined(separator: "\n") + "\n")
        let results = try result.output.split(separator: "\n").map { try JSONDecoder().decode(Result.self, from: Data($0.utf8)) }
        guard results.count == steps.count else { throw ServalProcessError(description: result.errors) }
        return results
    }

    private static func serverXML(_ connectors: [String], host: String = "") -> String {
        """
        <Server port="-1">
          <Service name="Catalina">
            \(connectors.joined(separator: "\n"))
            <Engine name="Catalina" defaultHost="localhost"><Host name="localhost" appBase="webapps">\(host)</Host></Engine>
          </Service>
        </Server>
        """
    }

    private static func connector(_ protocolName: String, _ attributes: String = "", _ hosts: String = "") -> String {
        """
        <Connector port="0" address="127.0.0.1" protocol="\(protocolName)" SSLEnabled="true" \(attributes)>
          <SSLHostConfig><Certificate certificateKeystoreFile="conf/localhost.p12" certificateKeystorePasswordFile="conf/keystore.pass"/></SSLHostConfig>
          \(hosts)
        </Connector>
        """
    }

    /// Another instance of the examples, with more in its `web.xml`.
    private static func addExamples(_ base: TemporaryFolder, named name: String, with elements: String) throws {
        try FileManager.default.createDirectory(atPath: base.path + "/webapps/\(name)/WEB-INF", withIntermediateDirectories: true)
        let web = try base.read("webapps/examples/WEB-INF/web.xml").replacingOccurrences(of: "</web-app>", with: elements + "</web-app>")
        try base.write(web, to: "webapps/\(name)/WEB-INF/web.xml")
    }

    private static let protocols = [
        "HTTP/1.1", "org.apache.coyote.http11.Http11NioProtocol", "org.apache.coyote.http11.Http11Nio2Protocol",
        "org.apache.coyote.http11.Http11Protocol", "org.apache.coyote.http11.Http11AprProtocol",
    ]

    private static func ports(_ server: ServalProcess) -> [Int] {
        var ports: [Int] = []
        for match in server.errors.matches(of: #/[^a-z]https-([0-9]+)/#) {
            if let port = Int(match.1), port > 0, !ports.contains(port) { ports.append(port) }
        }
        return ports
    }

    @Test("I01, I05, I09, I10, I14, I15, I16, I17, I18, I19: sessions by TLS, on connectors of every name, in TLS 1.2 and 1.3, and their end")
    func tracking() async throws {
        let xml = Self.serverXML(Self.protocols.map { Self.connector($0) })
        let server = try await ServalProcess.start(serverXML: xml) {
            try Self.addExamples($0, named: "tracked", with: "<session-config><tracking-mode>SSL</tracking-mode></session-config>")
        }
        let ports = Self.ports(server)
        #expect(ports.count == Self.protocols.count, "\(server.errors)")
        for port in ports {
            for version in ["TLSv1_2", "TLSv1_3"] { try await self.track(server.base, port, version) }
        }
    }

    private func track(_ base: TemporaryFolder, _ port: Int, _ version: String) async throws {
        let count = "/tracked/session?json=true"
        func step(_ paths: [String], resume: String? = nil, keep: String? = nil, wait: Double = 0.01) -> Step {
            Step(port: port, version: version, resume: resume, keep: keep, wait: wait, requests: paths.map { Step.Sent(path: $0) })
        }
        let results = try await Self.talk(
            base,
            [
                step([count, count, "/tracked/tls"], keep: "a"),
                step([count, "/tracked/tls"], resume: "a", keep: "b"),
                step([count], resume: "b", keep: "b"),
                step([count]),
                step(["/tracked/session?invalidate=true", count], resume: "b", keep: "c"),
                step(["/tracked/tls?invalidate=true"], resume: "c", wait: 10),
                step([count], resume: "c"),
                step([count], resume: "a"),
            ]
        )
        for result in results {
            #expect(result.error == nil && result.statuses.allSatisfy { $0 == 200 }, "\(result)")
            #expect(result.answers.allSatisfy { $0?.fields["set-cookie"] == nil })
        }
        let facts = results.map(\.facts)
        let id = try #require(facts[0][0].id)
        #expect(id.count == 64)
        // I01, I11: the same session on one connection and on those that resume it, without cookie; its id is the TLS session's.
        #expect(facts[0][0].count == 1)
        #expect(facts[0][1].count == 2 && facts[0][1].id == id)
        #expect(facts[0][2].sslSessionId == id && facts[0][2].trackingId == id)
        #expect(results[1].reused == true && facts[1][0].count == 3 && facts[1][1].sslSessionId == id)
        #expect(results[2].reused == true && facts[2][0].count == 4)
        // Somebody else.
        #expect(results[3].reused == false && facts[3][0].count == 1 && facts[3][0].id != id)
        // I14: after the HTTP session's end the same id gets a new one.
        #expect(facts[4][1].isNew == true && facts[4][1].count == 1 && facts[4][1].id == id)
        // I15 to I19: after the TLS session's end nothing is resumed, and the connection is closed as asked.
        #expect(results[5].reused == true && results[5].closed && results[5].answers[0]?.fields["connection"] == "close")
        for late in [6, 7] { #expect(results[late].reused == false && facts[late][0].id != id) }
    }

    @Test("CVE-2025-66614 (Tomcat): a host that requires certificates is not reached by the name of another one")
    func serverNameAndHost() async throws {
        let guarded = """
            <SSLHostConfig hostName="guarded.test" certificateVerification="required" caCertificateFile="conf/localhost.pem">
              <Certificate certificateKeystoreFile="conf/localhost.p12" certificateKeystorePasswordFile="conf/keystore.pass"/>
            </SSLHostConfig>
            """
        let connectors = ["", "strictSni=\"false\""].map { Self.connector("HTTP/1.1", $0, guarded) }
        let server = try await ServalProcess.start(serverXML: Self.serverXML(connectors))
        let ports = Self.ports(server)
        #expect(ports.count == 2)
        func step(_ port: Int, _ name: String, _ host: String) -> Step {
            Step(port: port, name: name, requests: [Step.Sent(path: "/examples/plain", host: host)])
        }
        let strict = try await Self.talk(
            server.base,
            [
                step(ports[0], "localhost", "localhost"), step(ports[0], "localhost", "guarded.test"),
                step(ports[0], "localhost", "GUARDED.test:443"),
                step(ports[0], "localhost", "guarded.test."), step(ports[0], "guarded.test", "guarded.test"),
                step(ports[1], "localhost", "guarded.test"),
            ]
        )
        #expect(strict[0].statuses == [200])
        for result in strict[1...3] { #expect(result.statuses == [400], "\(result)") }
        #expect(strict[4].error != nil || strict[4].statuses == [nil], "\(strict[4])")
        #expect(strict[5].statuses == [200], "without strictSni, as documented")
    }

    // MARK: CLIENT-CERT

    private static func makeClient(_ base: TemporaryFolder, _ name: String, authority: String) async throws {
        let folder = base.path + "/conf"
        func openssl(_ arguments: [String]) async throws {
            let result = try await Command.run("openssl", arguments, directory: folder)
            guard result.exitCode == 0 else { throw ServalProcessError(description: result.errors) }
        }
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        if !FileManager.default.fileExists(atPath: "\(folder)/\(authority).pem") {
            try await openssl(
                ["req", "-x509"] + key + ["-keyout", "\(authority).key", "-out", "\(authority).pem", "-days", "2", "-subj", "/CN=\(authority)"]
            )
        }
        try await openssl(["req", "-new"] + key + ["-keyout", "\(name).key", "-out", "\(name).csr", "-subj", "/O=Example/CN=\(name)"])
        try await openssl([
            "x509", "-req", "-in", "\(name).csr", "-CA", "\(authority).pem", "-CAkey", "\(authority).key", "-CAcreateserial", "-days", "2", "-out",
            "\(name).crt",
        ])
        try base.write(try base.read("conf/\(name).crt") + base.read("conf/\(name).key"), to: "conf/\(name).pem")
    }

    private static func prepareGuarded(_ base: TemporaryFolder) async throws {
        try await self.makeClient(base, "alice", authority: "clients")
        try await self.makeClient(base, "mallory", authority: "others")
        func constraint(_ pattern: String, _ role: String) -> String {
            """
            <security-constraint><web-resource-collection><url-pattern>\(pattern)</url-pattern></web-resource-collection>
              <auth-constraint><role-name>\(role)</role-name></auth-constraint></security-constraint>
            """
        }
        let elements = constraint("/tls", "**") + constraint("/echo", "*") + constraint("/headers/*", "admin")
        let login = "<login-config><auth-method>CLIENT-CERT</auth-method></login-config>"
        try self.addExamples(base, named: "guarded", with: elements + login)
    }

    @Test("CLIENT-CERT asks for the certificate when it is needed, in TLS 1.3; otherwise 401, and nobody gets in by another way")
    func clientCertificateOnDemand() async throws {
        let trust = """
            <SSLHostConfig hostName="trusting.test" caCertificateFile="conf/clients.pem">
              <Certificate certificateKeystoreFile="conf/localhost.p12" certificateKeystorePasswordFile="conf/keystore.pass"/>
            </SSLHostConfig>
            """
        let log =
            "<Valve className=\"org.apache.catalina.valves.AccessLogValve\" directory=\"logs\" prefix=\"a\" suffix=\".txt\" pattern=\"%u %s %U\" rotatable=\"false\" buffered=\"false\"/>"
        let server = try await ServalProcess.start(
            serverXML: Self.serverXML([Self.connector("HTTP/1.1", "", trust)], host: log)
        ) { try await Self.prepareGuarded($0) }
        let port = try server.port("https")
        func step(
            _ requests: [Step.Sent],
            version: String = "TLSv1_3",
            name: String = "trusting.test",
            client: String? = "alice",
            late: Bool = true,
            resume: String? = nil,
            keep: String? = nil
        ) -> Step {
            let sent = requests.map { Step.Sent(path: $0.path, method: $0.method, host: name, size: $0.size) }
            let certificate = client.map { "\(server.base.path)/conf/\($0).pem" }
            return Step(
                port: port,
                version: version,
                name: name,
                certificate: certificate,
                late: late,
                resume: resume,
                keep: keep,
                requests: sent
            )
        }
        let tls = Step.Sent(path: "/guarded/tls")
        let headers = Step.Sent(path: "/guarded/headers")
        func echo(_ size: Int) -> Step.Sent { Step.Sent(path: "/guarded/echo", method: "POST", size: size) }
        let results = try await Self.talk(
            server.base,
            [
                step([Step.Sent(path: "/guarded/plain"), tls, tls, headers], keep: "a"),
                step([echo(4096), echo(100_000)]),
                step([echo(4097)]),
                step([tls], resume: "a"),
                step([tls], late: false),
                step([tls], version: "TLSv1_2"),
                step([tls], client: nil),
                step([tls], client: "mallory"),
                step([tls], name: "localhost"),
                step([headers], client: nil),
            ]
        )
        func statuses(_ place: Int) -> [Int?] { results[place].statuses }
        #expect(statuses(0) == [200, 200, 200, 403], "\(results[0])")
        #expect(results[0].facts[1].clientSubject == "CN=alice, O=Example")
        #expect(results[0].answers[1]?.fields["cache-control"] == "private")
        #expect(statuses(1) == [200, 200], "the body waits; once the certificate is known, a long one does not have to: \(results[1])")
        #expect(results[1].answers.map { $0?.body.count } == [4096, 100_000])
        #expect(statuses(2) == [413])
        #expect(results[3].reused == true && statuses(3) == [200], "the resumed session knows the certificate")
        #expect(statuses(4) == [401] && statuses(5) == [401] && statuses(6) == [401], "\(results[4...6])")
        #expect(results[7].error != nil || results[7].answers.allSatisfy { $0 == nil }, "\(results[7])")
        #expect(statuses(8) == [401], "a host that trusts nobody asks nobody")
        #expect(statuses(9) == [401])
        let lines = try server.base.read("logs/a.txt").split(separator: "\n")
        #expect(lines.contains("CN=alice, O=Example 200 /guarded/tls"), "\(lines)")
        // curl offers it whenever it has a certificate.
        let curl = try await Command.run(
            "curl",
            [
                "-sSk", "--max-time", "30", "--tlsv1.3", "--http1.1", "--resolve", "trusting.test:\(port):127.0.0.1", "--cert",
                server.base.path + "/conf/alice.pem", "--data", "hello", "https://trusting.test:\(port)/guarded/echo",
            ]
        )
        #expect(curl.output == "hello", "\(curl)")
    }
}
