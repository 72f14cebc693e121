import ServalServlet
import Testing

@testable import ServalContainer

@Suite("Pages")
struct MustacheServletTests {
    private func run(
        _ files: [String: String],
        _ parameters: [String: String] = ["modificationTestInterval": "0"],
        register: (@Sendable (ServletContext) async throws -> Void)? = nil,
        _ body: (EngineHarness, TemporaryFolder) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        for (name, contents) in files { try folder.write(name, contents) }
        var context = ContextDefinition("/app") { context in
            if let register { return try await register(context) }
            context.addServlet("pages", MustacheServlet(), initParameters: parameters).map("*.mustache")
        }
        context.documentRoot = folder.path
        try await EngineHarness.run(context) { harness async throws in try await body(harness, folder) }
    }

    // MARK: Sessions

    @Test("Q01 Q02: a page creates a session; one with the directive session=\"false\" does not, and only that one")
    func theDirective() async throws {
        let files = [
            "with.mustache": "id: {{session.id}}\n",
            "comment.mustache": "{{!@ page session=\"false\" }}\nid: {{^request.session}}none{{/request.session}}\n",
            "jsp.mustache": "<%@ page\n  session='false'\n  contentType=\"text/plain;charset=UTF-8\" %>\nplain\n",
        ]
        try await self.run(files) { harness, _ async throws in
            let with = try await harness.get("/app/with.mustache")
            #expect(with.status == 200)
            #expect(with.headers[.contentType] == "text/html;charset=UTF-8")
            let id = try #require(with.text.wholeMatch(of: /id: ([0-9A-F]{32})\n/)?.1)
            #expect(with.headers[values: .setCookie] == ["JSESSIONID=\(id); Path=/app; HttpOnly"])

            let comment = try await harness.get("/app/comment.mustache")
            #expect(comment.text == "id: none\n")
            #expect(comment.headers[values: .setCookie].isEmpty)

            let jsp = try await harness.get("/app/jsp.mustache")
            #expect(jsp.text == "plain\n")
            #expect(jsp.headers[.contentType] == "text/plain;charset=UTF-8")
            #expect(jsp.headers[values: .setCookie].isEmpty)

            let other = try await harness.get("/app/with.mustache", headers: [.cookie: "JSESSIONID=\(id)"])
            #expect(other.text == with.text)
            #expect(other.headers[values: .setCookie].isEmpty)
        }
    }

    @Test("Where sessions are off, a page shows without one; a page that insists is an error that says so")
    func whereSessionsAreOff() async throws {
        let files = [
            "plain.mustache": "会话id:{{session.id}}{{^session}}null{{/session}}", "insisting.mustache": "{{!@ page session=\"true\" }}{{session.id}}",
        ]
        let forbidding: @Sendable (ServletContext) async throws -> Void = { context in
            context.addServlet("pages", MustacheServlet()).map("*.mustache")
            context.addFilter("none", NoSessionFilter()).map("/*")
        }
        try await self.run(files, register: forbidding) { harness, _ async throws in
            let plain = try await harness.get("/app/plain.mustache")
            #expect(plain.text == "会话id:null")
            #expect(plain.headers[values: .setCookie].isEmpty)
            let insisting = try await harness.get("/app/insisting.mustache")
            #expect(insisting.status == 500)
            #expect(harness.log.text.contains("forbidden"))
        }
    }

    @Test("The init parameter session is for the pages that do not say")
    func theDefaultCanBeChanged() async throws {
        let files = [
            "a.mustache": "{{#session}}yes{{/session}}{{^session}}no{{/session}}", "b.mustache": "{{!@ page session='true'}}{{session.new}}",
        ]
        try await self.run(files, ["session": "false"]) { harness, _ async throws in
            #expect(try await harness.get("/app/a.mustache").text == "no")
            #expect(try await harness.get("/app/b.mustache").text == "true")
        }
    }

    // MARK: What a page names

    @Test("What clients send is escaped for HTML, wherever a page names it")
    func outputIsEscaped() async throws {
        let hostile = "%3Cscript%3E%22'%26"
        let escaped = "&lt;script&gt;&quot;&#39;&amp;"
        let files = [
            "a.mustache":
                "{{!@ page session='false'}}{{param.x}}|{{#paramValues.x}}{{.}};{{/paramValues.x}}|{{header.x-y}}|{{request.requestURI}}|{{nothing}}"
        ]
        try await self.run(files) { harness, _ async throws in
            let name = try #require(HTTPField.Name("X-Y"))
            let answer = try await harness.get("/app/a.mustache?x=\(hostile)&x=2", headers: [name: "<b>"])
            #expect(answer.text == "\(escaped)|\(escaped);2;|&lt;b&gt;|/app/a.mustache|")
        }
    }

