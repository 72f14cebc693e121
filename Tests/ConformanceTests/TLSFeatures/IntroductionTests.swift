import Foundation
import TestPrograms
import Testing

/// What the introduction of Tomcat's documents promises of TLS (features A01 to A28).
@Suite("The introduction of Tomcat's documents") struct IntroductionTests {
    private static func connector(_ pair: FeatureSite.Pair, address: String = "127.0.0.1", _ hostAttributes: String = "") -> String {
        """
        <Connector port="0" address="\(address)" SSLEnabled="true">
          <SSLHostConfig \(hostAttributes)><Certificate certificateFile="\(pair.certificate)" certificateKeyFile="\(pair.key)"/></SSLHostConfig>
        </Connector>
        """
    }

    @Test("A01: CATALINA_HOME is the base directory unless CATALINA_BASE says otherwise, and relative names start there")
    func baseDirectory() async throws {
        let one = try await ServalProcess.makeBase()
        let two = try await ServalProcess.makeBase(serverXML: FeatureSite.xml(["<Connector port=\"nonsense\"/>"]))
        func check(_ environment: [String: String]) async throws -> CommandResult {
            var environment = environment
            for name in ["SERVAL_BASE", "CATALINA_BASE", "CATALINA_HOME"] where environment[name] == nil { environment[name] = "" }
            return try await Command.run(Command.serval, ["configtest"], environment: environment, directory: "/")
        }
        let home = try await check(["CATALINA_HOME": one.path])
        #expect(home.exitCode == 0, "\(home.errors)\(home.output)")
        let both = try await check(["CATALINA_HOME": one.path, "CATALINA_BASE": two.path])
        #expect(both.exitCode == 1 && both.errors.contains("nonsense"), "\(both.errors)")
        #expect(try await check(["CATALINA_HOME": two.path, "CATALINA_BASE": one.path]).exitCode == 0)
    }

    @Test("A04 B19: without a configured password it is changeit, all in lower case")
    func defaultPassword() async throws {
        let folder = try TemporaryFolder()
        func make(_ password: String) async throws -> String {
            let store = folder.path + "/\(password).store"
            let made = try await Command.run(
                Command.keytool,
                "-genkey -alias tomcat -keyalg RSA -dname CN=localhost -storepass \(password) -keystore \(store)".split(separator: " ").map(
                    String.init
                )
            )
            #expect(made.exitCode == 0)
            return FeatureSite.xml([
                "<Connector port=\"0\" SSLEnabled=\"true\"><SSLHostConfig><Certificate certificateKeystoreFile=\"\(store)\"/></SSLHostConfig></Connector>",
                "<Connector port=\"0\" SSLEnabled=\"true\" keystoreFile=\"\(store)\"/>",
            ])
        }
        _ = try await FeatureSite.check(make("changeit"))
        #expect(try await FeatureSite.check(make("Changeit"), fails: true).contains("keystore password was incorrect"))
    }

