#if SQLite
    import FoundationEssentials
    import GRDB
    import Logging
    import ServalSessions
    import Synchronization

    #if canImport(Darwin)
        import Darwin
    #else
        import Glibc
    #endif

    /// An open SQLite database; its methods block the thread that calls them.
    ///
    /// A file that somebody has removed or replaced is noticed by the next operation, which opens what is there now: SQLite itself would go on with the file
    /// that nobody will find again.
    final class SQLiteDatabase: Sendable {
        private struct Opened: Sendable {
            let pool: DatabasePool
            let file: File
        }

        /// Tells one file of a path from its successor.
        private struct File: Sendable, Equatable {
            let device: UInt64
            let number: UInt64

            init?(_ path: String) {
                var information = stat()
                guard stat(path, &information) == 0 else { return nil }
                self.device = UInt64(truncatingIfNeeded: information.st_dev)
                self.number = UInt64(truncatingIfNeeded: information.st_ino)
            }
        }

        private let path: String
        private let readers: Int
        private let timeout: Duration
        private let logger: Logger
        private let opened: Mutex<Opened>
        /// What makes the table, once it is there.
        private let statements = Mutex<SQLSessionStatements?>(nil)

        init(path: String, readers: Int, timeout: Duration, logger: Logger) throws(SessionError) {
            self.path = path
            self.readers = readers
            self.timeout = timeout
            self.logger = logger
            self.opened = Mutex(try Self.openPool(path, readers: readers, timeout: timeout))
        }

        private static func openPool(_ path: String, readers: Int, timeout: Duration) throws(SessionError) -> Opened {
            // SQLite makes its files as the umask says; beside this one they get its mode.
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                let reason = "the session store cannot open the SQLite database '\(path)': \(String(cString: strerror(errno)))"
                throw SessionError(code: .illegalSetting, message: reason)
            }
            close(descriptor)
            var configuration = GRDB.Configuration()
            configuration.label = "serval.session.sqlite"
            configuration.maximumReaderCount = readers
            let (seconds, attoseconds) = timeout.components
            configuration.busyMode = .timeout(Double(seconds) + Double(attoseconds) / 1e18)
            do {
                let pool = try DatabasePool(path: path, configuration: configuration)
                // The pool chooses NORMAL, which keeps a database whole. FULL syncs each commit: what was acknowledged survives a power cut, too.
                try pool.writeWithoutTransaction { try $0.execute(sql: "pragma synchronous = full") }
                guard let file = File(path) else { throw Self.isGone(path) }
                return Opened(pool: pool, file: file)
            } catch {
                throw Self.error(error, path)
            }
        }

        private static func isGone(_ path: String) -> SessionError {
            SessionError(code: .storeUnavailable, message: "the SQLite database '\(path)' of the session store was removed")
        }

        /// The database that is at the path.
        private func pool() throws(SessionError) -> DatabasePool {
            try self.opened.withLock { opened throws(SessionError) in
                guard File(self.path) != opened.file else { return opened.pool }
                do throws(SessionError) {
                    let next = try Self.openPool(self.path, readers: self.readers, timeout: self.timeout)
                    if let statements = self.statements.withLock({ $0 }) { _ = try self.makeTable(statements, in: next.pool) }
                    self.logger.error(
                        "the SQLite database '\(self.path)' was removed or replaced; the session store goes on with the file that is there now"
                    )
                    opened = next
                } catch {
                    // What would keep a store from starting is, later, a store that is down.
                    throw SessionError(code: .storeUnavailable, message: error.message)
                }
                return opened.pool
            }
        }

        func shut() { try? self.opened.withLock { $0.pool }.close() }

        /// Makes the table if it is missing.
        ///
        /// - Returns: the statements for the columns that it has.
        func prepare(_ statements: SQLSessionStatements) throws(SessionError) -> SQLSessionStatements {
            var statements = statements
            try statements.notice(columns: try self.makeTable(statements, in: try self.pool()))
            self.statements.withLock { $0 = statements }
            return statements
        }

        /// The columns of the table, which is made if it is missing.
        private func makeTable(_ statements: SQLSessionStatements, in pool: DatabasePool) throws(SessionError) -> [String] {
            do {
                return try pool.write { database in
                    if let columns = try? database.makeStatement(sql: statements.columns.text).columnNames { return columns }
                    for statement in statements.createTable { try database.execute(sql: statement.text) }
                    return try database.makeStatement(sql: statements.columns.text).columnNames
                }
            } catch {
                throw Self.error(error, self.path)
            }
        }

        func read<Value>(_ body: (SQLiteConnection) throws(SessionError) -> Value) throws(SessionError) -> Value {
            do {
                return try self.pool().read { database in try body(SQLiteConnection(database, self.path)) }
            } catch {
                throw Self.error(error, self.path)
            }
        }

        /// A transaction that holds the database's lock from its beginning; returns when it is on the disk.
        func write<Value>(_ body: (SQLiteConnection) throws(SessionError) -> Value) throws(SessionError) -> Value {
            do {
                return try self.pool().writeWithoutTransaction { database in
                    var value: Value?
                    try database.inTransaction(.immediate) {
                        value = try body(SQLiteConnection(database, self.path))
                        return .commit
                    }
                    guard let value else { throw StoreThread.stopped }
                    return value
                }
            } catch {
                throw Self.error(error, self.path)
            }
        }

        static func error(_ error: any Error, _ path: String) -> SessionError {
            if let error = error as? SessionError { return error }
            let code: SessionError.Code =
                switch (error as? DatabaseError)?.resultCode {
                case .SQLITE_NOTADB?, .SQLITE_CANTOPEN?, .SQLITE_AUTH?: .illegalSetting
                default: .storeUnavailable
                }
            // Without the arguments: they are keys and values.
            let reason =
                (error as? DatabaseError).map { "\($0.message ?? "no reason given") (SQLite error \($0.extendedResultCode.rawValue))" } ?? "\(error)"
            return SessionError(code: code, message: "the session store in the SQLite database '\(path)' failed: \(reason)")
        }
    }

    /// The database within a transaction.
    struct SQLiteConnection: SQLConnection {
        private let database: Database
        private let path: String

        init(_ database: Database, _ path: String) {
            self.database = database
            self.path = path
        }

        func execute(_ statement: SQLStatement) throws(SessionError) -> Int {
            do {
                try self.prepared(statement).execute()
                return self.database.changesCount
            } catch {
                throw SQLiteDatabase.error(error, self.path)
            }
        }

        func query(_ statement: SQLStatement) throws(SessionError) -> [[SQLValue]] {
            do {
                return try Row.fetchAll(try self.prepared(statement)).map { row in row.databaseValues.map(Self.value) }
            } catch {
                throw SQLiteDatabase.error(error, self.path)
            }
        }

        private func prepared(_ statement: SQLStatement) throws -> Statement {
            let prepared = try self.database.cachedStatement(sql: statement.text)
            try prepared.setArguments(StatementArguments(statement.parameters.map(Self.value)))
            return prepared
        }

        private static func value(_ value: SQLValue) -> DatabaseValue {
            switch value {
            case .null: .null
            case .integer(let value): value.databaseValue
            case .text(let value): value.databaseValue
            case .bytes(let value): Data(value).databaseValue
            }
        }

        private static func value(_ value: DatabaseValue) -> SQLValue {
            switch value.storage {
            case .null: .null
            case .int64(let value): .integer(value)
            case .double(let value): Int64(exactly: value.rounded()).map { .integer($0) } ?? .null
            case .string(let value): .text(value)
            case .blob(let value): .bytes(Array(value))
            }
        }
    }
#endif
