import Foundation
import Logging
import ServalContainer
import ServalServlet
import ServalSessions
import Synchronization
import Testing

@testable import ServalConfiguration

/// `<Manager>` and `<SessionIdGenerator>`, by what requests notice of them.
@Suite("Session managers in running applications")
struct ManagerFeatureTests {
    @Test("L01: a <Manager> inside of <Context> is used, in server.xml and in context.xml")
    func nested() async throws {
        let declared = "<Context path='/declared' docBase='declared'><Manager maxActiveSessions='1'/></Context>"
        try await ConfiguredSite.run(
            [("own", "<Context><Manager maxActiveSessions='2'/></Context>", ""), ("none", "<Context/>", "")],
            files: ["webapps/declared/WEB-INF/web.xml": ConfiguredSite.webXML()],
            server: serverXML(host: declared)
        ) { site async throws in
            for (path, limit) in [("/declared", 1), ("/own", 2), ("/none", 3)] {
                var statuses: [Int] = []
                for _ in 0..<3 { statuses.append(try await site.get("\(path)/session").status) }
                #expect(statuses == [200] + (2...3).map { $0 <= limit ? 200 : 500 }, "\(path)")
            }
        }
    }

    @Test("L02: a manager of an unknown class keeps its application from starting, and no other")
    func unknownClass() async throws {
        let unknown = "<Context><Manager className='com.example.Manager'/></Context>"
        let known = "<Context><Manager className='org.apache.catalina.session.StandardManager'/></Context>"
        try await ConfiguredSite.run([("a", unknown, ""), ("b", known, ""), ("c", "<Context><Manager/></Context>", "")]) { site async throws in
            #expect(site.loaded.report(site.base, .error).contains("the session manager \"com.example.Manager\" is not registered"))
            #expect(try await site.get("/a/session").status == 404)
            for path in ["/b", "/c"] {
                #expect(try await site.get("\(path)/session").id?.count == 32)
                #expect(try site.manager(path) is StandardSessionManager)
            }
        }
    }

    @Test("L03, L04: over maxActiveSessions a request that wants a session fails, and those that have one go on")
    func limit() async throws {
        try await ConfiguredSite.run([("a", "<Context><Manager maxActiveSessions='2'/></Context>", "")]) { site async throws in
            let first = try #require(try await site.get("/a/session").id)
            _ = try await site.get("/a/session")
            let refused = try await site.get("/a/session")
            #expect(refused.status == 500 && refused.cookies.isEmpty)
            #expect(try await site.get("/a/session", cookie: "JSESSIONID=\(first)").text == "\(first) false 1800")
            let statistics = try site.manager("/a").statistics
            #expect(statistics.rejectedSessions == 1 && statistics.activeSessions == 2)
            let error = await #expect(throws: SessionError.self) { try await site.manager("/a").create(id: nil) }
            #expect(error?.code == .limitReached && error?.message.contains("Too many active sessions") == true)
        }
    }

    @Test(
        "L05, L06, L07, L08, L09, P02: lengths and routes of ids",
        arguments: [
            ("", "", "[0-9A-F]{32}"), ("", "jvmRoute='node1'", "[0-9A-F]{32}\\.node1"), ("<Manager/>", "jvmRoute='node1'", "[0-9A-F]{32}\\.node1"),
            ("<Manager sessionIdLength='16'/>", "", "[0-9A-F]{32}"), ("<Manager sessionIdLength='32'/>", "", "[0-9A-F]{64}"),
            ("<Manager><SessionIdGenerator/></Manager>", "jvmRoute='node1'", "[0-9A-F]{32}\\.node1"),
            ("<Manager><SessionIdGenerator jvmRoute='mine'/></Manager>", "jvmRoute='node1'", "[0-9A-F]{32}\\.mine"),
            ("<Manager><SessionIdGenerator className='org.apache.catalina.util.StandardSessionIdGenerator'/></Manager>", "", "[0-9A-F]{32}"),
            ("<Manager><SessionIdGenerator sessionIdLength='8'/></Manager>", "", "[0-9A-F]{16}"),
            ("<Manager sessionIdLength='32'><SessionIdGenerator sessionIdLength='8'/></Manager>", "jvmRoute='n'", "[0-9A-F]{16}\\.n"),
        ]
    )
    func ids(_ manager: String, _ engine: String, _ pattern: String) async throws {
        let server = serverXML().replacingOccurrences(of: "name=\"Catalina\" defaultHost", with: "name=\"Catalina\" \(engine) defaultHost")
        try await ConfiguredSite.run([("a", "<Context>\(manager)</Context>", "")], server: server) { site async throws in
            let id = try #require(try await site.get("/a/session").id)
            #expect(try Regex("^\(pattern)$").wholeMatch(in: id) != nil, "\(id)")
            let report = site.loaded.report(site.base, .warning)
            #expect(report.contains("sessionIdLength belongs to <SessionIdGenerator>") == manager.contains("Manager sessionIdLength"), "\(report)")
        }
    }

