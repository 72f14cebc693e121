import Foundation
import Testing

/// Which implementation does TLS: what the documents say about `protocol`, `sslImplementationName` and the listeners (features C01 to C28).
@Suite("TLS implementations in the words of Tomcat's documents") struct ImplementationTests {
    private static let nio = "org.apache.coyote.http11.Http11NioProtocol"
    private static let nio2 = "org.apache.coyote.http11.Http11Nio2Protocol"
    private static let bio = "org.apache.coyote.http11.Http11Protocol"
    private static let apr = "org.apache.coyote.http11.Http11AprProtocol"
    private static let jsse = "org.apache.tomcat.util.net.jsse.JSSEImplementation"
    private static let openSSL = "org.apache.tomcat.util.net.openssl.OpenSSLImplementation"
    private static let panama = "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation"

    private static let keyStoreHost = """
        <SSLHostConfig><Certificate certificateKeystoreFile="conf/localhost.p12" certificateKeystorePasswordFile="conf/keystore.pass"/></SSLHostConfig>
        """

    private static func connector(_ attributes: String, _ content: String = keyStoreHost) -> String {
        "<Connector port=\"0\" address=\"127.0.0.1\" SSLEnabled=\"true\" \(attributes)>\(content)</Connector>"
    }

    @Test(
        "C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C18 D11 D12 D21: every class, every implementation, either style; all serve, and the start names the engine"
    )
    func everyName() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server", key: "rsa:2048")
        let pem = "SSLCertificateFile=\"\(pair.certificate)\" SSLCertificateKeyFile=\"\(pair.key)\""
        var connectors: [String] = []
        for name in [nil, "HTTP/1.1", Self.nio, Self.nio2, Self.bio, Self.apr] {
            for implementation in [nil, Self.jsse, Self.openSSL, Self.panama] {
                let attributes = [name.map { "protocol=\"\($0)\"" }, implementation.map { "sslImplementationName=\"\($0)\"" }].compactMap { $0 }
                connectors.append(Self.connector(attributes.joined(separator: " ")))
            }
            // The older styles, with the attributes on the connector.
            connectors.append(Self.connector((name.map { "protocol=\"\($0)\" " } ?? "") + pem, ""))
        }
        let server = try await ServalProcess.start(serverXML: FeatureSite.xml(connectors))
        let ports = server.ports()
        #expect(ports.count == 30 && connectors.count == 30, "\(server.errors)")
        for port in ports { #expect(try await server.get(port).output == "Hello, world!", "\(server.errors)") }
        let lines = server.errors.split(separator: "\n")
        #expect(lines.count { $0.contains("serval.tls TLS implementation [OpenSSL 3.") } == 30, "\(server.errors)")
        for name in [Self.nio2, Self.bio, Self.apr] {
            let warnings = lines.count { $0.contains("warning:") && $0.contains("\"\(name)\" runs on the one transport that all connectors have") }
            #expect(warnings == 5, "\(name): \(server.errors)")
        }
        #expect(!lines.contains { $0.contains("\"\(Self.nio)\"") })
    }

    @Test(
        "C07 C15 C16: a class or an implementation that there is not is an error that names it",
        arguments: [
            ("protocol=\"org.apache.coyote.http11.Http11Nio3Protocol\"", "the protocol \"org.apache.coyote.http11.Http11Nio3Protocol\" is not known"),
            ("protocol=\"SPDY/3\"", "the protocol \"SPDY/3\" is not known"), ("sslImplementationName=\"com.example.TLS\"", "com.example.TLS"),
            ("sslImplementationName=\"serval.tls.NIOSSL\"", "sslImplementationName [serval.tls.NIOSSL] is not built in"),
        ]
    )
    func unknownNames(attribute: String, words: String) async throws {
        #if NIOSSL
            if attribute.contains("NIOSSL") { return }
        #endif
        #expect(try await FeatureSite.failedStart(FeatureSite.xml([Self.connector(attribute)])).contains(words))
    }

    @Test("C17 D19 D20: attributes of both styles in one host are told with host and attribute; both keys at once are an error")
    func mixedStyles() async throws {
        let site = try await FeatureSite()
        let pair = try await site.issue("server")
        let keyStore = "certificateKeystoreFile=\"conf/localhost.p12\" certificateKeystorePasswordFile=\"conf/keystore.pass\""
        let mixed = try await FeatureSite.check(
            FeatureSite.xml([
                Self.connector(
                    "",
                    "<SSLHostConfig hostName=\"_default_\" caCertificateFile=\"\(pair.certificate)\" certificateVerification=\"optional\"><Certificate \(keyStore)/></SSLHostConfig>"
                )
            ])
        )
        #expect(mixed.contains("caCertificateFile") && mixed.contains("warning"), "\(mixed)")
        let both = try await FeatureSite.check(
            FeatureSite.xml([
                Self.connector(
                    "",
                    "<SSLHostConfig><Certificate \(keyStore) certificateFile=\"\(pair.certificate)\" certificateKeyFile=\"\(pair.key)\"/></SSLHostConfig>"
                )
            ]),
            fails: true
        )
        #expect(both.contains("error: <Certificate> names a key store and PEM files; it can have one of them"), "\(both)")
    }

