import HTTPTypes
import ServalContainer
import ServalServlet
import Testing

/// The list of applications with their sessions.
@Suite("Manager")
struct ManagerServletTests {
    private static func contexts(privileged: Bool = true, allow: String? = nil) -> [ContextDefinition] {
        func application(_ path: String, _ filter: (any Filter)? = nil) -> ContextDefinition {
            ContextDefinition(path) { context in
                context.addServlet("make", ClosureServlet { request in .text((try? await request.session().id.rawValue) ?? "null") }).map("/make")
                if let filter { context.addFilter("none", filter).map("/*") }
            }
        }
        var manager = ContextDefinition("/manager") { context in
            let parameters = allow.map { ["serval.allow": $0] } ?? [:]
            context.addServlet("text", ManagerServlet(page: .text), initParameters: parameters).map("/text/*")
            context.addServlet("html", ManagerServlet(page: .html), initParameters: parameters).map("/html/*")
        }
        manager.isPrivileged = privileged
        return [application(""), application("/without", NoSessionFilter()), manager]
    }

    private static func run(_ contexts: [ContextDefinition], body: (EngineHarness) async throws -> Void) async throws {
        try await EngineHarness.run(contexts, host: { _ in }, engine: { _ in }, body: body)
    }

    @Test("Q11: an application without sessions shows none in the Manager's lists, however often it is asked")
    func counts() async throws {
        try await Self.run(Self.contexts()) { harness async throws in
            for _ in 0..<3 { #expect(try await harness.get("/make").text.count == 32) }
            for _ in 0..<5 { #expect(try await harness.get("/without/make").text == "null") }
            let list = try await harness.get("/manager/text/list")
            #expect(list.status == 200 && list.headers[.contentType]?.hasPrefix("text/plain") == true)
            let lines = list.text.split(separator: "\n")
            #expect(lines.first == "OK - Listed applications for virtual host [localhost]")
            let third = Dictionary(
                uniqueKeysWithValues: lines.dropFirst().map { line in
                    let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                    return (String(fields[0]), "\(fields[1]) \(fields[2])")
                }
            )
            #expect(third == ["/": "running 3", "/manager": "running 0", "/without": "running 0"])
            for path in ["/manager/html", "/manager/html/", "/manager/html/list"] {
                let page = try await harness.get(path)
                #expect(page.status == 200 && page.headers[.cacheControl] == "no-store")
                #expect(page.text.contains("<tr><td>/</td><td>/</td><td>true</td><td>3</td>"), "\(page.text)")
                #expect(page.text.contains("<tr><td>/without</td><td>/without</td><td>true</td><td>0</td><td>0</td>"))
            }
            await harness.engine.hosts[0].contexts[1].stop()
            #expect(try await harness.get("/manager/text/list").text.contains("\n/without:stopped:0:"))
            #expect(try await harness.get("/manager/text/undeploy?path=/").text.hasPrefix("FAIL - Unknown command [/undeploy]"))
            #expect(try await harness.get("/manager/html/other").status == 404)
            #expect(try await harness.send(.post, "/manager/text/list").status == 405)
        }
    }

    @Test("Only clients of allowed addresses are told, nobody through a proxy, and only by a privileged application")
    func access() async throws {
        try await Self.run(Self.contexts(privileged: false)) { harness async throws in
            #expect(try await harness.get("/manager/text/list").status == 403)
        }
        try await Self.run(Self.contexts()) { harness async throws in
            #expect(try await harness.get("/manager/text/list", connection: ConnectionInfo(remoteAddress: "192.0.2.1")).status == 403)
            #expect(try await harness.get("/manager/text/list", connection: ConnectionInfo(remoteAddress: "::1")).status == 200)
            for name in ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"] {
                let field = try #require(HTTPField.Name(name))
                #expect(try await harness.get("/manager/html", headers: [field: "127.0.0.1"]).status == 403)
            }
        }
        try await Self.run(Self.contexts(allow: "192.0.2.0/24")) { harness async throws in
            #expect(try await harness.get("/manager/text/list", connection: ConnectionInfo(remoteAddress: "192.0.2.1")).status == 200)
            #expect(try await harness.get("/manager/text/list").status == 403)
        }
        try await Self.run(Self.contexts(allow: "everybody")) { harness async throws in
            #expect(try await harness.get("/manager/text/list").status == 500)
        }
    }

    @Test("Only requests that name the host are answered: not those of a web site whose name leads to this machine")
    func names() async throws {
        let contexts = Self.contexts()
        let aliases = ["manager.example", "*.intern.example"]
        try await EngineHarness.run(contexts, host: { $0.aliases = aliases }, engine: { _ in }) { harness async throws in
            func status(_ host: String) async throws -> Int { try await harness.get("/manager/text/list", headers: [.host: host]).status }
            let good = [
                "localhost:8080", "LOCALHOST", "127.0.0.1:8080", "[::1]:8080", "[::1]", "manager.example", "Manager.Example:80", "a.intern.example",
            ]
            for name in good {
                #expect(try await status(name) == 200, "\(name)")
            }
            for name in ["rebound.example:8080", "localhost.example", "127.0.0.1.example", "intern.example", "xmanager.example", "[x]"] {
                #expect(try await status(name) == 403, "\(name)")
            }
        }
    }

    @Test("What tells of a proxy is refused: HTTP/1.0, which nginx speaks, a connector's proxyName, and fields of other proxies")
    func proxies() async throws {
        try await Self.run(Self.contexts()) { harness async throws in
            let request = Request(method: .get, target: "/manager/text/list", headers: [.host: "localhost"], connection: ConnectionInfo())
            let head = request.state.head
            let old = ReceivedHead(bytes: head.bytes, slots: head.slots, method: head.methodRange, target: head.target, version: .http10)
            let state = RequestState(head: old, method: .get, body: .empty, connection: ConnectionInfo(), startNanoseconds: 1)
            #expect(try await harness.send(Request(state: state)).status == 403)
            #expect(try await harness.get("/manager/text/list", connection: ConnectionInfo(proxyName: "localhost")).status == 403)
            for name in ["X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Port"] {
                let field = try #require(HTTPField.Name(name))
                #expect(try await harness.get("/manager/html", headers: [field: "x"]).status == 403)
            }
        }
    }
}
