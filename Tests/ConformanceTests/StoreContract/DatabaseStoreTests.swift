import Foundation
import Logging
import ServalRedisStore
import ServalSQLStore
import ServalSessions
import ServalTesting
import Synchronization
import TestPrograms
import Testing

/// What stores in databases do when the database is gone, mute, wrong or somebody else's.
@Suite("Session stores in databases")
struct DatabaseStoreTests {
    private func store(
        _ database: SessionDatabase,
        timeout: Duration = .seconds(30),
        table: String? = nil,
        logger: Logger? = nil
    ) -> any SessionStore {
        if database.product == .redis {
            var configuration = RedisSessionStore.Configuration(database: database)
            configuration.namespace = "/\(table ?? "databases")"
            configuration.timeout = timeout
            return RedisSessionStore(configuration: configuration)
        }
        var configuration = SQLSessionStore.Configuration(database: database)
        configuration.namespace = "/databases"
        configuration.timeout = timeout
        configuration.table.name = table ?? "databases"
        if let logger { configuration.logger = logger }
        return SQLSessionStore(configuration: configuration)
    }

    private func key(_ name: String) -> StoredSessionKey { StoredSessionKey(SessionID(rawValue: name), namespace: "/databases") }

    private func session(_ name: String) -> StoredSession {
        let deadline = Timestamp.now.advanced(by: .seconds(3600))
        return StoredSession(key: self.key(name), version: 1, lastAccessed: .now, deadline: deadline, principal: nil, head: [1], attributes: [:])
    }

