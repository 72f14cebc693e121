import Foundation
import Logging
import NIOCore
import ServalServlet
import ServalTLS
import Synchronization
import Testing

@testable import ServalHTTP

/// What a connector makes of the events of a TLS handler; the handler here only pretends.
@Suite("TLS connections")
struct TLSConnectionTests {
    /// Fires the completion of a handshake at the first bytes, or refuses plain HTTP.
    private final class PretendedTLS: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let facts: TLSConnectionFacts?
        private var hasBegun = false

        init(_ facts: TLSConnectionFacts?) { self.facts = facts }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !self.hasBegun {
                self.hasBegun = true
                guard let facts else { return context.fireErrorCaught(TLSError(.plaintextHTTP, "plain HTTP")) }
                context.fireUserInboundEventTriggered(TLSHandshakeCompletion(facts))
            }
            if self.facts != nil { context.fireChannelRead(data) }
        }
    }

    private struct PretendedContext: TLSServerContext {
        let hostNames: TLSHostNames
        let facts: TLSConnectionFacts?
        var summary: [String] { [] }
        var hostDescriptions: [TLSHostDescription] { [] }
        func makeHandler(reporter: TLSHandshakeReporter?) -> any ChannelHandler { PretendedTLS(self.facts) }
    }

    private func withTLSConnector(
        plaintext: Bool = false,
        serverName: String = "www.example.com",
        cipherOfHTTP2: (version: String, suite: String)? = nil,
        handshakeLogger: Logger? = nil,
        proxyName: String? = nil,
        handler: @escaping @Sendable (Request) async -> Response = application,
        _ body: (Int) async throws -> Void
    ) async throws {
        let names = try TLSHostNames(
            TLSEndpointConfiguration(hosts: [
                TLSHostConfiguration(certificates: []), TLSHostConfiguration(hostName: "secret.example", certificates: []),
            ])
        )
        let facts = TLSConnectionFacts(
            protocolVersion: cipherOfHTTP2?.version ?? "TLSv1.3",
            cipherSuite: cipherOfHTTP2?.suite ?? "TLS_AES_128_GCM_SHA256",
            keySize: 128,
            sessionID: "0a0b",
            serverName: serverName,
            isResumed: true,
            applicationProtocol: cipherOfHTTP2 == nil ? nil : "h2",
            hostNames: names
        )
        var configuration = ConnectorConfiguration(port: 0)
        configuration.address = "127.0.0.1"
        configuration.proxyName = proxyName
        if cipherOfHTTP2 != nil { configuration.http2 = HTTP2Configuration() }
        let connector = Connector(
            configuration: configuration,
            handler: ClosureHandler(handler),
            tls: TLSContextReference(PretendedContext(hostNames: names, facts: plaintext ? nil : facts)),
            eventLoopGroup: testGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            handshakeLogger: handshakeLogger
        )
        try await connector.start()
        do {
            try await body(try #require(connector.localPort))
        } catch {
            await connector.stop(gracePeriod: .zero)
            throw error
        }
        await connector.stop(gracePeriod: .zero)
    }

    @Test("tell requests what was agreed on")
    func facts() async throws {
        try await self.withTLSConnector(handler: { request in
            let tls = request.tls
            return .text(
                "\(request.scheme) \(request.isSecure) \(tls?.protocolVersion ?? "") \(tls?.sessionID?.hexString ?? "") \(tls?.isResumed ?? false)"
            )
        }) { port in
            let reply = try await blocking { try RawClient(port: port).exchange("GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n") }
            #expect(reply.text == "https true TLSv1.3 0a0b true")
        }
    }

    @Test(
        "end HTTP/2 with INADEQUATE_SECURITY if it was agreed on with a cipher that is not good enough",
        arguments: [
            ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", true), ("TLSv1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256", true),
            ("TLSv1.1", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true), ("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false),
            ("TLSv1.2", "TLS_DHE_RSA_WITH_AES_256_CCM", false), ("TLSv1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", false),
            ("TLSv1.3", "TLS_AES_128_CCM_SHA256", false),
        ]
    )
    func inadequateSecurity(version: String, suite: String, isRefused: Bool) async throws {
        try await self.withTLSConnector(cipherOfHTTP2: (version, suite)) { port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + "\0\0\0\u{4}\0\0\0\0\0" + (isRefused ? "" : "\0\0\u{1}\u{1}\u{5}\0\0\0\u{1}\0"))
                return try isRefused ? Array(client.receiveAll().utf8) : []
            }
            // GOAWAY with no stream and the code 12 (RFC 9113 §7).
            let goAway = [UInt8]([0, 0, 0, 0, 0, 0, 0, 12])
            let isThere = answer.indices.contains { answer[$0...].starts(with: goAway) }
            #expect(isThere == isRefused, "\(answer)")
        }
    }

    @Test(
        "with proxyName look at that name, which chooses the virtual host, and at no other",
        arguments: [("www.example.com", 200), ("secret.example", 400)]
    )
    func strictSNIBehindAProxy(proxyName: String, status: Int) async throws {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in
            CollectingLogHandler { event in
                let host = event.metadata?["request.host"].map { "\($0)" } ?? ""
                lines.all.withLock { $0.append(host) }
            }
        }
        try await self.withTLSConnector(handshakeLogger: logger, proxyName: proxyName) { port in
            try await blocking {
                for host in ["www.example.com", "secret.example", "other.example"] {
                    let client = try RawClient(port: port)
                    #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: \(host)\r\n\r\n").status == status)
                }
            }
        }
        #expect(lines.all.withLock { $0 } == (status == 200 ? [] : Array(repeating: "secret.example", count: 3)))
    }

    @Test("refuse requests for hosts of another TLS host")
    func strictSNI() async throws {
        let lines = Lines()
        let logger = Logger(label: "test") { _ in
            CollectingLogHandler { event in
                let fields = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.filter { !$0.hasPrefix("port=") }.sorted().joined(separator: " ")
                lines.all.withLock { $0.append("\(event.level) \(fields)") }
            }
        }
        let chosen = Mutex(0)
        try await self.withTLSConnector(handshakeLogger: logger) { port in
            chosen.withLock { $0 = port }
            try await blocking {
                let client = try RawClient(port: port)
                for host in ["www.example.com", "WWW.example.com:8443", "other.example", ""] {
                    #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: \(host)\r\n\r\n").status == 200)
                }
                let refused = try client.exchange("GET /plain HTTP/1.1\r\nHost: secret.example\r\n\r\n")
                #expect(refused.status == 400)
                #expect(try client.isAtEnd())
            }
        }
        let expected =
            "info cause=request-for-other-host client=127.0.0.1 connector=https-\(chosen.withLock { $0 }) host=_default_ request.host=secret.example "
            + "request.tls-host=secret.example setting=Connector strictSni sni=www.example.com status=400"
        #expect(lines.all.withLock { $0 } == [expected])
    }

    @Test(
        "refuse requests that name their host otherwise than by Host",
        arguments: [
            ("www.example.com", "GET https://secret.example/plain HTTP/1.0\r\n\r\n", false),
            ("www.example.com", "GET https://www.example.com/plain HTTP/1.0\r\n\r\n", true),
            ("www.example.com", "GET /plain HTTP/1.0\r\n\r\n", true), ("www.example.com", "GET /plain HTTP/1.1\r\nHost:\r\n\r\n", true),
            ("secret.example", "GET https://secret.example/plain HTTP/1.0\r\n\r\n", true),
            ("secret.example", "GET https://secret.example:8443/plain HTTP/1.1\r\nHost: secret.example:8443\r\n\r\n", true),
            // Without a name it is the default host that would answer.
            ("secret.example", "GET /plain HTTP/1.0\r\n\r\n", false), ("secret.example", "GET /plain HTTP/1.0\r\nHost:\r\n\r\n", false),
            ("secret.example", "GET /plain HTTP/1.1\r\nHost:\r\n\r\n", false), ("secret.example", "OPTIONS * HTTP/1.0\r\n\r\n", false),
        ]
    )
    func authorities(serverName: String, request: String, isAdmitted: Bool) async throws {
        try await self.withTLSConnector(serverName: serverName) { port in
            let status = try await blocking { try RawClient(port: port).exchange(request).status }
            #expect(status == (isAdmitted ? 200 : 400))
        }
    }

    @Test("answer plain HTTP in Tomcat's words")
    func plaintext() async throws {
        try await self.withTLSConnector(plaintext: true) { port in
            let answer = try await blocking {
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                return try client.receiveAll()
            }
            #expect(
                answer
                    == "HTTP/1.1 400 \r\nContent-Type: text/plain;charset=UTF-8\r\nConnection: close\r\n\r\n"
                    + "Bad Request\r\nThis combination of host and port requires TLS.\r\n"
            )
        }
    }

    @Test("send files through memory")
    func files() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("serval-\(UUID().uuidString)").path
        defer { unlink(path) }
        let contents = (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }
        try Data(contents).write(to: URL(fileURLWithPath: path))
        try await self.withTLSConnector(handler: { _ in
            Response(body: .file(OpenFile(descriptor: open(path, O_RDONLY | O_CLOEXEC)), offset: 1000, length: 1_900_000))
        }) { port in
            let reply = try await blocking { try RawClient(port: port).exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }
            #expect(reply.body == Array(contents[1000..<1_901_000]))
        }
    }

    #if os(Linux)
        @Test("send files that are not in memory, as they come from the disk")
        func filesFromDisk() async throws {
            // Of these files the system cannot tell whether reading them would wait.
            let path = "/proc/version"
            let contents = try #require(FileManager.default.contents(atPath: path))
            try await self.withTLSConnector(handler: { request in
                let file = OpenFile(descriptor: open(path, O_RDONLY | O_CLOEXEC))
                return Response(body: .file(file, offset: 3, length: contents.count - (request.path == "/short" ? 2 : 3)))
            }) { port in
                try await blocking {
                    let client = try RawClient(port: port)
                    for _ in 0..<3 { #expect(try client.exchange("GET / HTTP/1.1\r\nHost: h\r\n\r\n").body == Array(contents[3...])) }
                    try client.send("GET /short HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(throws: RawClient.Failure.self) { try client.reply() }
                }
            }
        }
    #endif
}

/// Hands each line to a closure.
private struct CollectingLogHandler: LogHandler {
    let collect: @Sendable (LogEvent) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(_ collect: @escaping @Sendable (LogEvent) -> Void) { self.collect = collect }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) { self.collect(event) }
}

private final class Lines: Sendable {
    let all = Mutex<[String]>([])
}
