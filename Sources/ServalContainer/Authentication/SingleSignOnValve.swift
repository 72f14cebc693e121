public import ServalServlet
import Synchronization

/// Lets who has signed on in one application of a host be known in all others.
///
/// A sign-on is what ``HTTPSession/signOn(as:)`` does, in an application or in an authenticator. The client gets a cookie for the whole host; with it,
/// ``Request/userPrincipal`` in every application is who signed on, and sessions that it has there belong to the sign-on. When one of them is invalidated, the others
/// end as well; one that ends by idling ends alone. Sign-ons are kept in this server's memory.
///
/// An application that asks for client certificates still does so.
///
/// Source: Tomcat's `SingleSignOn`; its attributes and defaults.
public final class SingleSignOnValve: Valve {
    /// What the cookie looks like.
    public struct Configuration: Sendable, Hashable {
        /// The name of the cookie.
        ///
        /// Attribute `cookieName`; default `JSESSIONIDSSO`.
        public var cookieName = "JSESSIONIDSSO"
        /// The domain of the cookie.
        ///
        /// Attribute `cookieDomain`; default `nil`: the host that the client asked.
        public var cookieDomain: String?

        /// Tomcat's defaults.
        public init() {}
    }

    /// The most sign-ons that are kept; the oldest make room.
    private static let limit = 100_000
    /// The most ids of one request to look at.
    private static let candidateLimit = 8

    private struct Manager: Sendable {
        weak var object: (any SessionManager)?
    }

    private let configuration: Configuration
    private let ids = StandardSessionIDGenerator()
    private let table = Mutex(SingleSignOnTable(limit: SingleSignOnValve.limit))
    private let managers = Mutex<[ObjectIdentifier: Manager]>([:])

    /// A valve.
    ///
    /// - Throws: ``ConfigurationError`` for a cookie that cannot be sent.
    public init(_ configuration: Configuration = Configuration()) throws(ConfigurationError) {
        var cookie = SessionCookieConfiguration()
        cookie.name = configuration.cookieName
        cookie.domain = configuration.cookieDomain
        cookie.path = "/"
        do {
            try cookie.validate()
        } catch {
            throw ConfigurationError(code: .invalidValue, message: "the cookie of the single sign-on cannot be sent: \(error)")
        }
        self.configuration = configuration
    }

    /// Passes the request on with who has signed on.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        guard let tracker = request.mapping?.sessions as? SessionTracker else { return try await next(request) }
        let presented = self.presentedIDs(request)
        var known: (id: String, principal: String)?
        if !presented.isEmpty {
            known = self.table.withLock { table in
                for id in presented { if let principal = table.principal(of: id) { return (id, principal) } }
                return nil
            }
        }
        if let known { try await self.introduce(known, to: request, tracker) }
        var response = try await next(request)
        let isSignedOn = self.keep(known, request, tracker, &response)
        if known == nil, !presented.isEmpty, !isSignedOn {
            var cookie = self.cookie("REMOVE", request)
            cookie.maxAge = .zero
            response.addCookie(cookie)
        }
        return response
    }

    /// Lets the application know who it is, unless its session belongs to somebody else.
    private func introduce(_ known: (id: String, principal: String), to request: Request, _ tracker: SessionTracker) async throws {
        guard let session = try await tracker.existingSession(for: request, touches: false) else {
            request.authentication = Authentication(principal: Principal(name: known.principal), type: Self.authenticationType)
            return
        }
        let owner = session.principalName
        guard owner == nil || owner == known.principal else { return }
        request.authentication = Authentication(principal: Principal(name: known.principal), type: Self.authenticationType)
        // Whoever planted the id of an anonymous session shall not have it afterwards. The id of a TLS session cannot be changed, and nobody can plant it.
        guard owner == nil, !request.context.sessionTrackingModes.contains(.ssl),
            let session = try await tracker.existingSession(for: request, touches: true)
        else { return }
        self.listen(to: tracker.manager)
        try await session.signOn(as: known.principal)
    }

    private static let authenticationType = "SSO"

    /// Notes what the request did: a sign-on, or a session in another application.
    ///
    /// - Returns: Whether the client has a sign-on now that it did not have before.
    private func keep(_ known: (id: String, principal: String)?, _ request: Request, _ tracker: SessionTracker, _ response: inout Response) -> Bool {
        guard let session = tracker.usedSession, session.isValid else { return false }
        let owner = session.principalName
        self.listen(to: tracker.manager)
        let member = SingleSignOnTable.Member(manager: ObjectIdentifier(tracker.manager), id: session.id)
        var isNew = false
        if let known, owner == nil || owner == known.principal {
            self.table.withLock { $0.join(known.id, member: member) }
        } else if let owner, tracker.announcesSession {
            let id = self.ids.makeID().rawValue
            self.table.withLock { $0.add(id, principal: owner, member: member) }
            response.addCookie(self.cookie(id, request))
            isNew = true
        }
        // It may have ended before it was in the table.
        if !session.isValid { self.table.withLock { $0.remove(member) } }
        return isNew
    }

    // MARK: Cookie

    private func presentedIDs(_ request: Request) -> [String] {
        guard request.state.head.valueBytes(canonicalName: "cookie") != nil else { return [] }
        let values = request.headers[values: .cookie].flatMap { Cookie.values(named: self.configuration.cookieName, in: $0) }
        return values.prefix(Self.candidateLimit).map { String($0) }
    }

    private func cookie(_ value: String, _ request: Request) -> Cookie {
        var cookie = Cookie(name: self.configuration.cookieName, value: value)
        cookie.path = "/"
        cookie.domain = self.configuration.cookieDomain
        cookie.isHTTPOnly = true
        cookie.isSecure = request.isSecure
        return cookie
    }

    // MARK: Ends

    private func listen(to manager: any SessionManager) {
        let key = ObjectIdentifier(manager)
        let isNew = self.managers.withLock { managers in
            if let known = managers[key], known.object === manager { return false }
            managers = managers.filter { $0.value.object != nil }
            managers[key] = Manager(object: manager)
            return true
        }
        if isNew { manager.addListener(Listener(valve: self, manager: key)) }
    }

    private func end(_ members: Set<SingleSignOnTable.Member>) async {
        for member in members {
            guard let manager = self.managers.withLock({ $0[member.manager]?.object }) else { continue }
            // A store that is down keeps nobody signed on here: the session in memory has ended, and its record is removed later.
            try? await manager.find(member.id)?.invalidate()
        }
    }

    private struct Listener: HTTPSessionListener {
        weak let valve: SingleSignOnValve?
        let manager: ObjectIdentifier

        func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async {
            guard let valve else { return }
            let member = SingleSignOnTable.Member(manager: self.manager, id: session.id)
            if reason == .invalidated {
                await valve.end(valve.table.withLock { $0.signOut(member) })
            } else {
                valve.table.withLock { $0.remove(member) }
            }
        }

        func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async {
            self.valve?.table.withLock { $0.rename(.init(manager: self.manager, id: oldID), to: session.id) }
        }
    }
}
