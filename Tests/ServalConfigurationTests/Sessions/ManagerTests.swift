import Foundation
import ServalContainer
import ServalSessions
import Testing

@testable import ServalConfiguration

/// `<Manager>`, `<Store>` and what keeps sessions.
@Suite("Session managers of configuration files")
struct ManagerTests {
    private enum Visits: SessionAttributeKey {
        typealias Value = Int
        static let name = "visits"
    }

    private static func base(_ context: String, server: String = serverXML(), shared: String? = nil) throws -> TemporaryBase {
        let base = try TemporaryBase(["conf/server.xml": server, "webapps/shop/META-INF/context.xml": "<Context>\(context)</Context>"])
        if let shared { try base.write("conf/context.xml", shared) }
        return base
    }

    private func context(_ base: TemporaryBase, _ registry: ComponentRegistry = ComponentRegistry(), _ properties: [String: String] = [:]) throws
        -> ContextDefinition
    {
        let loaded = base.load(registry: registry, properties: properties)
        return try #require(loaded.server?.services.first?.engine.hosts.first?.contexts.first, "\(loaded.report(base))")
    }

    private func manager(_ base: TemporaryBase, _ registry: ComponentRegistry = ComponentRegistry()) throws -> any SessionManager {
        try #require(try self.context(base, registry).makeSessionManager?(nil))
    }

    /// A registry whose stores are in memory.
    private static func registry(_ store: MemorySessionStore) -> ComponentRegistry {
        var registry = ComponentRegistry()
        let table = AttributeTable(element: "Store", summary: "", attributes: [AttributeDefinition("directory", .path, default: ".")])
        let database = AttributeTable(element: "Store", summary: "", attributes: [AttributeDefinition("connectionURL", .secret)])
        registry.register(sessionStore: "org.apache.catalina.session.FileStore", attributes: table) { _ in store }
        registry.register(sessionStoreScheme: "jdbc:mysql", attributes: database) { _ in store }
        return registry
    }

