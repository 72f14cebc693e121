import Foundation
import Testing

/// The attributes of TLS connectors in the older style and in the newer one (features D01 to D21, E01 to E19, F13).
///
/// The examples themselves are in ``ConnectorExampleTests``.
@Suite("Connectors in both styles of Tomcat's documents") struct ConnectorStyleTests {
    private static func old(_ attributes: String) -> String {
        "<Connector protocol=\"org.apache.coyote.http11.Http11NioProtocol\" port=\"0\" address=\"127.0.0.1\" \(attributes)/>"
    }

    private static func new(_ certificates: String, connector: String = "", host: String = "") -> String {
        "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\" \(connector)><SSLHostConfig \(host)>\(certificates)</SSLHostConfig></Connector>"
    }

    private static func pem(_ pair: FeatureSite.Pair, _ more: String = "") -> String {
        "<Certificate certificateFile=\"\(pair.certificate)\" certificateKeyFile=\"\(pair.key)\" \(more)/>"
    }

    private static func makeStore(_ path: String, _ more: String = "") async throws {
        let made = try await Command.run(
            Command.keytool,
            "-genkey -alias tomcat -keyalg RSA -dname CN=localhost -storepass changeit -keystore \(path) \(more)".split(separator: " ").map(
                String.init
            )
        )
        #expect(made.exitCode == 0, "\(made.output)")
    }

    @Test("D02 D04 D05 D06 D10 E03: a connector with SSLEnabled is https and secure, said or not; without it the same attributes are plain HTTP")
    func schemeAndSecure() async throws {
        let site = try await FeatureSite()
        let store = site.path("store")
        try await Self.makeStore(store)
        let attributes =
            "scheme=\"https\" secure=\"true\" keystoreFile=\"\(store)\" keystorePass=\"changeit\" clientAuth=\"false\" sslProtocol=\"TLS\""
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([
                Self.old("SSLEnabled=\"true\" " + attributes), Self.old("SSLEnabled=\"true\" keystoreFile=\"\(store)\""),
                Self.new("<Certificate certificateKeystoreFile=\"\(store)\"/>"), Self.old("SSLEnabled=\"false\" " + attributes),
            ])
        )
        for port in server.ports() {
            let facts = try await server.get(port, "/examples/headers").output
            #expect(facts.contains("\"scheme\":\"https\"") && facts.contains("\"secure\":true"), "\(facts)")
            for version in ["-tls1_2", "-tls1_3"] { #expect(try await !server.handshake(port, version).contains("Cipher is (NONE)")) }
        }
        #expect(server.ports().count == 3)
        let plain = try #require(server.ports("http").first)
        #expect(try await server.get(plain, "/examples/plain", [], scheme: "http").output == "Hello, world!")
        let unknown = Self.old("SSLEnabled=\"true\" keystoreFile=\"\(store)\" sslProtocol=\"SSP\"")
        #expect(try await FeatureSite.check(FeatureSite.xml([unknown]), fails: true).contains("sslProtocol"))
    }

