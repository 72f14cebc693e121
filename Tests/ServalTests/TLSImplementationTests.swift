import Foundation
import Logging
import NIOCore
import NIOPosix
import Serval
import ServalContainer
import ServalHTTP
import ServalServlet
import ServalSessions
import ServalTLS
import ServalTesting
import Synchronization
import TestPrograms
import Testing

/// Which TLS implementation a name of `sslImplementationName` means.
@Suite struct TLSImplementationTests {
    static let openSSL = [
        nil, "serval.tls.OpenSSL", "org.apache.tomcat.util.net.openssl.OpenSSLImplementation",
        "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation",
    ]
    static let jsse = "org.apache.tomcat.util.net.jsse.JSSEImplementation"
    static let own = "serval.tls.NIOSSL"

    #if NIOSSL
        static let expected = openSSL.map { ($0, "OpenSSL 3.") } + [(jsse, "swift-nio-ssl"), (own, "swift-nio-ssl")]
    #else
        static let expected = openSSL.map { ($0, "OpenSSL 3.") } + [(jsse, "OpenSSL 3.")]
    #endif

    @Test(arguments: expected)
    func theLogNamesTheImplementationThatServes(name: String?, implementation: String) async throws {
        let log = Log()
        try await withServer(name, Hello(), log: log) { port in
            let answer = try await Self.answer(port)
            #expect(answer == "hello over TLSv1.3")
            #expect(log.text.contains("TLS implementation [\(implementation)"), "\(log.text)")
        }
    }

