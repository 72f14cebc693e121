#if SQLite
    import Foundation
    import GRDB
    import Logging
    import ServalSessions
    import Testing

    @testable import ServalSQLStore

    /// What the contract's suite does not see: the database.
    @Suite("SQLite store")
    struct SQLiteSessionStoreTests {
        let path = FileManager.default.temporaryDirectory.path + "/serval-sqlite-\(UUID().uuidString).db"

        private func clean() { for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: self.path + suffix) } }

        private func store(_ change: (inout SQLiteSessionStore.Configuration) -> Void = { _ in }) -> SQLiteSessionStore {
            var configuration = SQLiteSessionStore.Configuration(path: self.path)
            configuration.namespace = "/shop"
            change(&configuration)
            return SQLiteSessionStore(configuration: configuration)
        }

        private func session(_ id: String, seconds: Int = 60, principal: String? = nil) -> StoredSession {
            StoredSession(
                key: StoredSessionKey(SessionID(rawValue: id), namespace: "/shop"),
                version: 1,
                lastAccessed: .now,
                deadline: Timestamp.now.advanced(by: .seconds(seconds)),
                principal: principal,
                head: [1],
                attributes: ["a": .init(version: 1, bytes: [1])]
            )
        }

        @Test("A file that is removed or replaced while the store is open is noticed: nothing is written where nobody finds it")
        func removed() async throws {
            defer { self.clean() }
            let store = self.store()
            try await store.start()
            for round in 0..<3 {
                #expect(try await store.insert(self.session("before \(round)")))
                self.clean()
                // Whoever comes first, a reader or the writer, finds a new file.
                if round == 0 { #expect(try await store.load(self.session("before 0").key, unless: nil) == .absent) }
                #expect(try await store.insert(self.session("after \(round)")))
                #expect(try await store.count() == 1)
                let other = self.store()
                try await other.start()
                #expect(try await other.count() == 1, "what was acknowledged is in the file that is there")
                await other.stop()
            }
            // Where no file can be, the store is down.
            self.clean()
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: false)
            let error = await #expect(throws: SessionError.self) { try await store.insert(self.session("nowhere")) }
            #expect(error?.code == .storeUnavailable)
            try FileManager.default.removeItem(atPath: self.path)
            #expect(try await store.insert(self.session("again")))
            await store.stop()
        }

        @Test("The documents' table works as it is, and Tomcat's rows in it stay")
        func documentsTable() async throws {
            defer { self.clean() }
            let database = try DatabaseQueue(path: self.path)
            try await database.write { database in
                try database.execute(
                    sql: """
                        create table tomcat_sessions (session_id varchar(100) not null primary key, valid_session char(1) not null,
                        max_inactive int not null, last_access bigint not null, app_name varchar(255), session_data mediumblob);
                        insert into tomcat_sessions values ('0123456789ABCDEF0123456789ABCDEF.node1', '1', 1800, 1, '/shop', x'aced0005');
                        """
                )
            }
            let store = self.store { configuration in
                configuration.table.name = "tomcat_sessions"
                configuration.table.appColumn = "app_name"
                configuration.table.idColumn = "session_id"
                configuration.table.dataColumn = "session_data"
                configuration.table.validColumn = "valid_session"
                configuration.table.maxInactiveColumn = "max_inactive"
                configuration.table.lastAccessedColumn = "last_access"
            }
            try await store.start()
            let (alive, expired) = (self.session("A", principal: "duke"), self.session("B", seconds: -60))
            for session in [alive, expired] { #expect(try await store.insert(session)) }
            #expect(try await store.load(alive.key, unless: nil) == .found(alive))
            #expect(try await store.count() == 2)
            #expect(try await store.sessions(ofPrincipal: "duke") == [alive])
            // The columns count in seconds, and at least one.
            let now = Timestamp.now.advanced(by: .seconds(3))
            #expect(try await store.claimExpired(at: now, limit: 10, lease: .seconds(60)) == [expired])
            #expect(try await store.claimExpired(at: now, limit: 10, lease: .seconds(60)).isEmpty)
            let later = now.advanced(by: .seconds(62))
            let claimed = try await store.claimExpired(at: later, limit: 10, lease: .seconds(60))
            #expect(Set(claimed.map(\.key)) == [alive.key, expired.key])
            let rows = try await database.read { database in
                try Row.fetchAll(database, sql: "select valid_session, max_inactive from tomcat_sessions order by length(session_id)").map { "\($0)" }
            }
            #expect(rows.count == 3 && rows[0].contains("1800") && rows[1].contains(#""0""#), "\(rows)")
            try await store.removeAll()
            #expect(try await database.read { try Int.fetchOne($0, sql: "select count(*) from tomcat_sessions") } == 1, "Tomcat's row stays")
            await store.stop()
        }

        @Test("The database is the owner's alone, in WAL mode, and syncs each commit")
        func modes() async throws {
            defer { self.clean() }
            let store = self.store()
            try await store.start()
            #expect(try await store.insert(self.session("A")))
            for suffix in ["", "-wal"] {
                var information = stat()
                #expect(stat(self.path + suffix, &information) == 0 && information.st_mode & 0o777 == 0o600)
            }
            await store.stop()
            let database = try SQLiteDatabase(path: self.path, readers: 1, timeout: .seconds(5), logger: Logger(label: "test"))
            let settings = try database.write { connection throws(SessionError) in
                (try connection.query(SQLStatement("pragma journal_mode")), try connection.query(SQLStatement("pragma synchronous")))
            }
            #expect(settings.0 == [[.text("wal")]] && settings.1 == [[.integer(2)]])
            database.shut()
        }

        @Test("A row that is no session is no session, and keeps no other from expiring")
        func damage() async throws {
            defer { self.clean() }
            let store = self.store()
            try await store.start()
            let sessions = (0..<5).map { self.session("\($0)", seconds: -60 + $0) }
            for session in sessions { #expect(try await store.insert(session)) }
            let database = try DatabaseQueue(path: self.path)
            for session in sessions.prefix(4) {
                let id = session.key.hexadecimal
                try await database.write { try $0.execute(sql: "update tomcat$sessions set data = x'53565331' where id = ?", arguments: [id]) }
            }
            #expect(try await store.load(sessions[0].key, unless: nil) == .absent)
            #expect(try await store.load(sessions[0].key, unless: 1) == .absent)
            var claimed: [StoredSession] = []
            for _ in 0..<3 { claimed += try await store.claimExpired(at: .now, limit: 2, lease: .seconds(60)) }
            #expect(claimed == [sessions[4]])
            await store.stop()
        }

        @Test("What cannot work is refused with the reason")
        func refusals() async throws {
            defer { self.clean() }
            let nowhere = await #expect(throws: SessionError.self) { try await self.store { $0.path = "/nowhere/sessions.db" }.start() }
            #expect(nowhere?.code == .illegalSetting && nowhere?.message.contains("/nowhere/sessions.db") == true)
            try Data(repeating: 7, count: 4096).write(to: URL(fileURLWithPath: self.path))
            let noDatabase = await #expect(throws: SessionError.self) { try await self.store().start() }
            #expect(noDatabase?.code == .illegalSetting, "\(noDatabase?.message ?? "")")
            self.clean()
            let database = try DatabaseQueue(path: self.path)
            try await database.write { try $0.execute(sql: "create table tomcat$sessions (id text)") }
            let columns = await #expect(throws: SessionError.self) { try await self.store().start() }
            #expect(columns?.code == .illegalSetting && columns?.message.contains("sessionDataCol") == true)
            let stopped = await #expect(throws: SessionError.self) { try await self.store().count() }
            #expect(stopped?.code == .storeUnavailable)
        }

        @Test("A database that another process keeps locked is an error in time; a write that fails takes no other along")
        func locked() async throws {
            defer { self.clean() }
            let store = self.store { $0.timeout = .milliseconds(300) }
            try await store.start()
            var configuration = GRDB.Configuration()
            configuration.allowsUnsafeTransactions = true
            let database = try DatabaseQueue(path: self.path, configuration: configuration)
            try await database.writeWithoutTransaction { try $0.execute(sql: "begin immediate") }
            let error = await #expect(throws: SessionError.self) { try await store.insert(self.session("A")) }
            #expect(error?.code == .storeUnavailable && error?.message.contains(self.path) == true)
            #expect(try await store.load(self.session("A").key, unless: nil) == .absent, "readers need no lock")
            try await database.writeWithoutTransaction { try $0.execute(sql: "rollback") }

            let session = self.session("A")
            #expect(try await store.insert(session))
            let tooLarge = StoredSessionChanges(
                writes: ["b": .init(bytes: [UInt8](repeating: 1, count: StoredSession.maximumSize), condition: .any)],
                head: nil,
                principal: nil,
                lastAccessed: .now,
                deadline: nil
            )
            let saved = await withTaskGroup(of: Bool.self) { group in
                for position in 0..<20 {
                    group.addTask {
                        let changes = StoredSessionChanges(
                            writes: ["\(position)": .init(bytes: [1], condition: .absent)],
                            head: nil,
                            principal: nil,
                            lastAccessed: .now,
                            deadline: nil
                        )
                        return (try? await store.save(position == 10 ? tooLarge : changes, to: session.key)) != nil
                    }
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(saved == 19)
            guard case .found(let stored) = try await store.load(session.key, unless: nil) else { throw SessionStoreGone() }
            #expect(stored.version == 20 && stored.attributes.count == 20)
            await store.stop()
        }

        private struct SessionStoreGone: Error {}
    }
#endif
