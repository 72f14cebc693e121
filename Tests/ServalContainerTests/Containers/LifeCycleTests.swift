import ServalContainer
import ServalServlet
import ServalSessions
import Synchronization
import Testing

@Suite("Life cycle of containers")
struct LifeCycleTests {
    private struct Recorder: Servlet, Filter, ServletContextListener, Valve {
        let name: String
        let events: EventLog
        var failure: HTTPError?

        func start(_ configuration: ServletConfiguration) async throws {
            self.events.add("start \(self.name)")
            if let failure { throw failure }
        }
        func start() async throws { self.events.add("start \(self.name)") }
        func stop() async { self.events.add("stop \(self.name)") }
        func respond(to request: Request) async throws -> Response { .text(self.name) }
        func respond(to request: Request, next: ValveChain) async throws -> Response { try await next(request) }
        func filter(_ request: Request, next: FilterChain) async throws -> Response { try await next(request) }
        func contextInitialized(_ context: ServletContext) async throws {
            self.events.add("initialized \(self.name)")
            if let failure { throw failure }
        }
        func contextDestroyed(_ context: ServletContext) async { self.events.add("destroyed \(self.name)") }
    }

    private struct StopProbe: Valve {
        let events: EventLog
        func respond(to request: Request, next: ValveChain) async throws -> Response { try await next(request) }
        func stop() async { self.events.add(Task.isCancelled ? "cancelled" : "stopped") }
    }

    @Test("A stop in a cancelled task is no less thorough")
    func cancelledStop() async throws {
        let events = EventLog()
        var context = ContextDefinition("/app") { _ in }
        context.valves = [StopProbe(events: events)]
        try await EngineHarness.run([context], host: { _ in }, engine: { $0.valves = [StopProbe(events: events)] }) { harness async throws in
            let stopping = Task {
                while !Task.isCancelled { await Task.yield() }
                await harness.engine.stop()
            }
            stopping.cancel()
            await stopping.value
            #expect(events.all == ["stopped", "stopped"])
        }
    }

    @Test("Listeners, valves, filters and servlets start in order and stop in reverse")
    func order() async throws {
        let events = EventLog()
        var context = ContextDefinition("/app") { context in
            context.addListener(Recorder(name: "listener", events: events))
            context.addFilter("filter", Recorder(name: "filter", events: events)).map("/*")
            context.addServlet("lazy", Recorder(name: "lazy", events: events)).map("/lazy")
            context.addServlet("unused", Recorder(name: "unused", events: events)).map("/unused")
        }
        context.valves = [Recorder(name: "context valve", events: events)]
        for (name, order) in [("second", 2), ("first", 1), ("never", -1)] {
            var declaration = ApplicationDescriptor.ServletDeclaration(name: name) { Recorder(name: name, events: events) }
            declaration.loadOnStartup = order
            context.descriptor.servlets.append(declaration)
        }
        try await EngineHarness.run(
            [context],
            host: { $0.valves = [Recorder(name: "host valve", events: events)] },
            engine: { $0.valves = [Recorder(name: "engine valve", events: events)] }
        ) { harness async throws in
            #expect(try await harness.get("/app/lazy").text == "lazy")
            #expect(try await harness.get("/app/lazy").text == "lazy")
        }
        let started = [
            "start engine valve", "start host valve", "initialized listener", "start context valve", "start filter", "start first", "start second",
        ]
        #expect(events.all.prefix(8) == (started + ["start lazy"])[...])
        let stopped = Array(events.all.dropFirst(8))
        #expect(stopped.suffix(5) == ["stop filter", "stop context valve", "destroyed listener", "stop host valve", "stop engine valve"])
        #expect(Set(stopped.dropLast(5)) == ["stop first", "stop second", "stop lazy"])
    }

    private final class SlowStarter: Servlet {
        let starts = Atomic<Int>(0)
        let isReady = Atomic<Bool>(false)
        func start(_ configuration: ServletConfiguration) async throws {
            self.starts.add(1, ordering: .relaxed)
            try await Task.sleep(for: .milliseconds(30))
            self.isReady.store(true, ordering: .releasing)
        }
        func respond(to request: Request) async throws -> Response { .text(self.isReady.load(ordering: .acquiring) ? "ready" : "too early") }
    }

