import Foundation
import Logging
import NIOCore
import NIOPosix
import ServalTLS
import ServalTLSOpenSSL
import Synchronization

/// A server on a free port of 127.0.0.1 that speaks TLS and, inside, a protocol of single lines.
final class TestServer: Sendable {
    let port: Int
    let context: OpenSSLServerContext
    let journal = Journal()
    private let channel: any Channel

    /// - Parameter before: a handler between the socket and TLS.
    init(
        _ configuration: TLSEndpointConfiguration,
        revocation: RevocationService = RevocationService(),
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        handshakes: TLSHandshakeReporter? = nil,
        before: (@Sendable () -> any ChannelHandler & Sendable)? = nil,
        allowsHalfClosure: Bool = false
    ) async throws {
        let context = try OpenSSLServerContext(configuration, revocation: revocation, logger: logger)
        self.context = context
        let journal = self.journal
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: allowsHalfClosure)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let before { try child.pipeline.syncOperations.addHandler(before()) }
                    try child.pipeline.syncOperations.addHandler(context.makeHandler(reporter: handshakes))
                    try child.pipeline.syncOperations.addHandler(LineApplication(journal))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    /// Talks to this server with `openssl s_client`.
    func client(_ arguments: String..., line: String = "facts\n", input: Data? = nil) async throws -> Command.Result {
        try await client(arguments, line: line, input: input)
    }

    /// Talks to this server with `openssl s_client`.
    func client(_ arguments: [String], line: String = "facts\n", input: Data? = nil) async throws -> Command.Result {
        try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"] + arguments,
            input: input ?? Data(line.utf8)
        )
    }
}

/// What the application saw.
final class Journal: Sendable {
    struct Content: Sendable {
        var facts: [TLSConnectionFacts] = []
        var errors: [TLSError] = []
        var truncations = 0
        var inputClosures = 0
        var inactive = 0
        var waiting = 0
    }

    private let content = Mutex(Content())

    var now: Content { content.withLock { $0 } }

    func note(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

    /// Waits until the journal is as expected; false after ten seconds.
    func reaches(_ isExpected: @Sendable (Content) -> Bool) async throws -> Bool {
        for _ in 0..<1000 {
            if isExpected(now) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }
}

/// Answers lines: `facts`, `ask` (for a certificate), `bytes N` (N bytes), `compare N` (reads N bytes and says whether they are right), `later N` (N bytes, after a moment), `echo`, `invalidate`, `wait`.
final class LineApplication: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let journal: Journal
    private var facts: TLSConnectionFacts?
    private var received = ByteBuffer()
    private var command: [Substring]?

    init(_ journal: Journal) { self.journal = journal }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as TLSHandshakeCompletion:
            facts = event.facts
            journal.note { $0.facts.append(event.facts) }
        case is TLSTruncation:
            journal.note { $0.truncations += 1 }
        case ChannelEvent.inputClosed:
            journal.note { $0.inputClosures += 1 }
            context.close(promise: nil)
        default:
            break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        if command == nil {
            guard let end = received.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return }
            let line = received.readString(length: end - received.readerIndex) ?? ""
            received.moveReaderIndex(forwardBy: 1)
            command = line.split(separator: " ")
        }
        guard let command, let word = command.first else { return }
        let number = command.count > 1 ? Int(command[1]) ?? 0 : 0
        switch word {
        case "facts":
            answer(context, Self.words(facts))
        case "invalidate":
            facts?.invalidateSession()
            answer(context, "invalidated\n")
        case "ask":
            self.command = [""]
            let request = facts?.requestClientCertificates
            let promise = context.eventLoop.makePromise(of: TLSClientCertificates?.self)
            promise.completeWithTask { await request?() }
            promise.futureResult.assumeIsolated().whenSuccess { certificates in
                self.answer(context, "shown=\(Self.words(certificates)) id=\(self.facts?.sessionID ?? "-") end\n")
            }
        case "bytes":
            self.command = [""]
            context.writeAndFlush(wrapOutboundOut(TestBytes.buffer(number)), promise: nil)
            context.close(promise: nil)
        case "small":
            self.command = [""]
            for piece in 0..<number { context.write(wrapOutboundOut(ByteBuffer(string: "piece \(piece);")), promise: nil) }
            context.flush()
            context.close(promise: nil)
        case "compare":
            guard received.readableBytes >= number else { return }
            answer(context, received == TestBytes.buffer(number) ? "the same\n" : "different\n")
        case "echo":
            context.writeAndFlush(wrapOutboundOut(received), promise: nil)
            received.clear()
        case "later":
            self.command = [""]
            journal.note { $0.waiting += 1 }
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(300)) {
                context.writeAndFlush(self.wrapOutboundOut(TestBytes.buffer(number)), promise: nil)
                context.close(promise: nil)
            }
        case "wait":
            journal.note { $0.waiting += 1 }
        default:
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? TLSError else { return context.close(promise: nil) }
        journal.note { $0.errors.append(error) }
        guard error.code == .plaintextHTTP else { return }
        answer(context, "HTTP/1.1 400 \r\nConnection: close\r\n\r\nThis combination of host and port requires TLS.\r\n")
    }

    func channelInactive(context: ChannelHandlerContext) { journal.note { $0.inactive += 1 } }

    private func answer(_ context: ChannelHandlerContext, _ text: String) {
        command = [""]
        context.write(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        context.flush()
        context.close(promise: nil)
    }

    private static func words(_ certificates: TLSClientCertificates?) -> String {
        switch certificates {
        case nil: "impossible"
        case .some(.none): "nothing"
        case .verified(let chain): "verified:\(chain.count)"
        case .unverified(let chain): "unverified:\(chain.count)"
        }
    }

    static func words(_ facts: TLSConnectionFacts?) -> String {
        guard let facts else { return "none\n" }
        return """
            protocol=\(facts.protocolVersion) cipher=\(facts.cipherSuite) bits=\(facts.keySize) sni=\(facts.serverName ?? "-") host=\(facts.hostName) \
            id=\(facts.sessionID) resumed=\(facts.isResumed) alpn=\(facts.applicationProtocol ?? "-") peer=\(facts.peerCertificates.count) group=\(facts.group ?? "-") end

            """
    }
}

/// Bytes that repeat with a length that is no length of records.
enum TestBytes {
    private static let block = Data((0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) })

    static func data(_ count: Int) -> Data {
        var data = Data(capacity: count + block.count)
        while data.count < count { data.append(block) }
        return data.prefix(count)
    }

    static func buffer(_ count: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeBytes(data(count))
        return buffer
    }
}
