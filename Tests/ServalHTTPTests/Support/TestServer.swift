import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import ServalServlet
import Synchronization
import Testing

@testable import ServalHTTP

/// Answers with a closure.
final class ClosureHandler: RequestHandler {
    let body: @Sendable (Request) async -> Response

    init(_ body: @escaping @Sendable (Request) async -> Response) { self.body = body }

    func respond(to request: Request) async -> Response { await self.body(request) }
}

/// What the tests' requests mostly go to.
@Sendable
func application(_ request: Request) async -> Response { await application(request, as: request.path) }

/// The same, as if the request were for another path.
func application(_ request: Request, as path: String) async -> Response {
    do {
        switch path {
        case "/plain": return .text("Hello, world!")
        case "/collect": return .text("\(try await request.body.collect(upTo: 1 << 20).count)")
        case "/trailers":
            for try await _ in request.body {}
            return .text(request.body.trailers.map { "\($0.name.canonicalName)=\($0.value)" }.joined(separator: ","))
        case "/echo":
            return Response(
                body: .stream { writer in
                    for try await piece in request.body { try await writer.write(piece) }
                    return nil
                }
            )
        case "/ignore": return .text("ignored")
        case "/yield":
            await Task.yield()
            return .text("yielded")
        case "/empty": return Response(.noContent)
        case "/unmodified": return Response(.notModified, headers: [.eTag: "\"x\""])
        case "/bytes": return Response(body: .bytes([UInt8](repeating: 0x61, count: request.query.flatMap { Int($0.dropFirst(2)) } ?? 0)))
        case "/close":
            var response = Response.text("closing")
            response.closesConnection = true
            return response
        default: return .text("\(request.method.rawValue) \(request.target)", status: .ok)
        }
    } catch let error as HTTPError {
        return Response(error.status)
    } catch {
        return Response(.internalServerError)
    }
}

let testGroupSize = 2

/// A group that all tests share; threads of event loops cost nothing while they wait.
let testGroup = MultiThreadedEventLoopGroup(numberOfThreads: testGroupSize)

/// Runs a connector on a free port of 127.0.0.1 around `body`.
func withConnector(
    _ change: (inout ConnectorConfiguration) -> Void = { _ in },
    handler: @escaping @Sendable (Request) async -> Response = application,
    _ body: (Connector, Int) async throws -> Void
) async throws {
    var configuration = ConnectorConfiguration(port: 0)
    configuration.address = "127.0.0.1"
    change(&configuration)
    let connector = Connector(
        configuration: configuration,
        handler: ClosureHandler(handler),
        tls: nil,
        eventLoopGroup: testGroup,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    try await connector.start()
    let port = try #require(connector.localPort)
    do {
        try await body(connector, port)
    } catch {
        await connector.stop(gracePeriod: .zero)
        throw error
    }
    await connector.stop(gracePeriod: .zero)
}

/// Waits until `condition` holds; false after 20 seconds.
func eventually(_ condition: () -> Bool) async throws -> Bool {
    for _ in 0..<2000 {
        if condition() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}
