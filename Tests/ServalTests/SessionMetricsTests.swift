import Foundation
import Logging
import Metrics
import MetricsTestKit
import Serval
import ServalContainer
import TestPrograms
import Testing

/// What a program that embeds the server finds of its sessions in its own metrics system.
@Suite("Sessions in swift-metrics")
struct SessionMetricsTests {
    private struct MakeServlet: HTTPServlet {
        func get(_ request: Request) async throws -> Response {
            let session = try await request.session()
            if request.parameter("end") != nil { try await session.invalidate() }
            return .text(session.id.rawValue)
        }
    }

    @Test("A running server shows the counts of every application's sessions")
    func server() async {
        // A process has one metrics system, and here others are tested in the same process.
        await #expect(processExitsWith: .success) {
            let system = TestMetrics()
            MetricsSystem.bootstrap(system)
            var configuration = ServerConfiguration()
            configuration.connectors = [.http(port: 0, address: "127.0.0.1")]
            let application = WebApplication(path: "/shop") { context in context.addServlet("make", MakeServlet()).map("/make") }
            let (ready, continuation) = AsyncStream<Int>.makeStream()
            let server = Server(
                configuration: configuration,
                applications: [application],
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { continuation.yield($0.localPorts[0]) }
            let labels = [("context", "/Catalina/localhost/shop")]
            try await withThrowingTaskGroup { group in
                group.addTask { try await server.run() }
                var iterator = ready.makeAsyncIterator()
                let port = try #require(await iterator.next())
                for path in ["make", "make", "make?end=1"] {
                    _ = try await Shell.run("curl -sS --max-time 20 'http://127.0.0.1:\(port)/shop/\(path)'")
                }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(try system.expectMeter("serval_session_active", labels).lastValue == 2)
            #expect(try system.expectCounter("serval_session_created", labels).totalValue == 3)
            for name in ["expired", "rejected", "evicted"] { #expect(try system.expectCounter("serval_session_\(name)", labels).totalValue == 0) }
        }
    }
}