    @Test("Links carry the session id as encodeURL gives it, and no text of a client becomes a template")
    func links() async throws {
        let files = ["a.mustache": "{{#url}}/b.mustache?q={{param.q}}{{/url}}"]
        try await self.run(files) { harness, _ async throws in
            let answer = try await harness.get("/app/a.mustache?q=%7B%7Bsession.id%7D%7D")
            let id = try #require(answer.headers[.setCookie]?.dropFirst("JSESSIONID=".count).prefix(32))
            #expect(answer.text == "/app/b.mustache;jsessionid=\(id)?q={{session.id}}")
        }
    }

    @Test("A servlet or filter gives a page its model")
    func theModel() async throws {
        let pages = MustacheServlet()
        let files = ["WEB-INF/list.mustache": "{{#items}}<li>{{name}}</li>{{/items}}{{title}}"]
        let register: @Sendable (ServletContext) async throws -> Void = { context in
            context.addServlet("pages", pages).map("*.mustache")
            let list = ClosureServlet { request in
                let model: [String: any Sendable] = ["items": [["name": "a"], ["name": "<b>"]]]
                return try await pages.response(page: "/WEB-INF/list.mustache", model: model, for: request) ?? .error(.notFound)
            }
            context.addServlet("list", list).map("/list")
            context.addFilter("title", TitleFilter()).map("/*")
        }
        try await self.run(files, register: register) { harness, _ async throws in
            #expect(try await harness.get("/app/WEB-INF/list.mustache").status == 404)
            #expect(try await harness.get("/app/list").text == "<li>a</li><li>&lt;b&gt;</li>From the filter")
        }
    }

    // MARK: Files

    @Test("Files include each other relative to themselves or to the application; blocks of a layout are replaced")
    func inclusions() async throws {
        let files = [
            "shop/a.mustache": "{{!@ page session='false'}}\n{{> parts/head}}\n{{</WEB-INF/layout}}{{$main}}Main{{/main}}{{//WEB-INF/layout}}\n",
            "shop/parts/head.mustache": "Head {{> title.mustache}}\n",
            "shop/parts/title.mustache": "Title {{param.t}}",
            "WEB-INF/layout.mustache": "[{{$main}}nothing{{/main}}] {{> /shop/parts/title}}",
        ]
        try await self.run(files) { harness, _ async throws in
            #expect(try await harness.get("/app/shop/a.mustache?t=1").text == "Head Title 1\n[Main] Title 1\n")
        }
    }

    @Test("A changed file is seen, also one that is included; one that is missing is seen when it comes")
    func changes() async throws {
        try await self.run(["a.mustache": "1{{> b}}"]) { harness, folder async throws in
            #expect(try await harness.get("/app/a.mustache").status == 500)
            #expect(harness.log.text.contains("/a.mustache:1: the file /b.mustache is not there"))
            try folder.write("b.mustache", "-2")
            #expect(try await harness.get("/app/a.mustache").text == "1-2")
            try folder.write("b.mustache", "-3-4")
            #expect(try await harness.get("/app/a.mustache").text == "1-3-4")
            try folder.write("a.mustache", "{{#")
            #expect(try await harness.get("/app/a.mustache").status == 500)
            try folder.write("a.mustache", "good")
            #expect(try await harness.get("/app/a.mustache").text == "good")
            #expect(try await harness.get("/app/none.mustache").status == 404)
        }
    }

    @Test("HEAD and POST are answered, a form's fields among the parameters; other methods are not")
    func methods() async throws {
        try await self.run(["a.mustache": "{{!@ page session='false'}}{{param.x}}"]) { harness, _ async throws in
            #expect(try await harness.send(.head, "/app/a.mustache").status == 200)
            let form = try await harness.send(
                .post,
                "/app/a.mustache",
                headers: [.contentType: "application/x-www-form-urlencoded"],
                body: .bytes(Array("x=%3C1".utf8))
            )
            #expect(form.text == "&lt;1")
            let put = try await harness.send(.put, "/app/a.mustache")
            #expect(put.status == 405)
            #expect(put.headers[.allow] == "GET, HEAD, POST, OPTIONS")
        }
    }
}

private struct TitleFilter: Filter {
    func filter(_ request: Request, next: FilterChain) async throws -> Response {
        request[.pageModel] = ["title": "From the filter"]
        return try await next(request)
    }
}
