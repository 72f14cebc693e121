import NIOCore
import ServalKeyStore
import ServalTLS

/// One connection: TLS on the side of the socket, plaintext on the side of the application.
///
/// Everything runs on the channel's event loop. Calls down the pipeline may come back into this handler before they return (a flush may find the socket
/// closed, a delivered request may be answered and closed at once), so after each of them the phase is looked at again.
final class OpenSSLServerHandler: ChannelDuplexHandler {
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

    let server: OpenSSLServerContext
    let reporter: TLSHandshakeReporter?
    /// `nil` where the connection has to look after itself.
    let keeper: (any TLSConnectionKeeper)?
    /// The place in the pipeline.
    @exclusivity(unchecked) private(set) var context: ChannelHandlerContext?
    let allocator = ByteBufferAllocator()
    // What every record touches has its exclusivity checked by the event loop that it belongs to, not at run time: no access spans a call that comes back.
    @exclusivity(unchecked) var phase = Phase.hello
    private var reader: ClientHelloReader
    /// The ClientHello so far; kept until the handshake ends, to explain its failure.
    private(set) var hello: ByteBuffer?
    private(set) var serverName: String?
    /// Whether the handshake has sent anything.
    private(set) var hasAnswered = false
    @exclusivity(unchecked) var connection: OpenSSLConnection?
    @exclusivity(unchecked) private var queue = PlaintextQueue()
    @exclusivity(unchecked) var closing: Closing?
    /// What is left of a connection that has failed.
    private(set) var lingering: LingeringClose?
    var timer: Scheduled<Void>?
    /// When the handshake has to be over.
    var handshakeEnd = NIODeadline.distantFuture
    @exclusivity(unchecked) private(set) var encryptedBytes = 0
    /// Bytes of replies that TLS itself made while the client was not reading.
    private var unreadReplies = 0
    @exclusivity(unchecked) private var isReading = false
    /// Whether bytes from the socket are being worked on; what comes of them goes to the socket together when all is done.
    @exclusivity(unchecked) var isInRead = false
    /// Ciphertext that waits for the next flush: what comes of one read, a ticket, an answer, close_notify, goes to the socket in one piece.
    @exclusivity(unchecked) var unsent = ByteBuffer()
    /// Whether something has been written for the socket meanwhile.
    @exclusivity(unchecked) var owesFlush = false
    /// What the channel last said.
    @exclusivity(unchecked) private var isWritable = true
    /// Whether the keeper sees to it that it is sent.
    @exclusivity(unchecked) var isGathered = false
    @exclusivity(unchecked) private var isPumping = false
    @exclusivity(unchecked) var wantsPlaintext = false
    @exclusivity(unchecked) private var hasSentCloseNotify = false
    /// Whether close_notify, and all that goes before it, waits for the socket to take it.
    @exclusivity(unchecked) private var isCloseNotifyUnderWay = false
    @exclusivity(unchecked) var hasInputEnded = false
    @exclusivity(unchecked) private var backlog: ByteBuffer?
    /// Whether the handshake has been left until something comes from elsewhere: a signature, or word of a responder about the client's certificate.
    var isLeft = false
    /// Ciphertext that has come while it does.
    var held: ByteBuffer?
    /// Whether the client has ended its side meanwhile.
    var hasEndWaiting = false
    /// Certificates asked for after the handshake.
    var late = LateAuthentication()

    private static let unreadReplyLimit = 65536
    /// How much ciphertext waits at most for what else comes of a read, in bytes.
    private static let unsentLimit = 16384

