import Foundation
import Testing

/// What Tomcat's documents say of trouble with ciphers, and of handshakes in the log (features H01, H02, H14 to H19).
@Suite("Troubleshooting in Tomcat's documents") struct TroubleshootingTests {
    private static func connector(_ pair: FeatureSite.Pair, _ host: String = "") -> String {
        """
        <Connector port="0" address="127.0.0.1" SSLEnabled="true">
          <SSLHostConfig \(host)><Certificate certificateFile="\(pair.certificate)" certificateKeyFile="\(pair.key)"/></SSLHostConfig>
        </Connector>
        """
    }

    @Test("H01 H02: failed handshakes are logged with client and port if one of the two loggers says so", arguments: ["Nio", "Nio2", ""])
    func handshakeLogger(endpoint: String) async throws {
        let server = try await ServalProcess.start { base in
            guard !endpoint.isEmpty else { return }
            let line = "\norg.apache.tomcat.util.net.\(endpoint)Endpoint.handshake.level = FINE\n"
            try base.write(base.read("conf/logging.properties") + line, to: "conf/logging.properties")
        }
        _ = try await server.handshake(server.ports()[0], "-tls1_1 -cipher DEFAULT@SECLEVEL=0")
        for _ in 0..<100 where !endpoint.isEmpty && !server.errors.contains("serval.tls.handshake") { try await Task.sleep(for: .milliseconds(20)) }
        let lines = server.errors.split(separator: "\n").filter { $0.contains("serval.tls.handshake") }
        #expect(lines.count == (endpoint.isEmpty ? 0 : 1), "\(server.errors)")
        if let line = lines.first { #expect(line.contains("127.0.0.1") && line.contains("port="), "\(line)") }
    }

    @Test(
        "H14 H15 H16 H18 H19: DHE is as strong as the key, can be left out, may have parameters of its own; the order of ciphers can be the server's"
    )
    func ephemeralKeys() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("rsa", key: "rsa:2048")
        try await site.openssl("genpkey -genparam -algorithm DH -pkeyopt group:ffdhe3072 -out dh.pem")
        try site.folder.write(site.folder.read("rsa.pem") + site.folder.read("dh.pem"), to: "with-dh.pem")
        try await site.openssl("dhparam -dsaparam -out dh-x942.pem 3072")
        #expect(try site.folder.read("dh-x942.pem").contains("BEGIN X9.42 DH PARAMETERS"))
        try site.folder.write(site.folder.read("rsa.pem") + site.folder.read("dh-x942.pem"), to: "with-x942.pem")
        try await site.openssl("dhparam -out weak.pem 512")
        try site.folder.write(site.folder.read("rsa.pem") + site.folder.read("weak.pem"), to: "with-weak-dh.pem")
        func with(_ name: String) -> FeatureSite.Pair { FeatureSite.Pair(certificate: site.path(name), key: pair.key) }
        let ciphers = "DHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
        let server = try await ServalProcess.start(
            serverXML: FeatureSite.xml([
                Self.connector(pair, "ciphers=\"\(ciphers)\""), Self.connector(pair, "ciphers=\"\(ciphers):!DHE\" honorCipherOrder=\"true\""),
                Self.connector(with("with-dh.pem"), "ciphers=\"\(ciphers)\""), Self.connector(with("with-weak-dh.pem"), "ciphers=\"\(ciphers)\""),
                "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\" SSLCertificateFile=\"\(pair.certificate)\" "
                    + "SSLCertificateKeyFile=\"\(pair.key)\" SSLCipherSuite=\"\(ciphers):!DHE\" SSLHonorCipherOrder=\"true\"/>",
                Self.connector(with("with-x942.pem"), "ciphers=\"\(ciphers)\""),
            ])
        )
        let ports = server.ports()
        #expect(ports.count == 6, "\(server.errors)")
        #expect(try await server.handshake(ports[5], "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256").contains("Server Temp Key: DH, 3072 bits"))
        let dhe = "-tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256"
        #expect(try await server.handshake(ports[0], dhe).contains("Server Temp Key: DH, 2048 bits"))
        #expect(try await server.handshake(ports[2], dhe).contains("Server Temp Key: DH, 3072 bits"))
        #expect(try await server.handshake(ports[3], dhe).contains("Server Temp Key: DH, 2048 bits"))
        #expect(server.errors.contains("The DH PARAMETERS are ignored"), "\(server.errors)")
        for port in [ports[1], ports[4]] {
            #expect(try await server.handshake(port, dhe).contains("Cipher is (NONE)"))
            let order = "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
            #expect(try await server.handshake(port, order).contains("Cipher is ECDHE-RSA-AES256-GCM-SHA384"))
        }
    }

