import Logging
import ServalConfiguration
import ServalContainer
import ServalServlet
import Testing

@testable import ServalConfiguration

@Suite struct SecurityConstraintTests {
    private struct Echo: Servlet {
        func respond(to request: Request) async throws -> Response { .text("served") }
    }

    private static let web = """
        <web-app>
          <servlet><servlet-name>e</servlet-name><servlet-class>com.example.Echo</servlet-class></servlet>
          <servlet-mapping><servlet-name>e</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
          <security-constraint>
            <web-resource-collection><url-pattern>/admin/*</url-pattern><url-pattern>*.secret</url-pattern></web-resource-collection>
            <auth-constraint><role-name>admin</role-name></auth-constraint>
          </security-constraint>
          <security-constraint>
            <web-resource-collection><url-pattern>/admin/public/*</url-pattern></web-resource-collection>
          </security-constraint>
          <security-constraint>
            <web-resource-collection><url-pattern>/none</url-pattern></web-resource-collection><auth-constraint/>
          </security-constraint>
          <security-constraint>
            <web-resource-collection><url-pattern>/write/*</url-pattern><http-method>POST</http-method></web-resource-collection>
            <auth-constraint><role-name>*</role-name></auth-constraint>
          </security-constraint>
          <security-constraint>
            <web-resource-collection><url-pattern>/safe/*</url-pattern></web-resource-collection>
            <user-data-constraint><transport-guarantee>CONFIDENTIAL</transport-guarantee></user-data-constraint>
          </security-constraint>
        </web-app>
        """

    /// Runs the application as a server would, without sockets.
    private func withEngine(_ web: String, _ body: (Engine, String) async throws -> Void) async throws {
        var registry = ComponentRegistry()
        registry.register(servlet: "com.example.Echo") { Echo() }
        let base = try TemporaryBase(["conf/server.xml": serverXML(), "webapps/a/WEB-INF/web.xml": web])
        let loaded = base.load(registry: registry)
        let definition = try #require(loaded.server?.services.first?.engine, "\(loaded.report(base))")
        let engine = try Engine(definition, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await engine.start()
        do { try await body(engine, loaded.report(base)) } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    private func send(
        _ engine: Engine,
        _ target: String,
        _ method: HTTPRequest.Method = .get,
        isSecure: Bool = false,
        redirectPort: Int = 8443
    ) async throws -> Response {
        let host = try #require(HTTPField.Name("Host"))
        let connection = ConnectionInfo(scheme: isSecure ? "https" : "http", isSecure: isSecure, redirectPort: redirectPort)
        return await engine.respond(to: Request(method: method, target: target, headers: [host: "localhost:8080"], connection: connection))
    }

    @Test func whatNeedsARoleIsForbidden() async throws {
        try await self.withEngine(Self.web) { (engine, report) async throws -> Void in
            #expect(report.contains("users cannot sign in yet, so what only the roles admin may see answers 403: /admin/*, *.secret"))
            for path in [
                "/a/admin", "/a/admin/", "/a/admin/x", "/a/admin/../admin/x", "/a/%61dmin/x", "/a//admin/x", "/a/admin;x=y/z", "/a/admin/x.html",
                "/a/x.secret",
                "/a/sub/x.secret", "/a/none",
            ] {
                #expect(try await self.send(engine, path).status == .forbidden, "\(path)")
            }
            for path in ["/a/", "/a/administrator", "/a/admin/public/x", "/a/admin/public", "/a/x.secrets", "/a/none/x", "/a/write/x"] {
                #expect(try await self.send(engine, path).status == .ok, "\(path)")
            }
            #expect(try await self.send(engine, "/a/write/x", .post).status == .forbidden)
            #expect(try await self.send(engine, "/a/admin/x", isSecure: true).status == .forbidden)
        }
    }

    @Test("E15: what is CONFIDENTIAL is redirected")
    func confidentialIsRedirected() async throws {
        try await self.withEngine(Self.web) { (engine, _) async throws -> Void in
            let response = try await self.send(engine, "/a/safe/x?q=1")
            #expect(response.status == .found)
            #expect(response.headers[.location] == "https://localhost:8443/a/safe/x?q=1")
            #expect(try await self.send(engine, "/a/safe/x", redirectPort: 443).headers[.location] == "https://localhost/a/safe/x")
            #expect(try await self.send(engine, "/a/safe/x", redirectPort: -1).status == .forbidden)
            #expect(try await self.send(engine, "/a/safe/x", isSecure: true).status == .ok)
        }
    }

    @Test func uncoveredMethodsMayBeDenied() {
        let constraint = SecurityConstraint(roles: nil, collections: [.init(patterns: ["/x"], methods: ["GET"])])
        for denies in [true, false] {
            let constraints = SecurityConstraints(constraints: [constraint], deniesUncoveredMethods: denies)
            #expect(constraints.decision(path: "/x", method: "GET", isSecure: false) == .allow)
            #expect(constraints.decision(path: "/x", method: "PUT", isSecure: false) == (denies ? .forbid : .allow))
            #expect(constraints.decision(path: "/y", method: "PUT", isSecure: false) == .allow)
        }
    }

    @Test(arguments: [
        ("/", "/", true), ("/x", "/", true), ("/", "", true), ("/x", "", false), ("/x/y", "/x/*", true), ("/x", "/x/*", true), ("/xy", "/x/*", false),
        ("/a.b/c", "*.b", false), ("/c.b", "*.b", true), ("/c.b.d", "*.b", false), ("/any", "/*", true), ("/é", "/é", true),
    ])
    func patterns(_ path: String, _ pattern: String, _ matches: Bool) {
        let constraints = SecurityConstraints(
            constraints: [SecurityConstraint(roles: ["r"], collections: [.init(patterns: [pattern])])],
            deniesUncoveredMethods: false
        )
        #expect((constraints.decision(path: path, method: "GET", isSecure: true) == .signIn(roles: ["r"])) == matches)
    }

    @Test func constraintsWithOnePatternCountTogether() {
        func decision(_ constraints: SecurityConstraint...) -> SecurityConstraints.Decision {
            SecurityConstraints(constraints: constraints, deniesUncoveredMethods: false).decision(path: "/x", method: "GET", isSecure: false)
        }
        let role = SecurityConstraint(roles: ["r"], collections: [.init(patterns: ["/x"])])
        let nobody = SecurityConstraint(roles: [], collections: [.init(patterns: ["/x"])])
        let everybody = SecurityConstraint(roles: nil, collections: [.init(patterns: ["/x"])])
        let secure = SecurityConstraint(roles: nil, requiresSecureConnection: true, collections: [.init(patterns: ["/x"])])
        #expect(decision(role, everybody) == .allow)
        #expect(decision(nobody, everybody) == .forbid)
        #expect(decision(role) == .signIn(roles: ["r"]))
        #expect(decision(secure) == .requireSecureConnection)
        #expect(decision(secure, everybody) == .allow)
        #expect(decision(secure, nobody) == .forbid)
    }
}