    @Test(
        "C19 C20 C21 C22 C23 C24 C26 C27 A18 A19: the listeners of OpenSSL with their attributes; TLS is OpenSSL's whatever they say, and wishes without effect are told"
    )
    func listeners() async throws {
        let apr = "org.apache.catalina.core.AprLifecycleListener"
        let ffm = "org.apache.catalina.core.OpenSSLLifecycleListener"
        let cases: [(listener: String, attributes: String, words: String?)] = [
            (apr, "", nil), (apr, "SSLEngine=\"on\" SSLRandomSeed=\"builtin\"", nil), (ffm, "", nil), (apr, "SSLRandomSeed=\"/dev/urandom\"", nil),
            (ffm, "SSLRandomSeed=\"/dev/urandom\" FIPSMode=\"off\" useOpenSSL=\"true\"", nil),
            (apr, "SSLEngine=\"someengine\" SSLRandomSeed=\"somedevice\"", "the OpenSSL engine \"someengine\" is not used"),
            (apr, "SSLEngine=\"off\"", "SSLEngine \"off\" has no effect"), (ffm, "SSLEngine=\"off\"", "SSLEngine \"off\" has no effect"),
            (ffm, "useOpenSSL=\"false\"", "useOpenSSL \"false\" has no effect"), (apr, "useAprConnector=\"true\"", "useAprConnector is ignored"),
        ]
        for (listener, attributes, words) in cases {
            let server = try await ServalProcess.start(
                serverXML: FeatureSite.xml([Self.connector("")], listeners: "<Listener className=\"\(listener)\" \(attributes)/>")
            )
            let port = try #require(server.ports().first)
            #expect(try await server.get(port).output == "Hello, world!")
            #expect(server.errors.contains("TLS implementation [OpenSSL 3."))
            let warnings = server.errors.split(separator: "\n").filter { $0.contains("warning:") }
            if let words {
                #expect(warnings.count == 1 && warnings[0].contains(words), "\(attributes): \(warnings)")
            } else {
                #expect(warnings == [])
            }
        }
    }

    @Test("C25: the listeners belong into Server; elsewhere a warning says so")
    func misplacedListeners() async throws {
        for name in ["AprLifecycleListener", "OpenSSLLifecycleListener"] {
            let text = try await FeatureSite.check(
                FeatureSite.xml([Self.connector("")], host: "<Listener className=\"org.apache.catalina.core.\(name)\" FIPSMode=\"on\"/>")
            )
            #expect(text.contains("This listener must only be nested within Server elements, but is in [Host]"), "\(text)")
        }
    }

    @Test("FIPSMode: a server that is to use the FIPS provider and cannot does not start", arguments: ["on", "require", "enter"])
    func fips(mode: String) async throws {
        for name in ["AprLifecycleListener", "OpenSSLLifecycleListener"] {
            let listener = "<Listener className=\"org.apache.catalina.core.\(name)\" FIPSMode=\"\(mode)\"/>"
            let text = try await FeatureSite.failedStart(FeatureSite.xml([Self.connector("")], listeners: listener))
            #expect(text.contains("The FIPS provider must be configured as the default provider") && text.contains("[\(mode)]"), "\(text)")
        }
        let wrong = try await FeatureSite.check(
            FeatureSite.xml(
                [Self.connector("")],
                listeners: "<Listener className=\"org.apache.catalina.core.AprLifecycleListener\" FIPSMode=\"yes\"/>"
            ),
            fails: true
        )
        #expect(wrong.contains("FIPSMode"), "\(wrong)")
    }

    @Test("A05 C28 D02: the connectors that the server.xml of init has in comments start once the marks are gone")
    func examplesInComments() async throws {
        let home = try TemporaryFolder()
        let made = try await Command.run(
            Command.keytool,
            "-genkey -alias tomcat -keyalg RSA -dname CN=localhost -storepass changeit -keystore \(home.path)/.keystore".split(separator: " ").map(
                String.init
            )
        )
        #expect(made.exitCode == 0, "\(made.output)")
        let base = try await ServalProcess.makeBase()
        let text = try base.read("conf/server.xml")
        let comments = text.components(separatedBy: "<!--").dropFirst().compactMap { $0.components(separatedBy: "-->").first }
        let examples = comments.filter {
            $0.contains("SSLEnabled=\"true\"") && $0.trimmingCharacters(in: .whitespacesAndNewlines).hasPrefix("<Connector")
        }
        #expect(examples.count >= 3, "\(comments)")
        // With the port of the documents; here the harness has put a free one in its place.
        let page = try await Command.run(Command.serval, ["init", home.path + "/base"])
        #expect(page.exitCode == 0)
        #expect(try home.read("base/conf/server.xml").components(separatedBy: "port=\"8443\"").count >= 5)
        for example in examples {
            let server = try await ServalProcess.start(
                serverXML: FeatureSite.xml([ServalProcess.withFreePorts(example)]),
                environment: ["HOME": home.path]
            ) { base in
                let pem = try await Command.run(
                    "openssl",
                    "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 -keyout conf/localhost-rsa-key.pem -out conf/localhost-rsa-cert.pem"
                        .split(separator: " ").map(String.init),
                    directory: base.path
                )
                #expect(pem.exitCode == 0)
                try base.write(base.read("conf/localhost-rsa-cert.pem"), to: "conf/localhost-rsa-chain.pem")
            }
            #expect(try await server.get(#require(server.ports().first)).output == "Hello, world!", "\(example)\n\(server.errors)")
        }
    }
}
