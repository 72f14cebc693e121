import Synchronization

/// Keeps the sessions of one context in memory.
///
/// Finding a session takes one lock of one part of the table and one look-up. An empty session takes less than 300 bytes, its place in the table included.
/// An id that a client invented is never adopted: ``find(_:)`` answers only for ids that were made here, and only
/// ``create(id:)`` takes an id from outside.
///
/// Nothing else survives the process than what ``Configuration/file`` keeps over a restart.
///
/// Source: Tomcat's `StandardManager`.
public final class StandardSessionManager: SessionManager {
    private let table: SessionTable
    private let maxInactiveMilliseconds: Atomic<Int64>

    /// A manager; it takes sessions at once.
    public init(configuration: Configuration = Configuration()) {
        self.table = SessionTable(configuration: configuration)
        self.maxInactiveMilliseconds = Atomic(max(0, configuration.defaultMaxInactiveInterval?.wholeMilliseconds ?? 0))
    }

    deinit {
        // Sessions refer to the table and the table to its sessions.
        self.table.empty()
    }

    /// The idle time of sessions that are created from now on; `nil`, zero and less mean that they never expire by idling.
    public var defaultMaxInactiveInterval: Duration? {
        get {
            let milliseconds = self.maxInactiveMilliseconds.load(ordering: .relaxed)
            return milliseconds > 0 ? .milliseconds(milliseconds) : nil
        }
        set { self.maxInactiveMilliseconds.store(max(0, newValue?.wholeMilliseconds ?? 0), ordering: .relaxed) }
    }

    /// Counts and times since the manager was made.
    public var statistics: SessionStatistics { self.table.counters.statistics }

    /// The live session with this id.
    ///
    /// An expired one is ended first, and its listeners have run when this returns.
    public func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        await self.table.find(id)
    }

    /// As ``find(_:)``, and no budget ends the session before ``HTTPSession/release()``.
    public func hold(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        await self.table.findAndHold(id)
    }

    /// Whether a session with this id is in memory.
    public func isInMemory(_ id: SessionID) -> Bool { self.table.lookUp(id) != nil }

    /// Makes a session, whose first request has thereby begun.
    ///
    /// - Parameter id: an id that another context of the host made, where contexts share ids (`sessionCookiePath="/"`); who calls has checked that. If a
    ///   parallel request has created the session with this id meanwhile, that session is the answer. `nil` makes an id.
    /// - Throws: ``SessionError/Code/limitReached`` at `maxActiveSessions`, ``SessionError/Code/creationForbidden`` after ``stop()``.
    public func create(id: SessionID?) async throws(SessionError) -> HTTPSession {
        let interval = self.maxInactiveMilliseconds.load(ordering: .relaxed)
        return try await self.table.create(id: id, maxInactiveMilliseconds: interval)
    }

    /// Ends the sessions whose idle time is over; looks at 256 sessions at a time and lets others in between.
    public func processExpires() async {
        await self.table.processExpires()
    }

    /// Adds a listener; listeners hear of events in the order in which they were added.
    public func addListener(_ listener: any HTTPSessionListener) {
        self.table.events.add(listener)
    }

    /// Adds a listener for attributes.
    public func addAttributeListener(_ listener: any HTTPSessionAttributeListener) {
        self.table.events.add(listener)
    }

    /// The live sessions of a principal, oldest first.
    public func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] {
        try await self.table.sessions(ofPrincipal: name)
    }

    /// Takes sessions again after ``stop()``, and brings those back that ``Configuration/file`` has kept.
    public func start() async throws {
        self.table.open()
        guard let file = self.table.configuration.file else { return }
        await file.load(into: self.table)
    }

    /// Takes no more sessions; saves those that are there if ``Configuration/file`` says so, otherwise ends them with ``SessionEndReason/serverStopped``.
    ///
    /// All of that is done also in a task that is cancelled.
    public func stop() async {
        self.table.shut()
        await Task.uncancelled { [table] in
            if let file = table.configuration.file { await file.save(table) }
            await table.close()
        }
    }
}