    @Test("Concurrent first requests wait for one start")
    func concurrentStart() async throws {
        let servlet = SlowStarter()
        try await EngineHarness.run(ContextDefinition("/app") { $0.addServlet("slow", servlet).map("/slow") }) { harness async throws in
            #expect(servlet.starts.load(ordering: .relaxed) == 0)
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await harness.get("/app/slow").text } }
                for try await text in group { #expect(text == "ready") }
            }
            #expect(servlet.starts.load(ordering: .relaxed) == 1)
        }
    }

    private final class StartsAtSecondTry: Servlet {
        let tries = Atomic<Int>(0)
        func start(_ configuration: ServletConfiguration) async throws {
            if self.tries.add(1, ordering: .relaxed).newValue == 1 { throw ConfigurationError(code: .invalidValue, message: "not yet") }
        }
        func respond(to request: Request) async throws -> Response { .text("up") }
    }

    @Test("A servlet that fails to start answers 500, tells the log, and is tried again")
    func failingServlet() async throws {
        let servlet = StartsAtSecondTry()
        try await EngineHarness.run(ContextDefinition("/app") { $0.addServlet("moody", servlet).map("/x") }) { harness async throws in
            let answer = try await harness.get("/app/x")
            #expect(answer.status == 500)
            #expect(!answer.text.contains("not yet"))
            #expect(harness.log.text.contains("servlet moody did not start: not yet"))
            #expect(try await harness.get("/app/x").text == "up")
        }
    }

    @Test("A servlet that cannot be made leaves the others alone")
    func unmadeServlet() async throws {
        var context = ContextDefinition("/app") { $0.addServlet("good", ClosureServlet { _ in .text("good") }).map("/good") }
        context.descriptor.servlets = [.init(name: "bad") { throw ConfigurationError(code: .unknownName, message: "no such class") }]
        context.descriptor.servletMappings = [("bad", "/bad")]
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/bad").status == 500)
            #expect(try await harness.get("/app/good").text == "good")
        }
    }

    @Test("A context that fails to start answers 404 and is told to the log; the others run")
    func failingContext() async throws {
        let events = EventLog()
        let failing = ContextDefinition("/bad") { context in
            context.addListener(Recorder(name: "first", events: events))
            context.addListener(Recorder(name: "second", events: events, failure: HTTPError(.badGateway, "the database is gone")))
            context.addServlet("x", ClosureServlet { _ in .text("x") }).map("/x")
        }
        let good = ContextDefinition("/good") { $0.addServlet("x", ClosureServlet { _ in .text("x") }).map("/x") }
        let root = ContextDefinition("") { $0.addServlet("x", ClosureServlet { _ in .text("root") }).map("/*") }
        try await EngineHarness.run(failing, good, root) { harness async throws in
            #expect(try await harness.get("/bad/x").status == 404)
            #expect(try await harness.get("/good/x").text == "x")
            #expect(harness.log.text.contains("context /bad of host localhost did not start"))
            #expect(harness.log.text.contains("the database is gone"))
            #expect(events.all == ["initialized first", "initialized second", "destroyed first"])
            #expect(harness.engine.hosts[0].contexts.map(\.isRunning) == [false, true, true])
        }
    }

    @Test("A filter that fails to start keeps its context from starting")
    func failingFilter() async throws {
        let events = EventLog()
        let context = ContextDefinition("/bad") { context in
            context.addFilter("f", Recorder(name: "f", events: events, failure: HTTPError(.badGateway, "no"))).map("/*")
            context.addServlet("x", ClosureServlet { _ in .text("x") }).map("/x")
        }
        try await EngineHarness.run(context) { harness async throws in #expect(try await harness.get("/bad/x").status == 404) }
    }

    @Test("A stopped context answers 503 and can start again")
    func stoppedContext() async throws {
        try await EngineHarness.run(ContextDefinition("/app") { $0.addServlet("x", ClosureServlet { _ in .text("x") }).map("/x") }) {
            harness async throws in
            let context = harness.engine.hosts[0].contexts[0]
            await context.stop()
            #expect(try await harness.get("/app/x").status == 503)
            await context.start()
            #expect(try await harness.get("/app/x").text == "x")
        }
    }

    @Test("Applications stop all at once: a store that does not answer does not keep the others waiting", .timeLimit(.minutes(1)))
    func concurrentStop() async throws {
        let gate = Meeting(of: 3)
        let contexts = (0..<3).map { number in
            var context = ContextDefinition(path: "/a\(number)")
            context.makeSessionManager = { _ in MeetingManager(atStop: gate) }
            return context
        }
        try await EngineHarness.run(contexts, host: { _ in }, engine: { _ in }) { harness async throws in
            #expect(harness.engine.hosts[0].contexts.allSatisfy { $0.isRunning })
        }
        #expect(gate.count == 3)
    }

    @Test("Session managers start all at once, and what goes wrong is told in the order of the applications", .timeLimit(.minutes(1)))
    func managersStartTogether() async throws {
        let gate = Meeting(of: 4)
        let contexts = (0..<4).map { number in
            var context = ContextDefinition(path: "/a\(number)")
            context.makeSessionManager = { _ in MeetingManager(atStart: gate, failure: number > 0 ? "no \(number)" : nil) }
            return context
        }
        try await EngineHarness.run(contexts, host: { _ in }, engine: { _ in }) { harness async throws in
            #expect(gate.count == 4)
            #expect(harness.engine.hosts[0].contexts.map(\.isRunning) == [true, false, false, false])
            let lines = harness.log.text.split(separator: "\n").filter { $0.contains("did not start") }
            #expect(lines.count == 3)
            for (number, line) in lines.enumerated() {
                #expect(line.contains("context /a\(number + 1) ") && line.contains("no \(number + 1)"))
            }
        }
    }

    @Test("Background work that hangs does not keep the engine from its end", .timeLimit(.minutes(1)))
    func backgroundWorkThatHangs() async throws {
        let never = Meeting(of: 2)
        let contexts = (0..<2).map { number in
            var context = ContextDefinition(path: "/a\(number)")
            context.processExpiresFrequency = 1
            context.makeSessionManager = { _ in MeetingManager(atSweep: never) }
            return context
        }
        try await EngineHarness.run(contexts, host: { _ in }, engine: { $0.backgroundProcessorDelay = .milliseconds(1) }) { _ async throws in
            while never.count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(never.count == 1, "no other application's work begins")
        await never.wait()
    }

    @Test("A session cookie that no browser takes keeps a context from starting, whoever has set it")
    func impossibleCookie() async throws {
        let bad = ContextDefinition("/bad") { context in
            context.sessionCookie.name = "__Host-id"
            context.sessionCookie.secure = .always
            context.sessionCookie.domain = "example.org"
        }
        try await EngineHarness.run(bad) { harness async throws in
            #expect(!harness.engine.hosts[0].contexts[0].isRunning)
            #expect(harness.log.text.contains("begins with __Host-, and domain is 'example.org'"))
            #expect(harness.log.text.contains("path is not set, which means the context path '/bad'"))
        }
    }

    @Test("Names and paths that collide are refused in words")
    func collisions() throws {
        let log = LogRecorder()
        var host = HostDefinition(name: "a")
        host.contexts = [ContextDefinition(path: "/x"), ContextDefinition(path: "/x")]
        var definition = EngineDefinition()
        definition.defaultHost = "a"
        definition.hosts = [host]
        #expect(throws: ConfigurationError(code: .duplicateName, message: "")) { try Engine(definition, logger: log.logger) }
        host.contexts = []
        var other = HostDefinition(name: "b")
        other.aliases = ["A"]
        definition.hosts = [host, other]
        #expect(throws: ConfigurationError(code: .duplicateName, message: "")) { try Engine(definition, logger: log.logger) }
        definition.hosts = [host]
        definition.defaultHost = "nowhere"
        #expect(throws: ConfigurationError(code: .unknownName, message: "")) { try Engine(definition, logger: log.logger) }
    }

    @Test("What web.xml declares does not replace what the application registered")
    func descriptorAndApplication() async throws {
        var context = ContextDefinition("/app") { context in
            context.addServlet("default", ClosureServlet { _ in .text("application") }).map("/")
            context.addServlet("extra", ClosureServlet { _ in .text("extra") })
        }
        context.descriptor.servlets = [
            .init(name: "default") { ClosureServlet { _ in .text("descriptor") } }, .init(name: "own") { ClosureServlet { _ in .text("own") } },
        ]
        context.descriptor.servletMappings = [("own", "/"), ("own", "/own"), ("extra", "/extra")]
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/").text == "application")
            #expect(try await harness.get("/app/own").text == "own")
            #expect(try await harness.get("/app/extra").text == "extra")
        }
    }

    @Test("Background work expires sessions once in processExpiresFrequency runs")
    func backgroundWork() async throws {
        var context = ContextDefinition("/app") { context in
            context.addServlet(
                "x",
                ClosureServlet { request in
                    let session = try await request.session()
                    session.maxInactiveInterval = .milliseconds(1)
                    return .text("x")
                }
            ).map("/x")
        }
        context.processExpiresFrequency = 2
        try await EngineHarness.run(context) { harness async throws in
            _ = try await harness.get("/app/x")
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            try await Task.sleep(for: .milliseconds(1100))
            await harness.engine.processBackground()
            #expect(manager.statistics.activeSessions == 1)
            await harness.engine.processBackground()
            #expect(manager.statistics.activeSessions == 0)
        }
    }

    @Test("Background work runs by itself")
    func backgroundTask() async throws {
        let context = ContextDefinition("/app") { context in
            context.sessionTimeout = .milliseconds(1)
            context.addServlet(
                "x",
                ClosureServlet { request in
                    _ = try await request.session()
                    return .text("x")
                }
            ).map("/x")
        }
        var quick = context
        quick.processExpiresFrequency = 1
        try await EngineHarness.run(quick, engine: { $0.backgroundProcessorDelay = .milliseconds(20) }) { harness async throws in
            _ = try await harness.get("/app/x")
            let manager = try #require(harness.engine.hosts[0].contexts[0].sessionManager)
            for _ in 0..<500 where manager.statistics.activeSessions > 0 { try await Task.sleep(for: .milliseconds(20)) }
            #expect(manager.statistics.activeSessions == 0)
        }
    }
}

