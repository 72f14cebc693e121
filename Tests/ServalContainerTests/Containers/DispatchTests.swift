import ServalContainer
import ServalServlet
import Synchronization
import Testing

@Suite("The way of a request")
struct DispatchTests {
    private static func echo(_ name: String) -> ClosureServlet {
        ClosureServlet { .text("\(name) \($0.contextPath)|\($0.servletPath)|\($0.pathInfo ?? "-")") }
    }

    @Test("A request reaches the servlet of its context with the parts of its path")
    func paths() async throws {
        let shop = ContextDefinition("/shop") { $0.addServlet("s", Self.echo("shop")).map("/a/*").map("*.do").map("/exact").map("") }
        let root = ContextDefinition("") { $0.addServlet("s", Self.echo("root")).map("/") }
        try await EngineHarness.run(shop, root) { harness async throws in
            #expect(try await harness.get("/shop/a/b?x=1").text == "shop /shop|/a|/b")
            #expect(try await harness.get("/shop/x.do").text == "shop /shop|/x.do|-")
            #expect(try await harness.get("/shop/exact").text == "shop /shop|/exact|-")
            #expect(try await harness.get("/shop/").text == "shop /shop||/")
            #expect(try await harness.get("/shop/nothing").status == 404)
            #expect(try await harness.get("/shopping").text == "root |/shopping|-")
            #expect(try await harness.get("/shop/a/%C3%A4;x=1/y").text == "shop /shop|/a|/ä/y")
            #expect(try await harness.get("http://localhost/shop/exact").text == "shop /shop|/exact|-")
            #expect(try await harness.get("/shop/../../x").status == 400)
            #expect(try await harness.get("/shop/..;/x").status == 400)
        }
    }

    @Test("OPTIONS * is answered for the server; other requests without a path are refused")
    func asterisk() async throws {
        try await EngineHarness.run(ContextDefinition("") { $0.addServlet("s", Self.echo("root")).map("/*") }) { harness async throws in
            let answer = try await harness.send(.options, "*")
            #expect(answer.status == 200)
            #expect(answer.headers[.allow] == "GET, HEAD, POST, PUT, DELETE, OPTIONS")
            #expect(try await harness.get("*").status == 400)
        }
    }

    @Test("The context's root without slash redirects to the one with slash and keeps query and session id")
    func contextRoot() async throws {
        let context = ContextDefinition("/app") { $0.addServlet("s", Self.echo("app")).map("/*") }
        var absolute = ContextDefinition("/absolute") { $0.addServlet("s", Self.echo("app")).map("/*") }
        absolute.usesRelativeRedirects = false
        var plain = ContextDefinition("/plain") { $0.addServlet("s", Self.echo("plain")).map("/*") }
        plain.redirectsContextRoot = false
        try await EngineHarness.run(context, absolute, plain) { harness async throws in
            let answer = try await harness.get("/app?a=b")
            #expect(answer.status == 302)
            #expect(answer.headers[.location] == "/app/?a=b")
            #expect(try await harness.get("/app;jsessionid=ABC?a=b").headers[.location] == "/app/;jsessionid=ABC?a=b")
            #expect(try await harness.get("/app;jsessionid=A%0d%0aB").headers[.location] == "/app/")
            #expect(try await harness.get("/absolute", headers: [.host: "localhost:8080"]).headers[.location] == "http://localhost:8080/absolute/")
            #expect(try await harness.get("/plain").text == "plain /plain||/")
        }
    }

    @Test(
        "WEB-INF and META-INF are never reached",
        arguments: [
            "/WEB-INF", "/WEB-INF/web.xml", "/web-inf/web.xml", "/Web-Inf/", "/META-INF/x", "/meta-inf", "/%57EB-INF/web.xml",
            "/x/../WEB-INF/web.xml", "/./web-inf/a", "//WEB-INF/a", "/WEB-INF;x/web.xml",
        ]
    )
    func privateFolders(path: String) async throws {
        try await EngineHarness.run(ContextDefinition("/app") { $0.addServlet("s", Self.echo("app")).map("/*") }) { harness async throws in
            #expect(try await harness.get("/app" + path).status == 404)
            #expect(try await harness.get("/app/WEB-INFO").status == 200)
            #expect(try await harness.get("/app/x/WEB-INF").status == 200)
        }
    }