    /// More answers to one read than the socket is to hold: the writability changes while they are being sent.
    @Test(arguments: expected.map(\.0))
    func answersToRequestsThatComeTogetherComeOnceAndInOrder(name: String?) async throws {
        try await withServer(name, Echo()) { port in
            for (count, length) in [(3000, 0), (60, 60000), (60, 70000)] {
                let requests = (0..<count).map {
                    "GET /number-\($0)?\(length) HTTP/1.1\r\nHost: localhost\r\n\($0 == count - 1 ? "Connection: close\r\n" : "")\r\n"
                }
                let file = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)")
                try Data(requests.joined().utf8).write(to: file)
                defer { try? FileManager.default.removeItem(at: file) }
                let command = "exec openssl s_client -quiet -ign_eof -connect 127.0.0.1:\(port) < '\(file.path)' 2> /dev/null"
                let answers = try await ChildProcess.output(of: "sh", ["-c", command]).split(whereSeparator: \.isNewline)
                let numbers = answers.filter { $0.hasPrefix("/number-") }.map { String($0.trimmingPrefix("/number-")) }
                #expect(numbers == (0..<count).map(String.init), "\(numbers.count) answers of \(length) bytes")
                #expect(answers.count { $0.utf8.count == length && length > 0 } == (length == 0 ? 0 : count))
            }
        }
    }

    /// HTTP/1.0 has no chunks: only the connection's end tells where a body of unknown length ends.
    @Test(arguments: expected.map(\.0))
    func anAnswerThatIsGivenUpDoesNotLookComplete(name: String?) async throws {
        try await withServer(name, Streaming()) { port in
            for version in ["1.0", "1.1"] {
                for (path, isWhole) in [("/whole", true), ("/given-up", false), ("/given-up-later", false)] {
                    let request = "GET \(path) HTTP/\(version)\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n"
                    let command = "printf '\(request)' | openssl s_client -quiet -ign_eof -connect 127.0.0.1:\(port) 2>&1; echo"
                    let answer = try await ChildProcess.output(of: "sh", ["-c", command])
                    #expect(answer.contains("begun"), "\(answer)")
                    #expect(answer.contains("unexpected eof") == !isWhole, "\(version) \(path): \(answer)")
                }
            }
        }
    }

    /// There is nothing to wait for: no request is under way.
    @Test(arguments: expected.map(\.0))
    func aClientThatHasNotBegunItsHandshakeKeepsNoServerFromStopping(name: String?) async throws {
        let clock = ContinuousClock()
        let client = Mutex<(any Channel)?>(nil)
        var begin = clock.now
        try await withServer(name, Hello()) { port in
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(host: "127.0.0.1", port: port).get()
            client.withLock { $0 = channel }
            // Whoever came later has been served by now.
            #expect(try await Self.answer(port) == "hello over TLSv1.3")
            begin = clock.now
        }
        #expect(clock.now - begin < .seconds(3))
        try? await client.withLock { $0 }?.close()
    }

    private struct Streaming: HTTPServlet {
        struct Failure: Error {}

        func get(_ request: Request) async throws -> Response {
            let path = request.path
            return Response(
                body: .stream { writer in
                    try await writer.write(Array("begun".utf8))
                    if path == "/given-up-later" { try await Task.sleep(for: .milliseconds(100)) }
                    if path != "/whole" { throw Failure() }
                    return nil
                }
            )
        }
    }

    private struct Echo: HTTPServlet {
        func get(_ request: Request) async throws -> Response {
            .text("\(request.path)\n" + String(repeating: "x", count: Int(request.query ?? "") ?? 0) + "\n")
        }
    }

    /// Posts without TLS, and goes on with the body after the answer has come; prints what it got and how the connection ended.
    private static let poster = """
        import select, socket, sys, time
        peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(b"POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 5000\\r\\n\\r\\n")
        select.select([peer], [], [], 20)
        answer, end = b"", "end"
        try:
            for _ in range(5):
                peer.sendall(b"x" * 1000)
                time.sleep(0.05)
            while chunk := peer.recv(65536):
                answer += chunk
        except OSError as error:
            end = type(error).__name__
        print(answer.split(b"\\r\\n")[0].decode(), end)
        """

    @Test(arguments: expected.map(\.0))
    func aClientThatPostsWithoutTLSReadsWhyThatDoesNotWork(name: String?) async throws {
        try await withServer(name, Hello()) { port in
            let answer = try await ChildProcess.output(of: "python3", ["-c", Self.poster, "\(port)"])
            #expect(answer == "HTTP/1.1 400  end\n")
        }
    }

    @Test func anUnknownNameIsAnErrorThatNamesTheKnown() throws {
        let problem = try #require(try problems("com.example.TLS").first)
        #expect(problem.contains("[com.example.TLS] is not known") && problem.contains(Self.jsse) && problem.contains("serval.tls.OpenSSL"))
        #if !NIOSSL
            #expect(try problems(Self.own).first?.contains("--traits NIOSSL") == true)
        #endif
    }

    @Test func trackingByTheTLSSessionNeedsAnImplementationThatHasOne() throws {
        #expect(try problems("serval.tls.OpenSSL", tracking: [.ssl]) == [])
        #if NIOSSL
            #expect(try problems(Self.own, tracking: [.cookie]) == [])
            let problem = try #require(try problems(Self.own, tracking: [.ssl]).first)
            #expect(problem.contains("/shop has the tracking-mode [SSL]") && problem.contains("swift-nio-ssl"))
        #endif
    }

    /// What keeps a server with this implementation from starting.
    private func problems(_ name: String?, tracking: Set<SessionTrackingMode>? = nil) throws -> [String] {
        var context = ContextDefinition(path: "/shop")
        context.descriptor.trackingModes = tracking
        var host = HostDefinition(name: "localhost")
        host.contexts = [context]
        var engine = EngineDefinition()
        engine.hosts = [host]
        var service = ServiceDefinition(engine: engine)
        var connector = ConnectorDefinition(
            configuration: ConnectorConfiguration(port: 0),
            tls: TLSEndpointConfiguration(hosts: [try Self.host()])
        )
        connector.tlsImplementation = name
        service.connectors = [connector]
        var server = ServerDefinition()
        server.services = [service]
        return Server.problems(of: server, logger: Log().logger)
    }

    /// Runs a server with one TLS connector, on which `servlet` answers everything, around `body`.
    private func withServer(_ implementation: String?, _ servlet: some Servlet, log: Log = Log(), _ body: (Int) async throws -> Void) async throws {
        var configuration = ServerConfiguration()
        configuration.connectors = [.https(port: 0, address: "127.0.0.1", hosts: [try Self.host()])]
        configuration.connectors[0].tlsImplementation = implementation
        configuration.connectors[0].configuration.maxKeepAliveRequests = -1
        let (ready, continuation) = AsyncStream<Int>.makeStream()
        let application = WebApplication(path: "") { context in context.addServlet("servlet", servlet).map("/*") }
        let server = Server(configuration: configuration, applications: [application], logger: log.logger) {
            continuation.yield($0.localPorts.first ?? 0)
        }
        let running = Task { try await server.run() }
        var ports = ready.makeAsyncIterator()
        let port = try #require(await ports.next())
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(port)) } catch { outcome = .failure(error) }
        running.cancel()
        _ = await running.result
        try outcome.get()
    }

    private static func host() throws -> TLSHostConfiguration {
        let identity = try TestCertificateAuthority().issue()
        let source = CertificateConfiguration.Source.identity(
            TLSIdentity(privateKeyPKCS8: identity.keyPKCS8, certificateChain: try identity.chain)
        )
        return TLSHostConfiguration(certificates: [CertificateConfiguration(source: source)])
    }

    private static func answer(_ port: Int) async throws -> String {
        try await ChildProcess.curl(["-k", "https://127.0.0.1:\(port)/"])
    }

    private struct Hello: HTTPServlet {
        func get(_ request: Request) async throws -> Response { .text("hello over \(request.tls?.protocolVersion ?? "nothing")") }
    }

    /// What a server logs.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])

        var text: String { lines.withLock { $0.joined(separator: "\n") } }

        var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

        private struct Handler: LogHandler {
            let log: Log
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.debug

            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }

            func log(event: LogEvent) { log.lines.withLock { $0.append("\(event.message)") } }
        }
    }
}