    @Test("A wrong password of a trust store, one that is missing, and one without certificates, are told with file and place")
    func trustStores() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let store = site.path("trust.jks")
        let made = try await Command.run(
            Command.keytool,
            [
                "-importcert", "-noprompt", "-alias", "ca", "-file", site.authority.certificate, "-storetype", "JKS", "-storepass", "changeit",
                "-keystore", store,
            ]
        )
        #expect(made.exitCode == 0, "\(made.output)")
        func host(_ file: String, _ password: String) -> String {
            "certificateVerification=\"required\" truststoreFile=\"\(file)\" truststorePassword=\"\(password)\""
        }
        let wrong = try await FeatureSite.failedStart(FeatureSite.xml([Self.connector(pair, host(store, "wrong-password"))]))
        #expect(wrong.contains("Failed to load truststore type [JKS] with path [\(store)]") && wrong.contains("conf/server.xml:"), "\(wrong)")
        #expect(wrong.contains("password was incorrect") && !wrong.contains("wrong-password"), "\(wrong)")
        let missing = try await FeatureSite.failedStart(FeatureSite.xml([Self.connector(pair, host(store + ".not", "changeit"))]))
        #expect(missing.contains(store + ".not"), "\(missing)")
        let client = try await site.issue("client")
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml([Self.connector(pair, host(store, "changeit"))]))
        #expect(
            try await server.get(server.ports()[0], "/examples/plain", ["-k", "--cert", client.certificate, "--key", client.key]).output
                == "Hello, world!"
        )
        #expect(try await server.get(server.ports()[0]).exitCode != 0)
    }

    @Test("strictSni in TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2: a request for the name of another TLS host is refused, unless that is switched off")
    func strictSNI() async throws {
        let site = try await FeatureSite()
        let (one, two) = (try await site.issue("one", names: "DNS:one.test"), try await site.issue("two", names: "DNS:two.test"))
        func connector(_ attributes: String) -> String {
            let hosts = [("one.test", one), ("two.test", two)].map { name, pair in
                "<SSLHostConfig hostName=\"\(name)\"><Certificate certificateFile=\"\(pair.certificate)\" certificateKeyFile=\"\(pair.key)\"/></SSLHostConfig>"
            }
            return "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\" defaultSSLHostConfigName=\"one.test\" \(attributes)>"
                + "<UpgradeProtocol className=\"org.apache.coyote.http2.Http2Protocol\"/>" + hosts.joined() + "</Connector>"
        }
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml([connector(""), connector("strictSni=\"false\"")]))
        for (port, isStrict) in zip(server.ports(), [true, false]) {
            for version in [["--tls-max", "1.2"], ["--tlsv1.3"]] {
                for (protocolOption, refusal) in [("--http1.1", "400"), ("--http2", "421")] {
                    for (name, host, isOwn) in [
                        ("one.test", "one.test", true), ("one.test", "ONE.test:\(port)", true), ("one.test", "other.test", true),
                        ("one.test", "two.test", false),
                        ("two.test", "one.test", false), ("two.test", "unknown.test", false),
                    ] {
                        let result = try await Command.run(
                            "curl",
                            [
                                "-sSk", protocolOption, "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: \(host)", "--resolve",
                                "\(name):\(port):127.0.0.1",
                            ]
                                + version + ["https://\(name):\(port)/examples/plain"]
                        )
                        let expected = isOwn || !isStrict ? "200" : refusal
                        #expect(result.output == expected, "\(version) \(protocolOption) \(name) \(host): \(result.errors)")
                    }
                }
            }
        }
        #expect(server.ports().count == 2)
    }
}
