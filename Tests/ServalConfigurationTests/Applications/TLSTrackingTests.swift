import Foundation
import Logging
import ServalConfiguration
import ServalContainer
import ServalServlet
import ServalTLS
import Testing

private struct TrackingListener: ServletContextListener {
    func contextInitialized(_ context: ServletContext) async throws { try context.setSessionTrackingModes([.ssl]) }
}

@Suite("Tracking by TLS sessions and CLIENT-CERT, as configured")
struct TLSTrackingTests {
    private static let tls = """
        <Connector port="8443" SSLEnabled="true"><SSLHostConfig><Certificate certificateFile="conf/x.pem"/></SSLHostConfig></Connector>
        """
    private static let trusting = """
        <Connector port="8443" SSLEnabled="true"><SSLHostConfig caCertificateFile="conf/x.pem"><Certificate certificateFile="conf/x.pem"/>
        </SSLHostConfig></Connector>
        """
    private static let plain = "<Connector port=\"8080\"/>"
    private static let behindProxy = "<Connector port=\"8080\" secure=\"true\" scheme=\"https\"/>"
    private static let valve = "<Valve className=\"org.apache.catalina.valves.SSLValve\"/>"

    private static func modes(_ modes: String..., rest: String = "") -> String {
        let elements = modes.map { "<tracking-mode>\($0)</tracking-mode>" }.joined()
        return "<web-app><session-config>\(elements)</session-config>\(rest)</web-app>"
    }

