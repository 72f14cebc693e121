#if Hummingbird
    import Foundation
    import Hummingbird
    import Logging
    import Serval
    import ServalHummingbird
    import TestPrograms
    import Testing

    @Suite("Hummingbird applications behind a connector")
    struct HummingbirdConnectionTests {
        @Test("curl: a body comes back while it is sent, the context sees the connection, and WebSocket is refused")
        func overAConnection() async throws {
            let application = WebApplication(path: "/hb") { context in
                let router = Router(context: AddressContext.self)
                router.post("/echo") { request, _ in Hummingbird.Response(status: .ok, body: .init(asyncSequence: request.body)) }
                router.get("/address") { _, context in context.address }
                context.addServlet("hummingbird", HummingbirdServlet(responder: router.buildResponder())).map("/*")
            }
            var configuration = ServerConfiguration()
            configuration.connectors = [.http(port: 0, address: "127.0.0.1")]
            let quiet = Logger(label: "serval.tests") { _ in SwiftLogNoOpLogHandler() }
            let (ready, continuation) = AsyncStream<[Int]>.makeStream()
            let server = Server(configuration: configuration, applications: [application], logger: quiet) { continuation.yield($0.localPorts) }
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-hummingbird-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let body = Data((0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            let file = folder.appendingPathComponent("body")
            try body.write(to: file)
            try await withThrowingTaskGroup { group in
                group.addTask { try await server.run() }
                var iterator = ready.makeAsyncIterator()
                let port = try #require(await iterator.next()?.first)
                let base = "http://127.0.0.1:\(port)/hb"
                let echo = folder.appendingPathComponent("echo")
                _ = try await ChildProcess.curl(["-o", echo.path, "--data-binary", "@\(file.path)", "-H", "Expect:", "\(base)/echo"])
                #expect(try Data(contentsOf: echo) == body)
                #expect(try await ChildProcess.curl(["\(base)/address"]) == "127.0.0.1")
                let upgrade = ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "\(base)/address"]
                #expect(try await ChildProcess.curl(upgrade) == "501")
                group.cancelAll()
                try await group.waitForAll()
            }
        }

        /// Knows the client's address, as contexts of Hummingbird applications do.
        private struct AddressContext: RequestContext {
            var coreContext: CoreRequestContextStorage
            let address: String

            init(source: ApplicationRequestContextSource) {
                self.coreContext = .init(source: source)
                self.address = source.channel.remoteAddress?.ipAddress ?? "none"
            }
        }
    }
#endif