    init(_ server: OpenSSLServerContext, reporter: TLSHandshakeReporter?, keeper: (any TLSConnectionKeeper)? = nil) {
        self.server = server
        self.reporter = reporter
        self.keeper = keeper
        reader = ClientHelloReader(limit: server.clientHelloLimit)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        isWritable = context.channel.isWritable
        if context.channel.isActive { startTimer(context) }
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
            context.fireErrorCaught(abortion)
        } else if isTruncated {
            context.fireUserInboundEventTriggered(TLSTruncation())
        }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        release()
        self.context = nil
    }

    /// Ends everything that this handler holds; does nothing the second time.
    func release() {
        guard phase != .closed || connection != nil || timer != nil || closing != nil || lingering != nil else { return }
        phase = .closed
        timer?.cancel()
        timer = nil
        hello = nil
        backlog = nil
        held = nil
        if isLeft { connection?.abandonHandshake() }
        isLeft = false
        connection?.keepSession()
        connection = nil
        let promises = queue.removeAll() + [closing?.promise].compactMap { $0 }
        closing = nil
        for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
        lingering?.channelHasClosed()
        lingering = nil
        late.context = nil
        endLateAuthentication(with: .none)
    }

    /// Closes the server's side only, so that the client reads what it was told; to be called after everything else is released.
    func linger(_ context: ChannelHandlerContext) -> LingeringClose {
        let close = LingeringClose(context)
        lingering = close
        close.begin()
        return close
    }

    // MARK: Reading

    func read(context: ChannelHandlerContext) {
        wantsPlaintext = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        isInRead = true
        switch phase {
        case .hello: readHello(context, &bytes)
        case .handshake, .open: process(context, bytes)
        case .plaintext: break
        case .closed: lingering?.discard(bytes.readableBytes)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        endRead(context)
        // Others may have to be sent first, by a task of this turn of the loop.
        if closing != nil { context.eventLoop.assumeIsolated().execute { self.watchClosing(context) } }
        // What has come was not enough for a byte of plaintext, so what the application asked for is still owed to it.
        switch phase {
        // What is not read now stays with the client.
        case .handshake where isLeft: break
        case .hello, .handshake: context.read()
        case .closed where lingering?.isReading == true: context.read()
        case .open where (wantsPlaintext || late.credit > 0) && !hasInputEnded && closing == nil: context.read()
        default: break
        }
    }

    private func readHello(_ context: ChannelHandlerContext, _ bytes: inout ByteBuffer) {
        if hello?.writeBuffer(&bytes) == nil { hello = bytes }
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
            flushSocket(context)
            fail(context, Self.tooLarge(server.clientHelloLimit))
        case .plaintext:
            let error = explain(context, TLSError(.plaintextHTTP, "The client spoke plain HTTP; this combination of host and port requires TLS"))
            phase = .plaintext
            self.hello = nil
            context.fireErrorCaught(error)
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        phase = .handshake
        connection = OpenSSLConnection(server.host(for: serverName), of: server)
        guard connection != nil else { return fail(context, TLSError(.handshakeFailed, "OpenSSL has no memory for another connection")) }
        process(context, bytes)
    }

    func process(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        guard !isReading else {
            // Somebody delivered bytes from within a delivery; the window for ciphertext is in use.
            var bytes = bytes
            if backlog?.writeBuffer(&bytes) == nil { backlog = bytes }
            return
        }
        isReading = true
        decrypt(context, bytes)
        while let more = backlog {
            backlog = nil
            decrypt(context, more)
        }
        isReading = false
    }

    private func decrypt(_ context: ChannelHandlerContext, _ bytes: ByteBuffer) {
        guard let connection, !hasInputEnded else { return }
        guard !isLeft else { return hold(bytes) }
        bytes.withUnsafeReadableBytes { ciphertext in
            connection.withCiphertext(ciphertext) {
                if phase == .handshake { advance(context, connection) }
                if phase == .open, closing == nil { deliver(context, connection, ciphertextLength: ciphertext.count) }
                if isLeft, connection.pendingCiphertext > 0 {
                    hold(ByteBuffer(bytes: ciphertext.suffix(connection.pendingCiphertext)))
                }
            }
        }
    }

    private func advance(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) {
        let waiting = unsent.readableBytes
        let outcome = connection.handshake(into: &unsent)
        if unsent.readableBytes > waiting {
            hasAnswered = true
            flushSocket(context)
        } else if waiting == 0 {
            // The room for it.
            unsent = ByteBuffer()
        }
        guard phase == .handshake else { return }
        switch outcome {
        case .needsCiphertext: break
        case .needsSignature(let request): sign(context, connection, request)
        case .needsRevocationStatus: if decideOnClient(context, connection) { advance(context, connection) }
        case .done: complete(context, connection)
        case .ended: fail(context, abortion)
        case .failed(let error): fail(context, error)
        }
    }

    private func complete(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) {
        if let refusal = connection.refusalOfResumedSession() ?? connection.refusalOfUnreadableClient() {
            // OpenSSL has no other alert to offer once the handshake is over.
            connection.sendCloseNotify(into: &unsent)
            flushSocket(context)
            return fail(context, refusal)
        }
        open(context, connection)
    }

    private func open(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) {
        phase = .open
        timer?.cancel()
        timer = nil
        hello = nil
        let facts = connection.facts(serverName: serverName, requestClientCertificates: certificateQuestion(context, connection))
        reporter?.completed(facts)
        context.fireUserInboundEventTriggered(TLSHandshakeCompletion(facts))
        pump(context)
    }

    /// Decrypts all there is and passes it on, as many records in one buffer as came together.
    private func deliver(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection, ciphertextLength: Int) {
        while connection.pendingCiphertext > 0 || connection.pendingPlaintext > 0 {
            var plaintext = allocator.buffer(capacity: max(ciphertextLength, 256))
            var outcome = connection.read(into: &plaintext)
            while outcome == nil {
                let rest = connection.pendingPlaintext
                if rest > 0 { plaintext.reserveCapacity(minimumWritableBytes: rest) } else if connection.pendingCiphertext == 0 { break }
                if rest == 0, plaintext.writableBytes < 256 { break }
                outcome = connection.read(into: &plaintext)
            }
            if connection.hasReply { sendReply(context, connection) }
            guard phase == .open else { return }
            if late.isUnderWay { takeLateAnswer() }
            guard phase == .open else { return }
            if plaintext.readableBytes > 0 {
                if late.credit > 0, !wantsPlaintext { spendCredit(context, plaintext.readableBytes) }
                wantsPlaintext = false
                context.fireChannelRead(wrapInboundOut(plaintext))
            }
            guard phase == .open, closing == nil else { return }
            switch outcome {
            case nil: continue
            case .needsCiphertext: return
            case .ended: return endInput(context)
            case .failed(let error): return fail(context, error)
            case .done, .needsSignature, .needsRevocationStatus:
                return fail(context, TLSError(.protocolViolation, "OpenSSL wanted to wait for something after the handshake"))
            }
        }
    }

    /// Sends what TLS itself has to say; a client that makes it talk without listening is cut off.
    private func sendReply(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) {
        let waiting = unsent.readableBytes
        connection.takeReply(into: &unsent)
        if isWritable {
            unreadReplies = 0
        } else {
            unreadReplies += unsent.readableBytes - waiting
            if unreadReplies > Self.unreadReplyLimit {
                return fail(context, TLSError(.protocolViolation, "The client asks for key updates or renegotiations and does not read the answers"))
            }
        }
        if unsent.readableBytes >= Self.unsentLimit { writeUnsent(context, nil) }
        flushSocket(context)
    }

    /// The client has said close_notify: as a TCP connection's end it ends the input only, if the channel is set up for that.
    private func endInput(_ context: ChannelHandlerContext) {
        hasInputEnded = true
        if (try? context.channel.syncOptions?.getOption(.allowRemoteHalfClosure)) == true {
            context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        } else {
            close(context: context, mode: .all, promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .inputClosed? = event as? ChannelEvent else { return context.fireUserInboundEventTriggered(event) }
        switch phase {
        case .handshake where isLeft:
            hasEndWaiting = true
        case .hello, .handshake:
            fail(context, abortion)
        case .open:
            // After close_notify the application knows already.
            guard !hasInputEnded else { return }
            hasInputEnded = true
            context.fireUserInboundEventTriggered(TLSTruncation())
            context.fireUserInboundEventTriggered(event)
        case .closed where lingering != nil:
            lingering?.end()
        case .plaintext, .closed:
            hasInputEnded = true
            context.fireUserInboundEventTriggered(event)
        }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch phase {
        case .plaintext:
            context.write(data, promise: promise)
        case .hello, .handshake, .open:
            guard closing == nil, !hasSentCloseNotify else {
                promise?.fail(hasSentCloseNotify ? ChannelError.outputClosed : ChannelError.ioOnClosedChannel)
                return
            }
            queue.append(unwrapOutboundIn(data), promise: promise)
        case .closed:
            promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func flush(context: ChannelHandlerContext) {
        guard phase != .plaintext else { return context.flush() }
        queue.flush()
        pump(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { pump(context) }
        context.fireChannelWritabilityChanged()
    }

    /// Encrypts only while the socket takes it, so that the ciphertext in memory stays within the channel's write watermark.
    private func pump(_ context: ChannelHandlerContext) {
        guard phase == .open, let connection, !isPumping else { return }
        isPumping = true
        repeat {
            var hasWritten = false
            while phase == .open, queue.hasFlushed, isWritable, let next = queue.next(allocator) {
                hasWritten = true
                let count = next.bytes.readableBytes
                if count > 0 {
                    do throws(TLSError) {
                        try connection.write(next.bytes, into: &unsent)
                    } catch {
                        next.promise?.fail(ChannelError.ioOnClosedChannel)
                        isPumping = false
                        owesFlush = true
                        return fail(context, error)
                    }
                    encryptedBytes &+= count
                }
                if next.promise != nil || unsent.readableBytes >= Self.unsentLimit { writeUnsent(context, next.promise) }
            }
            // What is left in the queue needs room now.
            if hasWritten { if queue.hasFlushed { flushNow(context) } else { flushSocket(context) } }
        } while phase == .open && queue.hasFlushed && isWritable
        isPumping = false
        if closing != nil { continueClosing(context) }
    }

    /// Gives the channel what waits, in one piece.
    func writeUnsent(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        guard unsent.readableBytes > 0 || promise != nil else { return }
        let bytes = unsent
        unsent = ByteBuffer()
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    // MARK: Closing

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if let lingering { return lingering.join(promise) }
        guard phase == .open, mode != .input else {
            if mode == .input || phase == .closed { return context.close(mode: mode, promise: promise) }
            return closeWithoutTLS(context, promise)
        }
        if var present = closing {
            // A close of everything swallows one of the output that is under way.
            if mode == .all { present.mode = .all }
            if let promise {
                if let first = present.promise { first.futureResult.cascade(to: promise) } else { present.promise = promise }
            }
            closing = present
            return
        }
        for promise in queue.removeUnflushed() { promise.fail(ChannelError.ioOnClosedChannel) }
        let limit = isInRead ? max(Self.closeLimit, .nanoseconds(server.handshakeTimeout.nanoseconds / 2)) : Self.closeLimit
        closing = Closing(mode: mode, promise: promise, limit: limit)
        // While pumping, the pump goes on with the close when it is done.
        if !isPumping { pump(context) }
        // What a read gives rise to is sent at its end, and most closes are over then.
        if !isInRead { watchClosing(context) }
    }

    private func continueClosing(_ context: ChannelHandlerContext) {
        guard phase == .open, let connection, !queue.hasFlushed else { return }
        guard !hasSentCloseNotify else {
            // The output was closed before; only the channel is left.
            if closing?.mode == .all, !isCloseNotifyUnderWay { finishClosing(context) }
            return
        }
        hasSentCloseNotify = true
        let waiting = unsent.readableBytes
        connection.sendCloseNotify(into: &unsent)
        guard unsent.readableBytes > waiting else { return finishClosing(context) }
        isCloseNotifyUnderWay = true
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            self.isCloseNotifyUnderWay = false
            self.finishClosing(context)
        }
        writeUnsent(context, sent)
        flushSocket(context)
    }

    /// Everything has gone to the socket; now the channel itself.
    func finishClosing(_ context: ChannelHandlerContext) {
        guard let closing, phase == .open else { return }
        self.closing = nil
        timer?.cancel()
        timer = nil
        sendOwed(context)
        if closing.mode == .output {
            context.close(mode: .output, promise: closing.promise)
        } else {
            release()
            context.close(mode: .all, promise: closing.promise)
        }
    }
}
