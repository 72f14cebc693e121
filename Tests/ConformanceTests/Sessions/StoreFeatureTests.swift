import Foundation
import ServalFileStore
import ServalSQLStore
import ServalSessions
import Testing

/// `<Store>`, by what a server of its own leaves on the disk.
@Suite("Stores of the documents")
struct StoreFeatureTests {
    private static let serverXML = """
        <Server port="-1"><Service name="Catalina"><Connector port="0" address="127.0.0.1"/>
        <Engine name="Catalina" defaultHost="localhost" backgroundProcessorDelay="1"><Host name="localhost" appBase="webapps"/></Engine></Service></Server>
        """

    private static func manager(_ store: String) -> String {
        "<Context><Manager className=\"org.apache.catalina.session.PersistentManager\" saveOnRestart=\"true\">\(store)</Manager></Context>"
    }

    private static func start(_ store: String, prepare: (TemporaryFolder) async throws -> Void = { _ in }) async throws -> ServalProcess {
        try await ServalProcess.start(serverXML: Self.serverXML) { base in
            try base.write(Self.manager(store), to: "webapps/examples/META-INF/context.xml")
            try await prepare(base)
        }
    }

    private static func stop(_ server: ServalProcess) async throws {
        server.signal(SIGTERM)
        #expect(try await server.waitForExit() == 0)
    }

    private static func session(_ server: ServalProcess, _ id: String? = nil) async throws -> (id: String?, count: String) {
        let arguments = ["-i"] + (id.map { ["-H", "Cookie: JSESSIONID=\($0)"] } ?? [])
        let answer = try await server.curl("/examples/session", arguments, kind: "http").output
        return (answer.firstMatch(of: /JSESSIONID=([0-9A-F]{32})/).map { String($0.output.1) }, String(answer.split(separator: "\r\n").last ?? ""))
    }

    private static func sql(_ base: TemporaryFolder, _ statements: String) async throws -> [String] {
        let script = """
            import sqlite3, sys
            connection = sqlite3.connect(sys.argv[1])
            for statement in sys.argv[2].split(";"):
                for row in connection.execute(statement): print("|".join(str(value) for value in row))
            connection.commit()
            """
        let result = try await Command.run("python3", ["-c", script, base.path + "/sessions.db", statements])
        try #require(result.exitCode == 0, "\(result.errors)")
        return result.output.split(separator: "\n").map { String($0) }
    }

