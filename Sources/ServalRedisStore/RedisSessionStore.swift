public import Logging
public import ServalSessions
import Synchronization

/// Keeps sessions in Redis or Valkey, for any number of servers.
///
/// Each operation is a script, which Redis runs as one step. What was acknowledged is as safe as Redis' own settings make it: `appendonly yes`, and
/// `appendfsync always` for what must survive a power cut. Redis must not evict what it was given: `maxmemory-policy noeviction`.
///
/// A session has a time to live in Redis, too, which ends ``Configuration/margin`` after its deadline: until then the servers tell their listeners of its expiry.
/// If none of them runs for so long, Redis drops it, and nobody is told.
///
/// Redis 7.0 cannot load what it has appended if its user `default` is switched off; a password for that user is as good.
///
/// Needs version 6 or later, and no cluster. Calls block; they run on ``Configuration/connections`` threads of the store's own, each with a connection.
public final class RedisSessionStore: SessionStore {
    /// The settings of a store.
    public struct Configuration: Sendable {
        /// The database; a TLS mode of ``SessionDatabase/TLS/Mode/preferred`` is none, as Redis has TLS on a port of its own.
        public var database: SessionDatabase
        /// Names the application within the store.
        ///
        /// Default: empty.
        public var namespace = ""
        /// What all keys begin with.
        ///
        /// Default: `serval:`.
        public var prefix = "serval:"
        /// How long Redis keeps a session beyond its deadline.
        ///
        /// Default: 7 days.
        public var margin = Duration.seconds(7 * 86400)
        /// How many operations run at once (`serval.connections`).
        ///
        /// Default: 8; at least 1, at most 64.
        public var connections = 8
        /// How long an operation may take, waiting and connecting included (`serval.timeout`).
        ///
        /// Default: 5 seconds.
        public var timeout = Duration.seconds(5)
        /// For what is wrong with the database.
        public var logger = Logger(label: "serval.session")

        /// The defaults, with a database.
        public init(database: SessionDatabase) { self.database = database }
    }

    private typealias Pool = StoreConnectionPool<RedisConnection>

    private let configuration: Configuration
    private let coding: RedisSessionCoding
    private let pool = Mutex<Pool?>(nil)

    /// A store; ``start()`` connects.
    public init(configuration: Configuration) {
        self.configuration = configuration
        self.coding = RedisSessionCoding(prefix: configuration.prefix, namespace: configuration.namespace, margin: configuration.margin)
    }

    // MARK: Life

    /// Connects.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` for a user or password that Redis refuses, and a certificate that is not trusted. A database that does not
    ///   answer is a line in the log.
    public func start() async throws(SessionError) {
        let configuration = self.configuration
        guard configuration.database.product == .redis else {
            throw SessionError(code: .illegalSetting, message: "the \(configuration.database) has a store of its own, which is not this one")
        }
        let servers = DatabaseServers(of: configuration.database)
        let pool = Pool(limit: configuration.connections, timeout: configuration.timeout) { deadline throws(SessionError) in
            try RedisConnection.connect(configuration.database, servers, deadline: deadline)
        } recovery: {
            $0.recovery
        }
        let isFirst = self.pool.withLock { current in
            guard current == nil else { return false }
            current = pool
            return true
        }
        guard isFirst else {
            throw SessionError(code: .illegalSetting, message: "the session store in the \(configuration.database) is started already")
        }
        do throws(SessionError) {
            try await pool.open(logger: configuration.logger) { connection, deadline throws(SessionError) in
                connection.deadline = deadline
                Self.checkEviction(connection, configuration)
            }
        } catch {
            await self.stop()
            throw error
        }
    }

    /// Closes the connections after the operations in progress.
    public func stop() async {
        let pool = self.pool.withLock { current in
            defer { current = nil }
            return current
        }
        await pool?.stop()
    }

    /// Redis may have been told to drop what it was given.
    private static func checkEviction(_ connection: RedisConnection, _ configuration: Configuration) {
        guard let bytes = try? connection.run(["INFO", "memory"]).bytes else { return }
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let policy = lines.first { $0.hasPrefix("maxmemory_policy:") }?.dropFirst("maxmemory_policy:".count)
        guard let policy, policy != "noeviction", !lines.contains("maxmemory:0") else { return }
        configuration.logger.warning(
            "the \(configuration.database) drops sessions when its memory is full (maxmemory-policy \(policy.prefix(40))); sessions need noeviction"
        )
    }

    // MARK: Operations

