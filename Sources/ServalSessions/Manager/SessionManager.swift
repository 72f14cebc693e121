/// Creates, finds and ends the sessions of one context.
public protocol SessionManager: AnyObject, Sendable {
    /// The idle time of new sessions; `nil` means that they never expire by idling.
    var defaultMaxInactiveInterval: Duration? { get set }
    /// Counts and times for operators.
    var statistics: SessionStatistics { get }

    /// The live session with this id, or `nil` if it is unknown, expired or malformed. Does not count as access.
    ///
    /// With a store it may leave memory at any moment after that, and then takes no changes: for a request there is ``hold(_:)``.
    func find(_ id: SessionID) async throws(SessionError) -> HTTPSession?
    /// As ``find(_:)``, for a request that may use the session: whatever the memory is needed for, it stays there until ``HTTPSession/release()``.
    func hold(_ id: SessionID) async throws(SessionError) -> HTTPSession?
    /// Whether a session with this id is in memory, so that ``find(_:)`` does not look for it in a store; it need not be alive.
    ///
    /// Of many ids that a client sends, only a few of those that are not in memory are looked for.
    func isInMemory(_ id: SessionID) -> Bool
    /// Makes a session.
    ///
    /// - Parameter id: the id to use; only for ids that this server made for another context. `nil` makes one.
    /// - Throws: ``SessionError/Code/limitReached`` over `maxActiveSessions`.
    func create(id: SessionID?) async throws(SessionError) -> HTTPSession
    /// Ends the sessions whose idle time is over. Called by the container in the background.
    func processExpires() async
    /// Adds a listener; listeners hear of events in the order in which they were added.
    func addListener(_ listener: any HTTPSessionListener)
    /// Adds a listener for attributes; a manager whose sessions have no attributes ignores it.
    func addAttributeListener(_ listener: any HTTPSessionAttributeListener)

    /// Whether sessions outlive the process, so that ``save(_:)`` must be called before a response that depends on a change is sent.
    var savesSessions: Bool { get }
    /// Saves what a request has changed; returns when it is durable. Does nothing for a session that nobody has changed.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable`` if the store does not answer; the changes stay in memory and are part of the next save.
    func save(_ session: HTTPSession) async throws(SessionError)

    /// The live sessions of a principal on all servers, oldest first.
    func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession]

    /// Called once before the first request.
    func start() async throws
    /// Called once after the last request; ends all sessions that cannot be kept.
    func stop() async
}

extension SessionManager {
    /// Finds the session, and again if it has left memory before it was held.
    public func hold(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        for _ in 0..<1000 {
            guard let session = try await self.find(id) else { return nil }
            if session.hold() { return session }
            guard session.isAway else { return nil }
        }
        return nil
    }

    /// `false`: nobody can tell.
    public func isInMemory(_ id: SessionID) -> Bool { false }

    /// Does nothing.
    public func addAttributeListener(_ listener: any HTTPSessionAttributeListener) {}

    /// `false`.
    public var savesSessions: Bool { false }

    /// Does nothing.
    public func save(_ session: HTTPSession) async throws(SessionError) {}

    /// None.
    public func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] { [] }

    /// Ends the sessions of a principal on all servers: "sign out everywhere".
    ///
    /// - Parameter exception: a session that stays, for "sign out everywhere else".
    /// - Returns: how many ended.
    /// - Throws: the first failure, after all that could be ended have ended; ``SessionError/Code/storeUnavailable`` if nobody can tell which there are.
    @discardableResult
    public func invalidateSessions(ofPrincipal name: String, except exception: HTTPSession? = nil) async throws(SessionError) -> Int {
        var count = 0
        var failure: SessionError?
        for session in try await self.sessions(ofPrincipal: name) where session !== exception && session.id != exception?.id {
            do {
                try await session.invalidate()
                count += 1
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return count
    }
}

/// What Tomcat's Manager application tells of a session manager.
public struct SessionStatistics: Sendable, Hashable {
    /// Sessions that are alive now.
    public var activeSessions = 0
    /// The most sessions that were alive at once.
    public var maxActive = 0
    /// Sessions created since the start.
    public var sessionCounter = 0
    /// Sessions ended by idling.
    public var expiredSessions = 0
    /// Creations refused over the limit.
    public var rejectedSessions = 0
    /// Sessions ended to stay within a budget.
    public var evictedSessions = 0
    /// The longest life of a session that has ended.
    public var sessionMaxAliveTime = Duration.zero
    /// The average life of all sessions that have ended.
    public var sessionAverageAliveTime = Duration.zero
    /// Time spent looking for expired sessions, listeners included.
    public var processingTime = Duration.zero

    /// Nothing happened yet.
    public init() {}
}