    @Test("D03 E02: no more requests than maxThreads are inside blocking servlets at once")
    func maxThreads() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([Self.new(Self.pem(pair), connector: "maxThreads=\"2\"")])
        )
        let port = server.ports()[0]
        let begin = ContinuousClock.now
        try await withThrowingTaskGroup { group in
            for _ in 0..<5 {
                group.addTask {
                    let answer = try await server.get(port, "/examples/blocking?ms=700")
                    #expect(answer.exitCode == 0 && !answer.output.isEmpty, "\(answer.errors)")
                }
            }
            try await group.waitForAll()
        }
        // Three turns of two, two and one.
        #expect(ContinuousClock.now - begin >= .milliseconds(2100))
    }

    @Test("D07 E04 E08: properties are replaced, unknown ones stay as they are, and relative names start at the base directory")
    func names() async throws {
        let home = try TemporaryFolder()
        try await Self.makeStore(home.path + "/.keystore")
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([
                Self.old("SSLEnabled=\"true\" keystoreFile=\"${user.home}/.keystore\" keystorePass=\"changeit\""),
                Self.new(
                    "<Certificate certificateKeystoreFile=\"${catalina.base}/conf/localhost.p12\" certificateKeystorePasswordFile=\"conf/keystore.pass\"/>"
                ),
                Self.new("<Certificate certificateKeyFile=\"conf/k.pem\" certificateFile=\"conf/c.pem\"/>"),
            ]),
            environment: ["HOME": home.path]
        ) { base in
            let made = try await Command.run(
                "openssl",
                "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 -keyout conf/k.pem -out conf/c.pem".split(separator: " ").map(
                    String.init
                ),
                directory: base.path
            )
            #expect(made.exitCode == 0)
        }
        // The server's working directory is another one.
        for port in server.ports() { #expect(try await server.get(port).output == "Hello, world!") }
        #expect(server.ports().count == 3)
        let unknown = FeatureSite.xml([Self.old("SSLEnabled=\"true\" keystoreFile=\"${no.such}/.keystore\"")])
        #expect(try await FeatureSite.check(unknown, fails: true).contains("${no.such}/.keystore"))
    }

    @Test(
        "D08 E05 H03 H05 H06 H07 H08 H09 H10 H11 H12: wrong names, passwords and aliases are told with the file, and mended by the attribute that the documents name"
    )
    func whatIsWrongWithAKeyStore() async throws {
        let site = try await FeatureSite()
        let store = site.path("store.jks")
        try await Self.makeStore(store, "-storetype JKS")
        func both(_ file: String, _ password: String, _ alias: String) -> [String] {
            [
                Self.old("SSLEnabled=\"true\" keystoreFile=\"\(file)\" keystorePass=\"\(password)\" keyAlias=\"\(alias)\""),
                Self.new(
                    "<Certificate certificateKeystoreFile=\"\(file)\" certificateKeystorePassword=\"\(password)\" certificateKeyAlias=\"\(alias)\"/>"
                ),
            ]
        }
        let missing = site.path("no/such.keystore")
        for (file, password, alias, words) in [
            (missing, "changeit", "tomcat", [missing]),
            (store, "wrong-password", "tomcat", [store, "Keystore was tampered with, or password was incorrect"]),
            (store, "CHANGEIT", "tomcat", [store, "password was incorrect"]), (store, "changeit", "jerry", [store, "jerry"]),
        ] {
            for connector in both(file, password, alias) {
                let text = try await FeatureSite.failedStart(FeatureSite.xml([connector]))
                for word in words { #expect(text.contains(word), "\(text)") }
                #expect(!text.contains("wrong-password") && !text.contains("CHANGEIT"), "a password is in the log: \(text)")
            }
        }
        // Aliases of key stores are compared without case (B05, H13).
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml(both(store, "changeit", "tomcat") + both(store, "changeit", "TOMCAT")))
        #expect(server.ports().count == 4)
        for port in server.ports() { #expect(try await server.get(port).output == "Hello, world!") }
    }

    @Test("D09 D16 G22: clientAuth and SSLVerifyClient, in all of their words")
    func clientAuthentication() async throws {
        let site = try await FeatureSite()
        let (pair, client) = (try await site.issue("server"), try await site.issue("client"))
        let files = "SSLEnabled=\"true\" SSLCertificateFile=\"\(pair.certificate)\" SSLCertificateKeyFile=\"\(pair.key)\""
        let trust = "SSLCACertificateFile=\"\(site.authority.certificate)\""
        let cases: [(attribute: String, isAsked: Bool, isNeeded: Bool)] = [
            ("clientAuth=\"false\"", false, false), ("clientAuth=\"want\"", true, false), ("clientAuth=\"true\"", true, true),
            ("SSLVerifyClient=\"none\"", false, false), ("SSLVerifyClient=\"optional\"", true, false), ("SSLVerifyClient=\"require\"", true, true),
        ]
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml(cases.map { Self.old("\(files) \(trust) \($0.attribute)") }))
        #expect(server.ports().count == cases.count)
        for (port, (attribute, isAsked, isNeeded)) in zip(server.ports(), cases) {
            #expect(
                try await server.handshake(port, "-tls1_2").contains("Acceptable client certificate CA names\nCN = Authority\n") == isAsked,
                "\(attribute)"
            )
            #expect(try await (server.get(port).output == "Hello, world!") == !isNeeded, "\(attribute)")
            let known = try await server.get(port, "/examples/tls", ["-k", "--cert", client.certificate, "--key", client.key])
            #expect(known.output.contains("\"clientSubject\":\"CN=client\"") == isAsked, "\(attribute): \(known.output)\(known.errors)")
        }
    }

    @Test("D14 D15 E09 E10: PEM files: leaf and chain in one, keys of all kinds with and without a password, and what is missing is named")
    func pemFiles() async throws {
        let site = try await FeatureSite()
        let middle = try await site.issue("middle", isAuthority: true)
        let leaf = try await site.issue("leaf", key: "rsa:2048", by: middle)
        try site.folder.write(site.folder.read("leaf.pem") + site.folder.read("middle.pem"), to: "both.pem")
        try await site.openssl("rsa -in leaf.key -traditional -out pkcs1.key")
        try await site.openssl("rsa -in leaf.key -traditional -aes256 -passout pass:hush -out pkcs1-encrypted.key")
        try await site.openssl("pkcs8 -topk8 -in leaf.key -passout pass:hush -out pkcs8-encrypted.key")
        try site.folder.write("hush\n", to: "pass")
        let old = "SSLEnabled=\"true\" SSLCertificateFile=\"\(site.path("both.pem"))\" SSLCertificateKeyFile="
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([
                Self.old("\(old)\"\(leaf.key)\""), Self.old("\(old)\"\(site.path("pkcs1.key"))\""),
                Self.old("\(old)\"\(site.path("pkcs1-encrypted.key"))\" SSLPassword=\"hush\""),
                Self.old("\(old)\"\(site.path("pkcs8-encrypted.key"))\" SSLPassword=\"hush\""),
                Self.new(
                    "<Certificate certificateFile=\"\(leaf.certificate)\" certificateKeyFile=\"\(site.path("pkcs8-encrypted.key"))\" certificateChainFile=\"\(middle.certificate)\" certificateKeyPasswordFile=\"\(site.path("pass"))\"/>"
                ),
            ])
        )
        #expect(server.ports().count == 5)
        for port in server.ports() {
            let shown = try await server.handshake(port, "-showcerts -CAfile \(site.authority.certificate)")
            #expect(
                shown.contains(" 0 s:CN = leaf") && shown.contains(" 1 s:CN = middle") && shown.contains("Verify return code: 0 (ok)"),
                "\(shown)"
            )
        }
        let wrong = try await FeatureSite.failedStart(
            FeatureSite.xml([Self.old("\(old)\"\(site.path("pkcs8-encrypted.key"))\" SSLPassword=\"other-password\"")])
        )
        #expect(wrong.contains("pkcs8-encrypted.key") && !wrong.contains("other-password"), "\(wrong)")
        let missing = site.path("no-such.pem")
        for (certificate, key) in [(missing, leaf.key), (leaf.certificate, missing)] {
            let text = try await FeatureSite.failedStart(FeatureSite.xml([Self.new(Self.pem(.init(certificate: certificate, key: key)))]))
            #expect(text.contains(missing), "\(text)")
        }
    }

    @Test("E06 B13: of an RSA and an EC certificate each client gets the one that it takes")
    func severalKeys() async throws {
        let site = try await FeatureSite()
        let (rsa, ec) = (try await site.issue("rsa", key: "rsa:2048"), try await site.issue("ec"))
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([Self.new(Self.pem(rsa, "type=\"RSA\"") + Self.pem(ec, "type=\"EC\""))])
        )
        let port = server.ports()[0]
        for (arguments, name) in [
            ("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "ec"), ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", "rsa"),
            ("-tls1_3 -sigalgs ECDSA+SHA256", "ec"), ("-tls1_3 -sigalgs RSA-PSS+SHA256", "rsa"),
        ] {
            #expect(try await server.handshake(port, arguments).contains("subject=CN = \(name)\n"), "\(arguments)")
        }
    }

    @Test("E12 E13: the port of https needs no number; a port that may not be opened is told as such")
    func privilegedPort() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let connector = Self.new(Self.pem(pair))
        // Addresses of 127.0.0.0/8 are all this machine's; on one of its own the port is free.
        let address = "127.\(Int.random(in: 1...254)).\(Int.random(in: 1...254)).\(Int.random(in: 2...254))"
        let xml = FeatureSite.xml([
            connector.replacingOccurrences(of: "port=\"0\" address=\"127.0.0.1\"", with: "port=\"443\" address=\"\(address)\"")
        ])
        let mayOpen =
            (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding: .utf8)).map { !$0.hasPrefix("1024") } ?? true
        if getuid() == 0 || mayOpen {
            let server = try await ServalProcess.start(serverXML: xml)
            let page = try await Command.run("curl", ["-sSk", "--resolve", "localhost:443:\(address)", "https://localhost/examples/plain"])
            #expect(page.output == "Hello, world!", "\(page.errors)\(server.errors)")
        } else {
            let text = try await FeatureSite.failedStart(xml)
            #expect(text.lowercased().contains("permission denied") && text.contains("443"), "\(text)")
        }
    }

    @Test("E14 E15 A21: what is CONFIDENTIAL is redirected to redirectPort, with its query; the port of https is left out")
    func confidential() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let constraint = """
            <security-constraint><web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/plain</url-pattern></web-resource-collection>
            <user-data-constraint><transport-guarantee>CONFIDENTIAL</transport-guarantee></user-data-constraint></security-constraint>
            """
        let clear = ["redirectPort=\"8443\"", "redirectPort=\"443\"", ""].map { "<Connector port=\"0\" address=\"127.0.0.1\" \($0)/>" }
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml(clear + [Self.new(Self.pem(pair))])) { base in
            let name = "webapps/examples/WEB-INF/web.xml"
            try base.write(base.read(name).replacingOccurrences(of: "</web-app>", with: constraint + "</web-app>"), to: name)
        }
        let ports = server.ports("http")
        #expect(ports.count == 3)
        for (port, place) in zip(ports, ["https://localhost:8443", "https://localhost", "https://localhost"]) {
            let answer = try await server.get(port, "/examples/plain?a=b", ["-i"], scheme: "http").output
            #expect(answer.hasPrefix("HTTP/1.1 302") && answer.contains("ocation: \(place)/examples/plain?a=b\r\n"), "\(answer)")
            #expect(try await server.get(port, "/examples/headers", ["-i"], scheme: "http").output.hasPrefix("HTTP/1.1 200"))
        }
        #expect(try await server.get(server.ports()[0]).output == "Hello, world!")
    }

    @Test(
        "E16 E17 E18 E19: a changed server.xml counts after a restart; every application and the start page, or another one in its place, are there by https"
    )
    func pages() async throws {
        let server = try await ServalProcess.start()
        let port = server.ports()[0]
        let start = try await server.get(port, "/")
        #expect(start.exitCode == 0 && start.output.contains("<title>"), "\(start.errors)")
        #expect(try await server.get(port, "/examples/", ["-k", "-o", "/dev/null", "-w", "%{http_code}"]).output == "200")
        let other = try await ServalProcess.start { try $0.write("<p>another page</p>", to: "webapps/ROOT/index.html") }
        #expect(try await other.get(other.ports()[0], "/").output == "<p>another page</p>")
        let xml = try server.base.read("conf/server.xml")
        try server.base.write(xml.replacingOccurrences(of: "<Connector ", with: "<Connector server=\"changed\" "), to: "conf/server.xml")
        server.signal(SIGHUP)
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await !server.get(port, "/", ["-k", "-i"]).output.contains("changed"))
    }
}
