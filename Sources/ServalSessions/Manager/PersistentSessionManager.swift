public import Logging
import Synchronization

/// Keeps the sessions of one context in memory and in a store, so that they survive the process and move between servers.
///
/// Source: Tomcat's `PersistentManager` and `PersistentValve`. In either mode (``Mode``):
///
/// - A session is stored with its first attribute, principal or own idle time; one that nobody has written to costs the store nothing, and ends with the process.
/// - A request that changed nothing writes nothing; a mere access is written once in 5 % of the idle time.
/// - Attributes are stored and compared one by one: two servers that change different attributes do not meet, and ``HTTPSession/update(_:default:_:)`` on the same
///   one runs again on the other's value.
/// - What was removed stays removed: a save that comes late fails.
/// - Of all servers, one tells its listeners of an expiry, up to 5 % of the idle time and a sweep late.
public final class PersistentSessionManager: SessionManager {
    /// When sessions are stored.
    public enum Mode: Sendable, Hashable {
        /// Before each response whose request changed something; sessions move freely between servers.
        ///
        /// A request looks at the store unless it did so within `maximumStaleness`. Zero, the default, never shows anything old; longer, a server may show what
        /// another has changed, or ended, that long ago. Writes are right in any case.
        case everyRequest(maximumStaleness: Duration)
        /// When a session is idle, and when the server stops: Tomcat's `maxIdleBackup`, `maxIdleSwap`, `minIdleSwap`, `saveOnRestart`.
        ///
        /// One server owns the sessions; what it changed since the last backup is lost with the process.
        case whenIdle(IdleLimits)
    }

    /// When idle sessions go to the store.
    ///
    /// Source: Tomcat's `PersistentManager`.
    public struct IdleLimits: Sendable, Hashable {
        /// After how long a session is saved and stays in memory (`maxIdleBackup`); `nil`, the default, for never.
        public var maxIdleBackup: Duration?
        /// After how long a session is saved and leaves memory (`maxIdleSwap`); `nil`, the default, for never.
        public var maxIdleSwap: Duration?
        /// After how long a session may leave memory to keep below nine tenths of `maxActiveSessions` (`minIdleSwap`); `nil`, the default, for never.
        public var minIdleSwap: Duration?
        /// Whether all sessions are saved when the manager stops, and found again after its start (`saveOnRestart`).
        ///
        /// Default `true`. `false` removes the application's sessions from the store at start and stop.
        public var saveOnRestart = true

        /// Tomcat's defaults.
        public init() {}
    }

    /// The settings of a manager.
    public struct Configuration: Sendable {
        /// What it has in common with ``StandardSessionManager``.
        public var sessions = StandardSessionManager.Configuration()
        /// When sessions are stored.
        ///
        /// Default: before each response, looking at the store with each request.
        public var mode = Mode.everyRequest(maximumStaleness: .zero)
        /// Names the application within the store, for example `/Catalina/localhost/shop`.
        ///
        /// Default: empty.
        public var namespace = ""
        /// For what is wrong with the store or with stored sessions.
        public var logger = Logger(label: "serval.session")
        /// How long a store may say nothing while the manager stops, before it is given up.
        var patience = Duration.seconds(10)
        /// How long a store may take to open; more than the longest time that a database may be given.
        var openingPatience = Duration.seconds(310)

        /// The defaults.
        public init() {}
    }

    let configuration: Configuration
    let table: SessionTable
    let persistence: SessionPersistence
    /// When the last sweep began, in milliseconds since 1970.
    let lastSweep = Atomic<Int64>(0)
    /// What a stop or a start that was given up still does.
    let stopping = Mutex<AbandonableWork?>(nil)
    let hasToldOfUnsaved = Atomic(false)
    private let maxInactiveMilliseconds: Atomic<Int64>

    /// A manager; ``start()`` opens the store.
    public init(store: any SessionStore, sealer: SessionSealer, configuration: Configuration = Configuration()) {
        self.configuration = configuration
        let sessions = configuration.sessions
        self.persistence = SessionPersistence(
            store: store,
            namespace: configuration.namespace,
            sealer: sealer,
            policy: sessions.idlePolicy,
            filter: sessions.attributeFilter,
            clock: sessions.clock,
            logger: configuration.logger
        )
        self.table = SessionTable(configuration: sessions, persistence: self.persistence)
        self.maxInactiveMilliseconds = Atomic(max(0, sessions.defaultMaxInactiveInterval?.wholeMilliseconds ?? 0))
    }

    deinit { self.table.empty() }