    private func failure(_ body: () async throws -> Void) async -> SessionError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? SessionError
        }
    }

    @Test("A database that goes down is an error in time; when it is back, it is used again", arguments: DatabaseServer.Kind.allCases)
    func downAndUp(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.start(kind)
        let store = self.store(server.database, timeout: .seconds(10))
        try await store.start()
        #expect(try await store.insert(self.session("before")))
        // Several connections, which will all be stale.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await store.load(self.key("before"), unless: nil) } }
            try await group.waitForAll()
        }
        server.kill()
        let start = ContinuousClock.now
        for _ in 0..<3 {
            let error = await self.failure { _ = try await store.load(self.key("before"), unless: nil) }
            #expect(error?.code == .storeUnavailable, "\(String(describing: error))")
        }
        #expect(ContinuousClock.now - start < .seconds(35))
        // A store may start while its database is down.
        let second = self.store(server.database, timeout: .seconds(10))
        try await second.start()
        try await server.start()
        for store in [store, second] {
            guard case .found = try await store.load(self.key("before"), unless: nil) else {
                Issue.record("what was stored is not there")
                continue
            }
        }
        #expect(try await store.insert(self.session("after")))
        #expect(try await second.remove(self.key("after")))
        for store in [store, second] { await store.stop() }
    }

    @Test("A server that says nothing costs an operation its time-out and no more", arguments: DatabaseServer.Kind.allCases)
    func mute(_ kind: DatabaseServer.Kind) async throws {
        // The system takes connections that nobody accepts.
        let listener = try ReservedPort()
        try listener.listen()
        defer { withExtendedLifetime(listener) {} }
        let products: [DatabaseServer.Kind: SessionDatabase.Product] = [.postgreSQL: .postgreSQL, .mariaDB: .mySQL, .redis: .redis]
        var database = SessionDatabase(products[kind] ?? .redis, servers: [.init(host: "127.0.0.1", port: listener.number)], name: "0")
        database.password = "top-secret"
        let store = self.store(database, timeout: .seconds(1))
        let start = ContinuousClock.now
        try await store.start()
        let error = await self.failure { _ = try await store.count() }
        #expect(error?.code == .storeUnavailable && error?.message.contains("top-secret") == false, "\(String(describing: error))")
        #expect(ContinuousClock.now - start < .seconds(20))
        await store.stop()
    }

    @Test("A wrong password or database keeps the store from starting, and is not told", arguments: DatabaseServer.Kind.allCases)
    func refused(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        var wrongPassword = server.database
        wrongPassword.password = "top-secret"
        var wrongName = server.database
        wrongName.name = kind == .redis ? "4711" : "nowhere"
        for database in [wrongPassword, wrongName] {
            let error = await self.failure { try await self.store(database).start() }
            #expect(error?.code == .illegalSetting, "\(String(describing: error))")
            #expect(error?.message.contains("top-secret") == false)
        }
    }

    @Test("TLS: the right authority and name, and nobody else", arguments: DatabaseServer.Kind.allCases)
    func tls(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        let folder = try StoreFolder()
        let stranger = folder.path + "/stranger.pem"
        try Data(try TestCertificateAuthority(commonName: "Databases").certificatePEM.utf8).write(to: URL(fileURLWithPath: stranger))
        let cases: [(SessionDatabase.TLS.Mode, String?, String, Bool)] = [
            (.verifyFull, server.authorityFile, "localhost", true), (.verifyCA, server.authorityFile, "127.0.0.1", true),
            (.required, nil, "127.0.0.1", true), (.verifyFull, server.authorityFile, "127.0.0.1", false), (.verifyFull, stranger, "localhost", false),
            (.verifyCA, stranger, "127.0.0.1", false), (.verifyFull, nil, "localhost", false),
            (.verifyFull, folder.path + "/none.pem", "localhost", false),
        ]
        for (mode, authority, host, works) in cases {
            var database = server.database
            database.servers = [.init(host: host, port: server.tlsPort)]
            database.tls.mode = mode
            database.tls.rootCertificates = authority
            let store = self.store(database)
            let error = await self.failure {
                try await store.start()
                #expect(try await store.insert(self.session("tls \(UInt64.random(in: .min ... .max))")))
            }
            #expect(works ? error == nil : error?.code == .illegalSetting, "\(mode) \(host) \(authority ?? "-"): \(String(describing: error))")
            await store.stop()
        }
    }

    @Test(
        "A server without TLS is refused where there must be TLS",
        arguments: DatabaseServer.Kind.allCases,
        [SessionDatabase.TLS.Mode.required, .verifyCA, .verifyFull]
    )
    func plain(_ kind: DatabaseServer.Kind, _ mode: SessionDatabase.TLS.Mode) async throws {
        let server = kind == .redis ? try await DatabaseServer.shared(.redis) : try await DatabaseServer.withoutTLS(kind)
        var database = server.database
        database.tls = .init(mode: mode, rootCertificates: server.authorityFile)
        let store = self.store(database, timeout: .seconds(2))
        let error = await self.failure {
            try await store.start()
            _ = try await store.insert(self.session("plain"))
        }
        #expect(error?.code == (kind == .redis ? .storeUnavailable : .illegalSetting), "\(String(describing: error))")
        await store.stop()
    }

    @Test("Several servers: the first that answers", arguments: DatabaseServer.Kind.allCases)
    func several(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        var database = server.database
        database.servers = [.init(host: "127.0.0.1", port: 1), .init(host: "127.0.0.1", port: server.port)]
        let store = self.store(database)
        try await store.start()
        #expect(try await store.insert(self.session("several")))
        await store.stop()
    }

    @Test(
        "Several servers: one that says nothing keeps nobody from the next, and is asked last from then on",
        arguments: DatabaseServer.Kind.allCases
    )
    func silent(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        let listener = try ReservedPort()
        try listener.listen()
        defer { withExtendedLifetime(listener) {} }
        var database = server.database
        database.servers = [.init(host: "127.0.0.1", port: listener.number), .init(host: "127.0.0.1", port: server.port)]
        let store = self.store(database, timeout: .seconds(10))
        try await store.start()
        #expect(try await store.insert(self.session("silent")))
        // Each on a connection of its own, which would take five seconds each.
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<8 { group.addTask { _ = try await store.load(self.key("silent"), unless: nil) } }
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - start < .seconds(4))
        await store.stop()
    }

    @Test("A session that the database refuses is not an outage", arguments: [DatabaseServer.Kind.postgreSQL, .mariaDB])
    func refusedSession(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.start(kind)
        let table = "refusing"
        let store = self.store(server.database, table: table)
        try await store.start()
        if kind == .postgreSQL {
            try await server.run("alter table refusing add check (length(data) < 100000)")
        } else {
            try await server.run("set global max_allowed_packet = 65536")
        }
        await store.stop()
        let again = self.store(server.database, table: table)
        try await again.start()
        #expect(try await again.insert(self.session("small")))
        var large = self.session("large")
        large.attributes["large"] = .init(version: 1, bytes: [UInt8](repeating: 7, count: 200_000))
        for _ in 0..<3 {
            let error = await self.failure { _ = try await again.insert(large) }
            #expect(error?.code == .limitReached, "\(String(describing: error))")
        }
        #expect(try await again.count() == 1)
        await again.stop()
    }

    @Test("A connection by TLS that the server has ended while it was idle costs no operation")
    func idleTLS() async throws {
        let server = try await DatabaseServer.start(.redis)
        var database = server.database
        database.servers = [.init(host: "localhost", port: server.tlsPort)]
        database.tls = .init(mode: .verifyFull, rootCertificates: server.authorityFile)
        let store = self.store(database)
        try await store.start()
        #expect(try await store.insert(self.session("idle tls")))
        try await server.run("CLIENT KILL TYPE normal SKIPME yes")
        #expect(try await store.remove(self.key("idle tls")))
        await store.stop()
    }

    @Test("The documents' table works as it is, and Tomcat's rows in it are left alone", arguments: [DatabaseServer.Kind.postgreSQL, .mariaDB])
    func documents(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        let bytes = kind == .postgreSQL ? "bytea" : "mediumblob"
        let utf8 = kind == .postgreSQL ? "" : " character set utf8mb4"
        try await server.run(
            """
            create table documents (session_id varchar(100) not null primary key, valid_session char(1) not null, max_inactive int not null,
            last_access bigint not null, app_name varchar(255), session_data \(bytes))\(utf8);
            create index kapp_name on documents (app_name);
            insert into documents values ('0123456789ABCDEF0123456789ABCDEF', '1', 1800, 1, '/documents', null);
            """
        )
        let messages = Mutex<[String]>([])
        @Sendable func configuration(_ namespace: String) async throws -> SQLSessionStore.Configuration {
            var configuration = SQLSessionStore.Configuration(database: try await DatabaseServer.shared(kind).database)
            configuration.namespace = namespace
            configuration.connections = 3
            configuration.timeout = .seconds(60)
            configuration.table.name = "documents"
            configuration.table.appColumn = "app_name"
            configuration.table.idColumn = "session_id"
            configuration.table.dataColumn = "session_data"
            configuration.table.validColumn = "valid_session"
            configuration.table.maxInactiveColumn = "max_inactive"
            configuration.table.lastAccessedColumn = "last_access"
            return configuration
        }
        let suite = SessionStoreSuite { SQLSessionStore(configuration: try await configuration($0)) }
        for check: SessionStoreSuite.Check in [.saving, .renaming, .claiming, .claimingByTwo, .lease, .reviving, .principals, .namespaces, .counting]
        {
            try await suite.run(check)
        }
        var own = try await configuration("/documents")
        own.logger = Logger(label: "documents") { _ in MessageLog { message in messages.withLock { $0.append(message) } } }
        let store = SQLSessionStore(configuration: own)
        try await store.start()
        #expect(messages.withLock { $0.filter { $0.contains("has 1 sessions that Tomcat wrote") }.count } == 1)
        #expect(try await store.count() == 0)
        #expect(try await store.claimExpired(at: .now, limit: 10, lease: .seconds(1)).isEmpty)
        try await store.removeAll()
        await store.stop()
        #expect(try await server.run("select count(*) from documents where app_name = '/documents'").contains("1"))
    }

    @Test("A table without the columns that are named is told", arguments: [DatabaseServer.Kind.postgreSQL, .mariaDB])
    func wrongTable(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        try await server.run("create table wrong (id int)")
        let error = await self.failure { try await self.store(server.database, table: "wrong").start() }
        #expect(error?.code == .illegalSetting && error?.message.contains("'app' (sessionAppCol)") == true, "\(String(describing: error))")
    }

    @Test("A table whose columns are too narrow is told, with what to do, which helps", arguments: [DatabaseServer.Kind.postgreSQL, .mariaDB])
    func narrowTable(_ kind: DatabaseServer.Kind) async throws {
        let server = try await DatabaseServer.shared(kind)
        let bytes = kind == .postgreSQL ? "bytea" : "mediumblob"
        try await server.run(
            "create table narrow (id varchar(40) not null primary key, app varchar(255), data \(bytes), valid char(1) not null, "
                + "maxinactive int not null, lastaccess bigint not null)"
        )
        let error = await self.failure { try await self.store(server.database, table: "narrow").start() }
        #expect(error?.code == .illegalSetting, "\(String(describing: error))")
        let message = try #require(error?.message)
        #expect(message.contains("'narrow'") && message.contains("'id' (sessionIdCol) takes 40 characters, 64 are needed"), "\(message)")
        let remedy = try #require(message.range(of: "alter table ").map { String(message[$0.lowerBound...]) })
        try await server.run(remedy)
        let store = self.store(server.database, table: "narrow")
        try await store.start()
        #expect(try await store.insert(self.session("narrow")))
        await store.stop()
    }

    @Test("Redis keeps a session beyond its deadline, and forgets it some day")
    func timeToLive() async throws {
        let server = try await DatabaseServer.shared(.redis)
        let store = self.store(server.database, table: "ttl")
        try await store.start()
        var session = self.session("ttl")
        #expect(try await store.insert(session))
        (session.key, session.deadline) = (self.key("never"), nil)
        #expect(try await store.insert(session))
        let prefix = "serval:{/ttl}:s:"
        let left = try #require(
            Int(try await server.run("TTL \(prefix)\(self.key("ttl").hexadecimal)").trimmingCharacters(in: .whitespacesAndNewlines))
        )
        #expect(abs(left - 3600 - 7 * 86400) < 300)
        #expect(try await server.run("TTL \(prefix)\(self.key("never").hexadecimal)").hasPrefix("-1"))
        // What Redis has dropped is nowhere in the way.
        _ = try await server.run("DEL \(prefix)\(self.key("ttl").hexadecimal)")
        #expect(try await store.claimExpired(at: .now.advanced(by: .seconds(7200)), limit: 10, lease: .seconds(1)).isEmpty)
        #expect(try await store.count() == 1)
        // Nor what it has forgotten of scripts.
        _ = try await server.run("SCRIPT FLUSH")
        #expect(try await store.remove(self.key("never")))
        await store.stop()
    }
}

/// Hands messages to a test.
private struct MessageLog: LogHandler {
    let receive: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ receive: @escaping @Sendable (String) -> Void) { self.receive = receive }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) { self.receive("\(event.message)") }
}