    @Test("Hosts are chosen by the authority: name, alias, port, absolute target, proxy name")
    func hosts() async throws {
        func host(_ name: String, aliases: [String] = []) -> HostDefinition {
            var host = HostDefinition(name: name)
            host.aliases = aliases
            host.contexts = [ContextDefinition("") { $0.addServlet("s", ClosureServlet { _ in .text(name) }).map("/*") }]
            return host
        }
        try await EngineHarness.run(engine: {
            $0.hosts = [host("localhost"), host("a.example", aliases: ["b.example"]), host("*.c.example")]
        }) { harness async throws in
            #expect(try await harness.get("/", headers: [.host: "A.example:8080"]).text == "a.example")
            #expect(try await harness.get("/", headers: [.host: "b.example"]).text == "a.example")
            #expect(try await harness.get("/", headers: [.host: "x.c.example"]).text == "*.c.example")
            #expect(try await harness.get("/", headers: [.host: "unknown"]).text == "localhost")
            #expect(try await harness.get("http://a.example/", headers: [.host: "x.c.example"]).text == "a.example")
            #expect(try await harness.get("/", headers: [.host: "x"], connection: ConnectionInfo(proxyName: "b.example")).text == "a.example")
        }
    }

    @Test("Filters run by pattern in the order of their mappings, then by servlet name, each once")
    func filters() async throws {
        let context = ContextDefinition("/app") { context in
            func filter(_ name: String) -> ClosureFilter {
                ClosureFilter { request, next in
                    var response = try await next(request)
                    response.headers.append(.via, name)
                    return response
                }
            }
            context.addFilter("named", filter("named")).map(servletNamed: "one")
            context.addFilter("all", filter("all")).map("/*")
            context.addFilter("do", filter("do")).map("*.do").map("/one")
            context.addFilter("twice", filter("twice")).map("/one").map(servletNamed: "one")
            context.addFilter("root", filter("root")).map("/")
            context.addFilter("sub", filter("sub")).map("/sub/*")
            context.addServlet("one", ClosureServlet { _ in .text("1") }).map("/one")
            context.addServlet("two", ClosureServlet { _ in .text("2") }).map("/*")
        }
        try await EngineHarness.run(context) { harness async throws in
            // The innermost filter appends first.
            #expect(try await harness.get("/app/one").headers[values: .via].reversed() == ["all", "do", "twice", "named"])
            #expect(try await harness.get("/app/x.do").headers[values: .via].reversed() == ["all", "do"])
            #expect(try await harness.get("/app/sub").headers[values: .via].reversed() == ["all", "sub"])
            #expect(try await harness.get("/app/sub/x").headers[values: .via].reversed() == ["all", "sub"])
            #expect(try await harness.get("/app/submarine").headers[values: .via].reversed() == ["all"])
            #expect(try await harness.get("/app/").headers[values: .via].reversed() == ["all", "root"])
            #expect(try await harness.get("/app/one").headers[values: .via].reversed() == ["all", "do", "twice", "named"])
        }
    }

