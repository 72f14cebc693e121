import Foundation
import Logging
import Serval
import ServalContainer
import TestPrograms
import Testing

/// The documents' page that tells the session's id, before and after sessions are switched off, over a socket.
@Suite("Sessions switched off, as clients see it")
struct SessionSwitchTests {
    /// The documents' expression: `"会话id:"+(null==HttpRequest.getSession(true)?null:HttpRequest.getSession(true).getId())`.
    private struct IDServlet: HTTPServlet {
        func get(_ request: Request) async throws -> Response {
            let session = try? await request.session()
            return .text("会话id:\(session?.id.rawValue ?? "null")")
        }
    }

    private static func application(_ path: String, isOn: Bool) -> WebApplication {
        WebApplication(path: path) { context in
            context.addServlet("id", IDServlet()).map("/id")
            if !isOn { context.addFilter("none", NoSessionFilter()).map("/*") }
        }
    }

    @Test("Q08, Q09, Q10: the page tells an id with sessions, and null without them and without cookie")
    func pages() async throws {
        var configuration = ServerConfiguration()
        configuration.connectors = [.http(port: 0, address: "127.0.0.1")]
        let quiet = Logger(label: "serval.tests") { _ in SwiftLogNoOpLogHandler() }
        let (ready, continuation) = AsyncStream<Int>.makeStream()
        let applications = [Self.application("/before", isOn: true), Self.application("/after", isOn: false)]
        let server = Server(configuration: configuration, applications: applications, logger: quiet) { continuation.yield($0.localPorts[0]) }
        try await withThrowingTaskGroup { group in
            group.addTask { try await server.run() }
            var iterator = ready.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let before = try await Shell.run("curl -sS -i --max-time 20 http://127.0.0.1:\(port)/before/id")
            let id = try #require(before.firstMatch(of: /\r\n\r\n会话id:([0-9A-F]{32})$/)?.output.1)
            #expect(before.contains("Set-Cookie: JSESSIONID=\(id); Path=/before; HttpOnly"))
            #expect(before.lowercased().contains("content-type: text/plain; charset=utf-8"))
            let after = try await Shell.run(
                "for i in 1 2 3; do curl -sS -i --max-time 20 -H 'Cookie: JSESSIONID=\(id)' http://127.0.0.1:\(port)/after/id; done"
            )
            #expect(after.matches(of: /\r\n\r\n会话id:null/).count == 3)
            #expect(!after.lowercased().contains("set-cookie"))
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