    /// The idle time of sessions that are created from now on; `nil`, zero and less mean that they never expire by idling.
    public var defaultMaxInactiveInterval: Duration? {
        get {
            let milliseconds = self.maxInactiveMilliseconds.load(ordering: .relaxed)
            return milliseconds > 0 ? .milliseconds(milliseconds) : nil
        }
        set { self.maxInactiveMilliseconds.store(max(0, newValue?.wholeMilliseconds ?? 0), ordering: .relaxed) }
    }

    /// Counts and times since the manager was made, of the sessions that were in this server's memory.
    public var statistics: SessionStatistics { self.table.counters.statistics }

    /// How many sessions of the application the store has, from all servers.
    public func storedSessionCount() async throws(SessionError) -> Int {
        try await self.persistence.ask { store throws(SessionError) in try await store.count() }
    }

    // MARK: Find and create

    /// The live session with this id, from memory or from the store.
    ///
    /// With a store that does not answer, a session that is in memory is found, as it was when the store last answered; nothing it is changed to can be saved.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable`` if the id is not in memory and the store does not answer.
    public func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        let session = try await self.hold(id)
        session?.release()
        return session
    }

    /// As ``find(_:)``, and the session stays in memory until ``HTTPSession/release()``.
    ///
    /// From the moment in which it is found: however little memory there is, a session that exists is the answer.
    public func hold(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        let now = self.configuration.sessions.clock()
        guard let session = self.table.hold(id) else { return try await self.table.restore(id) }
        var isHandedOut = false
        defer { if !isHandedOut { session.release() } }
        if self.mustRefresh(session, at: now) {
            do {
                switch try await self.persistence.refresh(session) {
                case .current: break
                case .ended, .moved: return nil
                case .replaced: return try await self.table.restore(id)
                }
            } catch {
                guard error.code == .storeUnavailable else { throw error }
            }
        }
        guard !session.isExpired(now: now, policy: self.table.policy) else {
            session.release()
            isHandedOut = true
            await self.table.expire(session, at: now)
            return nil
        }
        guard session.isValid, !session.isOrphan else { return nil }
        isHandedOut = true
        return session
    }

    private func mustRefresh(_ session: HTTPSession, at now: Timestamp) -> Bool {
        guard case .everyRequest(let staleness) = self.configuration.mode else { return false }
        guard staleness > .zero else { return true }
        let lastChecked = session.state.withLock { $0.stored?.lastChecked ?? 0 }
        return now.millisecondsSince1970 - lastChecked >= staleness.wholeMilliseconds
    }

    /// Whether a session with this id is in memory.
    public func isInMemory(_ id: SessionID) -> Bool { self.table.lookUp(id) != nil }

    /// Makes a session, whose first request has thereby begun; see ``StandardSessionManager/create(id:)``.
    public func create(id: SessionID?) async throws(SessionError) -> HTTPSession {
        try await self.table.create(id: id, maxInactiveMilliseconds: self.maxInactiveMilliseconds.load(ordering: .relaxed))
    }

    /// The live sessions of a principal on all servers.
    public func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] {
        try await self.table.sessions(ofPrincipal: name)
    }

    // MARK: Save

    /// `true` in mode ``Mode/everyRequest(maximumStaleness:)``.
    public var savesSessions: Bool {
        if case .everyRequest = self.configuration.mode { true } else { false }
    }

    /// Saves what has changed since the last save.
    public func save(_ session: HTTPSession) async throws(SessionError) {
        guard self.savesSessions else { return }
        try await self.persistence.save(session)
    }

    // MARK: Listeners

    /// Adds a listener; listeners hear of events in the order in which they were added.
    public func addListener(_ listener: any HTTPSessionListener) { self.table.events.add(listener) }

    /// Adds a listener for attributes.
    public func addAttributeListener(_ listener: any HTTPSessionAttributeListener) { self.table.events.add(listener) }

    // MARK: Life

    /// Opens the store.
    ///
    /// - Throws: what ``SessionStore/start()`` throws, and ``SessionError/Code/storeUnavailable`` for a store that hangs: one that was given up at the last stop and is not
    ///   closed within ten seconds, or one that has not opened within five minutes. A database that does not answer yet keeps nobody from starting.
    public func start() async throws {
        try await self.waitForStop()
        self.hasToldOfUnsaved.store(false, ordering: .relaxed)
        try await self.openStore()
        self.table.open()
    }

    func removeAll() async throws(SessionError) {
        try await self.persistence.ask { store throws(SessionError) in try await store.removeAll() }
    }
}