    private func load(_ web: String, connectors: String, host: String = "", context: String = "<Context/>") throws -> (
        context: ContextDefinition?, report: String, loaded: LoadedConfiguration
    ) {
        var registry = ComponentRegistry()
        registry.register(contextListener: "com.example.Tracking") { TrackingListener() }
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(connectors: connectors, host: host), "conf/x.pem": "", "webapps/a/WEB-INF/web.xml": web,
            "conf/Catalina/localhost/a.xml": context,
        ])
        let loaded = base.load(registry: registry)
        return (loaded.server?.services.first?.engine.hosts.first?.contexts.first, loaded.report(base, .warning), loaded)
    }

    @Test("I02: tracking by TLS sessions needs a connector that is secure, here or at a proxy")
    func needsASecureConnector() throws {
        for connectors in [Self.tls, Self.behindProxy, Self.plain + Self.tls] {
            let (context, report, _) = try self.load(Self.modes("SSL"), connectors: connectors)
            #expect(context?.descriptor.trackingModes == [.ssl] && context?.hasSecureConnector == true, "\(report)")
        }
        let (context, report, _) = try self.load(Self.modes("SSL"), connectors: Self.plain)
        #expect(context == nil)
        #expect(report.contains("the tracking mode SSL needs a connector with SSLEnabled=\"true\", or one with secure=\"true\""))
    }

    @Test("I04: with replication there is a warning")
    func replication() throws {
        let manager = "<Context><Manager className=\"org.apache.catalina.ha.session.DeltaManager\"/></Context>"
        let words = "the tracking mode SSL and replication do not go together"
        #expect(try self.load(Self.modes("SSL"), connectors: Self.tls, context: manager).report.contains(words))
        #expect(try self.load(Self.modes("SSL", rest: "<distributable/>"), connectors: Self.tls).report.contains(words))
        #expect(try !self.load(Self.modes("SSL"), connectors: Self.tls).report.contains(words))
        #expect(try !self.load(Self.modes("COOKIE", rest: "<distributable/>"), connectors: Self.tls).report.contains(words))
    }

    @Test("I05, I06, I07, I08: by web.xml, or by a listener under either package name; never together with another mode")
    func ways() async throws {
        #expect(try self.load(Self.modes("SSL"), connectors: Self.tls).context?.descriptor.trackingModes == [.ssl])
        for others in [["SSL", "COOKIE"], ["URL", "SSL"]] {
            let (context, report, _) = try self.load(Self.modes(others[0], others[1]), connectors: Self.tls)
            #expect(context == nil && report.contains("the tracking mode SSL excludes the others"))
        }
        let web = "<web-app><listener><listener-class>com.example.Tracking</listener-class></listener></web-app>"
        for (namespace, version) in [("http://xmlns.jcp.org/xml/ns/javaee", "3.1"), ("https://jakarta.ee/xml/ns/jakartaee", "6.1")] {
            let text = web.replacingOccurrences(of: "<web-app>", with: "<web-app xmlns=\"\(namespace)\" version=\"\(version)\">")
            let (context, report, _) = try self.load(text, connectors: Self.tls)
            let listener = try #require(context?.descriptor.contextListeners.first, "\(report)")
            let servletContext = ServletContext(path: "/a", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            try await listener.contextInitialized(servletContext)
            #expect(servletContext.sessionTrackingModes == [.ssl])
        }
    }

    @Test("I03: SSLValve is read with Tomcat's names and defaults")
    func valve() throws {
        let host = """
            <Valve className="org.apache.catalina.valves.SSLValve" sslClientCertHeader="a" sslClientEscapedCertHeader="b" sslSecureProtocolHeader="c"
              sslCipherHeader="d" sslSessionIdHeader="e" sslCipherUserKeySizeHeader="f" serval.trustedProxies="192.0.2.0/24"/>
            """
        for host in [host, Self.valve] {
            let (_, report, loaded) = try self.load("<web-app/>", connectors: Self.behindProxy, host: host)
            #expect(report.isEmpty, "\(report)")
            #expect(loaded.server?.services.first?.engine.hosts.first?.valves.count == 1)
        }
        let wrong = host.replacingOccurrences(of: "192.0.2.0/24", with: "somewhere")
        #expect(try self.load("<web-app/>", connectors: Self.behindProxy, host: wrong).report.contains("[somewhere] is no range of IP addresses"))
    }

    @Test("I07, I08, I13: the documents name both packages and the discussion")
    func documents() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/tls-sessions.md"), encoding: .utf8)
        for name in [
            "javax.servlet.request.ssl_session_id", "jakarta.servlet.request.ssl_session_id", "javax.servlet.request.ssl_session_mgr",
            "jakarta.servlet.request.ssl_session_mgr", "javax.servlet.ServletContextListener", "jakarta.servlet.ServletContextListener", "22679",
        ] {
            #expect(text.contains(name), "\(name)")
        }
    }

    // MARK: CLIENT-CERT

    private static func guarded(_ role: String, _ method: String = "CLIENT-CERT") -> String {
        """
        <web-app><security-constraint><web-resource-collection><url-pattern>/*</url-pattern></web-resource-collection>
          <auth-constraint><role-name>\(role)</role-name></auth-constraint></security-constraint>
          <login-config><auth-method>\(method)</auth-method></login-config></web-app>
        """
    }

    @Test("CLIENT-CERT without anybody who verifies is warned of; the roles that nobody has, too")
    func clientCertificates() throws {
        let words = "CLIENT-CERT cannot verify anybody"
        for role in ["*", "**"] {
            #expect(try self.load(Self.guarded(role), connectors: Self.tls).report.contains(words))
            #expect(try self.load(Self.guarded(role), connectors: Self.trusting).report == "")
            #expect(try self.load(Self.guarded(role), connectors: Self.behindProxy, host: Self.valve).report == "")
        }
        let named = try self.load(Self.guarded("admin"), connectors: Self.trusting).report
        #expect(named.contains("nobody has a role yet, so what only the roles admin may see answers 403"))
        let basic = try self.load(Self.guarded("**", "BASIC"), connectors: Self.trusting).report
        #expect(basic.contains("users cannot sign in yet"))
    }

    @Test("SSLAuthenticator in a context says the same as CLIENT-CERT, whatever login-config says; it works nowhere else")
    func explicitAuthenticator() throws {
        let valve = "<Valve className=\"org.apache.catalina.authenticator.SSLAuthenticator\" cache=\"true\"/>"
        let without = Self.guarded("**").replacing(#/<login-config>.*</login-config>/#, with: "")
        for web in [without, Self.guarded("**")] {
            let (context, report, _) = try self.load(web, connectors: Self.trusting, context: "<Context>\(valve)</Context>")
            #expect(context != nil && report == "", "\(report)")
        }
        #expect(try self.load(without, connectors: Self.trusting).report.contains("users cannot sign in yet"))
        let nobody = try self.load(without, connectors: Self.tls, context: "<Context>\(valve)</Context>").report
        #expect(nobody.contains("CLIENT-CERT cannot verify anybody"))
        let wrong = valve.replacing("cache=", with: "cahce=")
        #expect(try self.load(without, connectors: Self.trusting, context: "<Context>\(wrong)</Context>").report.contains("did you mean \"cache\"?"))
        let elsewhere = try self.load(without, connectors: Self.trusting, host: valve)
        #expect(elsewhere.loaded.server == nil && elsewhere.report.contains("works only inside <Context>"))
    }

    @Test("Who is trusted without verification in the handshake is trusted on demand")
    func trustOnDemand() throws {
        func authentication(_ attributes: String) throws -> ClientAuthentication? {
            let connector = Self.tls.replacingOccurrences(of: "<SSLHostConfig>", with: "<SSLHostConfig \(attributes)>")
            return try self.load("<web-app/>", connectors: connector).loaded.server?.services.first?.connectors.first?.tls?.hosts.first?
                .clientAuthentication
        }
        let trust = "caCertificateFile=\"conf/x.pem\""
        #expect(try authentication("") == ClientAuthentication.none)
        guard case .onDemand? = try authentication(trust), case .onDemand? = try authentication("certificateVerification=\"none\" \(trust)") else {
            Issue.record("not on demand")
            return
        }
        guard case .optionalNoCA(trust: nil)? = try authentication("certificateVerification=\"optionalNoCA\""),
            case .optionalNoCA(trust: .some)? = try authentication("certificateVerification=\"optional_no_ca\" \(trust)")
        else {
            Issue.record("not optionalNoCA")
            return
        }
    }
}