    @Test("A filter changes the request for the rest of the chain, or answers itself")
    func filterChanges() async throws {
        let context = ContextDefinition("/app") { context in
            context.addFilter(
                "f",
                ClosureFilter { request, next in
                    if request.path.hasSuffix("/stop") { return .text("stopped") }
                    var changed = request
                    changed.headers[.from] = "filter"
                    return try await next(changed)
                }
            ).map("/*")
            context.addServlet("s", ClosureServlet { .text($0.headers[.from] ?? "-") }).map("/*")
        }
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/x").text == "filter")
            #expect(try await harness.get("/app/stop").text == "stopped")
        }
    }

    @Test("More filter mappings than a machine word has bits work alike")
    func manyFilters() async throws {
        let context = ContextDefinition("/app") { context in
            for index in 0..<70 {
                context.addFilter(
                    "f\(index)",
                    ClosureFilter { request, next in
                        var response = try await next(request)
                        response.headers.append(.via, String(index))
                        return response
                    }
                ).map(index.isMultiple(of: 2) ? "/*" : "/odd")
            }
            context.addServlet("s", ClosureServlet { _ in .text("") }).map("/*")
        }
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/x").headers[values: .via].count == 35)
            #expect(try await harness.get("/app/odd").headers[values: .via].reversed() == (0..<70).map { String($0) })
        }
    }

    @Test("Valves see the context, wrap the response and may answer themselves, from engine to context")
    func valves() async throws {
        func valve(_ name: String) -> ClosureValve {
            ClosureValve { request, next in
                if request.headers[.from] == name { return .text("answered by \(name)") }
                var response = try await next(request)
                response.headers.append(.via, "\(name) \(request.contextPath)")
                return response
            }
        }
        var context = ContextDefinition("/app") { $0.addServlet("s", ClosureServlet { _ in .text("s") }).map("/*") }
        context.valves = [valve("c1"), valve("c2")]
        try await EngineHarness.run([context], host: { $0.valves = [valve("h")] }, engine: { $0.valves = [valve("e")] }) { harness async throws in
            #expect(try await harness.get("/app/").headers[values: .via] == ["c2 /app", "c1 /app", "h /app", "e /app"])
            #expect(try await harness.get("/app/", headers: [.from: "h"]).text == "answered by h")
        }
    }

    private final class CountingExecutor: TaskExecutor {
        let jobs = Atomic<Int>(0)
        func enqueue(_ job: consuming ExecutorJob) {
            self.jobs.add(1, ordering: .relaxed)
            let job = UnownedJob(job)
            let executor = self.asUnownedTaskExecutor()
            Task.detached { job.runSynchronously(on: executor) }
        }
    }

    private struct Blocking: BlockingServlet {
        func respond(to request: Request) async throws -> Response { .text("blocked") }
    }

    @Test("Blocking servlets run on the connector's pool, others do not")
    func blockingServlets() async throws {
        let context = ContextDefinition("/app") { context in
            context.addServlet("b", Blocking()).map("/blocking")
            context.addServlet("s", ClosureServlet { _ in .text("") }).map("/plain")
        }
        try await EngineHarness.run(context) { harness async throws in
            let executor = CountingExecutor()
            _ = try await harness.get("/app/plain", connection: ConnectionInfo(blockingExecutor: executor))
            #expect(executor.jobs.load(ordering: .relaxed) == 0)
            #expect(try await harness.get("/app/blocking", connection: ConnectionInfo(blockingExecutor: executor)).text == "blocked")
            #expect(executor.jobs.load(ordering: .relaxed) > 0)
            #expect(try await harness.get("/app/blocking").text == "blocked")
        }
    }

    @Test("Welcome files: existing ones first, then servlets; folders without slash redirect")
    func welcomeFiles() async throws {
        let folder = try TemporaryFolder()
        try folder.write("docs/index.html", "docs index")
        try folder.write("both/home.do", "not seen")
        try folder.write("both/index.html", "both index")
        try folder.write("empty/other.txt", "x")
        var context = ContextDefinition("/app") { context in
            context.addServlet("do", ClosureServlet { .text("do \($0.servletPath)") }).map("*.do")
            context.addServlet("exact", ClosureServlet { .text("exact \($0.servletPath)") }).map("/exact/start")
        }
        context.documentRoot = folder.path
        context.descriptor.welcomeFiles = ["start", "index.html", "home.do"]
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/docs/").text == "docs index")
            #expect(try await harness.get("/app/both/").text == "both index")
            #expect(try await harness.get("/app/empty/").text == "do /empty/home.do")
            #expect(try await harness.get("/app/exact/").text == "exact /exact/start")
            let redirect = try await harness.get("/app/docs?x=1")
            #expect(redirect.status == 302)
            #expect(redirect.headers[.location] == "/app/docs/?x=1")
        }
        context.redirectsDirectories = true
        try await EngineHarness.run(context) { harness async throws in
            #expect(try await harness.get("/app/docs?x=1").headers[.location] == "/app/docs/?x=1")
        }
    }
}
