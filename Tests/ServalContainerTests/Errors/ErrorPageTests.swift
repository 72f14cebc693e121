import ServalContainer
import ServalServlet
import Testing

@Suite("Error pages")
struct ErrorPageTests {
    private struct Broken: Error, CustomStringConvertible { var description: String { "the secret cause\r\nwith a second line" } }

    private static func context(_ pages: [ApplicationDescriptor.ErrorPage] = []) -> ContextDefinition {
        var definition = ContextDefinition("/app") { context in
            context.addServlet("throws", ClosureServlet { _ in throw Broken() }).map("/throws")
            context.addServlet("http", ClosureServlet { _ in throw HTTPError(.conflict, "<b>taken</b>") }).map("/http")
            context.addServlet("full", ClosureServlet { _ in throw SessionError(code: .limitReached, message: "full") }).map("/full")
            context.addServlet(
                "error",
                ClosureServlet { request in
                    var response = Response.error(.notFound, message: request.parameter("message"))
                    response.headers[.allow] = "GET"
                    return response
                }
            ).map("/error")
            context.addServlet("status", ClosureServlet { _ in Response(.notFound, body: .text("mine")) }).map("/status")
            context.addServlet(
                "page",
                ClosureServlet { request in
                    func text(_ name: String) -> String {
                        request.attribute(named: "jakarta.servlet.error." + name).map { String(describing: $0) } ?? "-"
                    }
                    let names = ["status_code", "message", "request_uri", "query_string", "method", "servlet_name"]
                    return .text("\(request.method.rawValue) \(request.servletPath): " + names.map { text($0) }.joined(separator: "|"))
                }
            ).map("/page").map("*.err")
            context.addServlet("bad", ClosureServlet { _ in throw Broken() }).map("/bad")
            context.addServlet("worse", ClosureServlet { _ in .error(.badGateway) }).map("/worse")
        }
        definition.descriptor.errorPages = pages
        return definition
    }

    @Test("What fails because the client is gone is no error to the operator")
    func clientIsGone() async throws {
        let definition = ContextDefinition("/app") { context in
            context.addServlet(
                "slow",
                ClosureServlet { _ in
                    try await Task.sleep(for: .seconds(60)); return .text("late")
                }
            ).map("/slow")
            context.addServlet("throws", ClosureServlet { _ in throw CancellationError() }).map("/throws")
        }
        try await EngineHarness.run(definition) { harness async throws in
            let request = Task { try await harness.get("/app/slow").status }
            request.cancel()
            #expect(try await request.value == 500)
            #expect(harness.log.count(of: "error:") == 0)
            #expect(harness.log.count(of: "debug: servlet slow of context /app failed to answer GET /app/slow") == 1)
            // The same error in a request that goes on is one.
            #expect(try await harness.get("/app/throws").status == 500)
            #expect(harness.log.count(of: "error: servlet throws") == 1)
        }
    }

    @Test("The default page is small, escaped, and shows nothing internal")
    func defaultPage() async throws {
        try await EngineHarness.run(Self.context()) { harness async throws in
            let thrown = try await harness.get("/app/throws")
            #expect(thrown.status == 500)
            #expect(thrown.headers[.contentType] == "text/html;charset=utf-8")
            #expect(thrown.text.contains("HTTP Status 500"))
            for secret in ["secret", "Broken", "Serval", "/throws"] { #expect(!thrown.text.contains(secret)) }
            #expect(harness.log.count(of: "the secret cause") == 1)
            #expect(
                harness.log.text.contains(
                    "servlet throws of context /app failed to answer GET /app/throws: the secret cause\\u{d}\\u{a}with a second line"
                )
            )
            let conflict = try await harness.get("/app/http")
            #expect(conflict.status == 409)
            #expect(conflict.text.contains("&lt;b&gt;taken&lt;/b&gt;"))
            #expect(!conflict.text.contains("<b>"))
            let missing = try await harness.get("/app/error?message=%22'%26")
            #expect(missing.status == 404)
            #expect(missing.headers[.allow] == "GET")
            #expect(missing.text.contains("&quot;&#39;&amp;"))
            #expect(try await harness.get("/app/full").status == 500)
            #expect(try await harness.get("/app/status").text == "mine")
            #expect(try await harness.get("/nowhere").text.contains("HTTP Status 404"))
            #expect(try await harness.get("/app/%00").status == 400)
            #expect(harness.log.count(of: "error:") == 2)
        }
    }

    @Test("The host's settings add the server's name and the error's type")
    func reports() async throws {
        try await EngineHarness.run(
            Self.context(),
            host: {
                $0.showsErrorReport = true
                $0.showsServerInfo = true
            }
        ) { harness async throws in
            let text = try await harness.get("/app/throws").text
            #expect(text.contains("Serval"))
            #expect(text.contains("Broken"))
            #expect(!text.contains("secret"))
        }
    }