    /// Passes bytes on between a client and a server, and keeps them.
    private static let relay = #"""
        import socket, ssl, sys, threading
        target, log, certificate = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
        listener = socket.create_server(("127.0.0.1", 0))
        with open(log + ".port", "w") as place: print(listener.getsockname()[1], file=place)
        lock, output = threading.Lock(), open(log, "ab", buffering=0)
        def pump(source, sink):
            try:
                while data := source.recv(65536):
                    with lock: output.write(data)
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError: pass
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
        while True:
            client = listener.accept()[0]
            if context: client = context.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", target))
            for pair in ((client, server), (server, client)): threading.Thread(target=pump, args=pair, daemon=True).start()
        """#

    /// A relay; with a certificate it is a proxy that does TLS for the server.
    private final class Relay: Sendable {
        let port: Int
        private let log: String
        private let process: ChildProcess

        init(to port: Int, in folder: TemporaryFolder, certificate: FeatureSite.Pair? = nil) throws {
            try folder.write(IntroductionTests.relay, to: "relay.py")
            self.log = folder.path + "/relay-\(UUID().uuidString).log"
            try Data().write(to: URL(fileURLWithPath: self.log))
            self.process = ChildProcess()
            self.process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            self.process.arguments =
                [folder.path + "/relay.py", "\(port)", self.log] + (certificate.map { [$0.certificate, $0.key] } ?? [])
            try self.process.run()
            var found: Int?
            for _ in 0..<1500 where found == nil {
                let text = (try? String(contentsOfFile: self.log + ".port", encoding: .utf8)) ?? ""
                if text.hasSuffix("\n") { found = Int(text.dropLast()) }
                if found == nil { usleep(20_000) }
            }
            self.port = try #require(found)
        }

        /// What has passed; what is no text is replaced.
        var seen: String { String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: self.log))) ?? Data(), as: UTF8.self) }

        deinit {
            kill(self.process.processIdentifier, SIGKILL)
            self.process.waitUntilExit()
        }
    }

    @Test("A06 A07: of a request and its response nothing is to be read on the wire, in either direction")
    func capture() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([Self.connector(pair), "<Connector port=\"0\" address=\"127.0.0.1\"/>"])
        )
        let secret = "a-secret-that-is-sent-and-comes-back"
        for (kind, isReadable) in [("https", false), ("http", true)] {
            let relay = try Relay(to: #require(server.ports(kind).first), in: site.folder)
            let answer = try await server.get(relay.port, "/examples/echo?q=\(secret)", ["-k", "--data-binary", secret], scheme: kind)
            #expect(answer.output == secret, "\(answer.errors)")
            let seen = relay.seen
            #expect(seen.utf8.count > 100)
            for words in [secret, "POST ", "/examples/echo", "HTTP/1.1 200"] { #expect(seen.contains(words) == isReadable, "\(kind): \(words)") }
        }
    }

    @Test("A08 A09 A10 A21 E10: the certificate with its chain is presented; clients are asked for one only if that is configured")
    func identity() async throws {
        let site = try await FeatureSite()
        let middle = try await site.issue("middle", isAuthority: true)
        let leaf = try await site.issue("leaf", by: middle)
        let chain = "certificateChainFile=\"\(middle.certificate)\""
        func connector(_ attributes: String) -> String {
            Self.connector(leaf, attributes).replacingOccurrences(of: "<Certificate ", with: "<Certificate \(chain) ")
        }
        let trust = "caCertificateFile=\"\(site.authority.certificate)\""
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([
                connector(""), connector("certificateVerification=\"optional\" \(trust)"), connector("certificateVerification=\"required\" \(trust)"),
            ])
        )
        let ports = server.ports()
        let plain = try await server.handshake(ports[0], "-showcerts -servername localhost -CAfile \(site.authority.certificate)")
        #expect(plain.contains(" 0 s:CN = leaf") && plain.contains(" 1 s:CN = middle") && plain.contains("Verify return code: 0 (ok)"), "\(plain)")
        #expect(plain.contains("No client certificate CA names sent"))
        for port in ports[1...] {
            let asked = try await server.handshake(port, "-tls1_2")
            #expect(asked.contains("Acceptable client certificate CA names\nCN = Authority"), "\(asked)")
        }
        #expect(try await server.get(ports[0]).output == "Hello, world!")
        #expect(try await server.get(ports[1]).output == "Hello, world!")
        #expect(try await server.get(ports[2]).exitCode != 0)
        let named = try await Command.run(
            Command.keytool,
            [
                "-genkey", "-alias", "a", "-keyalg", "EC", "-storepass", "changeit", "-keystore", site.path("named"), "-dname",
                "CN=c, OU=ou, O=o, L=l, ST=st, C=DE",
            ]
        )
        #expect(named.exitCode == 0)
        let printed = try await site.openssl("pkcs12 -in named -passin pass:changeit -nokeys")
        #expect(printed.contains("subject=C = DE, ST = st, L = l, O = o, OU = ou, CN = c"), "\(printed)")
    }

    @Test("A11 A12 A13: behind a proxy that does TLS the application is told of https, and the proxy is spoken to in the clear")
    func proxy() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("proxy")
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml(["<Connector port=\"0\" address=\"127.0.0.1\" scheme=\"https\" secure=\"true\" proxyPort=\"443\"/>"])
        )
        let inner = try #require(server.ports("http").first)
        let proxy = try Relay(to: inner, in: site.folder, certificate: pair)
        let backend = try Relay(to: inner, in: site.folder)
        let answer = try await server.get(proxy.port, "/examples/headers", ["--cacert", site.authority.certificate])
        #expect(answer.output.contains("\"scheme\":\"https\"") && answer.output.contains("\"secure\":true"), "\(answer.output)\(answer.errors)")
        // What the proxy passes on, and gets back, is plain HTTP.
        _ = try await server.get(backend.port, "/examples/plain", [], scheme: "http")
        #expect(backend.seen.contains("GET /examples/plain HTTP/1.1") && backend.seen.contains("Hello, world!"))
        #expect(proxy.seen.contains("GET /examples/headers HTTP/1.1") && proxy.seen.contains("HTTP/1.1 200"))
    }

    @Test(
        "A16 A17 D17: versions that are named are spoken, unsupported ones are told of, and nothing left is an error",
        arguments: [
            ("SSLv3", nil, "SSLv3"), ("SSLv3+TLSv1.2", ["-tls1_2"], "[SSLv3]"), ("TLSv1+TLSv1.1+TLSv1.2", ["-tls1_2"], "deprecated"),
            ("TLSv1.3", ["-tls1_3"], ""), ("TLSv1.2,TLSv1.3", ["-tls1_2", "-tls1_3"], "Check if a +/- prefix is missing"),
            ("TLSv9+TLSv1.2", ["-tls1_2"], "[TLSv9]"),
        ] as [(String, [String]?, String)]
    )
    func versions(protocols: String, spoken: [String]?, words: String) async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let xml = FeatureSite.xml([Self.connector(pair, "protocols=\"\(protocols)\"")])
        guard let spoken else {
            #expect(
                try await FeatureSite.failedStart(xml).contains("None of the [protocols] specified are supported by the SSL engine : [\(protocols)]")
            )
            return
        }
        let server = try await ServalProcess.start(serverXML: xml)
        #expect(words.isEmpty ? !server.errors.contains("warning") : server.errors.contains(words), "\(server.errors)")
        for version in ["-tls1_2", "-tls1_3"] {
            #expect(try await server.handshake(server.ports()[0], version).contains("Cipher is (NONE)") == !spoken.contains(version), "\(version)")
        }
    }

    @Test("A20: each address has its certificate")
    func addresses() async throws {
        let site = try await FeatureSite()
        let (one, two) = (try await site.issue("one"), try await site.issue("two"))
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([Self.connector(one, address: "127.0.0.1"), Self.connector(two, address: "127.0.0.2")])
        )
        let ports = server.ports()
        #expect(try await server.handshake(ports[0]).contains("subject=CN = one\n"))
        #expect(try await server.handshake(ports[1], address: "127.0.0.2").contains("subject=CN = two\n"))
    }

    @Test("A22 A23 A24: a certificate that signs itself is refused by who does not know it, and one of an authority is taken by who trusts that")
    func trust() async throws {
        let site = try await FeatureSite()
        let store = site.path("own.p12")
        let made = try await Command.run(
            Command.keytool,
            "-genkey -alias tomcat -keyalg RSA -dname CN=localhost -ext san=dns:localhost -storepass changeit -keystore \(store)".split(
                separator: " "
            ).map(String.init)
        )
        #expect(made.exitCode == 0)
        try await site.openssl("pkcs12 -in own.p12 -passin pass:changeit -nokeys -out own.pem")
        #expect(try await site.openssl("verify -CAfile own.pem own.pem").contains("own.pem: OK"))
        let own =
            "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\"><SSLHostConfig><Certificate certificateKeystoreFile=\"\(store)\"/></SSLHostConfig></Connector>"
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml([own, Self.connector(try await site.issue("signed"))]))
        for (port, authority) in zip(server.ports(), [site.path("own.pem"), site.authority.certificate]) {
            #expect(try await server.get(port, "/examples/plain", []).exitCode == 60)
            #expect(try await server.get(port, "/examples/plain", ["--cacert", authority]).output == "Hello, world!")
        }
    }

    @Test("A25: no page that comes along loads anything over http")
    func assets() async throws {
        let base = try await ServalProcess.makeBase()
        let files = try #require(FileManager.default.enumerator(atPath: base.path + "/webapps")).compactMap { $0 as? String }
        #expect(files.count { $0.hasSuffix(".html") } >= 2)
        let server = try await ServalProcess.start()
        let port = server.ports()[0]
        var pages: [String] = []
        for file in files where [".html", ".css", ".svg"].contains(where: file.hasSuffix) { pages.append(try base.read("webapps/" + file)) }
        for path in ["/", "/examples/", "/examples/sessions/", "/examples/sessions/attributes", "/examples/sessions/tracking"] {
            let page = try await server.get(port, path, ["-k", "-L"])
            #expect(page.output.contains("<html"), "\(path)")
            pages.append(page.output)
        }
        for page in pages { #expect(!page.contains(/(src|href|action|url|@import)\s*[=(]?\s*["']?http:\/\//), "\(page)") }
    }

    @Test("A26: Strict-Transport-Security is sent over https, and not over http")
    func strictTransport() async throws {
        let filter = """
            <filter><filter-name>h</filter-name><filter-class>org.apache.catalina.filters.HttpHeaderSecurityFilter</filter-class>
            <init-param><param-name>hstsEnabled</param-name><param-value>true</param-value></init-param>
            <init-param><param-name>hstsMaxAgeSeconds</param-name><param-value>31536000</param-value></init-param></filter>
            <filter-mapping><filter-name>h</filter-name><url-pattern>/*</url-pattern></filter-mapping>
            """
        let server = try await ServalProcess.start { base in
            let name = "webapps/examples/WEB-INF/web.xml"
            try base.write(base.read(name).replacingOccurrences(of: "</web-app>", with: filter + "</web-app>"), to: name)
        }
        let secure = try await server.get(server.ports()[0], "/examples/plain", ["-k", "-i"])
        #expect(secure.output.lowercased().contains("strict-transport-security: max-age=31536000\r\n"), "\(secure.output)")
        let clear = try await server.get(server.ports("http")[0], "/examples/plain", ["-i"], scheme: "http")
        #expect(clear.output.contains("Hello, world!") && !clear.output.lowercased().contains("strict-transport-security"), "\(clear.output)")
    }

    @Test("A27 A28: several names in one certificate, several certificates on one connector; each name finds its Host, and unknown ones the default")
    func virtualHosts() async throws {
        let site = try await FeatureSite()
        let both = try await site.issue("both", names: "DNS:a.test,DNS:b.test")
        let hosts = ["a.test", "b.test"].map { "<Host name=\"\($0)\" appBase=\"\($0)\"/>" }.joined()
        func tls(_ name: String, _ pair: FeatureSite.Pair) -> String {
            "<SSLHostConfig hostName=\"\(name)\"><Certificate certificateFile=\"\(pair.certificate)\" certificateKeyFile=\"\(pair.key)\"/></SSLHostConfig>"
        }
        let (a, b, rest) = (
            try await site.issue("a.test", names: "DNS:a.test"), try await site.issue("b.test", names: "DNS:b.test"), try await site.issue("rest")
        )
        let several =
            "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\" defaultSSLHostConfigName=\"rest\">"
            + tls("a.test", a) + tls("b.test", b) + tls("rest", rest) + "</Connector>"
        let xml = FeatureSite.xml([Self.connector(both), several]).replacingOccurrences(of: "</Engine>", with: hosts + "</Engine>")
        let server = try await ServalProcess.start(serverXML: xml) { base in
            for name in ["a.test", "b.test"] { try base.write("<p>\(name)</p>", to: "\(name)/ROOT/index.html") }
        }
        for port in server.ports() {
            for name in ["a.test", "b.test"] {
                let page = try await Command.run(
                    "curl",
                    ["-sS", "--cacert", site.authority.certificate, "--resolve", "\(name):\(port):127.0.0.1", "https://\(name):\(port)/"]
                )
                #expect(page.output == "<p>\(name)</p>", "\(page.errors)")
            }
        }
        let port = server.ports()[1]
        for (name, subject) in [("a.test", "a.test"), ("B.TEST", "b.test"), ("unknown.test", "rest"), ("127.0.0.1", "rest")] {
            #expect(try await server.handshake(port, "-servername \(name)").contains("subject=CN = \(subject)\n"), "\(name)")
        }
        #expect(try await server.handshake(port, "-noservername").contains("subject=CN = rest\n"))
    }
}
