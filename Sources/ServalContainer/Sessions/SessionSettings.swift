import ServalServlet
import Synchronization

/// How the sessions of a context travel; fixed when the context has started.
final class SessionSettings: Sendable {
    let manager: any SessionManager
    let cookie: SessionCookieConfiguration
    let modes: Set<SessionTrackingMode>
    /// Whether ``modes`` has TLS sessions; every request asks.
    let tracksTLSSessions: Bool
    let contextPath: String
    /// The name of the path parameter: `jsessionid`, or the cookie's name where that is not the default.
    let urlParameter: String
    /// Whether a new session may take an id that the client has from another context: the session cookie's path is `/`.
    let sharesIDs: Bool
    /// Whether such an id must name a live session of another context of the host.
    ///
    /// Attribute `validateClientProvidedNewSessionId`.
    let validatesClientIDs: Bool
    /// Whether each request with an id counts as use of its session.
    ///
    /// Attribute `alwaysAccessSession`.
    let alwaysAccesses: Bool
    private let siblings: SiblingSessions

    init(definition: ContextDefinition, context: ServletContext, manager: any SessionManager, siblings: SiblingSessions) {
        self.manager = manager
        self.siblings = siblings
        self.cookie = definition.effectiveCookie(context.sessionCookie)
        self.modes = context.sessionTrackingModes
        self.tracksTLSSessions = self.modes.contains(.ssl)
        self.contextPath = context.path
        self.urlParameter = self.cookie.name == "JSESSIONID" ? "jsessionid" : self.cookie.name
        AccessLogRedaction.add(self.cookie.name)
        self.sharesIDs = self.cookie.path == "/" && !context.path.isEmpty || definition.sessionCookiePath == "/"
        self.validatesClientIDs = definition.validatesClientProvidedNewSessionID
        self.alwaysAccesses = definition.alwaysAccessesSession
    }

    /// Whether a new session may take an id that the client sent.
    ///
    /// Never, but for contexts whose session cookie's path is `/`, for ids from a cookie: there one id serves several contexts of the host. For ids of a
    /// TLS session always, because the client cannot choose them. Where somebody has signed in, the id from a cookie must be that of a session of the same principal:
    /// others may know any other id.
    func mayAdopt(_ id: SessionID, from source: SessionTrackingMode, for owner: String?) async -> Bool {
        switch source {
        case .ssl: return true
        case .url: return false
        case .cookie:
            guard self.sharesIDs else { return false }
            guard self.validatesClientIDs || owner != nil else { return true }
            return await self.siblings.contains(id, of: owner, besides: self.manager)
        }
    }
}

/// The session managers of one host's contexts, for ids that several contexts share.
final class SiblingSessions: Sendable {
    private let managers = Mutex<[any SessionManager]>([])

    func add(_ manager: any SessionManager) { self.managers.withLock { $0.append(manager) } }
    func remove(_ manager: any SessionManager) { self.managers.withLock { $0.removeAll { $0 === manager } } }

    /// Whether another manager has a live session with this id, of a principal if one is given.
    func contains(_ id: SessionID, of owner: String?, besides manager: any SessionManager) async -> Bool {
        for other in self.managers.withLock({ $0 }) where other !== manager {
            guard let session = try? await other.hold(id) else { continue }
            defer { session.release() }
            if session.isValid, owner.map({ session.belongs(to: $0) }) ?? true { return true }
        }
        return false
    }
}

extension ContextDefinition {
    /// The session cookie's settings: the attributes of `<Context>` before those of `web.xml` and of the application, before the defaults.
    ///
    /// `HttpOnly` and `Partitioned` are set if either says so; neither can switch off the other.
    func effectiveCookie(_ configured: SessionCookieConfiguration) -> SessionCookieConfiguration {
        var cookie = configured
        if let name = self.sessionCookieName, !name.isEmpty { cookie.name = name }
        if let domain = self.sessionCookieDomain, !domain.isEmpty { cookie.domain = domain }
        if let path = self.sessionCookiePath, !path.isEmpty { cookie.path = path }
        if self.sessionCookiePathUsesTrailingSlash { cookie.pathUsesTrailingSlash = true }
        cookie.isHTTPOnly = cookie.isHTTPOnly || self.usesHTTPOnly
        cookie.isPartitioned = cookie.isPartitioned || self.usesPartitioned
        cookie.sameSite = cookie.sameSite ?? self.sameSiteCookies
        return cookie
    }
}