    @Test("Application's pages are found by type, by status, and by default, and know the error")
    func applicationPages() async throws {
        let pages: [ApplicationDescriptor.ErrorPage] = [
            .init(status: 404, location: "/page"), .init(exceptionType: "Broken", location: "/type.err"), .init(location: "/any.err"),
        ]
        try await EngineHarness.run(Self.context(pages)) { harness async throws in
            let missing = try await harness.send(.post, "/app/error?a=b")
            #expect(missing.status == 404)
            #expect(missing.text == "GET /page: 404|Not Found|/app/error|a=b|POST|error")
            #expect(missing.headers[.allow] == "GET")
            #expect(try await harness.get("/app/throws").text == "GET /type.err: 500|Internal Server Error|/app/throws|-|GET|throws")
            #expect(try await harness.get("/app/http").text == "GET /any.err: 409|<b>taken</b>|/app/http|-|GET|http")
            #expect(try await harness.get("/app/http").status == 409)
            #expect(try await harness.get("/app/unmapped").text == "GET /page: 404|Not Found|/app/unmapped|-|GET|")
            #expect(try await harness.get("/app/WEB-INF/x").text.hasPrefix("GET /page: 404"))
        }
    }

    @Test("Names from Java stand for every error", arguments: ["java.lang.Throwable", "java.lang.Exception", "Error"])
    func javaNames(name: String) async throws {
        try await EngineHarness.run(Self.context([.init(exceptionType: name, location: "/page")])) { harness async throws in
            #expect(try await harness.get("/app/throws").text.hasPrefix("GET /page: 500"))
            #expect(try await harness.get("/app/error").text.contains("HTTP Status 404"))
        }
    }

    @Test("A page that fails, or does not exist, gives way to the default page", arguments: ["/bad", "/worse", "/nowhere", "/../x"])
    func loops(location: String) async throws {
        let pages: [ApplicationDescriptor.ErrorPage] = [.init(status: 500, location: location), .init(status: 404, location: location)]
        try await EngineHarness.run(Self.context(pages)) { harness async throws in
            let answer = try await harness.get("/app/throws")
            #expect(answer.status == 500)
            #expect(answer.text.contains("HTTP Status 500"))
            #expect(harness.log.text.contains("the error page \(location)"))
            #expect(try await harness.get("/app/error").text.contains("HTTP Status 404"))
        }
    }

    @Test("A page below WEB-INF can be an error page, but not be asked for")
    func privatePage() async throws {
        let folder = try TemporaryFolder()
        try folder.write("WEB-INF/missing.html", "not here")
        var definition = Self.context([.init(status: 404, location: "/WEB-INF/missing.html")])
        definition.documentRoot = folder.path
        try await EngineHarness.run(definition) { harness async throws in
            let answer = try await harness.get("/app/nothing")
            #expect(answer.status == 404)
            #expect(answer.text == "not here")
        }
    }

    @Test("Errors of valves end in the default page")
    func valves() async throws {
        let failing = ClosureValve { _, _ in throw Broken() }
        let answering = ClosureValve { _, _ in .error(.forbidden) }
        for (engine, host, context) in [([failing], [], []), ([], [failing], []), ([], [], [failing])] as [([any Valve], [any Valve], [any Valve])] {
            var definition = Self.context()
            definition.valves = context
            try await EngineHarness.run([definition], host: { $0.valves = host }, engine: { $0.valves = engine }) { harness async throws in
                let answer = try await harness.get("/app/status")
                #expect(answer.status == 500)
                #expect(!answer.text.contains("secret"))
                #expect(harness.log.count(of: "secret") == 1)
            }
        }
        try await EngineHarness.run([Self.context()], host: { $0.valves = [answering] }, engine: { _ in }) { harness async throws in
            #expect(try await harness.get("/app/status").text.contains("HTTP Status 403"))
        }
    }

    @Test("The session cookie is sent with an error page, too")
    func sessionCookie() async throws {
        var definition = ContextDefinition("/app") { context in
            context.addServlet(
                "s",
                ClosureServlet { request in
                    _ = try await request.session()
                    throw Broken()
                }
            ).map("/s")
            context.addServlet("page", ClosureServlet { request in .text(try await request.session().isNew ? "new" : "old") }).map("/page")
        }
        definition.descriptor.errorPages = [.init(status: 500, location: "/page")]
        try await EngineHarness.run(definition) { harness async throws in
            let answer = try await harness.get("/app/s")
            #expect(answer.text == "new")
            #expect(answer.headers[values: .setCookie].count == 1)
        }
    }
}