/// Lets nobody go on before all have come.
private final class Meeting: Sendable {
    private let total: Int
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])

    init(of total: Int) { self.total = total }

    var count: Int { self.waiting.withLock { $0.count } }

    func wait() async {
        await withCheckedContinuation { continuation in
            let all = self.waiting.withLock { waiting in
                waiting.append(continuation)
                return waiting.count == self.total ? waiting : []
            }
            for one in all { one.resume() }
        }
    }
}

/// Starts, sweeps or stops when all others do so, too.
private final class MeetingManager: SessionManager {
    private let starting: Meeting?
    private let sweeping: Meeting?
    private let stopping: Meeting?
    private let failure: String?
    var defaultMaxInactiveInterval: Duration? {
        get { nil }
        set {}
    }
    var statistics: SessionStatistics { SessionStatistics() }

    init(atStart starting: Meeting? = nil, atSweep sweeping: Meeting? = nil, atStop stopping: Meeting? = nil, failure: String? = nil) {
        self.starting = starting
        self.sweeping = sweeping
        self.stopping = stopping
        self.failure = failure
    }

    func find(_ id: SessionID) async throws(SessionError) -> HTTPSession? { nil }
    func create(id: SessionID?) async throws(SessionError) -> HTTPSession { throw SessionError(code: .creationForbidden, message: "") }
    func processExpires() async { await self.sweeping?.wait() }
    func addListener(_ listener: any HTTPSessionListener) {}
    func start() async throws {
        await self.starting?.wait()
        if let failure { throw SessionError(code: .illegalSetting, message: failure) }
    }
    func stop() async { await self.stopping?.wait() }
}
