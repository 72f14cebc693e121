import ServalServlet
import Synchronization

/// Finds, makes and announces the session of one request.
///
/// Nothing is looked up before somebody asks. The candidates for the id are the URL's path parameter and every cookie of the session cookie's name;
/// cookies override the URL, and the first cookie that names a live session wins, otherwise the last. Source: Tomcat's `CoyoteAdapter`.
///
/// Who has signed in with the request has no part in sessions of others: they are passed over as if they had ended, and a session that is made is the principal's own.
///
/// A session belongs to the request as long as it has the id under which the request has found or made it, or that the request itself has given it: another
/// request in progress with the same id may belong to whoever planted that id before somebody signed on.
final class SessionTracker: RequestSessions {
    /// The ids that a client has sent, and how.
    private struct Candidates {
        var ids: [String]
        var source: SessionTrackingMode

        var last: (id: String, source: SessionTrackingMode)? { self.ids.last.map { ($0, self.source) } }
    }

    private struct State: Sendable {
        /// To whom the sessions of the request have to belong; `nil` while nobody has signed in.
        var owner: String?
        var requested: (id: String, source: SessionTrackingMode)?
        var isResolved = false
        var held: HeldSession?
        /// The session that the requested id names, found but not yet used by this request.
        var found: HeldSession?
        var isAccessed = false
        /// Whether the client has to be told the session's id.
        var needsAnnouncement = false
        var isSecure = false
        /// Whether the session that the request has made belongs to ``owner`` for no other reason than that.
        var hasBegunForOwner = false

        /// The session that the request has used.
        var session: HTTPSession? { self.held?.known?.session }

        /// The session that the request has used, or that was looked up for it, with the id that its client may know.
        var known: (session: HTTPSession, id: SessionID)? { self.held == nil ? self.found?.known : self.held?.known }
    }

    private let settings: SessionSettings
    private let request: RequestState
    private let hasPathParameters: Bool
    private let state = Mutex(State())
    /// Whether there is a session, or was one; lets ``commit(_:)`` leave requests without sessions alone.
    private let isUsed = Atomic<Bool>(false)
    private let isCommitted = Atomic<Bool>(false)
    private let leavesStoreAlone = Atomic<Bool>(false)

    init(settings: SessionSettings, request: RequestState, hasPathParameters: Bool) {
        self.settings = settings
        self.request = request
        self.hasPathParameters = hasPathParameters
    }

    // MARK: Requested id

    /// Whether the request may have come with a session id.
    var mayBeRequested: Bool {
        self.hasPathParameters || self.request.head.hasCookies || self.settings.tracksTLSSessions
    }

    /// Looks up an id in the URL beforehand, because ``encodedURL(_:for:)`` cannot wait.
    func prepare() async {
        guard self.hasPathParameters, self.candidates?.source == .url else { return }
        _ = try? await self.resolve()
    }

    var requestedSessionID: String? { self.requested?.id }
    var requestedSessionIDSource: SessionTrackingMode? { self.requested?.source }

    /// The id that was found valid; before anybody looked, the last candidate.
    private var requested: (id: String, source: SessionTrackingMode)? {
        let (isResolved, requested) = self.state.withLock { ($0.isResolved, $0.requested) }
        return isResolved ? requested : self.candidates?.last
    }

    func isRequestedSessionIDValid() async -> Bool {
        (try? await self.findsRequestedSession()) ?? false
    }

    /// Whether the id that the client sent names a live session.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable`` if nobody can tell.
    func findsRequestedSession() async throws(SessionError) -> Bool {
        guard let found = try await self.resolve()?.known else { return false }
        return found.session.isValid
    }

