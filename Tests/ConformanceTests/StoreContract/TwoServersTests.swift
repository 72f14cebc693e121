import Foundation
import Testing

/// Two servers, started as the documents start them, share a store by what `context.xml` says.
@Suite("Two servers on one store")
struct TwoServersTests {
    /// Who has a store and how Tomcat's files name it.
    enum Site: String, CaseIterable {
        case fileStore, jdbcStore, dataSourceStore, postgreSQL, mySQL, redis

        static var cases: [Self] {
            #if SQLite
                allCases
            #else
                [.fileStore, .postgreSQL, .mySQL, .redis]
            #endif
        }

        func store(_ folder: String) async throws -> String {
            switch self {
            case .fileStore: "<Store className='org.apache.catalina.session.FileStore' directory='\(folder)/sessions'/>"
            case .jdbcStore:
                """
                <Store className='org.apache.catalina.session.JDBCStore' driverName='org.sqlite.JDBC'
                       connectionURL='jdbc:sqlite:\(folder)/new/folder/sessions.db' sessionTable='tomcat_sessions' sessionIdCol='session_id'
                       sessionDataCol='session_data' sessionValidCol='valid_session' sessionMaxInactiveCol='max_inactive'
                       sessionLastAccessedCol='last_access' sessionAppCol='app_name' checkInterval='60' debug='99'/>
                """
            case .postgreSQL, .mySQL, .redis:
                "<Store className='org.apache.catalina.session.JDBCStore' connectionURL='\(try await self.url)' driverName='org.postgresql.Driver'/>"
            case .dataSourceStore: "<Store className='org.apache.catalina.session.DataSourceStore' dataSourceName='jdbc/sessions'/>"
            }
        }

        private var url: String {
            get async throws {
                let kinds: [Self: DatabaseServer.Kind] = [.postgreSQL: .postgreSQL, .mySQL: .mariaDB, .redis: .redis]
                let url = try await DatabaseServer.shared(kinds[self] ?? .redis).url
                return url.replacingOccurrences(of: "&", with: "&amp;")
            }
        }

        func resources(_ folder: String) -> String {
            guard self == .dataSourceStore else { return "" }
            return """
                <GlobalNamingResources>
                  <Resource name='jdbc/sessions' auth='Container' type='javax.sql.DataSource' driverClassName='org.sqlite.JDBC'
                            url='jdbc:sqlite:\(folder)/sessions.db' username='tomcat' password='top-secret'/>
                </GlobalNamingResources>
                """
        }
    }

    @Test("A session moves between two servers, and outlives one", arguments: Site.cases)
    func move(_ site: Site) async throws {
        let shared = try TemporaryFolder()
        try shared.write(String(repeating: "5e", count: 32) + "\n", to: "session-store.key")
        let bases = [try await self.base(site, shared), try await self.base(site, shared)]
        var servers = [try await ServalProcess.start(base: bases[0]), try await ServalProcess.start(base: bases[1])]
        let first = try await servers[0].curl("/examples/session", ["-c", shared.path + "/cookies"], kind: "http")
        #expect(first.output == "1", "\(first.output)\n\(servers[0].errors)")
        let cookie = try #require(try shared.read("cookies").split(separator: "\n").last?.split(separator: "\t").last.map(String.init))
        func visit(_ server: Int) async throws -> String {
            try await servers[server].curl("/examples/session", ["-H", "Cookie: JSESSIONID=\(cookie)"], kind: "http").output
        }
        #expect(try await visit(1) == "2")
        #expect(try await visit(0) == "3")
        servers[0].signal(SIGKILL)
        _ = try await servers[0].waitForExit()
        #expect(try await visit(1) == "4", "a server's sessions outlive it")
        servers[0] = try await ServalProcess.start(base: bases[0])
        #expect(try await visit(0) == "5")
        #expect(try await visit(1) == "6")
        _ = try await servers[1].curl("/examples/session?invalidate=true", ["-H", "Cookie: JSESSIONID=\(cookie)"], kind: "http")
        #expect(try await visit(0) == "1", "a session that has ended on one server has ended on the other")
        for server in servers {
            for password in ["top-secret", DatabaseServer.password, "p%40ss"] { #expect(!server.errors.contains(password)) }
            server.signal(SIGTERM)
            #expect(try await server.waitForExit() == 0)
        }
    }

    @Test("A store that cannot be is told by name, without the password")
    func impossible() async throws {
        let base = try await ServalProcess.makeBase()
        for (store, message) in [
            ("dataSourceName='jdbc/none'", "there is no <Resource name=\"jdbc/none\" type=\"javax.sql.DataSource\" url=\"…\"/>"),
            ("connectionURL='jdbc:sqlite::memory:?password=top-secret'", "does not name a file"),
            ("connectionURL='redis://:top/secret@127.0.0.1:6379/0'", "the connectionURL of the session store "),
            ("connectionURL='jdbc:postgresql://h/db' serval.connectionPasswordFile='conf/none'", "of serval.connectionPasswordFile cannot be read"),
        ] {
            let manager = "<Manager className='org.apache.catalina.session.PersistentManager'><Store \(store)/></Manager>"
            try base.write("<Context>\(manager)</Context>", to: "webapps/examples/META-INF/context.xml")
            let result = try await Command.run(Command.serval, ["configtest", "--base", base.path])
            #expect(result.exitCode == 1)
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(!result.errors.contains("top"))
        }
    }

    private func base(_ site: Site, _ shared: TemporaryFolder) async throws -> TemporaryFolder {
        let base = try await ServalProcess.makeBase()
        let manager = """
            <Manager className='org.apache.catalina.session.PersistentManager' serval.saveEachRequest='true'>\(try await site.store(shared.path))</Manager>
            """
        try base.write("<Context>\(manager)</Context>", to: "webapps/examples/META-INF/context.xml")
        try base.write(try shared.read("session-store.key"), to: "conf/session-store.key")
        let server = try base.read("conf/server.xml")
        try base.write(server.replacingOccurrences(of: "<Service ", with: site.resources(shared.path) + "\n  <Service "), to: "conf/server.xml")
        return base
    }
}