    @Test("M01, M03, M04: a relative pathname is a file in the application's work directory, for one restart")
    func pathname() async throws {
        let base = try Self.base("<Manager pathname='SESSIONS.ser'/>")
        let file = base.path + "/work/Catalina/localhost/shop/SESSIONS.ser"
        let first = try self.manager(base)
        try await first.start()
        let session = try await first.create(id: nil)
        session[Visits.self] = 3
        await first.stop()
        #expect(FileManager.default.fileExists(atPath: file))
        let key = try String(contentsOfFile: base.path + "/conf/session-store.key", encoding: .utf8)
        #expect(key.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
        let mode = try FileManager.default.attributesOfItem(atPath: base.path + "/conf/session-store.key")[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let second = try self.manager(base)
        try await second.start()
        #expect(try await second.find(session.id)?[Visits.self] == 3)
        #expect(!FileManager.default.fileExists(atPath: file))
    }

    @Test("M01: an absolute pathname, and own names of the secret")
    func absolutePathname() async throws {
        let base = try Self.base("<Manager pathname='${catalina.base}/elsewhere/s' serval.secretFile='conf/my.key' serval.encrypt='true'/>")
        let first = try self.manager(base)
        try await first.start()
        _ = try await first.create(id: nil)
        await first.stop()
        #expect(FileManager.default.fileExists(atPath: base.path + "/elsewhere/s"))
        #expect(FileManager.default.fileExists(atPath: base.path + "/conf/my.key"))
        try FileManager.default.removeItem(atPath: base.path + "/elsewhere/s")
        try base.write("conf/my.key", "12 not a key")
        let report = base.load().report(base, .error)
        #expect(report.contains("does not hold 64 hexadecimal digits") && report.contains("META-INF/context.xml:1:"), "\(report)")
    }

    @Test("M02, Q15: an empty pathname, or none, keeps nothing", arguments: ["<Manager pathname='' />", "<Manager/>", ""])
    func noPathname(_ element: String) async throws {
        let base = try Self.base(element)
        let make = try self.context(base).makeSessionManager
        let first = try make?(nil) ?? StandardSessionManager()
        try await first.start()
        _ = try await first.create(id: nil)
        await first.stop()
        #expect(!FileManager.default.fileExists(atPath: base.path + "/work"))
        #expect(!FileManager.default.fileExists(atPath: base.path + "/conf/session-store.key"))
    }

    @Test(
        "M08, M09, M10, Q13, N09, N10, N14: what the log says",
        arguments: [
            (
                "<Manager secureRandomClass='com.example.Random'/>",
                "secureRandomClass \"com.example.Random\" is not known; session ids come from the system's", false
            ),
            ("<Manager secureRandomProvider='Nobody'/>", "secureRandomProvider \"Nobody\" is not known", false),
            ("<Manager secureRandomAlgorithm='DICE'/>", "secureRandomAlgorithm \"DICE\" is not known", false),
            ("<Manager secureRandomClass='java.security.SecureRandom' secureRandomAlgorithm='' secureRandomProvider='SUN'/>", "", false),
            (
                "<Manager secureRandomAlgorithm='SHA1PRNG'><SessionIdGenerator secureRandomAlgorithm='DICE'/></Manager>", "\"DICE\" is not known",
                false
            ),
            ("<Manager pathname='com.liuwei.session.SessionForbiddenManager'/>", "looks like a class; did you mean className?", false),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'> debug=0 saveOnRestart=\"true\" maxActiveSession=\"-1\" "
                    + "<Store className='org.apache.catalina.session.FileStore' directory='../session'/></Manager>",
                "text inside <Manager> is ignored", false
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager' debug='0' saveOnRestart='true' maxActiveSessions='-1' "
                    + "minIdleSwap='-1' maxIdleSwap='-1' maxIdleBackup='-1'><Store className='org.apache.catalina.session.FileStore' "
                    + "directory='../session'/></Manager>",
                "the attribute \"debug\" of <Manager> is not known and is ignored", false
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='org.apache.catalina.session.FileStore' "
                    + "checkInterval='60'/></Manager>",
                "the attribute \"checkInterval\" of <Store> is not known and is ignored", false
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='org.apache.catalina.session.FileStore' "
                    + "debug='99'/></Manager>",
                "the attribute \"debug\" of <Store> is not known and is ignored", false
            ),
            ("<Manager className='org.apache.catalina.session.PersistentManager'/>", "No Store configured, persistence disabled", false),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='x'/></Manager>",
                "the store of sessions \"x\" is not registered", true
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='org.apache.catalina.session.JDBCStore'/></Manager>",
                "<Store> needs the attribute \"connectionURL\"", true
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='org.apache.catalina.session.JDBCStore' "
                    + "connectionURL='jdbc:oracle:thin:secret@host'/></Manager>",
                "no store of sessions for the connectionURL of the kind \"jdbc:oracle:\"", true
            ),
            (
                "<Manager className='org.apache.catalina.session.PersistentManager'><Store className='org.apache.catalina.session.DataSourceStore' "
                    + "connectionURL='jdbc:mysql://u:secret@host/db'/></Manager>", "", false
            ),
            ("<Manager><Store className='org.apache.catalina.session.FileStore'/></Manager>", "<Store> is ignored: it needs className=", false),
            ("<Manager maxIdleSwap='5'/>", "\"maxIdleSwap\" is ignored", false),
            ("<Manager sessionAttributeNameFilter='('/>", "sessionAttributeNameFilter is not a regular expression", true),
            ("<Manager serval.principalSessionLimit='none'/>", "has to be one of evictOldest, reject", true),
        ]
    )
    func messages(_ element: String, _ message: String, _ isError: Bool) throws {
        let base = try Self.base(element)
        let loaded = base.load(registry: Self.registry(MemorySessionStore()))
        let report = loaded.report(base, .warning)
        #expect(message.isEmpty ? report.isEmpty : report.contains(message), "\(report)")
        #expect(!report.contains("secret@"))
        #expect(loaded.hasErrors == isError)
        #expect(loaded.server?.services[0].engine.hosts[0].contexts.count == (isError ? 0 : 1))
    }

    @Test(
        "N01, L10, N07: a PersistentManager with a registered store keeps its sessions, if saveOnRestart does not say otherwise",
        arguments: [true, false]
    )
    func persistentManager(_ saves: Bool) async throws {
        let store = MemorySessionStore()
        let registry = Self.registry(store)
        let base = try Self.base(
            "<Manager className='org.apache.catalina.session.PersistentManager' saveOnRestart='\(saves)'>"
                + "<Store className='org.apache.catalina.session.FileStore' directory='../session'/></Manager>"
        )
        let first = try self.manager(base, registry)
        #expect(first is PersistentSessionManager && !first.savesSessions)
        try await first.start()
        let session = try await first.create(id: nil)
        session[Visits.self] = 1
        session.endAccess()
        await first.stop()
        #expect(try await store.count() == (saves ? 1 : 0))
        let second = try self.manager(base, registry)
        try await second.start()
        #expect(try await second.find(session.id)?[Visits.self] == (saves ? 1 : nil))
        await second.stop()
    }

    @Test("N02, N03, N04, N05, N06: idle limits")
    func idleLimits() async throws {
        let store = MemorySessionStore()
        let registry = Self.registry(store)
        func manager(_ attributes: String) throws -> PersistentSessionManager {
            let base = try Self.base(
                "<Manager className='org.apache.catalina.session.PersistentManager' processExpiresFrequency='1' \(attributes)>"
                    + "<Store className='org.apache.catalina.session.FileStore'/></Manager>"
            )
            #expect(try self.context(base, registry).processExpiresFrequency == 1)
            return try #require(try self.manager(base, registry) as? PersistentSessionManager)
        }
        func use(_ manager: PersistentSessionManager, _ count: Int) async throws {
            try await manager.start()
            for number in 0..<count {
                let session = try await manager.create(id: nil)
                session[Visits.self] = number
                session.endAccess()
            }
        }
        let backup = try manager("maxIdleBackup='0'")
        try await use(backup, 3)
        await backup.processExpires()
        #expect(try await store.count() == 3)
        #expect(backup.statistics.activeSessions == 3)
        try await store.removeAll()

        let early = try manager("maxIdleSwap='3600'")
        try await use(early, 3)
        await early.processExpires()
        #expect(early.statistics.activeSessions == 3, "not idle long enough")

        let swap = try manager("maxIdleSwap='1'")
        try await use(swap, 3)
        try await Task.sleep(for: .milliseconds(1100))
        await swap.processExpires()
        #expect(swap.statistics.activeSessions == 0)
        #expect(try await store.count() == 3)
        try await store.removeAll()

        let full = try manager("maxActiveSessions='10' minIdleSwap='0'")
        try await use(full, 10)
        await full.processExpires()
        #expect(full.statistics.activeSessions == 9)
        #expect(try await store.count() == 1)
    }

    @Test("PersistentValve, in a context, a host or an engine, or the own attribute, stores with each request")
    func everyRequest() throws {
        let registry = Self.registry(MemorySessionStore())
        let valve = "<Valve className='org.apache.catalina.valves.PersistentValve'/>"
        func element(_ attributes: String) -> String {
            "<Manager className='org.apache.catalina.session.PersistentManager' \(attributes)><Store className='org.apache.catalina.session.FileStore'/></Manager>"
        }
        let cases: [(String, String, Bool)] = [
            (element(""), serverXML(), false), (element("") + valve, serverXML(), true), (element(""), serverXML(host: valve), true),
            (element(""), serverXML(engine: valve), true), (element("serval.saveEachRequest='true' serval.maxStaleness='2'"), serverXML(), true),
        ]
        for (context, server, saves) in cases {
            let base = try Self.base(context, server: server)
            #expect(try self.manager(base, registry).savesSessions == saves)
            #expect(base.load(registry: registry).report(base, .warning) == "")
        }
    }

    @Test("What would keep a store from being made is told when the configuration is read")
    func impossibleStores() throws {
        var registry = ComponentRegistry()
        let table = AttributeTable(element: "Store", summary: "", attributes: [AttributeDefinition("connectionURL", .secret)])
        let check: SessionStoreCheck = { settings in
            guard settings.attributes["connectionURL"] != "jdbc:mysql://h/db" else { return [] }
            throw SessionError(code: .illegalSetting, message: "no such place")
        }
        registry.register(sessionStoreScheme: "jdbc:mysql", attributes: table, check: check) { _ in MemorySessionStore() }
        for (url, isGood) in [("jdbc:mysql://h/db", true), ("jdbc:mysql://h", false)] {
            let manager = "<Manager className='org.apache.catalina.session.PersistentManager'><Store connectionURL='\(url)'/></Manager>"
            let base = try Self.base(manager)
            let report = base.load(registry: registry).report(base)
            #expect(report.contains("no such place") == !isGood, "\(report)")
        }
    }

    @Test("A connectionURL chooses the store by its scheme")
    func schemes() {
        #expect(StoreReader.scheme(of: "jdbc:mysql://localhost/session?user=x") == "jdbc:mysql")
        #expect(StoreReader.scheme(of: "JDBC:SQLite:sessions.db") == "jdbc:sqlite")
        #expect(StoreReader.scheme(of: "rediss://host") == "rediss")
        #expect(StoreReader.scheme(of: "password") == "")
    }

    @Test("Own attributes of <Manager>")
    func ownAttributes() async throws {
        let base = try Self.base(
            "<Manager serval.maxSessionsPerPrincipal='1' serval.principalSessionLimit='reject' maxActiveSessions='3' serval.evictAtMaxActive='true' "
                + "serval.maxNewSessions='-1' serval.maxMemory='100000' serval.maxLifetime='1' sessionIdLength='32'/>"
        )
        let manager = try self.manager(base)
        let one = try await manager.create(id: nil)
        try await one.signOn(as: "alice")
        let two = try await manager.create(id: nil)
        let refusal = await #expect(throws: SessionError.self) { try await two.signOn(as: "alice") }
        #expect(refusal?.code == .limitReached)
        #expect(two.id.rawValue.utf8.count == 64)
        for session in [one, two] { session.endAccess() }
        for _ in 0..<10 { (try await manager.create(id: nil)).endAccess() }
        #expect(manager.statistics.activeSessions <= 3)
        try await Task.sleep(for: .milliseconds(1100))
        await manager.processExpires()
        #expect(manager.statistics.activeSessions == 0, "nothing lives longer than a second")
    }

    @Test("O07: system properties, and attributes that are stronger")
    func systemProperties() throws {
        func session(_ property: String, _ element: String = "") throws -> (always: Bool, manager: ManagerReader.Result?) {
            let base = try Self.base(element)
            let resolver = PropertyResolver(base: base.path, home: base.path, commandLine: [property: "true"])
            return (
                try self.context(base, ComponentRegistry(), [property: "true"]).alwaysAccessesSession,
                ManagerReader.Result(onlyPropertiesOf: resolver)
            )
        }
        let activity = try session("org.apache.catalina.session.StandardSession.ACTIVITY_CHECK")
        #expect(activity.manager?.configuration.sessionActivityCheck == true && activity.manager?.configuration.sessionLastAccessAtStart == false)
        let start = try session("org.apache.catalina.session.StandardSession.LAST_ACCESS_AT_START")
        #expect(start.manager?.configuration.sessionLastAccessAtStart == true)
        let access = try session("org.apache.catalina.core.StandardHostValve.ACCESS_SESSION")
        #expect(access.always && access.manager == nil)
        let strict = try session("org.apache.catalina.STRICT_SERVLET_COMPLIANCE")
        #expect(strict.always && strict.manager?.configuration.sessionActivityCheck == true)
        #expect(strict.manager?.configuration.sessionLastAccessAtStart == true)
        let base = try TemporaryBase([
            "conf/server.xml": serverXML(), "conf/catalina.properties": "org.apache.catalina.STRICT_SERVLET_COMPLIANCE=true\n",
            "webapps/shop/META-INF/context.xml": "<Context alwaysAccessSession='false'/>", "webapps/other/x": "",
        ])
        let contexts = base.load().server?.services[0].engine.hosts[0].contexts ?? []
        #expect(
            contexts.map { "\($0.path) \($0.alwaysAccessesSession) \($0.makeSessionManager != nil)" } == ["/other true true", "/shop false true"]
        )
    }

    @Test("Q12: sessions are switched off for all applications by the shared context.xml, and on again for one")
    func disabled() async throws {
        let base = try Self.base("", shared: "<Context><Manager className='serval.session.DisabledManager'/></Context>")
        try base.write("webapps/with/META-INF/context.xml", "<Context><Manager/></Context>")
        let loaded = base.load()
        #expect(loaded.report(base, .warning) == "")
        for context in loaded.server?.services[0].engine.hosts[0].contexts ?? [] {
            let manager = try #require(try context.makeSessionManager?(nil))
            let session = try? await manager.create(id: nil)
            #expect((session != nil) == (context.path == "/with"))
        }
    }
}