extension StandardSessionManager {
    /// The settings of a manager.
    ///
    /// Names and defaults are those of Tomcat's `<Manager>`.
    public struct Configuration: Sendable {
        /// The idle time of new sessions (`session-timeout`).
        ///
        /// Default 30 minutes; `nil`, zero and less mean that they never expire by idling.
        public var defaultMaxInactiveInterval: Duration? = .seconds(1800)
        /// The most sessions that may be alive at once (`maxActiveSessions`).
        ///
        /// Default -1; negative numbers mean no limit.
        public var maxActiveSessions = -1
        /// Whether at ``maxActiveSessions`` another session makes room, as with ``memoryBudget``, instead of the new one being refused (own attribute
        /// `serval.evictAtMaxActive`).
        ///
        /// Default `false`.
        public var evictsAtMaxActiveSessions = false
        /// Keeps a session alive while a request uses it, however long (`sessionActivityCheck`).
        ///
        /// Default `false`.
        public var sessionActivityCheck = false
        /// Counts idle time from the start of the last request instead of its end (`sessionLastAccessAtStart`).
        ///
        /// Default `false`.
        public var sessionLastAccessAtStart = false
        /// The most sessions whose clients have not come back with the id (own attribute `serval.maxNewSessions`); the oldest of them make room for new ones.
        ///
        /// So clients without cookies, bots and programs with certificates above all, cannot fill the memory however many they are. Default 100,000, which is some 30 MB; `nil` for no limit.
        public var maximumNewSessions: Int? = 100_000
        /// The most bytes that sessions may take in memory (own attribute `serval.maxMemory`): 300 for each, and their attributes in stored form.
        ///
        /// Above it sessions that no request uses make room: first those whose clients never came back, whoever they are, then anonymous ones, then the others; among them those
        /// that have been idle longest, as far as a sample of them tells. They end (``SessionEndReason/evicted``); where there is a store they only leave memory.
        /// Default `nil` for no limit. With a limit each written value is encoded once more, to measure it.
        public var memoryBudget: Int?
        /// The longest that a session lives after its creation, however busy it is (own attribute `serval.maxLifetime`).
        ///
        /// Default `nil`: for ever. A new id does not lengthen it.
        public var maxLifetime: Duration?
        /// The most sessions that one principal may have (own attribute `serval.maxSessionsPerPrincipal`).
        ///
        /// Default `nil`: any number. See ``HTTPSession/signOn(as:)``.
        public var maximumSessionsPerPrincipal: Int?
        /// What happens at ``maximumSessionsPerPrincipal``.
        ///
        /// Default ``PrincipalSessionLimit/evictOldest``.
        public var principalSessionLimit = PrincipalSessionLimit.evictOldest
        /// Which attributes are saved (`sessionAttributeNameFilter`, `sessionAttributeValueClassNameFilter`).
        ///
        /// Default `nil`: all of them.
        public var attributeFilter: SessionAttributeFilter?
        /// Keeps the sessions of a manager without a store over a restart (`pathname`).
        ///
        /// Default `nil`: they end with the server.
        public var file: SessionFile?
        /// Makes the ids (`<SessionIdGenerator>`).
        ///
        /// Default: 16 random bytes, no route.
        public var idGenerator: any SessionIDGenerator = StandardSessionIDGenerator()
        /// Tells the time.
        ///
        /// Default: the system's coarse wall clock.
        public var clock: @Sendable () -> Timestamp = { .now }

        /// Tomcat's defaults.
        public init() {}

        var idlePolicy: HTTPSessionState.IdlePolicy {
            HTTPSessionState.IdlePolicy(
                protectsActiveSessions: self.sessionActivityCheck,
                countsFromStart: self.sessionLastAccessAtStart,
                maxLifetimeMilliseconds: max(0, self.maxLifetime?.wholeMilliseconds ?? 0)
            )
        }
    }
}
