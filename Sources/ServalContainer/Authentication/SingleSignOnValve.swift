public import ServalServlet
import Synchronization

/// Lets who has signed on in one application of a host be known in all others.
///
/// A sign-on is what ``HTTPSession/signOn(as:)`` does, in an application or in an authenticator. The client gets a cookie for the whole host; with it,
/// ``Request/userPrincipal`` in every application is who signed on, and sessions that it has there belong to the sign-on. When one of them is invalidated, the others
/// end as well; one that ends by idling ends alone, and the sign-on with the last of them. A session that somebody else has signed on is not the request's.
///
/// Sign-ons are kept in this server's memory, so servers that share a store need a load balancer that keeps a client at one of them. That a session has ended on another
/// server is noticed at the next request with the cookie, which looks at all sessions of the sign-on: one that has gone before its idle time was over has been
/// invalidated there. So a sign-on has 64 sessions at most; beyond, the one that was used longest ago ends. While the store does not answer, nobody is known by the cookie, and nothing else fails for its sake.
///
/// The cookie is `HttpOnly`, and `Secure`, `SameSite` and `Partitioned` as the session cookie of the application that is asked.
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

    private struct Manager: Sendable {
        weak var object: (any SessionManager)?
    }

    private let configuration: Configuration
    private let ids = StandardSessionIDGenerator()
    private let table = Mutex(SingleSignOnTable(limit: SingleSignOnValve.limit))
    private let managers = Mutex<[ObjectIdentifier: Manager]>([:])
    /// Sessions that should have ended while their store did not answer: they end when they turn up again.
    private let leftovers = Mutex<Set<SingleSignOnTable.Member>>([])
    private let hasLeftovers = Atomic(false)
    private let isEndingLeftovers = Atomic(false)
    private let clock: @Sendable () -> Timestamp

    /// A valve.
    ///
    /// - Throws: ``ConfigurationError`` for a cookie that cannot be sent.
    public convenience init(_ configuration: Configuration = Configuration()) throws(ConfigurationError) {
        try self.init(configuration) { .now }
    }

    init(_ configuration: Configuration, clock: @escaping @Sendable () -> Timestamp) throws(ConfigurationError) {
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
        self.clock = clock
        AccessLogRedaction.add(configuration.cookieName)
    }

    /// A sign-on that a request has shown.
    private struct SignOn: Sendable {
        var id: String
        var principal: String
        /// Whether the session of the request belongs to the principal only because of it.
        var signedSessionOn = false
    }

    /// Passes the request on with who has signed on.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        guard let tracker = request.mapping?.sessions as? SessionTracker else { return try await next(request) }
        let presented = self.presentedIDs(request)
        var known: SignOn?
        do throws(SessionError) {
            if self.hasLeftovers.load(ordering: .relaxed) { try await self.endLeftovers(of: request, tracker) }
            known = try await self.signOn(presented)
            if let found = known { known = try await self.introduce(found, to: request, tracker) }
        } catch {
            guard error.code == .storeUnavailable else { throw error }
            // Nobody can tell whether the sign-on still holds. What needs a session fails by itself; files do not.
            request.authentication = nil
            return try await next(request)
        }
        var response = try await next(request)
        let isSignedOn = await self.keep(known, request, tracker, &response)
        if known == nil, !presented.isEmpty, !isSignedOn {
            var cookie = self.cookie("REMOVE", request, tracker)
            cookie.maxAge = .zero
            response.addCookie(cookie)
        }
        return response
    }

    /// The first of the ids that is a sign-on and still holds.
    private func signOn(_ presented: [String]) async throws(SessionError) -> SignOn? {
        for id in presented {
            guard let principal = self.table.withLock({ $0.principal(of: id) }), try await self.holds(id) else { continue }
            return SignOn(id: id, principal: principal)
        }
        return nil
    }

    /// Whether all sessions of a sign-on live, but for those that have ended by idling.
    ///
    /// Of ends on this server the listener hears; other servers tell nobody.
    private func holds(_ id: String) async throws(SessionError) -> Bool {
        for (member, life) in self.table.withLock({ $0.members(of: id) }) {
            guard let manager = self.managers.withLock({ $0[member.manager]?.object }) else {
                // Its application has been stopped.
                self.table.withLock { $0.remove(member) }
                continue
            }
            if try await self.lives(member, life, in: manager) { continue }
            if let deadline = life.deadline, deadline <= self.clock() {
                self.table.withLock { $0.remove(member) }
            } else {
                await self.end(self.table.withLock { $0.signOut(member) })
            }
        }
        return self.table.withLock { $0.principal(of: id) } != nil
    }

    private func lives(
        _ member: SingleSignOnTable.Member,
        _ life: SingleSignOnTable.Life,
        in manager: any SessionManager
    ) async throws(SessionError) -> Bool {
        var id = life.session?.id ?? member.id
        while true {
            if let session = try await manager.hold(id) {
                defer { session.release() }
                if session.isValid { return true }
            }
            // It may have got another id at this moment.
            guard let next = life.session?.id, next != id else { return false }
            id = next
        }
    }

    /// Lets the application know who it is; a session of somebody else is not the request's any more.
    ///
    /// - Returns: the sign-on; `nil` if it has ended meanwhile.
    private func introduce(_ known: SignOn, to request: Request, _ tracker: SessionTracker) async throws(SessionError) -> SignOn? {
        request.authentication = Authentication(principal: Principal(name: known.principal), type: Self.authenticationType)
        guard let session = try await tracker.existingSession(for: request, touches: false), session.principalName == nil else { return known }
        // Whoever planted the id of an anonymous session shall not have it afterwards. The id of a TLS session cannot be changed, and nobody can plant it.
        guard !request.context.sessionTrackingModes.contains(.ssl),
            let session = try await tracker.existingSession(for: request, touches: true)
        else { return known }
        self.listen(to: tracker.manager)
        do {
            try await session.signOn(as: known.principal)
        } catch {
            // It has ended, or another request has given it another id: this one has no session then.
            guard error.code == .invalidated else { throw error }
            return known
        }
        var known = known
        known.signedSessionOn = true
        guard await self.join(known, session, tracker) else {
            // Signed out of another application while this one signed on: the session must not stay behind.
            request.authentication = nil
            try await session.invalidate()
            return nil
        }
        return known
    }

    private static let authenticationType = "SSO"

    /// Notes what the request did: a sign-on, or a session in another application.
    ///
    /// - Returns: Whether the client has a sign-on now that it did not have before.
    private func keep(_ known: SignOn?, _ request: Request, _ tracker: SessionTracker, _ response: inout Response) async -> Bool {
        guard let session = tracker.usedSession, session.isValid else { return false }
        let owner = session.principalName
        self.listen(to: tracker.manager)
        let member = self.member(session, tracker)
        var isNew = false
        let hasBegunHere = tracker.hasBegunForPrincipal && request.authType == Self.authenticationType
        if let known, owner == nil || owner == known.principal, await self.join(known, session, tracker) {
            // As it should be.
        } else if let known, known.signedSessionOn || hasBegunHere, owner == known.principal {
            // The sign-on has ended meanwhile, and with it what it has signed on. A store that does not answer removes the session later.
            try? await session.invalidate()
        } else if let owner, tracker.announcesSession {
            let id = self.ids.makeID().rawValue
            let life = self.life(of: session, tracker)
            self.table.withLock { $0.add(id, principal: owner, member: member, life: life) }
            response.addCookie(self.cookie(id, request, tracker))
            isNew = true
        }
        // It may have ended before it was in the table.
        if !session.isValid { self.table.withLock { $0.remove(member) } }
        return isNew
    }

    private func member(_ session: HTTPSession, _ tracker: SessionTracker) -> SingleSignOnTable.Member {
        .init(manager: ObjectIdentifier(tracker.manager), id: session.id)
    }

    private func join(_ known: SignOn, _ session: HTTPSession, _ tracker: SessionTracker) async -> Bool {
        let life = self.life(of: session, tracker)
        guard case .joined(let surplus) = self.table.withLock({ $0.join(known.id, member: self.member(session, tracker), life: life) }) else {
            return false
        }
        if let surplus {
            var member = surplus.member
            // It may be getting another id at this moment.
            if let id = surplus.life.session?.id { member.id = id }
            await self.end([member])
        }
        return true
    }

    private func life(of session: HTTPSession, _ tracker: SessionTracker) -> SingleSignOnTable.Life {
        guard let interval = session.maxInactiveInterval else { return .init(session: session) }
        let begin = tracker.hasAccessedSession ? self.clock() : session.lastAccessedTime
        let milliseconds = min(interval.components.seconds, 1 << 40) * 1000
        return .init(session: session, deadline: Timestamp(millisecondsSince1970: begin.millisecondsSince1970 + milliseconds))
    }

    // MARK: Cookie

    private func presentedIDs(_ request: Request) -> [String] {
        guard request.state.head.valueBytes(canonicalName: "cookie") != nil else { return [] }
        let values = request.headers[values: .cookie].flatMap { Cookie.values(named: self.configuration.cookieName, in: $0) }
        // What nobody has signed on with costs a look into a table.
        return values.prefix(Cookie.defaultLimit).map { String($0) }
    }

    private func cookie(_ value: String, _ request: Request, _ tracker: SessionTracker) -> Cookie {
        let session = tracker.cookie(isSecure: request.isSecure)
        var cookie = Cookie(name: self.configuration.cookieName, value: value)
        cookie.path = "/"
        cookie.domain = self.configuration.cookieDomain
        cookie.isHTTPOnly = true
        cookie.isSecure = session.isSecure
        cookie.sameSite = session.sameSite
        cookie.isPartitioned = session.isPartitioned
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
        for member in members where await !self.end(member) {
            self.leftovers.withLock { leftovers in
                if leftovers.count < Self.limit { leftovers.insert(member) }
                self.hasLeftovers.store(true, ordering: .relaxed)
            }
        }
    }

    /// Ends a session; `false` if it is not in memory and the store does not answer.
    private func end(_ member: SingleSignOnTable.Member) async -> Bool {
        guard let manager = self.managers.withLock({ $0[member.manager]?.object }) else { return true }
        do {
            // What is in memory ends here whatever the store does, and its record is removed later.
            let session = try await manager.find(member.id)
            try? await session?.invalidate()
            return true
        } catch {
            return false
        }
    }

    /// Ends what should have ended earlier: the request's own session at once, others beside the request.
    private func endLeftovers(of request: Request, _ tracker: SessionTracker) async throws(SessionError) {
        if let session = try await tracker.existingSession(for: request, touches: false) {
            let member = self.member(session, tracker)
            if self.leftovers.withLock({ $0.contains(member) }) { try await session.invalidate() }
        }
        // The store answers, or there is nothing to ask it: one task tries the others.
        guard !self.isEndingLeftovers.exchange(true, ordering: .relaxed) else { return }
        Task {
            for member in self.leftovers.withLock({ $0 }) {
                guard await self.end(member) else { break }
                self.leftovers.withLock { leftovers in
                    leftovers.remove(member)
                    self.hasLeftovers.store(!leftovers.isEmpty, ordering: .relaxed)
                }
            }
            self.isEndingLeftovers.store(false, ordering: .relaxed)
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
