public import Logging
import ServalContainer
public import ServalServlet

/// Runs applications in the test's own process, without sockets.
///
/// ```swift
/// let shop = WebApplication(path: "/shop") { context in
///     context.addServlet("counter", CounterServlet()).map("/counter")
/// }
/// try await TestServer.run(shop) { client in
///     #expect(try await client.get("/shop/counter").text == "1")
///     #expect(try await client.get("/shop/counter").text == "2")
/// }
/// ```
///
/// Requests pass through host, context, filters and servlet as in a server; only the connector is left out. To test over the network, run a
/// `Server` on port 0.
public enum TestServer {
    /// Starts the applications, runs `body`, and stops them.
    ///
    /// - Parameters:
    ///   - applications: mounted at their paths.
    ///   - logger: what the container and the applications log. Default: nothing.
    public static func run<Result>(
        _ applications: WebApplication...,
        logger: Logger = Logger(label: "serval.testing") { _ in SwiftLogNoOpLogHandler() },
        _ body: (TestClient) async throws -> Result
    ) async throws -> Result {
        var host = HostDefinition(name: "localhost")
        host.contexts = applications.map { application in
            var context = ContextDefinition(path: application.path)
            context.application = application
            return context
        }
        var engineDefinition = EngineDefinition()
        engineDefinition.hosts = [host]
        engineDefinition.backgroundProcessorDelay = .zero
        let engine = try Engine(engineDefinition, logger: logger)
        try await engine.start()
        if let stopped = engine.hosts.flatMap(\.contexts).first(where: { !$0.isRunning }) {
            await engine.stop()
            throw TestServerError(description: "the application at \"\(stopped.path)\" did not start; give a logger to see why")
        }
        do {
            let result = try await body(TestClient(engine: engine))
            await engine.stop()
            return result
        } catch {
            await engine.stop()
            throw error
        }
    }
}

/// Why a test server could not be used.
public struct TestServerError: Error, CustomStringConvertible {
    /// What is wrong.
    public var description: String
}
