import ServalContainer
import ServalServlet

/// Enforces the `<security-constraint>`s of an application as far as that is possible without users: it redirects to a secure connection, and answers
/// 403 to everything that asks for a role.
///
/// Fails closed: what it cannot decide is not served.
struct ConstraintValve: Valve {
    let constraints: SecurityConstraints

    func respond(to request: Request, next: ValveChain) async throws -> Response {
        var redirects = false
        for path in self.paths(of: request) {
            switch self.constraints.decision(path: path, method: request.method.rawValue.uppercased(), isSecure: request.isSecure) {
            case .allow: break
            case .forbid: return .error(.forbidden, message: "Access to the requested resource has been denied")
            case .requireSecureConnection: redirects = true
            }
        }
        guard redirects else { return try await next(request) }
        let port = request.state.connection.redirectPort
        guard port > 0 else { return .error(.forbidden, message: "This resource is served over secure connections only") }
        return .redirect(to: self.secureLocation(request, port: port))
    }

    /// The path in the application, and where a welcome file was put behind a folder, the folder as well.
    private func paths(of request: Request) -> [String] {
        let mapped = request.servletPath + (request.pathInfo ?? "")
        guard request.pathBytes.last == UInt8(ascii: "/") else { return [mapped.isEmpty ? "/" : mapped] }
        guard !mapped.hasSuffix("/"), let slash = mapped.lastIndex(of: "/") else { return [mapped.isEmpty ? "/" : mapped] }
        return [mapped, String(mapped[...slash])]
    }

    /// `https://<name>[:port if not 443]<path>[?query]`; a session id in the path stays there.
    private func secureLocation(_ request: Request, port: Int) -> String {
        var location = "https://" + request.serverName
        if port != 443 { location += ":\(port)" }
        location += request.path
        if let query = request.query { location += "?" + query }
        return location
    }
}
