public import ServalServlet
import Synchronization

/// Lists the applications of its host with the number of their sessions, as Tomcat's Manager application does.
///
/// The text is that of `/manager/text/list`: one line `path:running:sessions:folder` for each application. It only tells, and changes nothing.
///
/// Its application has to be `privileged`. Who may ask is decided by the client's address (init parameter `serval.allow`, ranges of addresses; by default this
/// machine alone). The request has to name the host by its name, an alias, `localhost` or an address: a web site whose name leads to this machine
/// (DNS rebinding) learns nothing from a browser here.
///
/// Through a proxy every client has the proxy's address. Requests that tell of a proxy are refused: by `Forwarded`, `X-Forwarded-…`, `X-Real-IP` or `Via`, by HTTP/1.0,
/// or because the connector has a `proxyName`. A proxy that tells nothing cannot be recognised: do not let it pass on the path of this application.
///
/// Source: Tomcat's `ManagerServlet` and `HTMLManagerServlet`; what they change in a running server is not available.
public final class ManagerServlet: HTTPServlet, ContainerServlet {
    /// What is answered.
    public enum Page: Sendable, Hashable {
        /// Lines of text for programs, at `/list`.
        case text
        /// A page for people, at `/` and `/list`.
        case html
    }

    private static let proxyFields = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server", "x-forwarded-port", "x-real-ip", "via",
    ]

    private let page: Page
    private let directory = Mutex<HostDirectory?>(nil)
    private let allowed = Mutex<AddressRanges?>(nil)

    /// A servlet.
    public init(page: Page) { self.page = page }

    func attach(to directory: HostDirectory) { self.directory.withLock { $0 = directory } }

    /// Reads who may ask.
    ///
    /// - Throws: ``ConfigurationError`` for ranges that are none.
    public func start(_ configuration: ServletConfiguration) async throws {
        let ranges = try AddressRanges(configuration.initParameters["serval.allow"] ?? "127.0.0.0/8, ::1/128")
        self.allowed.withLock { $0 = ranges }
    }

    /// Tells of the applications.
    public func get(_ request: Request) async throws -> Response {
        guard self.allowed.withLock({ $0 })?.contains(request.remoteAddress) == true, !self.isForwarded(request) else {
            let reason = "The manager answers only the addresses of its init parameter serval.allow, and no requests through a proxy"
            return .error(.forbidden, message: reason)
        }
        guard let directory = self.directory.withLock({ $0 }) else {
            return .error(.forbidden, message: "The manager works only in an application whose <Context> says privileged=\"true\"")
        }
        guard Self.isOwnName(request.serverName, of: directory) else {
            return .error(.forbidden, message: "The manager answers only under the name or an alias of its host, localhost, or an address")
        }
        var response: Response
        switch (self.page, request.pathInfo) {
        case (.text, "/list"): response = .text(self.lines(of: directory))
        case (.text, let command):
            response = .text("FAIL - Unknown command [\(HTMLText.escaped(command ?? ""))]\n")
        case (.html, nil), (.html, "/"), (.html, "/list"): response = .html(self.html(of: directory))
        case (.html, _): return .error(.notFound)
        }
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// HTTP/1.0 is what nginx speaks to servers unless it is told otherwise, and no browser does.
    private func isForwarded(_ request: Request) -> Bool {
        request.state.connection.proxyName != nil || request.protocolVersion.utf8.elementsEqual("HTTP/1.0".utf8)
            || Self.proxyFields.contains { request.state.head.valueBytes(canonicalName: $0) != nil }
    }

    /// Whether the request names this server in a way that no web site elsewhere can.
    private static func isOwnName(_ name: String, of directory: HostDirectory) -> Bool {
        let bytes = name.utf8.first == UInt8(ascii: "[") ? Array(name.utf8.dropFirst().dropLast()) : Array(name.utf8)
        if bytes.map(\.lowercased).elementsEqual("localhost".utf8) || AddressRanges.isAddress(String(decoding: bytes, as: UTF8.self)) { return true }
        return directory.isName(name)
    }

    private func lines(of directory: HostDirectory) -> String {
        "OK - Listed applications for virtual host [\(directory.name)]\n"
            + directory.contexts.map { context in
                let path = context.path.isEmpty ? "/" : context.path
                return "\(path):\(context.isRunning ? "running" : "stopped"):\(Self.sessions(of: context)):\(context.documentBaseName)\n"
            }.joined()
    }

    private func html(of directory: HostDirectory) -> String {
        let host = HTMLText.escaped(directory.name)
        let rows = directory.contexts.map { context in
            let path = HTMLText.escaped(context.path.isEmpty ? "/" : context.path)
            let statistics = context.sessionManager?.statistics
            return "<tr><td>\(path)</td><td>\(HTMLText.escaped(context.servletContext?.displayName ?? ""))</td><td>\(context.isRunning)</td>"
                + "<td>\(Self.sessions(of: context))</td><td>\(statistics?.sessionCounter ?? 0)</td><td>\(statistics?.expiredSessions ?? 0)</td>"
                + "<td>\(statistics?.rejectedSessions ?? 0)</td></tr>"
        }
        return "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>\(host): applications</title></head><body>"
            + "<h1>Applications of \(host)</h1><table><thead><tr><th>Path</th><th>Display Name</th><th>Running</th><th>Sessions</th>"
            + "<th>Created</th><th>Expired</th><th>Rejected</th></tr></thead><tbody>\(rows.joined())</tbody></table></body></html>"
    }

    private static func sessions(of context: Context) -> Int { context.sessionManager?.statistics.activeSessions ?? 0 }
}
