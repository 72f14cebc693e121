package import NIOCore
import NIOHTTP1
import NIOPosix

/// One request by HTTP/1.1 with one answer: what asking a responder needs, and no more.
///
/// One connection for each; the whole has a time limit, the answer a size limit. Redirections are not followed: an address in a certificate is signed, an
/// address in a redirection is not.
package struct HTTPExchange: Sendable {
    /// Why there is no answer, in words that follow the address.
    package struct Failure: Error, Sendable, Hashable {
        /// For example `did not answer within 15000 ms`.
        package var words: String
        /// A constant word, fit for a metric label.
        package var label: String
    }

    /// Where to ask.
    package var address: ResponderAddress
    /// What to send.
    package var body: [UInt8]
    /// The type of `body`.
    package var contentType: String
    /// How long everything may take: finding the name's address, connecting, the answer.
    package var timeout: TimeAmount
    /// The most bytes of an answer.
    package var sizeLimit: Int

    package init(address: ResponderAddress, body: [UInt8], contentType: String, timeout: TimeAmount, sizeLimit: Int = 65536) {
        self.address = address
        self.body = body
        self.contentType = contentType
        self.timeout = timeout
        self.sizeLimit = sizeLimit
    }

    /// Asks from `loop`; fails with a `Failure`.
    package func run(on loop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        let promise = loop.makePromise(of: [UInt8].self)
        guard let bootstrap = ClientBootstrap(validatingGroup: loop) else {
            promise.fail(Failure(words: "cannot be asked from this event loop", label: "unreachable"))
            return promise.futureResult
        }
        let limit = loop.scheduleTask(in: timeout) {
            promise.fail(Failure(words: "did not answer within \((timeout.nanoseconds + 999_999) / 1_000_000) ms", label: "timeout"))
        }
        let connected =
            bootstrap
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(AnswerCollector(promise, sizeLimit: sizeLimit))
                }
            }
            .connect(host: address.host, port: address.port)
        connected.whenComplete { result in
            switch result {
            case .success(let channel):
                // Also when the time is over before anything was sent.
                promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
                self.send(on: channel)
            case .failure(let error):
                promise.fail(Failure(words: "cannot be reached: \(Self.words(error))", label: "unreachable"))
            }
        }
        promise.futureResult.whenComplete { _ in limit.cancel() }
        return promise.futureResult
    }

    private func send(on channel: any Channel) {
        var head = HTTPRequestHead(version: .http1_1, method: .POST, uri: address.target)
        head.headers.add(name: "Host", value: address.authority)
        head.headers.add(name: "Content-Type", value: contentType)
        head.headers.add(name: "Content-Length", value: String(body.count))
        head.headers.add(name: "Connection", value: "close")
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            // One line is enough, and the first attempt says most.
            if let first = error.connectionErrors.first { return words(first.error) }
            return "its name has no address"
        case let error as IOError: return error.description
        case ChannelError.connectTimeout: return "no connection in time"
        default: return "\(error)"
        }
    }
}

/// Puts an answer together.
private final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<[UInt8]>
    private let sizeLimit: Int
    private var body: [UInt8] = []

    init(_ promise: EventLoopPromise<[UInt8]>, sizeLimit: Int) {
        self.promise = promise
        self.sizeLimit = sizeLimit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            if (300..<400).contains(head.status.code) {
                return fail("redirects (\(head.status.code)), which is not followed", "redirect")
            }
            guard head.status == .ok else { return fail("answers with the HTTP status \(head.status.code)", "http-status") }
            if let length = head.headers.first(name: "Content-Length").flatMap({ Int($0) }), length > sizeLimit { failOfSize() }
        case .body(let part):
            guard body.count + part.readableBytes <= sizeLimit else { return failOfSize() }
            body += part.readableBytesView
        case .end:
            promise.succeed(body)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { fail("closed the connection before its answer was complete", "incomplete") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error is HTTPParserError ? "does not speak HTTP" : "broke the connection: \(error)", "broken")
    }

    private func failOfSize() { fail("answers with more than \(sizeLimit) bytes", "oversized") }

    /// Whoever waits closes the channel.
    private func fail(_ words: String, _ label: String) { promise.fail(HTTPExchange.Failure(words: words, label: label)) }
}
