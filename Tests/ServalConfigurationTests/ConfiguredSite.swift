import Foundation
import Logging
import ServalContainer
import ServalServlet
import ServalSessions
import Synchronization
import Testing

@testable import ServalConfiguration

/// The applications of a base directory, running in the test's own process by a clock that the test sets.
///
/// Each has the servlets below its path: `session` (makes one), `look`, `end`, `sign?as=NAME`, `interval?seconds=N`, `plain`.
struct ConfiguredSite {
    let base: TemporaryBase
    let engine: Engine
    let clock: SiteClock
    let loaded: LoadedConfiguration

    private init(_ base: TemporaryBase, _ engine: Engine, _ clock: SiteClock, _ loaded: LoadedConfiguration) {
        self.base = base
        self.engine = engine
        self.clock = clock
        self.loaded = loaded
    }

    /// What web.xml of an application of these tests says: the servlets, and what is added.
    static func webXML(_ rest: String = "") -> String {
        let servlets = ["session", "look", "end", "sign", "interval", "plain"].map { name in
            "<servlet><servlet-name>\(name)</servlet-name><servlet-class>test.\(name)</servlet-class></servlet>"
                + "<servlet-mapping><servlet-name>\(name)</servlet-name><url-pattern>/\(name)</url-pattern></servlet-mapping>"
        }
        return "<web-app>\(servlets.joined())\(rest)</web-app>"
    }

    /// Starts the applications, asks them, and stops them.
    ///
    /// - Parameter applications: by name: what `META-INF/context.xml` says inside of `<Context>`, with its attributes, and what is added to web.xml.
    static func run(
        _ applications: [(name: String, context: String, web: String)],
        files: [String: String] = [:],
        server: String = serverXML(),
        properties: [String: String] = [:],
        registry: ComponentRegistry = ComponentRegistry(),
        base: TemporaryBase? = nil,
        body: (ConfiguredSite) async throws -> Void
    ) async throws {
        let base = try base ?? TemporaryBase()
        try base.write("conf/server.xml", server)
        for application in applications {
            try base.write("webapps/\(application.name)/META-INF/context.xml", application.context)
            try base.write("webapps/\(application.name)/WEB-INF/web.xml", self.webXML(application.web))
        }
        for (name, text) in files { try base.write(name, text) }
        let clock = SiteClock()
        var registry = registry
        registry.sessionClock = { clock.now }
        for (name, servlet) in SiteServlets.all(clock) where registry.servlets["test.\(name)"] == nil {
            registry.register(servlet: "test.\(name)") { servlet }
        }
        let loaded = base.load(registry: registry, properties: properties)
        var definition = try #require(loaded.server?.services.first?.engine, "\(loaded.report(base))")
        definition.backgroundProcessorDelay = .zero
        let engine = try Engine(definition, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await engine.start()
        do {
            try await body(ConfiguredSite(base, engine, clock, loaded))
        } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    func get(_ target: String, cookie: String? = nil, headers: HeaderFields = [:], isSecure: Bool = false) async throws -> SiteAnswer {
        var headers = headers
        if let host = HTTPField.Name("Host") { headers[host] = "localhost" }
        if let cookie { headers[.cookie] = cookie }
        let connection = ConnectionInfo(scheme: isSecure ? "https" : "http", isSecure: isSecure)
        let request = Request(method: .get, target: target, headers: headers, connection: connection)
        let response = await self.engine.respond(to: request)
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body.storage { body = bytes }
        request.state.complete(RequestCompletion(status: response.status.code, bodyBytes: body.count, nanoseconds: 1, isComplete: true))
        return SiteAnswer(status: response.status.code, cookies: response.headers[values: .setCookie], text: String(decoding: body, as: UTF8.self))
    }

    /// The session manager of an application.
    func manager(_ path: String) throws -> any SessionManager {
        try #require(self.engine.hosts.flatMap(\.contexts).first { $0.path == path }?.sessionManager)
    }
}

/// What an application answered.
struct SiteAnswer {
    var status: Int
    var cookies: [String]
    var text: String

    /// The id that the session cookie sets.
    var id: String? { self.value(of: "JSESSIONID") }

    func value(of cookie: String) -> String? {
        self.cookies.first { $0.hasPrefix("\(cookie)=") }.map { String($0.dropFirst(cookie.utf8.count + 1).prefix { $0 != ";" }) }
    }
}

/// A clock that goes when it is told to.
final class SiteClock: Sendable {
    private let milliseconds = Mutex<Int64>(1_700_000_000_000)

    var now: Timestamp { Timestamp(millisecondsSince1970: self.milliseconds.withLock { $0 }) }

    func advance(seconds: Double) { self.milliseconds.withLock { $0 += Int64(seconds * 1000) } }
}

private enum SiteServlets {
    struct Servlet: ServalServlet.Servlet {
        let body: @Sendable (Request) async throws -> Response
        func respond(to request: Request) async throws -> Response { try await self.body(request) }
    }

    static func all(_ clock: SiteClock) -> [(String, Servlet)] {
        [
            (
                "session",
                Servlet { request in
                    let session = try await request.session()
                    return .text("\(session.id.rawValue) \(session.isNew) \(session.maxInactiveInterval.map { $0.components.seconds } ?? -1)")
                }
            ), ("look", Servlet { request in .text(try await request.existingSession()?.id.rawValue ?? "none") }),
            (
                "end",
                Servlet { request in
                    try await request.existingSession()?.invalidate()
                    return .text("ended")
                }
            ),
            (
                "sign",
                Servlet { request in
                    if let name = request.parameter("as") { try await request.session().signOn(as: name) }
                    return .text("\(request.remoteUser ?? "-") \(try await request.existingSession()?.principalName ?? "-")")
                }
            ),
            (
                "interval",
                Servlet { request in
                    let session = try await request.session()
                    session.maxInactiveInterval = request.parameter("seconds").flatMap { Int($0) }.map { .seconds($0) }
                    return .text("\(session.maxInactiveInterval.map { $0.components.seconds } ?? -1)")
                }
            ), ("plain", Servlet { _ in .text("plain") }),
        ]
    }
}