    @Test("L06: a generator of ids of an unknown class is an error")
    func unknownGenerator() async throws {
        let manager = "<Context><Manager><SessionIdGenerator className='com.example.Ids'/></Manager></Context>"
        try await ConfiguredSite.run([("a", manager, ""), ("b", "<Context/>", "")]) { site async throws in
            #expect(site.loaded.report(site.base, .error).contains("the session id generator \"com.example.Ids\" is not registered"))
            #expect(site.engine.hosts[0].contexts.map(\.path) == ["/b"])
        }
    }

    @Test("M06, M05: processExpiresFrequency is a number of background runs, 6 by default", arguments: [("", 6), ("1", 1), ("3", 3)])
    func frequency(_ value: String, _ runs: Int) async throws {
        let attribute = value.isEmpty ? "" : " processExpiresFrequency='\(value)'"
        try await ConfiguredSite.run([("a", "<Context><Manager\(attribute)/></Context>", "")]) { site async throws in
            _ = try await site.get("/a/interval?seconds=1")
            site.clock.advance(seconds: 1000)
            for run in 1...runs {
                #expect(try site.manager("/a").statistics.activeSessions == 1, "before run \(run)")
                await site.engine.processBackground()
            }
            #expect(try site.manager("/a").statistics.activeSessions == 0)
        }
        let loaded = try TemporaryBase(["conf/server.xml": serverXML(), "webapps/a/x": ""]).load()
        let engine = try #require(loaded.server?.services.first?.engine)
        #expect(engine.backgroundProcessorDelay == .seconds(10), "so that it is once in 60 seconds")
        #expect(engine.hosts[0].contexts[0].processExpiresFrequency == 6)
    }

    @Test("M05: with a background run each second an expired session is gone from the count in some seconds")
    func background() async throws {
        let base = try TemporaryBase([
            "conf/server.xml": serverXML().replacingOccurrences(of: "<Engine ", with: "<Engine backgroundProcessorDelay=\"1\" "),
            "webapps/a/META-INF/context.xml": "<Context><Manager processExpiresFrequency='1'/></Context>",
        ])
        let definition = try #require(base.load().server?.services.first?.engine)
        #expect(definition.backgroundProcessorDelay == .seconds(1))
        let engine = try Engine(definition, logger: .init(label: "test"))
        try await engine.start()
        let manager = try #require(engine.hosts[0].contexts[0].sessionManager)
        let session = try await manager.create(id: nil)
        session.maxInactiveInterval = .seconds(1)
        session.endAccess()
        let start = ContinuousClock.now
        while manager.statistics.activeSessions > 0, ContinuousClock.now - start < .seconds(30) { try await Task.sleep(for: .milliseconds(50)) }
        #expect(manager.statistics.expiredSessions == 1)
        #expect(ContinuousClock.now - start > .milliseconds(900))
        await engine.stop()
    }

    @Test("M07: frequencies of 1 and 60 sweep in the ratio of 60 to 1")
    func ratio() async throws {
        let counts = [1, 60].map { frequency -> (Int, SweepCounter) in (frequency, SweepCounter()) }
        var host = HostDefinition(name: "localhost")
        for (frequency, counter) in counts {
            var context = ContextDefinition(path: "/f\(frequency)")
            context.processExpiresFrequency = frequency
            context.makeSessionManager = { _ in counter }
            host.contexts.append(context)
        }
        var definition = EngineDefinition()
        definition.hosts = [host]
        definition.backgroundProcessorDelay = .zero
        let engine = try Engine(definition, logger: .init(label: "test"))
        try await engine.start()
        for _ in 0..<120 { await engine.processBackground() }
        await engine.stop()
        #expect(counts.map { $0.1.sweeps.withLock { $0 } } == [120, 2])
    }

