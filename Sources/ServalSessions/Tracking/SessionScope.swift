import Synchronization

/// The session of one request, for servers other than Serval's own: found by the request's cookies, made when it is asked for, told to the client by a cookie.
///
/// A scope belongs to one request; its tasks may share it. Ids that name no live session are not taken on. What Serval's own container does for its servlets,
/// this does for a framework's middleware:
///
/// ```swift
/// let scope = SessionScope(manager: manager, cookieFields: request.headers[values: .cookie], isSecure: true)
/// let response = try await scope.run { try await handle(request, scope) }
/// if let field = try await scope.close() { response.headers.append(field, for: .setCookie) }
/// ```
public final class SessionScope: Sendable {
    private struct State {
        var held: HeldSession?
        /// Whether the client has to be told the session's id.
        var needsAnnouncement = false
        var isResolved = false
        var isClosed = false

        /// The live session that the request has, unless somebody else has given it another id.
        var session: HTTPSession? {
            guard let session = self.held?.known?.session, session.isValid else { return nil }
            return session
        }

        /// Takes a session in place of one that has ended or belongs to somebody else now; a request keeps no more than one busy.
        mutating func take(_ session: HeldSession) {
            if !self.isClosed { self.held?.session.endAccess() }
            self.held = session
        }
    }

    private let manager: any SessionManager
    private let cookie: SessionCookieConfiguration
    private let path: String
    private let isSecure: Bool
    private let candidates: [String]
    private let state = Mutex(State())

    /// A scope; nothing is looked up before it is asked for.
    ///
    /// - Parameters:
    ///   - manager: keeps the sessions; it has been started.
    ///   - cookie: the session cookie's settings; its name is the one that is looked for.
    ///   - path: the application's path, decoded, for a cookie whose settings name none. Default: the whole host.
    ///   - cookieFields: the values of the request's `Cookie` fields.
    ///   - isSecure: whether the client came by https; then the cookie is `Secure`.
    public init(
        manager: any SessionManager,
        cookie: SessionCookieConfiguration = SessionCookieConfiguration(),
        path: String = "",
        cookieFields: [String],
        isSecure: Bool
    ) {
        self.manager = manager
        self.cookie = cookie
        self.path = path
        self.isSecure = isSecure
        self.candidates = cookieFields.flatMap { Cookie.values(named: cookie.name, in: $0) }.map { String($0) }
    }

    /// Does the request's work; what is run in it gives sessions other ids on behalf of this request.
    ///
    /// The id that a session gets outside of it is not told to the client, who then has lost the session.
    public func run<Result>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        var holder: any SessionHolder = self
        if let outer = SessionRequest.current { holder = NestedSessionHolder(inner: self, outer: outer) }
        return try await SessionRequest.$current.withValue(holder, operation: body)
    }

    /// The client's session, or `nil`; never makes one.
    ///
    /// One that is asked for only after ``close()`` is not in use: it may end or leave memory at any moment.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable``.
    public func existingSession() async throws(SessionError) -> HTTPSession? {
        if let session = self.state.withLock({ $0.session }) { return session }
        guard let found = try await self.find() else { return nil }
        // From here on its access keeps it in memory; after the end of the request nothing does.
        defer { found.session.release() }
        return self.state.withLock { state in
            if let other = state.session { return other }
            guard found.known != nil, state.isClosed || found.session.beginAccess() else { return nil }
            state.take(found)
            state.needsAnnouncement = false
            return found.session
        }
    }

    /// The client's session; makes one if there is none.
    ///
    /// - Throws: ``SessionError/Code/limitReached``, ``SessionError/Code/storeUnavailable``; ``SessionError/Code/creationForbidden`` after ``close()``, which has told
    ///   the client what there is to tell.
    public func session() async throws(SessionError) -> HTTPSession {
        if let session = try await self.existingSession() { return session }
        guard !self.state.withLock({ $0.isClosed }) else { throw Self.isTooLate }
        let session = try await self.manager.create(id: nil)
        let winner: HTTPSession? = self.state.withLock { state in
            if let other = state.session { return other }
            guard !state.isClosed else { return nil }
            state.take(HeldSession(made: session))
            state.needsAnnouncement = true
            state.isResolved = true
            return session
        }
        guard winner === session else {
            session.endAccess()
            try await session.invalidate()
            guard let winner else { throw Self.isTooLate }
            return winner
        }
        return session
    }

    private static let isTooLate = SessionError(
        code: .creationForbidden,
        message: "a session cannot be created after the response was made: its head carries the id"
    )

    /// Stores what the request has changed; to be called once, when the response is made and before it is sent.
    ///
    /// - Returns: the value of the `Set-Cookie` field that tells the client a new id, if it has to be told one: of a session that this request has made, or that
    ///   has got another id in ``run(isolation:_:)``.
    /// - Throws: ``SessionError/Code/storeUnavailable``; then the response must not be sent, because what it may rely on is not durable.
    public func close() async throws(SessionError) -> String? {
        let (held, isClosed) = self.state.withLock { state in
            defer { state.isClosed = true }
            return (state.held, state.isClosed)
        }
        guard let held, !isClosed else { return nil }
        defer { held.session.endAccess() }
        if self.manager.savesSessions { try await held.save(to: self.manager) }
        let id: SessionID? = self.state.withLock { state in
            guard state.needsAnnouncement, let known = state.held?.known, known.session.isValid else { return nil }
            state.held?.tell(known.id)
            return known.id
        }
        guard let id else { return nil }
        let field = self.cookie.cookie(for: id, contextPath: self.path, isSecure: self.isSecure).headerValue
        return field.isEmpty ? nil : field
    }

    /// The client's session, to be released.
    private func find() async throws(SessionError) -> HeldSession? {
        guard !self.state.withLock({ $0.isResolved }) else { return nil }
        if let found = try await self.manager.holdFirst(of: self.candidates) { return found }
        self.state.withLock { $0.isResolved = true }
        return nil
    }
}

extension SessionScope: SessionHolder {
    package func mayReplace(_ id: SessionID, of session: HTTPSession) -> Bool {
        self.state.withLock { state in
            guard let held = state.held, held.session === session else { return true }
            return held.mayReplace(id)
        }
    }

    package func didReplace(_ old: SessionID, by new: SessionID, of session: HTTPSession) {
        self.state.withLock { state in
            guard state.held?.session === session else { return }
            state.held?.didReplace(old, by: new)
            state.needsAnnouncement = true
        }
    }
}

/// A request within another one's: an application of another framework that is mounted in a server of its own.
private final class NestedSessionHolder: SessionHolder {
    private let inner: any SessionHolder
    private let outer: any SessionHolder

    init(inner: any SessionHolder, outer: any SessionHolder) {
        self.inner = inner
        self.outer = outer
    }

    var clientOwner: String? { self.inner.clientOwner ?? self.outer.clientOwner }

    func mayReplace(_ id: SessionID, of session: HTTPSession) -> Bool {
        self.inner.mayReplace(id, of: session) && self.outer.mayReplace(id, of: session)
    }

    func didReplace(_ old: SessionID, by new: SessionID, of session: HTTPSession) {
        self.inner.didReplace(old, by: new, of: session)
        self.outer.didReplace(old, by: new, of: session)
    }
}
