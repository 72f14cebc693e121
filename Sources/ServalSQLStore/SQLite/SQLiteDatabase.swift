#if SQLite
    import FoundationEssentials
    import GRDB
    import ServalSessions

    #if canImport(Darwin)
        import Darwin
    #else
        import Glibc
    #endif

    /// An open SQLite database; its methods block the thread that calls them.
    final class SQLiteDatabase: Sendable {
        private let pool: DatabasePool
        private let path: String

        init(path: String, readers: Int, timeout: Duration) throws(SessionError) {
            self.path = path
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
                self.pool = try DatabasePool(path: path, configuration: configuration)
                // The pool chooses NORMAL, which keeps a database whole. FULL syncs each commit: what was acknowledged survives a power cut, too.
                try self.pool.writeWithoutTransaction { try $0.execute(sql: "pragma synchronous = full") }
            } catch {
                throw Self.error(error, path)
            }
        }

        func shut() { try? self.pool.close() }

        /// Makes the table if it is missing.
        ///
        /// - Returns: the statements for the columns that it has.
        func prepare(_ statements: SQLSessionStatements) throws(SessionError) -> SQLSessionStatements {
            var statements = statements
            let columns: [String]
            do {
                columns = try self.pool.write { database in
                    if let columns = try? database.makeStatement(sql: statements.columns.text).columnNames { return columns }
                    for statement in statements.createTable { try database.execute(sql: statement.text) }
                    return try database.makeStatement(sql: statements.columns.text).columnNames
                }
            } catch {
                throw Self.error(error, self.path)
            }
            try statements.notice(columns: columns)
            return statements
        }

        func read<Value>(_ body: (SQLiteConnection) throws(SessionError) -> Value) throws(SessionError) -> Value {
            do {
                return try self.pool.read { database in try body(SQLiteConnection(database, self.path)) }
            } catch {
                throw Self.error(error, self.path)
            }
        }

        /// A transaction that holds the database's lock from its beginning; returns when it is on the disk.
        func write<Value>(_ body: (SQLiteConnection) throws(SessionError) -> Value) throws(SessionError) -> Value {
            do {
                return try self.pool.writeWithoutTransaction { database in
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
