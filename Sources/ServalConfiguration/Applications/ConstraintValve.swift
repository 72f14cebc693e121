import ServalContainer
import ServalServlet

/// Enforces the `<security-constraint>`s of an application: it redirects to a secure connection, has clients sign in with their certificates where
/// `<login-config>` says so, and answers 403 to everything else that asks for a role.
///
/// Fails closed: what it cannot decide is not served.
struct ConstraintValve: Valve {
    let constraints: SecurityConstraints
    /// Nil where nobody can sign in.
    let authenticator: ClientCertificateAuthenticator?

    func respond(to request: Request, next: ValveChain) async throws -> Response {
        var redirects = false
        var demands: [Set<String>] = []
        for path in self.paths(of: request) {
            switch self.constraints.decision(path: path, method: request.method.rawValue.uppercased(), isSecure: request.isSecure) {
            case .allow: break
            case .forbid: return Self.forbidden
            case .requireSecureConnection: redirects = true
            case .signIn(let roles): demands.append(roles)
            }
        }
        if redirects { return self.redirect(request) }
        guard !demands.isEmpty else { return try await next(request) }
        guard let authenticator else { return Self.forbidden }
        switch try await authenticator.authenticate(request) {
        case .refused(let response):
            return response
        case .authenticated(let request):
            guard demands.allSatisfy(SecurityConstraints.admitsEverybody) else { return Self.forbidden }
            var response = try await authenticator.goOn(request) { try await next($0) }
            // What one user may see is nothing for caches that others share.
            if request.method != .post, response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "private" }
            return response
        }
    }

    private static var forbidden: Response { .error(.forbidden, message: "Access to the requested resource has been denied") }

    /// The path in the application, and where a welcome file was put behind a folder, the folder as well.
    private func paths(of request: Request) -> [String] {
        let mapped = request.servletPath + (request.pathInfo ?? "")
        guard request.pathBytes.last == UInt8(ascii: "/") else { return [mapped.isEmpty ? "/" : mapped] }
        guard !mapped.hasSuffix("/"), let slash = mapped.lastIndex(of: "/") else { return [mapped.isEmpty ? "/" : mapped] }
        return [mapped, String(mapped[...slash])]
    }

    private func redirect(_ request: Request) -> Response {
        let port = request.state.connection.redirectPort
        guard port > 0 else { return .error(.forbidden, message: "This resource is served over secure connections only") }
        return .redirect(to: self.secureLocation(request, port: port))
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