    /// The ids that the client sent: the cookies', or without any the URL's, or the TLS session's.
    private var candidates: Candidates? {
        let settings = self.settings
        if settings.modes.contains(.cookie) {
            let fields = HeaderFields(received: self.request.head)[values: .cookie]
            let ids = fields.flatMap { Cookie.values(named: settings.cookie.name, in: $0) }
            if !ids.isEmpty { return Candidates(ids: ids.map { String($0) }, source: .cookie) }
        }
        if settings.modes.contains(.url), self.hasPathParameters, let id = self.plainRequest.pathParameter(settings.urlParameter) {
            return Candidates(ids: [id], source: .url)
        }
        // Of the connection, or of the proxy's connection with the client (SSLValve). Over plain HTTP a TLS session is somebody's invention.
        if settings.modes.contains(.ssl), self.request.connection.isSecure, let id = self.plainRequest[.sslSessionID] {
            return Candidates(ids: [id], source: .ssl)
        }
        return nil
    }

    /// The request as it was received, for what depends on nothing that a filter may change.
    private var plainRequest: Request { Request(state: self.request) }

    /// The live session that the client's id names, unless it is somebody else's.
    private func resolve() async throws(SessionError) -> HeldSession? {
        let (isResolved, found, owner) = self.state.withLock { ($0.isResolved, $0.found, $0.owner) }
        if isResolved { return found }
        let candidates = self.candidates
        var requested = candidates?.last
        let session = try await self.settings.manager.holdFirst(of: candidates?.ids ?? [], for: owner)
        if let id = session?.id, let source = candidates?.source { requested = (id.rawValue, source) }
        let (winner, isSuperfluous) = self.state.withLock { state in
            guard !state.isResolved, state.owner == owner else { return (state.found, true) }
            state.isResolved = true
            state.requested = requested
            state.found = session
            return (session, false)
        }
        if let session { if isSuperfluous { session.session.release() } else { self.releaseOnCompletion(session.session) } }
        return winner
    }

    /// Whether the request uses the session or not, it stays in memory as long.
    private func releaseOnCompletion(_ session: HTTPSession) { self.request.onCompletion { _ in session.release() } }

    /// Lets the request have a session whose id its client did not send; `false` if there is no such session any more, or if it has another owner than the request.
    func substitute(_ id: SessionID) async throws(SessionError) -> Bool {
        guard let session = try await self.settings.manager.hold(id) else { return false }
        let isTaken = self.state.withLock { state in
            guard session.isValid, state.owner.map({ session.belongs(to: $0) }) ?? (session.principalName == nil) else { return false }
            state.isResolved = true
            state.requested = (id.rawValue, .cookie)
            state.found = HeldSession(session, foundAs: id)
            return true
        }
        if isTaken { self.releaseOnCompletion(session) } else { session.release() }
        return isTaken
    }

    /// A cookie that removes the session cookie.
    func removalCookie(isSecure: Bool) -> Cookie? {
        guard self.requestedSessionIDSource == .cookie, let text = self.requestedSessionID else { return nil }
        var cookie = self.settings.cookie.cookie(for: SessionID(rawValue: text), contextPath: self.settings.contextPath, isSecure: isSecure)
        cookie.value = ""
        cookie.maxAge = .zero
        return cookie
    }

    /// What the session cookie of a response would look like, but for its value.
    func cookie(isSecure: Bool) -> Cookie {
        self.settings.cookie.cookie(for: SessionID(rawValue: ""), contextPath: self.settings.contextPath, isSecure: isSecure)
    }

    /// The manager of the application's sessions.
    var manager: any SessionManager { self.settings.manager }

    /// The session that the request has used, or that was looked up for it.
    var usedSession: HTTPSession? { self.state.withLock { $0.known?.session } }

    /// Whether the request counts as use of its session.
    var hasAccessedSession: Bool { self.state.withLock { $0.held != nil } }

    /// Whether the request's session belongs to who has signed in because the request has made it, and for no other reason.
    var hasBegunForPrincipal: Bool { self.state.withLock { $0.hasBegunForOwner && $0.session != nil } }

    /// Whether the request made its session, or gave it another id.
    var announcesSession: Bool { self.state.withLock { $0.needsAnnouncement } }

    /// The name of the URL's parameter with the id.
    var urlParameter: String { self.settings.urlParameter }

    // MARK: RequestSessions