    /// See ``SessionStore/load(_:unless:)``.
    public func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.run { [coding] connection throws(SessionError) in
            let answer =
                if let version {
                    try connection.run(.load, coding, [coding.id(key), coding.version(version)], changes: false)
                } else {
                    try connection.run(["GET", coding.key(key)])
                }
            guard let bytes = answer.bytes else { return .absent }
            if bytes.count == StoredSessionSummary.length, let summary = StoredSessionSummary(encoded: bytes), summary.version == version {
                return .unchanged(lastAccessed: summary.lastAccessed, deadline: summary.deadline)
            }
            guard let session = try? StoredSession(key: key, encoded: bytes) else { return .absent }
            return session.version == version ? .unchanged(lastAccessed: session.lastAccessed, deadline: session.deadline) : .found(session)
        }
    }

    /// See ``SessionStore/insert(_:)``.
    public func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        let record = try self.coding.record(session)
        return try await self.run { [coding] connection throws(SessionError) in
            try connection.run(.insert, coding, [coding.id(session.key)] + record, changes: true).integer == 1
        }
    }

    /// See ``SessionStore/save(_:to:)``.
    public func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.run { [coding] connection throws(SessionError) in
            var stored = try connection.run(["GET", coding.key(key)])
            // Each time that it does not hold, another save has got through.
            while let bytes = stored.bytes {
                guard var session = try? StoredSession(key: key, encoded: bytes) else { return .absent }
                if let version = session.version(of: changes.mark) { return .saved(version: version) }
                guard session.apply(changes) else { return .conflict(session) }
                let words = [coding.id(key), coding.header(bytes)] + (try coding.record(session))
                stored = try connection.run(.replace, coding, words, changes: true)
                if stored.integer == 1 { return .saved(version: session.version) }
            }
            return .absent
        }
    }

    /// See ``SessionStore/rename(_:by:)``.
    public func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        let forward = [self.coding.id(renaming.forwarding.key)] + (try self.coding.record(renaming.forwarding))
        return try await self.run { [coding] connection throws(SessionError) in
            var stored = try connection.run(["GET", coding.key(key)])
            while let bytes = stored.bytes {
                guard var session = try? StoredSession(key: key, encoded: bytes) else { return .absent }
                guard session.apply(renaming) else { return .conflict(session) }
                let words = [coding.id(key), coding.id(renaming.key), coding.header(bytes)] + (try coding.record(session)) + forward
                stored = try connection.run(.rename, coding, words, changes: true)
                switch stored.integer {
                case 1: return .renamed(version: session.version)
                case 0: return .absent
                case -1: return .taken
                default: continue
                }
            }
            return try connection.run(["EXISTS", coding.key(renaming.key)]).integer == 1 ? .taken : .absent
        }
    }

    /// See ``SessionStore/touch(_:lastAccessed:deadline:)``.
    @discardableResult
    public func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.run { [coding] connection throws(SessionError) in
            let words = [coding.id(key)] + coding.times(lastAccessed, deadline) + [coding.score(deadline), coding.end(deadline)]
            // Twice is as good as once.
            return try connection.run(.touch, coding, words, changes: false).integer == 1
        }
    }

    /// See ``SessionStore/remove(_:)``.
    @discardableResult
    public func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.run { [coding] connection throws(SessionError) in
            try connection.run(.remove, coding, [coding.id(key)], changes: true).integer == 1
        }
    }

    /// See ``SessionStore/claimExpired(at:limit:lease:)``.
    public func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        guard limit > 0 else { return [] }
        return try await self.run { [coding] connection throws(SessionError) in
            let words = [coding.score(now), RedisWord("\(min(limit, 10_000))"), coding.score(now.advanced(by: lease))]
            return coding.sessions(try connection.run(.claim, coding, words, changes: true)).filter { $0.isExpired(at: now) }
        }
    }

    /// See ``SessionStore/renewClaim(_:until:to:)``.
    public func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.run { [coding] connection throws(SessionError) in
            let words = [coding.id(key), coding.score(end), coding.score(newEnd)]
            return try connection.run(.endClaim, coding, words, changes: true).integer == 1
        }
    }

    /// See ``SessionStore/removeClaimed(_:until:)``.
    public func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.run { [coding] connection throws(SessionError) in
            try connection.run(.endClaim, coding, [coding.id(key), coding.score(end), ""], changes: true).integer == 1
        }
    }

    /// See ``SessionStore/sessions(ofPrincipal:)``.
    public func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.run { [coding] connection throws(SessionError) in
            coding.sessions(try connection.run(.sessions, coding, [RedisWord(principal)], changes: false)).filter { $0.principal == principal }
        }
    }

    /// See ``SessionStore/count()``.
    public func count() async throws(SessionError) -> Int {
        try await self.run { [coding] connection throws(SessionError) in
            Int(clamping: try connection.run(["ZCARD", RedisWord(coding.index)]).integer ?? 0)
        }
    }

    /// See ``SessionStore/removeAll()``.
    public func removeAll() async throws(SessionError) {
        // A thousand at a time, so that nobody else waits for long.
        while try await self.removeSome() > 0 {}
    }

    private func removeSome() async throws(SessionError) -> Int64 {
        try await self.run { [coding] connection throws(SessionError) in
            try connection.run(.removeSome, coding, ["1000"], changes: false).integer ?? 0
        }
    }

    // MARK: Connections

    private func run<Value: Sendable>(
        _ operation: @escaping @Sendable (RedisConnection) throws(SessionError) -> Value
    ) async throws(SessionError) -> Value {
        guard let pool = self.pool.withLock({ $0 }) else { throw StoreThread.stopped }
        return try await pool.runOpened { connection, deadline throws(SessionError) in
            connection.deadline = deadline
            return try operation(connection)
        }
    }
}

extension RedisConnection {
    fileprivate func run(_ script: RedisScript, _ coding: RedisSessionCoding, _ words: [RedisWord], changes: Bool) throws(SessionError) -> RedisValue
    {
        try self.run(script, index: coding.index, [RedisWord(coding.prefix)] + words, changes: changes)
    }
}
