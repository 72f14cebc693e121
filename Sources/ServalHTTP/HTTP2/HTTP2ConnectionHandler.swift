import Logging
import NIOCore
import NIOHTTP2
import ServalServlet

/// One HTTP/2 connection: takes frames from swift-nio-http2, starts the tasks that answer, and sends what they answer as the client's windows allow.
///
/// swift-nio-http2 keeps the protocol's state; its channels per stream are not used: requests and responses are the same as with HTTP/1.1 and need no
/// pipeline of their own. DATA frames are handed over only when windows and socket take them, so what waits, waits here, or in the application.
///
/// Unchecked: everything is touched on the connection's event loop only; see ``HTTP1ConnectionHandler``.
final class HTTP2ConnectionHandler: ChannelInboundHandler, LoopConnection, NIOHTTP2FrameDelegate, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    let runtime: ConnectionRuntime
    let http2: HTTP2Runtime
    let loop: EventLoopContext
    let info: ConnectionInfo
    /// The index in the loop's list.
    @exclusivity(unchecked) var place = 0
    @exclusivity(unchecked) var context: ChannelHandlerContext?
    @exclusivity(unchecked) var frameGuard: HTTP2FrameGuard?
    @exclusivity(unchecked) var hosts: AdmittedHosts?

    // Streams.
    @exclusivity(unchecked) var streams: [HTTP2StreamID: HTTP2Stream] = [:]
    /// Requests beyond `maxConcurrentStreamExecution`, in the order of their arrival; some may be lost meanwhile.
    @exclusivity(unchecked) var waiting = CircularBuffer<HTTP2Stream>()
    /// The tasks of this connection, those of lost streams included.
    @exclusivity(unchecked) var executing = 0
    @exclusivity(unchecked) var lastStreamID = HTTP2StreamID.rootStream

    // Windows.
    @exclusivity(unchecked) var outputWindow = 65535
    @exclusivity(unchecked) var initialOutputWindow = 65535
    /// The streams that have something to send and may, in turn.
    @exclusivity(unchecked) var ready = CircularBuffer<HTTP2Stream>()
    @exclusivity(unchecked) var isPumping = false

    // What is going on right now.
    @exclusivity(unchecked) var isInRead = false
    @exclusivity(unchecked) var isFlushScheduled = false
    /// When the bytes that are being looked at were read.
    @exclusivity(unchecked) var readTime: UInt64 = 0
    @exclusivity(unchecked) var isLost = false
    @exclusivity(unchecked) var isClosing = false
    @exclusivity(unchecked) var closeDeadline = UInt64.max
    @exclusivity(unchecked) var isDraining = false
    @exclusivity(unchecked) var isGoAwaySent = false
    /// The client will begin no more streams.
    @exclusivity(unchecked) var isClientLeaving = false
    /// See ``abandon(_:_:)``; the oldest comes first.
    @exclusivity(unchecked) var abandoned: [HTTP2StreamID] = []
    /// swift-nio-http2 has just reset a stream.
    @exclusivity(unchecked) var hasLibraryReset = false
    @exclusivity(unchecked) var isFailureScheduled = false

    // Time.
    let startTime: UInt64
    @exclusivity(unchecked) var lastActivity: UInt64
    @exclusivity(unchecked) var headerBlockStart: UInt64 = 0
    @exclusivity(unchecked) var writtenBytes = 0
    @exclusivity(unchecked) var writeProgress = HTTP1ConnectionHandler.Progress()

    init(runtime: ConnectionRuntime, http2: HTTP2Runtime, loop: EventLoopContext, info: ConnectionInfo, hosts: AdmittedHosts?) {
        self.runtime = runtime
        self.http2 = http2
        self.loop = loop
        self.info = info
        self.hosts = hosts
        self.startTime = MonotonicClock.now()
        self.lastActivity = self.startTime
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.loop.add(self)
    }

    /// All handlers of the connection are in their places.
    func begin() {
        let increment = self.http2.connectionWindow - 65535
        if increment > 0 { self.write(.rootStream, .windowUpdate(windowSizeIncrement: increment)) }
        if self.loop.isStopped { self.closeNow() } else if self.loop.isDraining { self.drain() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.lose()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.lose()
        self.context = nil
        self.frameGuard = nil
    }

    // MARK: Reading

    /// Bytes have arrived.
    func beginRead() {
        if self.readTime == 0 { self.readTime = MonotonicClock.now() }
        self.lastActivity = self.readTime
        self.isInRead = true
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isClosing else { return }
        let frame = self.unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let headers): self.receiveHeaders(headers, on: frame.streamID)
        case .data(let data): self.receiveData(data, on: frame.streamID)
        case .windowUpdate(let increment): self.windowOpened(frame.streamID, by: increment)
        case .settings(.settings(let settings)): self.settingsChanged(settings)
        case .ping(let data, ack: true): if self.isDraining, data == Self.drainPing { self.finishDrain() }
        case .goAway:
            self.isClientLeaving = true
            self.closeIfDone()
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.isInRead = false
        self.readTime = 0
        let isInHeaderBlock = self.frameGuard?.scanner.isInHeaderBlock ?? false
        if !isInHeaderBlock { self.headerBlockStart = 0 } else if self.headerBlockStart == 0 { self.headerBlockStart = self.lastActivity }
        context.flush()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent:
            guard let size = event.inboundWindowSize else { return }
            if event.streamID == .rootStream { self.creditConnection(size) } else { self.inputWindowChanged(of: event.streamID, to: size) }
        case let event as StreamClosedEvent:
            self.abandoned.removeAll { $0 == event.streamID }
            self.streamClosed(event.streamID)
        case is NIOHTTP2StreamCreatedEvent:
            break
        case ChannelEvent.inputClosed:
            self.inputClosed()
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.pump()
            for stream in self.streams.values where !stream.writeWaiters.isEmpty { self.resumeWriters(of: stream) }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if self.hasLibraryReset {
            // One stream was reset, for what the client did there.
            self.hasLibraryReset = false
            return
        }
        if error is NIOHTTP2Errors.StreamError { return }
        self.runtime.logger.debug("connection failed", metadata: ["client": "\(self.info.remoteAddress)", "error": "\(error)"])
        if error is any NIOHTTP2Error { self.close() } else { context.close(promise: nil) }
    }

    // MARK: Frames

    /// Hands a frame to swift-nio-http2; it is on its way after the next flush.
    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload, promise: EventLoopPromise<Void>? = nil) {
        self.context?.write(self.wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: promise)
    }

    /// swift-nio-http2 has written a frame.
    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let data):
            self.writtenBytes += data.data.readableBytes
            self.frameGuard?.scanner.overhead.noteWork()
        case .headers:
            self.writtenBytes += 1
        case .rstStream(let code):
            self.hasLibraryReset = true
            // The client has had its RST_STREAM.
            if self.abandoned.contains(frame.streamID) { self.frameGuard?.dropNextWrite() } else { self.noteReset(code) }
        case .goAway(let lastStreamID, _, _):
            // Of its own accord swift-nio-http2 says that all streams there could ever be may have been processed, or none (RFC 9113 §6.8).
            if lastStreamID != self.lastStreamID { self.frameGuard?.correctNextGoAway(lastStreamID: self.lastStreamID) }
        default: break
        }
    }

    func flush() { self.context?.flush() }

    /// Has frames sent at the end of the current turn of the loop.
    func scheduleFlush() {
        guard !self.isInRead, !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        self.loop.loop.execute {
            self.isFlushScheduled = false
            self.context?.flush()
        }
    }
}