    func authenticationChanged(to owner: String?) {
        // Among several ids may be one of the principal's own session, which goes before one of nobody: that may have been planted.
        let hasSeveral = owner != nil && self.candidates.map { $0.ids.count > 1 } ?? false
        self.state.withLock { state in
            guard state.owner != owner else { return }
            state.owner = owner
            let looksAgain = hasSeveral && !state.needsAnnouncement
            func mayKeep(_ session: HTTPSession) -> Bool { session.mayBelong(to: owner) && !(looksAgain && session.principalName == nil) }
            if let held = state.held, !mayKeep(held.session) {
                state.held = nil
                state.isAccessed = false
                state.needsAnnouncement = false
            }
            if state.found.map({ mayKeep($0.session) }) != true {
                state.found = nil
                state.isResolved = false
            }
        }
    }

    func existingSession(for request: Request, touches: Bool) async throws(SessionError) -> HTTPSession? {
        let isSecure = request.isSecure
        if let session = self.state.withLock({ $0.session }), session.isValid { return session }
        guard let found = try await self.resolve() else { return nil }
        guard let session = found.known?.session, session.isValid else { return nil }
        guard touches else { return session }
        let mustBegin = self.state.withLock { state in
            defer { state.isAccessed = true }
            return !state.isAccessed
        }
        if mustBegin {
            guard session.beginAccess() else { return nil }
            self.endAccessOnCompletion(of: session)
        }
        self.state.withLock { state in
            state.held = state.found.flatMap { $0.session === session ? $0 : nil } ?? found
            state.isSecure = isSecure
        }
        self.isUsed.store(true, ordering: .relaxed)
        return session
    }

    func session(for request: Request) async throws(SessionError) -> HTTPSession {
        if let session = try await self.existingSession(for: request, touches: true) { return session }
        if self.isCommitted.load(ordering: .acquiring) {
            throw SessionError(
                code: .creationForbidden,
                message: "a session cannot be created after the response was made: its head, which would carry the session id, is on its way"
            )
        }
        let owner = self.state.withLock { $0.owner }
        let made = try await self.makeSession(of: owner)
        let session = made.session
        let isSecure = request.isSecure
        let winner = self.state.withLock { state in
            if let other = state.session, other.isValid { return other }
            state.held = made
            state.needsAnnouncement = true
            state.hasBegunForOwner = owner != nil
            state.isSecure = isSecure
            return session
        }
        guard winner === session else {
            // Two tasks of one request asked at once.
            session.endAccess()
            try await session.invalidateUnlessUsed()
            return winner
        }
        self.isUsed.store(true, ordering: .relaxed)
        self.endAccessOnCompletion(of: session)
        return session
    }

    private func endAccessOnCompletion(of session: HTTPSession) {
        let manager = self.settings.manager
        guard manager.savesSessions else {
            self.request.onCompletion { _ in session.endAccess() }
            return
        }
        self.request.onCompletion { _ in
            session.endAccess()
            // What a body that was written piece by piece has changed; nothing, usually. The client has its answer: a failure is in the log.
            guard session.hasUnsavedChanges else { return }
            Task {
                guard !self.leavesStoreAlone.load(ordering: .relaxed) else { return }
                try? await manager.save(session)
            }
        }
    }

    /// A new session, of a principal if there is one.
    private func makeSession(of owner: String?) async throws(SessionError) -> HeldSession {
        if let id = await self.adoptableID(for: owner) {
            let session = try await self.settings.manager.create(id: id)
            if try await self.begin(session, as: owner) { return HeldSession(session, foundAs: id, isMade: true) }
            // The id names the session of somebody else.
            session.endAccess()
        }
        let session = try await self.settings.manager.create(id: nil)
        _ = try await self.begin(session, as: owner)
        return HeldSession(made: session)
    }

    /// Lets a new session be its owner's; `false` if it is somebody else's, whose request has made it at the same moment.
    private func begin(_ session: HTTPSession, as owner: String?) async throws(SessionError) -> Bool {
        guard let owner else { return true }
        do {
            return try await session.begin(as: owner)
        } catch {
            session.endAccess()
            try await session.invalidateUnlessUsed()
            throw error
        }
    }

