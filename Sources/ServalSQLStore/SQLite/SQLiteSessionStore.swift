#if SQLite
    public import Logging
    public import ServalSessions
    import Synchronization

    /// Keeps sessions in an SQLite database: a file on this machine, for one server or for several on the same machine.
    ///
    /// Needs the package trait `SQLite`, which is on by default. The database is kept in WAL mode with `synchronous=FULL`: what was acknowledged is on the disk.
    /// Writes that wait at the same time share a transaction, so a thousand of them cost little more than one.
    ///
    /// A file that is removed or replaced while the store is open is made anew, or used, by the next operation.
    ///
    /// SQLite's own calls block; they run on ``Configuration/readers`` threads for loading and one for writing, all of the store's own.
    public final class SQLiteSessionStore: SessionStore {
        /// The settings of a store.
        public struct Configuration: Sendable {
            /// The database file; it is made, readable for its owner alone, if it is missing.
            ///
            /// Its folder must be there.
            public var path: String
            /// Names the application within the store.
            ///
            /// Default: empty. At most ``SQLSessionTable/maximumNamespaceLength`` characters.
            public var namespace = ""
            /// The names of the table and its columns.
            public var table = SQLSessionTable()
            /// How many sessions are loaded at once.
            ///
            /// Default: 4; at least 1, at most 64.
            public var readers = 4
            /// How long an operation waits for other processes that write.
            ///
            /// Default: 5 seconds (`serval.timeout`).
            public var timeout = Duration.seconds(5)
            /// For a database that was removed or replaced.
            public var logger = Logger(label: "serval.session")

            /// The defaults, with a database file.
            public init(path: String) { self.path = path }
        }

        private let configuration: Configuration
        private let running = Mutex<Running?>(nil)

        /// Everything that ``start()`` made.
        private struct Running: Sendable {
            let database: SQLiteDatabase
            let readers: [StoreThread]
            let writer: StoreThread
            let statements: SQLSessionStatements
            let waiting = WaitingWrites()
            let turn = Turn()
        }

        private final class Turn: Sendable {
            private let value = Atomic<Int>(0)
            func next(of count: Int) -> Int { Int(self.value.wrappingAdd(1, ordering: .relaxed).oldValue.magnitude % UInt(count)) }
        }

        /// A store; ``start()`` opens the database.
        public init(configuration: Configuration) { self.configuration = configuration }

        // MARK: Life

        /// Opens the database; makes the file, the table and its indexes if they are missing.
        ///
        /// - Throws: ``SessionError/Code/illegalSetting`` for a path that cannot be opened, a file that is no database, and a table without the columns that are
        ///   named; ``SessionError/Code/storeUnavailable`` for a database that another process keeps locked.
        public func start() async throws(SessionError) {
            let configuration = self.configuration
            let statements = try SQLSessionStatements(configuration.table, dialect: .sqlite, namespace: configuration.namespace)
            let writer = try StoreThread()
            var readers: [StoreThread] = []
            for _ in 0..<min(max(1, configuration.readers), 64) { readers.append(try StoreThread()) }
            let readerCount = readers.count
            let (database, noticed) = try await writer.run { () throws(SessionError) in
                let database = try SQLiteDatabase(
                    path: configuration.path,
                    readers: readerCount,
                    timeout: configuration.timeout,
                    logger: configuration.logger
                )
                return (database, try database.prepare(statements))
            }
            let running = Running(database: database, readers: readers, writer: writer, statements: noticed)
            let isFirst = self.running.withLock { current in
                guard current == nil else { return false }
                current = running
                return true
            }
            guard isFirst else {
                _ = try? await writer.run { database.shut() }
                throw SessionError(code: .illegalSetting, message: "the session store '\(configuration.path)' is started already")
            }
        }

        /// Closes the database after the operations in progress.
        public func stop() async {
            let running = self.running.withLock { current in
                defer { current = nil }
                return current
            }
            guard let running else { return }
            for reader in running.readers { await reader.finish() }
            _ = try? await running.writer.run { running.database.shut() }
            await running.writer.finish()
        }

        // MARK: Operations

        /// See ``SessionStore/load(_:unless:)``.
        public func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
            try await self.read { statements, connection throws(SessionError) in try statements.load(key, unless: version, on: connection) }
        }

        /// See ``SessionStore/insert(_:)``.
        public func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
            // Fails for one session, before others share its transaction.
            let encoded = try session.encoded()
            return try await self.write { statements, connection throws(SessionError) in
                try statements.insert(session, encoded: encoded, on: connection)
            }
        }

        /// See ``SessionStore/save(_:to:)``.
        public func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
            try await self.write { statements, connection throws(SessionError) in try statements.save(changes, to: key, on: connection) }
        }

        /// See ``SessionStore/rename(_:by:)``.
        public func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
            try await self.write { statements, connection throws(SessionError) in
                try statements.rename(key, by: renaming, on: connection)
            }
        }

        /// See ``SessionStore/touch(_:lastAccessed:deadline:)``.
        @discardableResult
        public func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
            try await self.write { statements, connection throws(SessionError) in
                try statements.touch(key, lastAccessed: lastAccessed, deadline: deadline, on: connection)
            }
        }

        /// See ``SessionStore/remove(_:)``.
        @discardableResult
        public func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
            try await self.write { statements, connection throws(SessionError) in try statements.remove(key, on: connection) }
        }

        /// See ``SessionStore/claimExpired(at:limit:lease:)``.
        public func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
            // Most sweeps find nothing; those need no writing transaction.
            let isDue = try await self.read { statements, connection throws(SessionError) in
                try !connection.query(statements.due(at: now, limit: 1)).isEmpty
            }
            guard isDue else { return [] }
            return try await self.write { statements, connection throws(SessionError) in
                try statements.claimExpired(at: now, limit: limit, lease: lease, on: connection)
            }
        }

        /// See ``SessionStore/renewClaim(_:until:to:)``.
        public func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
            try await self.write { statements, connection throws(SessionError) in
                try statements.renewClaim(key, until: end, to: newEnd, on: connection)
            }
        }

        /// See ``SessionStore/removeClaimed(_:until:)``.
        public func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
            try await self.write { statements, connection throws(SessionError) in try statements.removeClaimed(key, until: end, on: connection) }
        }

        /// See ``SessionStore/sessions(ofPrincipal:)``.
        public func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
            try await self.read { statements, connection throws(SessionError) in try statements.sessions(ofPrincipal: principal, on: connection) }
        }

        /// See ``SessionStore/count()``.
        public func count() async throws(SessionError) -> Int {
            try await self.read { statements, connection throws(SessionError) in try statements.count(on: connection) }
        }

        /// See ``SessionStore/removeAll()``.
        public func removeAll() async throws(SessionError) {
            try await self.write { statements, connection throws(SessionError) in try statements.removeAll(on: connection) }
        }

        // MARK: Threads

        private typealias Operation<Value> = @Sendable (SQLSessionStatements, SQLiteConnection) throws(SessionError) -> Value

        private func current() throws(SessionError) -> Running {
            guard let running = self.running.withLock({ $0 }) else { throw StoreThread.stopped }
            return running
        }

        private func read<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
            let running = try self.current()
            let (database, statements) = (running.database, running.statements)
            return try await running.readers[running.turn.next(of: running.readers.count)].run { () throws(SessionError) in
                try database.read { connection throws(SessionError) in try operation(statements, connection) }
            }
        }

        private func write<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
            let running = try self.current()
            let (database, statements, waiting) = (running.database, running.statements, running.waiting)
            let result: Result<Value, SessionError> = await withCheckedContinuation { continuation in
                let write = WaitingWrites.Write { connection throws(SessionError) in
                    try operation(statements, connection)
                } answer: {
                    continuation.resume(returning: $0)
                }
                waiting.add(write)
                let isAccepted = running.writer.enqueue { waiting.commit(to: database) }
                if !isAccepted { waiting.refuse(StoreThread.stopped) }
            }
            return try result.get()
        }
    }
#endif
