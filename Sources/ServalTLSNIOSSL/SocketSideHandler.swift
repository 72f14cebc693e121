#if NIOSSL
import NIOCore
import NIOSSL
import NIOTLS
import ServalTLS

/// The first of the three handlers of a connection: it reads the ClientHello, chooses the host, and then puts swift-nio-ssl's handler between itself and
/// ``ApplicationSideHandler``.
///
/// It sees ciphertext only. Everything runs on the channel's event loop; calls along the pipeline may come back before they return, so after each of them the
/// phase is looked at again.
final class SocketSideHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// `hello` → `handshake` → `open` → `closed`; or `hello` → `plaintext`; and `closed` from everywhere.
    enum Phase {
        /// Collecting the ClientHello; no TLS state exists.
        case hello
        case handshake
        case open
        /// The client spoke plain HTTP: writes pass, reads are dropped.
        case plaintext
        case closed
    }

    let server: NIOSSLServerContext
    let reporter: TLSHandshakeReporter?
    private(set) var phase = Phase.hello
    /// Whether the client has said that it sends no more, or the socket has.
    var hasInputEnded = false
    private(set) var host: NIOSSLHostContext?
    private(set) var serverName: String?
    private var reader: ClientHelloReader
    /// The ClientHello so far; kept until the handshake ends, to explain its failure.
    private(set) var hello: ByteBuffer?
    private var serverHello: ServerHelloReader?
    private var tls: NIOSSLServerHandler?
    private var peer = ClientCertificates()
    /// Whether the client's certificates are being judged elsewhere; meanwhile nothing more is asked of the socket.
    private var isJudging = false
    /// Whether the client has ended its side meanwhile.
    private var hasEndWaiting = false
    /// `nil` where the connection has to look after itself.
    private let keeper: (any TLSConnectionKeeper)?
    private var timer: Scheduled<Void>?
    /// When the handshake has to be over.
    private var handshakeEnd = NIODeadline.distantFuture
    private var hasTLSState = false
    private(set) var context: ChannelHandlerContext?
    /// Whether bytes from the socket are being worked on; what comes of them goes to the socket together when all is done.
    private(set) var isInRead = false
    /// Ciphertext that waits for the next flush: what comes of one read, a ticket, an answer, close_notify, goes to the socket in one piece.
    private var unsent = ByteBuffer()
    /// Whether something has been written for the socket meanwhile.
    private var owesFlush = false
    /// Whether the keeper sees to it that it is sent.
    private var isGathered = false
    private var application: ApplicationSideHandler?
    /// After a handshake that was refused, or plain HTTP.
    private(set) var lingering: LingeringClose?

    /// How much ciphertext waits at most for what else comes of a read, in bytes.
    private static let unsentLimit = 16384

    init(_ server: NIOSSLServerContext, reporter: TLSHandshakeReporter?, keeper: (any TLSConnectionKeeper)? = nil) {
        self.server = server
        self.reporter = reporter
        self.keeper = keeper
        reader = ClientHelloReader(limit: server.clientHelloLimit)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let application = ApplicationSideHandler(self)
        self.application = application
        do {
            try context.pipeline.syncOperations.addHandler(application, name: "tls-application", position: .after(self))
        } catch {
            context.close(promise: nil)
        }
        if context.channel.isActive { startTimer(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        release()
        application = nil
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        startTimer(context)
        context.fireChannelActive()
        // A handshake is nothing that the application has to ask for.
        if phase == .hello { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let ended = phase
        let isTruncated = ended == .open && !hasInputEnded
        let abortion = ended == .handshake || (ended == .hello && hello != nil) ? explain(context, self.abortion) : nil
        release()
        if let abortion {
            application?.report(abortion)
        } else if isTruncated {
            application?.tell(TLSTruncation())
        }
        context.fireChannelInactive()
    }

    /// A socket that fails during the handshake has been reset by the client, or by whoever stands between; nobody else would tell of it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .handshake || (phase == .hello && hello != nil), error is IOError else { return context.fireErrorCaught(error) }
        fail(abortion)
    }

    /// Ends everything that the handlers hold; does nothing the second time.
    func release() {
        phase = .closed
        timer?.cancel()
        timer = nil
        hello = nil
        tls = nil
        serverHello = nil
        if hasTLSState { server.connectionEnded() }
        hasTLSState = false
        application?.release()
        lingering?.channelHasClosed()
        lingering = nil
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        guard phase == .hello, handshakeEnd == .distantFuture else { return }
        handshakeEnd = .now() + server.handshakeTimeout
        guard keeper == nil else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: server.handshakeTimeout) { self.handshakeTimePassed(context) }
    }

    private func handshakeTimePassed(_ context: ChannelHandlerContext) {
        switch phase {
        case .hello, .handshake:
            fail(timeout(server.handshakeTimeout, hasHello: hello != nil))
        case .plaintext:
            phase = .closed
            context.close(promise: nil)
        case .open, .closed:
            break
        }
    }

    /// Reports `error` and closes without further words but the alert.
    func fail(_ error: TLSError) {
        guard phase != .closed else { return }
        let mayLinger = mayLinger(after: error)
        let explained = context.map { explain($0, error) } ?? error
        let closePromise = application?.takeClosePromise()
        release()
        sendOwed()
        guard mayLinger, let context else {
            application?.report(explained)
            context?.close(promise: closePromise)
            return
        }
        linger(context).join(closePromise)
        application?.report(explained)
    }

    /// Closes the server's side only, so that the client reads what it was told; to be called after everything else is released.
    private func linger(_ context: ChannelHandlerContext) -> LingeringClose {
        let close = LingeringClose(context)
        lingering = close
        close.begin()
        return close
    }

    /// Closes where there is no TLS that could say close_notify, or not yet.
    func closeWithoutTLS(_ promise: EventLoopPromise<Void>?) {
        // Who spoke plain HTTP may still be sending the request, and is to read the answer.
        let mayLinger = phase == .plaintext && !hasInputEnded
        release()
        guard let context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        sendOwed()
        if mayLinger { linger(context).join(promise) } else { context.close(mode: .all, promise: promise) }
    }

    /// Why swift-nio-ssl gave up.
    func tlsFailed(_ error: any Error) {
        guard let host, phase == .handshake || phase == .open else { return }
        fail(NIOSSLFailure.connectionError(error, duringHandshake: phase == .handshake, refusal: peer.refusal, host: host))
    }

    // MARK: Reading

    /// Asks the socket for more, unless it is swift-nio-ssl that asks and the application wants nothing.
    func read(context: ChannelHandlerContext) {
        guard !isJudging, phase != .open || application?.wantsPlaintext == true else { return }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isInRead = true
        switch phase {
        case .hello: readHello(context, unwrapInboundIn(data))
        case .handshake: context.fireChannelRead(data)
        case .open where !hasInputEnded && application?.isClosed == false: context.fireChannelRead(data)
        case .open, .plaintext: break
        case .closed: lingering?.discard(unwrapInboundIn(data).readableBytes)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // swift-nio-ssl has nothing to deliver before the connection is open, and nobody wants it when it is being closed.
        switch phase {
        case .hello, .handshake: break
        case .open where application?.isClosing == true: break
        case .open, .plaintext, .closed: context.fireChannelReadComplete()
        }
        endRead()
        // Others may have to be sent first, by a task of this turn of the loop.
        if let application, application.isClosing { context.eventLoop.assumeIsolated().execute { application.watchClosing() } }
        // What has come was not enough for a byte of plaintext, so what the application asked for is still owed to it.
        switch phase {
        // What is not read now stays with the client.
        case .handshake where isJudging: break
        case .hello, .handshake: context.read()
        case .closed where lingering?.isReading == true: context.read()
        case .open where application?.wantsPlaintext == true && !hasInputEnded: context.read()
        default: break
        }
    }

    private func readHello(_ context: ChannelHandlerContext, _ data: ByteBuffer) {
        var data = data
        if hello?.writeBuffer(&data) == nil { hello = data }
        guard let hello else { return }
        switch hello.withUnsafeReadableBytes({ reader.inspect($0) }) {
        case .needsMore:
            return
        case .clientHello(let name):
            serverName = name
            begin(context, hello)
        case .unreadable:
            begin(context, hello)
        case .tooLarge:
            unsent.writeImmutableBuffer(Self.decodeErrorAlert)
            owesFlush = true
            fail(TLSError(.clientHelloTooLarge, "The ClientHello is longer than sniParseLimit [\(server.clientHelloLimit)]"))
        case .plaintext:
            let error = explain(context, TLSError(.plaintextHTTP, "The client spoke plain HTTP; this combination of host and port requires TLS"))
            phase = .plaintext
            self.hello = nil
            context.fireErrorCaught(error)
        }
    }

    /// A record with the fatal alert decode_error, for a ClientHello that BoringSSL never sees.
    private static let decodeErrorAlert = ByteBuffer(bytes: [21, 3, 3, 0, 2, 2, 50])

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        switch phase {
        case .handshake where isJudging:
            hasEndWaiting = true
        case .hello, .handshake:
            fail(abortion)
        case .open:
            // After close_notify the application knows already.
            guard !hasInputEnded else { return }
            hasInputEnded = true
            application?.tell(TLSTruncation())
            application?.tell(ChannelEvent.inputClosed)
        case .closed where lingering != nil:
            lingering?.end()
        case .plaintext, .closed:
            hasInputEnded = true
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Handshake

    private func begin(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        phase = .handshake
        let host = server.host(for: serverName)
        self.host = host
        serverHello = ServerHelloReader(clientHello: bytes)
        server.connectionBegan()
        hasTLSState = true
        do {
            let tls = makeTLSHandler(try host.context(for: host.hasChoice ? offer : nil), host, context.eventLoop)
            self.tls = tls
            try context.pipeline.syncOperations.addHandler(tls, name: "tls-library", position: .after(self))
        } catch {
            return fail(error as? TLSError ?? TLSError(.handshakeFailed, "The connection was closed"))
        }
        context.fireChannelRead(wrapInboundOut(bytes))
    }

    private func makeTLSHandler(_ context: NIOSSLContext, _ host: NIOSSLHostContext, _ loop: any EventLoop) -> NIOSSLServerHandler {
        guard let verifier = host.verifier else { return NIOSSLServerHandler(context: context) }
        return NIOSSLServerHandler(context: context) { presented, promise in
            self.isJudging = true
            loop.makeFutureWithTask { await verifier.judge(presented) }.assumeIsolated().whenSuccess { verdict in
                self.peer = ClientCertificates(presented, verdict)
                switch verdict {
                case .trusted(let chain): promise.succeed(.certificateVerified(VerificationMetadata(ValidatedCertificateChain(chain))))
                case .refused: promise.succeed(.failed)
                }
                // swift-nio-ssl goes on by a task of the loop, and this one comes after it.
                loop.assumeIsolated().execute { self.readOn() }
            }
        }
    }

    /// The verdict has had its effect: now what the client has done meanwhile.
    private func readOn() {
        isJudging = false
        guard let context else { return }
        if hasEndWaiting {
            hasEndWaiting = false
            userInboundEventTriggered(context: context, event: ChannelEvent.inputClosed)
        } else if phase == .handshake || phase == .open {
            read(context: context)
        }
    }

    /// swift-nio-ssl says that the handshake is done.
    func complete(applicationProtocol: String?) {
        guard phase == .handshake, let host, let tls else { return }
        if let problem = peer.problem(with: host, tls, isResumed: serverHello?.isResumed ?? false) { return fail(problem) }
        let facts = facts(host, tls, applicationProtocol)
        phase = .open
        timer?.cancel()
        timer = nil
        hello = nil
        serverHello = nil
        reporter?.completed(facts)
        application?.tell(TLSHandshakeCompletion(facts))
        application?.pump()
    }

    private func facts(_ host: NIOSSLHostContext, _ tls: NIOSSLServerHandler, _ applicationProtocol: String?) -> TLSConnectionFacts {
        let suite = serverHello?.cipherSuite.flatMap(CipherSuite.facts(of:))
        return TLSConnectionFacts(
            protocolVersion: tls.tlsVersion?.tomcatName ?? "",
            cipherSuite: suite?.name ?? "",
            keySize: suite?.bits ?? 0,
            group: serverHello?.group.map(TLSGroup.name(of:)),
            // What BoringSSL calls a session's id differs from connection to connection, so it is none.
            sessionID: "",
            serverName: serverName,
            hostName: host.hostName,
            isResumed: serverHello?.isResumed ?? false,
            applicationProtocol: applicationProtocol,
            clientCertificates: peer.certificates.isEmpty ? .none : .verified(peer.certificates),
            hostNames: server.hostNames,
            invalidateSession: { host.endSessions() }
        )
    }

    // MARK: Writing and closing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if phase == .handshake, serverHello?.isDone == false {
            unwrapOutboundIn(data).withUnsafeReadableBytes { serverHello?.inspect($0) }
        }
        guard phase != .plaintext else { return context.write(data, promise: promise) }
        let bytes = unwrapOutboundIn(data)
        if unsent.readableBytes == 0 { unsent = bytes } else { unsent.writeImmutableBuffer(bytes) }
        if promise != nil || unsent.readableBytes >= Self.unsentLimit { writeUnsent(context, promise) }
    }

    /// Gives the channel what waits, in one piece; `promise` is for all of it.
    func writeUnsent(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard unsent.readableBytes > 0 || promise != nil else { return }
        let bytes = unsent
        unsent = ByteBuffer()
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        if isInRead {
            owesFlush = true
        } else {
            writeUnsent(context, nil)
            context.flush()
        }
    }

    /// Sends what waits for the end of the present read, or of a turn of the loop.
    func sendOwed() {
        guard owesFlush, let context else { return }
        owesFlush = false
        writeUnsent(context, nil)
        context.flush()
    }

    /// All that has arrived has been worked on.
    private func endRead() {
        isInRead = false
        guard owesFlush, !isGathered else { return }
        guard let keeper else { return sendOwed() }
        isGathered = true
        keeper.gather(self)
    }

    /// swift-nio-ssl closes: it has said close_notify, or has failed.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if let lingering { return lingering.join(promise) }
        guard phase == .open, mode != .input, let application else { return context.close(mode: mode, promise: promise) }
        application.tlsHasClosed(mode, promise: promise)
    }
}

extension SocketSideHandler: KeptTLSHandler {
    func flushOwed() {
        isGathered = false
        sendOwed()
    }

    func checkHandshakeTime(now: NIODeadline) {
        guard now >= handshakeEnd, let context else { return }
        handshakeTimePassed(context)
    }
}

extension TLSVersion {
    fileprivate var tomcatName: String {
        switch self {
        case .tlsv1: TLSProtocolVersion.v1.rawValue
        case .tlsv11: TLSProtocolVersion.v1_1.rawValue
        case .tlsv12: TLSProtocolVersion.v1_2.rawValue
        case .tlsv13: TLSProtocolVersion.v1_3.rawValue
        }
    }
}
#endif
