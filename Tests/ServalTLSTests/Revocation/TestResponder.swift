import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestPrograms

/// A responder on a free port of 127.0.0.1 that does what a test tells it.
final class TestResponder: Sendable {
    enum Reply: Sendable {
        case answer([UInt8])
        /// After a pause.
        case late([UInt8], TimeAmount)
        case status(HTTPResponseStatus, HTTPHeaders)
        /// Never.
        case silence
        /// One byte, and no more.
        case drip
        /// As many bytes, without saying so before.
        case flood(Int)
        case hangUp
    }

    struct Seen: Sendable {
        var requests: [[UInt8]] = []
        var heads: [HTTPRequestHead] = []
    }

    let port: Int
    private let channel: any Channel
    private let core: Core

    init(_ behaviour: @escaping @Sendable ([UInt8]) -> Reply = { _ in .silence }) async throws {
        let core = Core(behaviour)
        self.core = core
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                    try child.pipeline.syncOperations.addHandler(RequestCollector { core.reply(on: child, $0, $1) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)/ocsp" }

    /// Where a responder might be, and connections are refused.
    static func goneURL() throws -> String { "http://127.0.0.1:\(try ReservedPort.refusingConnections())/ocsp" }

    var seen: Seen { core.seen.withLock { $0 } }

    var requests: [[UInt8]] { seen.requests }

    func behave(_ behaviour: @escaping @Sendable ([UInt8]) -> Reply) { core.behaviour.withLock { $0 = behaviour } }

    func stop() async throws { try await channel.close() }

    private final class Core: Sendable {
        let seen = Mutex(Seen())
        let behaviour: Mutex<@Sendable ([UInt8]) -> Reply>

        init(_ behaviour: @escaping @Sendable ([UInt8]) -> Reply) { self.behaviour = Mutex(behaviour) }

        func reply(on channel: any Channel, _ head: HTTPRequestHead, _ body: [UInt8]) {
            seen.withLock {
                $0.requests.append(body)
                $0.heads.append(head)
            }
            switch behaviour.withLock({ $0 })(body) {
            case .answer(let bytes): send(bytes, on: channel)
            case .late(let bytes, let pause): channel.eventLoop.scheduleTask(in: pause) { self.send(bytes, on: channel) }
            case .status(let status, let headers):
                channel.write(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers)), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            case .silence: break
            case .drip:
                sendHead(["Content-Length": "1000"], on: channel)
                channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: [0x30]))), promise: nil)
            case .flood(let count):
                sendHead([:], on: channel)
                let piece = ByteBuffer(repeating: 0x30, count: 8192)
                for _ in 0..<count / 8192 + 1 { channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(piece)), promise: nil) }
            case .hangUp: channel.close(promise: nil)
            }
        }

        private func send(_ bytes: [UInt8], on channel: any Channel) {
            sendHead(["Content-Length": "\(bytes.count)", "Content-Type": "application/ocsp-response"], on: channel)
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: bytes))), promise: nil)
            channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        }

        private func sendHead(_ headers: [String: String], on channel: any Channel) {
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: HTTPHeaders(headers.map { ($0.key, $0.value) }))
            channel.write(HTTPServerResponsePart.head(head), promise: nil)
        }
    }
}

private final class RequestCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let finish: (HTTPRequestHead, [UInt8]) -> Void
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(_ finish: @escaping (HTTPRequestHead, [UInt8]) -> Void) { self.finish = finish }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(let part): body += part.readableBytesView
        case .end: if let head { finish(head, body) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