    private func adoptableID(for owner: String?) async -> SessionID? {
        guard let requested = self.state.withLock({ $0.requested }) else { return nil }
        guard let id = SessionID(requested.id), await self.settings.mayAdopt(id, from: requested.source, for: owner) else { return nil }
        return id
    }

    func encodedURL(_ url: String, for request: Request) -> String {
        guard self.settings.modes.contains(.url), self.requestedSessionIDSource != .cookie else { return url }
        guard let known = self.state.withLock({ $0.known }), known.session.isValid else { return url }
        return SessionURL(request: request, contextPath: self.settings.contextPath)
            .encoded(url, parameter: self.settings.urlParameter, id: known.id.rawValue)
    }

    // MARK: Response

    /// Whether ``save()`` has anything to look at.
    var mustSave: Bool {
        self.isUsed.load(ordering: .relaxed) && self.settings.manager.savesSessions && !self.leavesStoreAlone.load(ordering: .relaxed)
    }

    /// Whether the request counts as use of its session though nobody asked for it (`alwaysAccessSession`).
    var mustTouch: Bool { self.settings.alwaysAccesses && self.mayBeRequested }

    /// Leaves what the request changes to a later one to save (`filter` of PersistentValve).
    func leaveStoreAlone() { self.leavesStoreAlone.store(true, ordering: .relaxed) }

    /// Makes durable what the request has changed; before its response is sent.
    func save() async throws(SessionError) {
        guard let held = self.state.withLock({ $0.held }) else { return }
        try await held.save(to: self.settings.manager)
    }

    /// Tells the client the id of a new or rotated session; later no session can be made.
    func commit(_ response: inout Response) {
        self.isCommitted.store(true, ordering: .releasing)
        guard self.isUsed.load(ordering: .relaxed) else { return }
        let (id, isSecure): (SessionID?, Bool) = self.state.withLock { state in
            defer { state.needsAnnouncement = false }
            guard let known = state.held?.known else { return (nil, false) }
            // URLs in the response may tell the id as well.
            state.held?.tell(known.id)
            return (state.needsAnnouncement && known.session.isValid ? known.id : nil, state.isSecure)
        }
        guard let id, self.settings.modes.contains(.cookie) else { return }
        response.addCookie(self.settings.cookie.cookie(for: id, contextPath: self.settings.contextPath, isSecure: isSecure))
    }
}

extension SessionTracker: SessionHolder {
    /// Who has shown a certificate.
    ///
    /// A sign-on of single sign-on is none of the client's: it goes from one to the next.
    var clientOwner: String? {
        guard let authentication = self.plainRequest.authentication else { return nil }
        return authentication.type == ClientCertificateAuthenticator.authenticationType ? authentication.owner : nil
    }

    func mayReplace(_ id: SessionID, of session: HTTPSession) -> Bool {
        self.state.withLock { state in
            guard let held = state.held ?? state.found, held.session === session else { return true }
            return held.mayReplace(id)
        }
    }

    /// Only the request that gives a session another id may tell its client that id.
    func didReplace(_ old: SessionID, by new: SessionID, of session: HTTPSession) {
        self.state.withLock { state in
            if state.found?.session === session { state.found?.didReplace(old, by: new) }
            guard state.held?.session === session else { return }
            state.held?.didReplace(old, by: new)
            state.needsAnnouncement = true
            // Somebody has signed on, or may have.
            state.hasBegunForOwner = false
        }
    }
}

extension String {
    /// Whether the text may stand in a URL as a session id: 1 to 128 letters, digits, `.`, `-` and `_`.
    var isSessionIDText: Bool {
        let bytes = self.utf8
        return !bytes.isEmpty && bytes.count <= 128
            && bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
                case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                default: false
                }
            }
    }
}

extension Request {
    /// The value of a path parameter, as received.
    func pathParameter(_ name: String) -> String? { RequestPath.parameter(name, in: self.pathBytes) }
}