    @Test("M11, M14: the filters of attributes hold for a restart", arguments: ["(userName|sessionHistory)", ""])
    func filters(_ pattern: String) async throws {
        let base = try TemporaryBase()
        let filter = pattern.isEmpty ? "" : "sessionAttributeNameFilter='\(pattern)'"
        let application = ("a", "<Context><Manager pathname='SESSIONS.ser' \(filter)/></Context>", "")
        var id: SessionID?
        try await ConfiguredSite.run([application], base: base) { site async throws in
            let session = try await site.manager("/a").create(id: nil)
            session[UserName.self] = "alice"
            session[History.self] = ["one"]
            session[Cart.self] = 3
            session.endAccess()
            id = session.id
        }
        try await ConfiguredSite.run([application], base: base) { site async throws in
            let known = try #require(id)
            let session = try #require(try await site.manager("/a").find(known))
            #expect(session.attributeNames == (pattern.isEmpty ? ["cart", "sessionHistory", "userName"] : ["sessionHistory", "userName"]))
            #expect(session[UserName.self] == "alice" && session[History.self] == ["one"])
        }
    }

    @Test("P21: managers of a cluster are taken as the standard one, with a warning", arguments: ["DeltaManager", "BackupManager"])
    func clusters(_ name: String) async throws {
        let context = "<Context><Manager className='org.apache.catalina.ha.session.\(name)'/></Context>"
        try await ConfiguredSite.run([("a", context, "")]) { site async throws in
            #expect(site.loaded.report(site.base, .warning).contains("sessions stay in the memory of this server"))
            let answer = try await site.get("/a/session")
            #expect(answer.id != nil)
        }
    }

    @Test("Q14: what made the attempt of the documents fail is said, and the attribute that works works")
    func attempt() async throws {
        let name = "com.liuwei.session.SessionForbiddenManager"
        for (element, isOn, message) in [
            ("<Manager pathname='\(name)'/>", true, "looks like a class; did you mean className?"),
            ("<Manager className='serval.session.DisabledManager'/>", false, ""),
        ] {
            try await ConfiguredSite.run([("a", "<Context/>", "")], files: ["conf/context.xml": "<Context>\(element)</Context>"]) {
                site async throws in
                let report = site.loaded.report(site.base, .warning)
                #expect(message.isEmpty ? report.isEmpty : report.contains(message), "\(report)")
                let answer = try await site.get("/a/session")
                #expect((answer.id != nil) == isOn)
            }
        }
    }

    @Test("P23: sessions can be switched off for the whole server, and are on unless somebody does")
    func wholeServer() async throws {
        let applications = [("a", "<Context/>", ""), ("b", "<Context/>", "")]
        for (shared, isOn) in [("<Context/>", true), ("<Context><Manager className='serval.session.DisabledManager'/></Context>", false)] {
            try await ConfiguredSite.run(applications, files: ["conf/context.xml": shared]) { site async throws in
                for path in ["/a", "/b"] {
                    let answer = try await site.get("\(path)/session")
                    #expect((answer.status == 200) == isOn && answer.cookies.isEmpty != isOn)
                    #expect(try await site.get("\(path)/look", cookie: "JSESSIONID=0123456789ABCDEF0123456789ABCDEF").text == "none")
                    #expect(try await site.get("\(path)/plain").text == "plain")
                }
            }
        }
    }
}

private enum UserName: SessionAttributeKey {
    typealias Value = String
    static let name = "userName"
}

private enum History: SessionAttributeKey {
    typealias Value = [String]
    static let name = "sessionHistory"
}

private enum Cart: SessionAttributeKey {
    typealias Value = Int
    static let name = "cart"
}

/// Counts how often it is asked to look for expired sessions.
private final class SweepCounter: SessionManager {
    let sweeps = Mutex(0)
    var defaultMaxInactiveInterval: Duration? {
        get { nil }
        set {}
    }
    var statistics: SessionStatistics { SessionStatistics() }
    func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? { nil }
    func create(id: SessionID?) async throws(SessionError) -> HTTPSession { throw SessionError(code: .creationForbidden, message: "") }
    func processExpires() async { self.sweeps.withLock { $0 += 1 } }
    func addListener(_ listener: any HTTPSessionListener) {}
    func start() async throws {}
    func stop() async {}
}
