public import Logging
public import ServalSessions
import Synchronization

/// Keeps sessions in a table of PostgreSQL, MySQL or MariaDB, for any number of servers.
///
/// The database's own client library is loaded when the store starts: `libpq.so.5` or `libmariadb.so.3`. Its calls block; they run on
/// ``Configuration/connections`` threads of the store's own, each with a connection. Each operation is a transaction, and what was acknowledged is where the
/// database keeps what was committed.
///
/// A database that goes away costs each operation at most ``Configuration/timeout``, and is used again as soon as it is back. Conflicts of transactions are resolved by repeating them.
///
/// Source: Tomcat's `JDBCStore` and `DataSourceStore`, whose table (``SQLSessionTable``) works as it is.
public final class SQLSessionStore: SessionStore {
    /// The settings of a store.
    public struct Configuration: Sendable {
        /// The database; PostgreSQL from version 9.5, MySQL from 8.0, MariaDB from 10.6.
        public var database: SessionDatabase
        /// Names the application within the store.
        ///
        /// Default: empty. At most ``SQLSessionTable/maximumNamespaceLength`` characters.
        public var namespace = ""
        /// The names of the table and its columns.
        public var table = SQLSessionTable()
        /// How many operations run at once (`serval.connections`).
        ///
        /// Default: 8; at least 1, at most 64. Connections are made when they are needed, and kept.
        public var connections = 8
        /// How long an operation may take, waiting and connecting included (`serval.timeout`).
        ///
        /// Default: 5 seconds.
        public var timeout = Duration.seconds(5)
        /// For what is wrong with the database or the table.
        public var logger = Logger(label: "serval.session")

        /// The defaults, with a database.
        public init(database: SessionDatabase) { self.database = database }
    }

    private typealias Pool = StoreConnectionPool<any SQLClientConnection>

    private struct Running: Sendable {
        let pool: Pool
        let statements: SQLSessionStatements
    }

    private let configuration: Configuration
    private let running = Mutex<Running?>(nil)
    /// The statements for the table's columns, once the database has told them.
    private let noticed = Mutex<SQLSessionStatements?>(nil)

    /// A store; ``start()`` connects.
    public init(configuration: Configuration) { self.configuration = configuration }

    // MARK: Life

    /// Connects; makes the table and its indexes if they are missing.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` for a missing client library, a user or password that the database refuses, a certificate that is not
    ///   trusted, and a table without the columns that are named. A database that does not answer is a line in the log.
    public func start() async throws(SessionError) {
        let configuration = self.configuration
        let client = try Self.client(configuration)
        let statements = try SQLSessionStatements(configuration.table, dialect: client.dialect, namespace: configuration.namespace)
        let pool = Pool(limit: configuration.connections, timeout: configuration.timeout, connect: client.connect) { $0.recovery }
        let isFirst = self.running.withLock { current in
            guard current == nil else { return false }
            current = Running(pool: pool, statements: statements)
            return true
        }
        guard isFirst else {
            throw SessionError(code: .illegalSetting, message: "the session store in the \(configuration.database) is started already")
        }
        do throws(SessionError) {
            try await pool.open(logger: configuration.logger) { connection, deadline throws(SessionError) in
                connection.deadline = deadline
                _ = try self.prepared(statements, on: connection)
            }
        } catch {
            await self.stop()
            throw error
        }
    }

    /// Closes the connections after the operations in progress.
    public func stop() async {
        let running = self.running.withLock { current in
            defer { current = nil }
            return current
        }
        await running?.pool.stop()
        self.noticed.withLock { $0 = nil }
    }

    private static func client(_ configuration: Configuration) throws(SessionError) -> SQLClient {
        switch configuration.database.product {
        case .postgreSQL: return try PostgreSQLConnection.client(configuration.database, timeout: configuration.timeout)
        case .mySQL: return try MySQLConnection.client(configuration.database, timeout: configuration.timeout)
        case .sqlite, .redis:
            throw SessionError(code: .illegalSetting, message: "the \(configuration.database) has a store of its own, which is not this one")
        }
    }

    /// The statements for the table as it is, which is made if it is missing.
    private func prepared(_ statements: SQLSessionStatements, on connection: any SQLClientConnection) throws(SessionError) -> SQLSessionStatements {
        if let noticed = self.noticed.withLock({ $0 }) { return noticed }
        var noticed = statements
        let columns: [String]
        do throws(SessionError) {
            columns = try connection.columns(of: statements.columns)
        } catch {
            guard connection.recovery == .keep else { throw error }
            columns = try self.makeTable(statements, on: connection)
        }
        try noticed.notice(columns: columns)
        try noticed.check(lengths: try self.columnLengths(noticed, on: connection))
        let isNews = self.noticed.withLock { current in
            defer { current = noticed }
            return current == nil
        }
        if isNews, let count = try connection.query(statements.foreignCount).first?.first?.integer, count > 0 {
            let place = "the table '\(self.configuration.table.name)' of the \(self.configuration.database)"
            self.configuration.logger.warning(
                "\(place) has \(count) sessions that Tomcat wrote for '\(statements.namespace)'; nobody else can read them"
            )
        }
        return noticed
    }

