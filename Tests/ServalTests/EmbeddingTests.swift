import Foundation
import Logging
import Serval
import ServalTesting
import TestPrograms
import Testing

private enum Visits: SessionAttributeKey {
    typealias Value = Int
    static let name = "visits"
}

private struct CounterServlet: HTTPServlet {
    func get(_ request: Request) async throws -> Response {
        let session = try await request.session()
        return .text("\(session.update(Visits.self, default: 0) { $0 += 1; return $0 })")
    }
}

private struct NoSessionFilter: Filter {
    func filter(_ request: Request, next: FilterChain) async throws -> Response {
        try await next(request.with(sessionPolicy: .forbidden))
    }
}

private let quiet = Logger(label: "serval.tests") { _ in SwiftLogNoOpLogHandler() }

private let shop = WebApplication(path: "/shop") { context in
    context.addServlet("counter", CounterServlet()).map("/counter").map("/health/*")
    context.addFilter("no-session", NoSessionFilter()).map("/health/*")
}

@Suite struct EmbeddingTests {
    @Test func applicationsRunInTheTestsOwnProcess() async throws {
        try await TestServer.run(shop) { client in
            #expect(try await client.get("/shop/counter").text == "1")
            #expect(try await client.get("/shop/counter").text == "2")
            #expect(client.cookies["JSESSIONID"]?.count == 32)
            client.cookies = [:]
            #expect(try await client.get("/shop/counter").text == "1")
            #expect(try await client.get("/shop/health/x").status == .internalServerError)
            #expect(try await client.get("/shop/none").status == .notFound)
            #expect(try await client.post("/shop/counter", form: "a=b").status == .methodNotAllowed)
            let head = try await client.send(.head, "/shop/counter")
            #expect(head.status == .ok && head.body.isEmpty)
        }
    }

    @Test func aServerInTheApplicationServesOverTLS() async throws {
        let authority = try TestCertificateAuthority()
        let identity = try authority.issue()
        var configuration = ServerConfiguration()
        let source = CertificateConfiguration.Source.identity(
            TLSIdentity(privateKeyPKCS8: identity.keyPKCS8, certificateChain: try identity.chain)
        )
        configuration.connectors = [
            .http(port: 0, address: "127.0.0.1"),
            .https(port: 0, address: "127.0.0.1", hosts: [TLSHostConfiguration(certificates: [CertificateConfiguration(source: source)])]),
        ]
        let (ready, continuation) = AsyncStream<[Int]>.makeStream()
        let server = Server(configuration: configuration, applications: [shop], logger: quiet) { continuation.yield($0.localPorts) }
        try await withThrowingTaskGroup { group in
            group.addTask { try await server.run() }
            var iterator = ready.makeAsyncIterator()
            let ports = try #require(await iterator.next())
            #expect(ports.count == 2)
            let trust = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString).pem")
            try Data(try authority.certificatePEM.utf8).write(to: trust)
            defer { try? FileManager.default.removeItem(at: trust) }
            let curl = try await ChildProcess.curl([
                "--cacert", trust.path, "--resolve", "localhost:\(ports[1]):127.0.0.1", "https://localhost:\(ports[1])/shop/counter",
            ])
            #expect(curl == "1")
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func everyProblemOfTheStartIsTold() async {
        var configuration = ServerConfiguration()
        for name in ["one", "two"] {
            let missing = CertificateConfiguration(source: .keyStore(path: "/nowhere/\(name).p12"))
            configuration.connectors.append(.https(port: 0, hosts: [TLSHostConfiguration(certificates: [missing])]))
        }
        let server = Server(configuration: configuration, applications: [], logger: quiet)
        do {
            try await server.run()
            Issue.record("a server without its keys must not start")
        } catch let error as ServerStartError {
            #expect(error.problems.count == 2)
            #expect(error.problems.first?.contains("/nowhere/one.p12") == true)
        } catch {
            Issue.record("\(error)")
        }
    }
}
