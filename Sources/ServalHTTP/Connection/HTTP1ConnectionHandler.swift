import Logging
import NIOCore
import ServalServlet
import ServalTLS

/// One HTTP/1.1 connection: feeds what arrives to the parser, starts the tasks that answer, and sends what they answer.
///
/// Bytes of a quiet connection are nowhere: input is parsed in NIO's buffer, output is put together in the loop's. Decisions are
/// ``HTTP1ConnectionState``'s.
///
/// Unchecked: everything is touched on the connection's event loop only. Tasks that answer requests run there; from other threads come only calls that
/// hop to the loop first. For the same reason the run-time check of exclusive access, a fifth of the instructions of a small request, is off: no access to
/// a property goes on while foreign code runs.
final class HTTP1ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler, LoopConnection, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = IOData

    /// A response body that is sent as the socket takes it.
    enum Outgoing {
        case bytes([UInt8], offset: Int)
        case file(OpenFile, offset: Int, remaining: Int)
    }

    /// What happens at ``deadline``.
    enum DeadlineKind {
        case head
        case idle
        case halfClosed
        case linger
    }

    let runtime: ConnectionRuntime
    let loop: EventLoopContext
    /// The index in the loop's list.
    @exclusivity(unchecked) var place = 0
    @exclusivity(unchecked) var context: ChannelHandlerContext?
    /// The context's; asking it each time costs more than what the channel is asked.
    @exclusivity(unchecked) private(set) var channel: (any Channel)?
    @exclusivity(unchecked) var state = HTTP1ConnectionState()
    @exclusivity(unchecked) var parser: HTTP1RequestParser
    /// What arrived and was not used yet.
    @exclusivity(unchecked) var input: ByteBuffer?
    @exclusivity(unchecked) private var knownInfo: ConnectionInfo?
    /// Whether a TLS handshake is done.
    @exclusivity(unchecked) var isSecured = false
    /// Before the end of the TLS handshake; its time is looked after with the connection's own.
    @exclusivity(unchecked) var tlsHandler: (any KeptTLSHandler)?
    /// With TLS, several TLS hosts and `strictSni`.
    @exclusivity(unchecked) var hosts: AdmittedHosts?

    // The current exchange.
    @exclusivity(unchecked) var request: Request?
    @exclusivity(unchecked) var requestState: RequestState?
    @exclusivity(unchecked) var runner: RequestRunner?
    @exclusivity(unchecked) var isHead = false
    @exclusivity(unchecked) var isHTTP11 = true
    @exclusivity(unchecked) var saysKeepAlive = false
    /// The bytes of the body still to come, without chunking.
    @exclusivity(unchecked) var bodyRemaining = 0
    @exclusivity(unchecked) var decoder: ChunkedBodyDecoder?
    @exclusivity(unchecked) var source: ReceivedBodySource?
    /// The application does not keep up with the body.
    @exclusivity(unchecked) var isBodyPaused = false
    @exclusivity(unchecked) var swallowedBytes = 0
    /// 0 before the head of the response was written.
    @exclusivity(unchecked) var responseStatus = 0
    @exclusivity(unchecked) var sentBodyBytes = 0
    @exclusivity(unchecked) var outgoing: Outgoing?
    @exclusivity(unchecked) var isChunkedResponse = false
    /// Whether the response has neither a length nor chunks: it ends where the connection does.
    @exclusivity(unchecked) var endsWithConnection = false
    /// For streams with a length: the bytes not written yet.
    @exclusivity(unchecked) var streamRemaining: Int?
    @exclusivity(unchecked) var writeWaiters: [UnsafeContinuation<Void, any Error>] = []

    // What is going on right now.
    @exclusivity(unchecked) var isInRead = false
    @exclusivity(unchecked) var isProcessing = false
    @exclusivity(unchecked) var isReadHeld = false
    @exclusivity(unchecked) var isFlushScheduled = false
    @exclusivity(unchecked) var isClosing = false
    @exclusivity(unchecked) var isLost = false
    /// Whether a piece of a file is on its way to the socket, or from the disk.
    @exclusivity(unchecked) var isFilePending = false
    @exclusivity(unchecked) var isPumping = false
    @exclusivity(unchecked) var bytesSinceBreak = 0
    /// When the bytes that are being looked at were read.
    @exclusivity(unchecked) var readTime: UInt64 = 0
    @exclusivity(unchecked) var deadline = UInt64.max
    @exclusivity(unchecked) var deadlineKind = DeadlineKind.head
    @exclusivity(unchecked) var discardBudget = 0
    @exclusivity(unchecked) var bodyProgress = Progress()
    @exclusivity(unchecked) var writeProgress = Progress()

    init(runtime: ConnectionRuntime, loop: EventLoopContext) {
        self.runtime = runtime
        self.loop = loop
        self.parser = HTTP1RequestParser(syntax: runtime.syntax)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.channel = context.channel
        self.loop.add(self)
        self.setDeadline(.head, now: MonotonicClock.now(), after: self.runtime.headTimeout)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if self.loop.isStopped { self.closeNow() } else if self.loop.isDraining { self.drain() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.lose()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.lose()
        self.context = nil
        self.channel = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let completion as TLSHandshakeCompletion:
            self.isSecured = true
            self.tlsHandler = nil
            let configuration = self.runtime.configuration
            // Where there is one host, all names belong to it.
            if configuration.strictSNI, completion.facts.hostNames.hasSeveral {
                self.hosts = AdmittedHosts(completion.facts, proxyName: configuration.proxyName)
            }
            do throws(TLSError) {
                self.knownInfo = self.makeInfo(try TLSConnectionInfo(facts: completion.facts))
            } catch {
                self.runtime.logger.warning("connection closed: \(error.message)")
                return context.close(promise: nil)
            }
            if completion.facts.applicationProtocol == "h2", self.runtime.http2 != nil {
                let facts = completion.facts
                let isSecure = HTTP2Ciphers.allow(protocolVersion: facts.protocolVersion, suite: facts.cipherSuite)
                self.changeToHTTP2(isSecure: isSecure)
            }
        case ChannelEvent.inputClosed:
            self.inputClosed()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError, error == TLSError(.plaintextHTTP, "") {
            self.answerPlaintext()
        } else {
            self.runtime.logger.trace("connection failed", metadata: ["client": "\(self.info.remoteAddress)", "error": "\(error)"])
            context.close(promise: nil)
        }
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = self.unwrapInboundIn(data)
        if self.state.input == .discard {
            self.discardBudget -= buffer.readableBytes
            if self.isClosing, self.discardBudget < 0 { self.closeNow() }
            return
        }
        self.isInRead = true
        if self.readTime == 0 { self.readTime = MonotonicClock.now() }
        if self.input == nil { self.input = buffer } else { self.input?.writeBuffer(&buffer) }
        // The buffer is NIO's; it can use it again if nobody holds it.
        buffer = ByteBuffer()
        self.process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isInRead = false
        self.readTime = 0
        self.flush()
    }

    func read(context: ChannelHandlerContext) {
        if self.wantsInput { context.read() } else { self.isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if self.canWrite {
            self.pump()
            self.resumeWriters()
            self.process()
            self.flush()
            self.resumeReading()
        }
        context.fireChannelWritabilityChanged()
    }
}

extension HTTP1ConnectionHandler {
    /// What requests are told of the connection.
    var info: ConnectionInfo {
        if let knownInfo = self.knownInfo { return knownInfo }
        let info = self.makeInfo(nil)
        self.knownInfo = info
        return info
    }

    private func makeInfo(_ tls: TLSConnectionInfo?) -> ConnectionInfo {
        let configuration = self.runtime.configuration
        let remote = self.channel?.remoteAddress
        let local = self.channel?.localAddress
        return ConnectionInfo(
            remoteAddress: remote?.plainAddress ?? "",
            remotePort: remote?.port ?? 0,
            localAddress: local?.plainAddress ?? "",
            localPort: local?.port ?? 0,
            scheme: self.runtime.isTLS ? "https" : configuration.scheme,
            isSecure: self.runtime.isTLS || configuration.secure,
            proxyName: configuration.proxyName,
            proxyPort: configuration.proxyPort,
            tls: tls,
            blockingExecutor: self.runtime.pool,
            redirectPort: configuration.redirectPort,
            maxPostSize: configuration.maxPostSize,
            maxSavePostSize: configuration.maxSavePostSize,
            maxParameterCount: configuration.maxParameterCount,
            transport: self.channel
        )
    }
}