    /// None where the database does not tell them.
    private func columnLengths(_ statements: SQLSessionStatements, on connection: any SQLClientConnection) throws(SessionError) -> [[SQLValue]] {
        guard let statement = statements.columnLengths else { return [] }
        do throws(SessionError) {
            return try connection.query(statement)
        } catch {
            guard connection.recovery == .keep else { throw error }
            return []
        }
    }

    private func makeTable(_ statements: SQLSessionStatements, on connection: any SQLClientConnection) throws(SessionError) -> [String] {
        do throws(SessionError) {
            try connection.begin()
            // Several servers may start at once.
            if let lock = statements.dialect.creationLock { _ = try connection.query(lock) }
            for statement in statements.createTable { _ = try connection.execute(statement) }
            try connection.commit()
            return try connection.columns(of: statements.columns)
        } catch {
            connection.rollback()
            guard connection.recovery == .keep else { throw error }
            throw SessionError(code: .illegalSetting, message: "the table of the session store is missing and cannot be made: \(error.message)")
        }
    }

    // MARK: Operations

    /// See ``SessionStore/load(_:unless:)``.
    public func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.single { statements, connection throws(SessionError) in try statements.load(key, unless: version, on: connection) }
    }

    /// See ``SessionStore/insert(_:)``.
    public func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        let encoded = try session.encoded()
        return try await self.transaction { statements, connection throws(SessionError) in
            try statements.insert(session, encoded: encoded, on: connection)
        }
    }

    /// See ``SessionStore/save(_:to:)``.
    public func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.transaction { statements, connection throws(SessionError) in try statements.save(changes, to: key, on: connection) }
    }

    /// See ``SessionStore/rename(_:by:)``.
    public func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.transaction { statements, connection throws(SessionError) in
            try statements.rename(key, by: renaming, on: connection)
        }
    }

    /// See ``SessionStore/touch(_:lastAccessed:deadline:)``.
    @discardableResult
    public func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.transaction { statements, connection throws(SessionError) in
            try statements.touch(key, lastAccessed: lastAccessed, deadline: deadline, on: connection)
        }
    }

    /// See ``SessionStore/remove(_:)``.
    @discardableResult
    public func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        // In a transaction, so that a lost connection tells whether it may be repeated.
        try await self.transaction { statements, connection throws(SessionError) in try statements.remove(key, on: connection) }
    }

    /// See ``SessionStore/claimExpired(at:limit:lease:)``.
    public func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.transaction { statements, connection throws(SessionError) in
            try statements.claimExpired(at: now, limit: limit, lease: lease, on: connection)
        }
    }

    /// See ``SessionStore/renewClaim(_:until:to:)``.
    public func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.transaction { statements, connection throws(SessionError) in
            try statements.renewClaim(key, until: end, to: newEnd, on: connection)
        }
    }

    /// See ``SessionStore/removeClaimed(_:until:)``.
    public func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.transaction { statements, connection throws(SessionError) in try statements.removeClaimed(key, until: end, on: connection) }
    }

    /// See ``SessionStore/sessions(ofPrincipal:)``.
    public func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.single { statements, connection throws(SessionError) in try statements.sessions(ofPrincipal: principal, on: connection) }
    }

    /// See ``SessionStore/count()``.
    public func count() async throws(SessionError) -> Int {
        try await self.single { statements, connection throws(SessionError) in try statements.count(on: connection) }
    }

    /// See ``SessionStore/removeAll()``.
    public func removeAll() async throws(SessionError) {
        try await self.transaction { statements, connection throws(SessionError) in try statements.removeAll(on: connection) }
    }

    // MARK: Connections

    private typealias Operation<Value> = @Sendable (SQLSessionStatements, any SQLClientConnection) throws(SessionError) -> Value

    /// A query that changes nothing, so that it may be repeated.
    private func single<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
        try await self.run { statements, connection throws(SessionError) in try operation(statements, connection) }
    }

    private func transaction<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
        try await self.run { statements, connection throws(SessionError) in
            try connection.begin()
            do throws(SessionError) {
                let value = try operation(statements, connection)
                try connection.commit()
                return value
            } catch {
                connection.rollback()
                throw error
            }
        }
    }

    private func run<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
        guard let running = self.running.withLock({ $0 }) else { throw StoreThread.stopped }
        return try await running.pool.runOpened { connection, deadline throws(SessionError) in
            connection.deadline = deadline
            return try operation(try self.prepared(running.statements, on: connection), connection)
        }
    }
}
