#if NIOSSL
import NIOCore
import NIOSSL
import NIOTLS
import ServalKeyStore
import ServalTLS

/// The last of the three handlers of a connection: it tells the application in Serval's words what swift-nio-ssl says in its own, keeps writes back while the
/// socket does not take them, and closes.
///
/// It sees plaintext only.
final class ApplicationSideHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A close that waits for flushed writes and close_notify.
    private struct Closing {
        var mode: CloseMode
        var promise: EventLoopPromise<Void>?
        /// How far things were when the time limit was last set; nil before the first one.
        var mark: Progress?
        /// Half of how long the client may read nothing.
        var limit: TimeAmount
        /// Whether a time limit has passed without progress.
        ///
        /// The second one ends it; the first may be due to an event loop that was busy elsewhere.
        var isSuspect = false

        mutating func join(_ other: EventLoopPromise<Void>?) {
            guard let other else { return }
            if let promise { promise.futureResult.cascade(to: other) } else { promise = other }
        }
    }

    /// Tells a slow client from one that has stopped reading.
    private struct Progress: Equatable {
        var written: Int
        /// Ciphertext that the socket has not taken yet.
        var waiting: Int
    }

    private let socket: SocketSideHandler
    private var context: ChannelHandlerContext?
    private var backlog = PlaintextBacklog()
    private var closing: Closing?
    private var closeTimer: Scheduled<Void>?
    private var written = 0
    private var isPumping = false
    private var hasSentCloseNotify = false
    private var waitsForSocket = false
    /// Whether the application has asked for bytes and got none since.
    private(set) var wantsPlaintext = false

    /// Half of how long a client may read nothing before a close goes on without it; longer if the close belongs to an answer that is just being sent.
    private static let closeLimit = TimeAmount.seconds(3)

    init(_ socket: SocketSideHandler) { self.socket = socket }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Forgets what waits; does nothing the second time.
    func release() {
        closeTimer?.cancel()
        closeTimer = nil
        let closePromise = takeClosePromise()
        for promise in backlog.removePromises(unflushedOnly: false) { promise.fail(ChannelError.ioOnClosedChannel) }
        closePromise?.fail(ChannelError.ioOnClosedChannel)
    }

    /// Whether a close waits for something.
    var isClosing: Bool { closing != nil }

    /// Whether nothing is delivered any more.
    var isClosed: Bool { closing?.mode == .all }

    func takeClosePromise() -> EventLoopPromise<Void>? {
        let promise = closing?.promise
        closing = nil
        return promise
    }

    // MARK: What the application hears

    func report(_ error: TLSError) { context?.fireErrorCaught(error) }

    func tell(_ event: Any) { context?.fireUserInboundEventTriggered(event) }

    func read(context: ChannelHandlerContext) {
        wantsPlaintext = true
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard socket.phase == .open, closing == nil else { return }
        wantsPlaintext = false
        context.fireChannelRead(data)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let applicationProtocol):
            socket.complete(applicationProtocol: applicationProtocol)
        case is TLSUserEvent:
            break
        case ChannelEvent.inputClosed where socket.phase == .open:
            socket.hasInputEnded = true
            if closing == nil { context.fireUserInboundEventTriggered(event) }
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError, is NIOSSLCloseTimedOutError, is KeyStoreError: socket.tlsFailed(error)
        default: context.fireErrorCaught(error)
        }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch socket.phase {
        case .plaintext:
            context.write(data, promise: promise)
        case .hello, .handshake, .open:
            guard closing == nil, !hasSentCloseNotify else {
                promise?.fail(hasSentCloseNotify ? ChannelError.outputClosed : ChannelError.ioOnClosedChannel)
                return
            }
            backlog.append(unwrapOutboundIn(data), promise: promise)
        case .closed:
            promise?.fail(ChannelError.ioOnClosedChannel)
        }
    }

    func flush(context: ChannelHandlerContext) {
        guard socket.phase != .plaintext else { return context.flush() }
        backlog.flush()
        pump()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { pump() }
        context.fireChannelWritabilityChanged()
    }

    /// Encrypts only while the socket takes it, so that the ciphertext in memory stays within the channel's write watermark.
    func pump() {
        guard socket.phase == .open, !isPumping, !hasSentCloseNotify, let context else { return }
        isPumping = true
        while socket.phase == .open, backlog.hasFlushed, context.channel.isWritable {
            var length = 0
            while length < PlaintextBacklog.pieceLength, let next = backlog.next() {
                length += next.bytes.readableBytes
                context.write(wrapOutboundOut(next.bytes), promise: next.promise)
            }
            written &+= length
            context.flush()
        }
        isPumping = false
        if closing != nil { continueClosing() }
    }

    // MARK: Closing

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is TLSAbandonment else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if socket.phase == .open {
            socket.release()
            socket.sendOwed()
        }
        promise?.succeed()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if let lingering = socket.lingering { return lingering.join(promise) }
        guard socket.phase == .open, mode != .input else {
            return mode == .input ? closeChannel(.input, promise) : socket.closeWithoutTLS(promise)
        }
        if var present = closing {
            // A close of everything swallows one of the output that is under way.
            if mode == .all { present.mode = .all }
            present.join(promise)
            closing = present
            return
        }
        for promise in backlog.removePromises(unflushedOnly: true) { promise.fail(ChannelError.ioOnClosedChannel) }
        closing = Closing(mode: mode, promise: promise, limit: limit)
        // While pumping, the pump goes on with the close when it is done.
        if hasSentCloseNotify { continueClosing() } else { pump() }
        // What a read gives rise to is sent at its end, and most closes are over then.
        if !socket.isInRead { watchClosing() }
    }

    /// Sees to it that a close that waits for its client does not wait for ever.
    func watchClosing() {
        guard closing != nil, socket.phase == .open, closeTimer == nil else { return }
        closing?.mark = progress
        startCloseTimer()
    }

    private func continueClosing() {
        guard socket.phase == .open, !backlog.hasFlushed, !waitsForSocket else { return }
        // The output was closed before; only the channel is left.
        guard !hasSentCloseNotify else { return finishClosing() }
        hasSentCloseNotify = true
        // Of everything swift-nio-ssl would wait for the client's answer; of the output it says close_notify, and comes back with `tlsHasClosed`.
        context?.close(mode: .output, promise: nil)
    }

    /// swift-nio-ssl has said close_notify, on our behalf or because the client has said it; now the channel, as soon as the socket has taken everything.
    func tlsHasClosed(_ mode: CloseMode, promise: EventLoopPromise<Void>?) {
        hasSentCloseNotify = true
        var present = closing ?? Closing(mode: mode, promise: nil, limit: limit)
        present.join(promise)
        closing = present
        guard !waitsForSocket, let context = socket.context else { return }
        waitsForSocket = true
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in
            self.waitsForSocket = false
            self.finishClosing()
        }
        socket.writeUnsent(context, sent)
        socket.flush(context: context)
        if !socket.isInRead { watchClosing() }
    }

    private func finishClosing() {
        guard let closing, socket.phase == .open else { return }
        self.closing = nil
        closeTimer?.cancel()
        closeTimer = nil
        if closing.mode == .all { socket.release() }
        closeChannel(closing.mode, closing.promise)
    }

    /// Past swift-nio-ssl, which has nothing to say about it.
    private func closeChannel(_ mode: CloseMode, _ promise: EventLoopPromise<Void>?) {
        guard let context = socket.context else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        socket.sendOwed()
        context.close(mode: mode, promise: promise)
    }

    private var limit: TimeAmount {
        socket.isInRead ? max(Self.closeLimit, .nanoseconds(socket.server.handshakeTimeout.nanoseconds / 2)) : Self.closeLimit
    }

    private var progress: Progress {
        let waiting = try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return Progress(written: written, waiting: waiting ?? 0)
    }

    private func startCloseTimer() {
        closeTimer = context?.eventLoop.assumeIsolated().scheduleTask(in: closing?.limit ?? Self.closeLimit) {
            self.closeTimer = nil
            guard var closing = self.closing, self.socket.phase == .open else { return }
            let progress = self.progress
            if closing.mark == progress, closing.isSuspect {
                closing.mode = .all
                self.closing = closing
                self.finishClosing()
            } else {
                closing.isSuspect = closing.mark == progress
                closing.mark = progress
                self.closing = closing
                self.startCloseTimer()
            }
        }
    }
}
#endif