    @Test("N11: the directory of FileStore is relative to the work directory; a file for each session, which a restart finds again")
    func files() async throws {
        let server = try await Self.start("<Store className=\"org.apache.catalina.session.FileStore\" directory=\"../session\"/>")
        let base = server.base
        var ids: [String] = []
        for _ in 0..<3 { ids.append(try #require(try await Self.session(server).id)) }
        try await Self.stop(server)
        let folder = base.path + "/work/Catalina/localhost/session"
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder).map { String($0.split(separator: "/").last ?? "") }
        #expect(names.count { $0.wholeMatch(of: /[0-9a-f]{64}/) != nil } == 3, "\(names)")
        for id in ids { #expect(!names.contains { $0.uppercased().contains(id) }, "who sees the folder must not learn ids") }
        let next = try await ServalProcess.start(base: base)
        for id in ids { #expect(try await Self.session(next, id).count == "2") }
        try await Self.stop(next)
    }

    private static let example = """
        <Store className="org.apache.catalina.session.JDBCStore" driverName="org.sqlite.JDBC" connectionURL="jdbc:sqlite:sessions.db"
          sessionTable="session" sessionIdCol="session_id" sessionDataCol="session_data" sessionValidCol="sessionValid"
          sessionMaxInactiveCol="maxInactive" sessionLastAccessedCol="lastAccess" sessionAppCol="appName" checkInterval="60" debug="99"/>
        """

    @Test("N13, N14, N17: the documents' example with its mistakes corrected names the table and its columns; sessions are there after the stop")
    func example() async throws {
        let server = try await Self.start(Self.example)
        let base = server.base
        let id = try #require(try await Self.session(server).id)
        for _ in 0..<4 { _ = try await Self.session(server) }
        for name in ["checkInterval", "debug"] {
            #expect(server.errors.contains("\"\(name)\" of <Store> is not known and is ignored"), "\(server.errors)")
        }
        try await Self.stop(server)
        let columns = Set(try await Self.sql(base, "SELECT name FROM pragma_table_info('session')"))
        #expect(columns.isSuperset(of: ["session_id", "session_data", "sessionValid", "maxInactive", "lastAccess", "appName"]), "\(columns)")
        #expect(try await Self.sql(base, "SELECT count(*) FROM session") == ["5"])
        let row = try await Self.sql(base, "SELECT DISTINCT sessionValid, appName, lastAccess > 1700000000000 FROM session")
        #expect(row == ["1|/Catalina/localhost/examples|1"])
        // What a server may keep of an access to itself, and a sweep, is added.
        #expect(try await Self.sql(base, "SELECT count(*) FROM session WHERE maxInactive BETWEEN 1800 AND 1950") == ["5"])
        let next = try await ServalProcess.start(base: base)
        #expect(try await Self.session(next, id).count == "2")
        try await Self.stop(next)
    }

    private static let documentsTable = """
        create table tomcat_sessions (session_id varchar(100) not null primary key, valid_session char(1) not null, max_inactive int not null, \
        last_access bigint not null, app_name varchar(255), session_data mediumblob); create index kapp_name on tomcat_sessions(app_name)
        """
    private static let matching = """
        <Store className="org.apache.catalina.session.JDBCStore" connectionURL="jdbc:sqlite:sessions.db" sessionTable="tomcat_sessions"
          sessionIdCol="session_id" sessionDataCol="session_data" sessionValidCol="valid_session" sessionMaxInactiveCol="max_inactive"
          sessionLastAccessedCol="last_access" sessionAppCol="app_name"/>
        """

    @Test("N15: sessions are written to the documents' table, read from it and removed")
    func table() async throws {
        let server = try await Self.start(Self.matching) { base in _ = try await Self.sql(base, Self.documentsTable) }
        let base = server.base
        let (kept, ended) = (try #require(try await Self.session(server).id), try #require(try await Self.session(server).id))
        try await Self.stop(server)
        #expect(try await Self.sql(base, "SELECT count(*) FROM tomcat_sessions WHERE length(session_data) > 0") == ["2"])
        #expect(try await Self.sql(base, "SELECT name FROM pragma_table_info('tomcat_sessions')").count == 6, "the table stays as it is")
        let next = try await ServalProcess.start(base: base)
        let cookie = ["-H", "Cookie: JSESSIONID=\(ended)"]
        #expect(try await next.curl("/examples/session?invalidate=true", cookie, kind: "http").output == "2")
        #expect(try await Self.session(next, kept).count == "2")
        #expect(try await next.curl("/examples/lookup", cookie, kind: "http").output == "none")
        try await Self.stop(next)
        #expect(try await Self.sql(base, "SELECT count(*) FROM tomcat_sessions") == ["1"])
    }

    @Test("N13, N15, N17: the same in the database server of the documents, which makes the table with their statement")
    func mariaDB() async throws {
        let database = try await DatabaseServer.shared(.mariaDB)
        try await database.run(
            """
            create table tomcat_sessions (session_id varchar(100) not null primary key, valid_session char(1) not null, max_inactive int not null,
            last_access bigint not null, app_name varchar(255), session_data mediumblob, KEY kapp_name(app_name));
            """
        )
        func count() async throws -> String {
            try await database.run("select concat('sessions: ', count(*), ' of ', max(app_name)) from tomcat_sessions where valid_session = '1'")
        }
        let url = database.url.replacingOccurrences(of: "&", with: "&amp;")
        let store = Self.matching.replacingOccurrences(of: "jdbc:sqlite:sessions.db\"", with: "\(url)\" driverName=\"com.mysql.jdbc.Driver\"")
        let server = try await Self.start(store)
        let base = server.base
        let (kept, ended) = (try #require(try await Self.session(server).id), try #require(try await Self.session(server).id))
        try await Self.stop(server)
        #expect(try await count().contains("sessions: 2 of /Catalina/localhost/examples"))
        let next = try await ServalProcess.start(base: base)
        #expect(try await next.curl("/examples/session?invalidate=true", ["-H", "Cookie: JSESSIONID=\(ended)"], kind: "http").output == "2")
        #expect(try await Self.session(next, kept).count == "2")
        try await Self.stop(next)
        #expect(try await count().contains("sessions: 1 of /Catalina/localhost/examples"))
    }

    @Test("N16: with names that the table does not have the log says so, and the server runs")
    func mismatch() async throws {
        let store = Self.example.replacingOccurrences(of: "sessionTable=\"session\"", with: "sessionTable=\"tomcat_sessions\"")
        let server = try await Self.start(store) { base in
            _ = try await Self.sql(base, Self.documentsTable)
            try base.write("<web-app/>", to: "webapps/other/WEB-INF/web.xml")
            try base.write("still here", to: "webapps/other/page.txt")
        }
        #expect(server.errors.contains("tomcat_sessions") && server.errors.contains("sessionValid"), "\(server.errors)")
        #expect(try await server.curl("/other/page.txt", kind: "http").output == "still here")
        #expect(try await server.curl("/examples/session", ["-o", "/dev/null", "-w", "%{http_code}"], kind: "http").output == "404")
        try await Self.stop(server)
    }

    /// The number of the documents' claim takes minutes without optimisation; `SERVAL_MEASURE=10000` measures that many.
    @Test("N12: many sessions, saved and found again, in files and in a database, and how long that takes", .timeLimit(.minutes(10)))
    func measured() async throws {
        let count = ProcessInfo.processInfo.environment["SERVAL_MEASURE"].flatMap { Int($0) } ?? 300
        let folder = try TemporaryFolder()
        var files = FileSessionStore.Configuration(directory: folder.path + "/files")
        files.namespace = "/shop"
        var database = SQLiteSessionStore.Configuration(path: folder.path + "/sessions.db")
        database.namespace = "/shop"
        let stores: [(String, () -> any SessionStore)] = [
            ("files", { FileSessionStore(configuration: files) }), ("SQLite", { SQLiteSessionStore(configuration: database) }),
        ]
        for (name, store) in stores {
            func manager() throws -> PersistentSessionManager {
                var configuration = PersistentSessionManager.Configuration()
                configuration.namespace = "/shop"
                configuration.mode = .whenIdle(.init())
                configuration.sessions.maximumNewSessions = nil
                let sealer = try SessionSealer(secret: [UInt8](repeating: 9, count: 32))
                return PersistentSessionManager(store: store(), sealer: sealer, configuration: configuration)
            }
            let first = try manager()
            try await first.start()
            var ids: [SessionID] = []
            for number in 0..<count {
                let session = try await first.create(id: nil)
                session[Note.self] = "note \(number)"
                session.endAccess()
                ids.append(session.id)
            }
            let start = ContinuousClock.now
            await first.stop()
            let saved = ContinuousClock.now
            let second = try manager()
            try await second.start()
            for (number, id) in ids.enumerated() { try #require(try await second.find(id)?[Note.self] == "note \(number)") }
            print("\(count) sessions in \(name): saved in \(saved - start), found in \(ContinuousClock.now - saved)")
            await second.stop()
        }
    }

    private enum Note: SessionAttributeKey {
        typealias Value = String
        static let name = "note"
    }
}
