import NIOCore
import NIOHTTP2

/// Stands between TLS and swift-nio-http2: reads along what clients send, and stops them when they abuse the protocol.
///
/// It also sends the settings that clients are told, which are stricter than those that swift-nio-http2 works with: where swift-nio-http2 can only
/// end the connection (too many streams, too large a header list), the connection can then refuse the one stream.
///
/// Unchecked: touched on the event loop only.
final class HTTP2FrameGuard: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    @exclusivity(unchecked) var scanner: HTTP2FrameScanner
    @exclusivity(unchecked) private var connection: HTTP2ConnectionHandler?
    @exclusivity(unchecked) private var context: ChannelHandlerContext?
    /// Takes the place of the first frame that swift-nio-http2 sends, its SETTINGS.
    @exclusivity(unchecked) private var settingsFrame: ByteBuffer?
    /// After an upgrade: what is still to come of the client's preface, which swift-nio-http2 has had already.
    @exclusivity(unchecked) private var prefaceToTake: ArraySlice<UInt8> = []
    /// After an upgrade: the client does not expect its first settings to be acknowledged, because the 101 did that.
    @exclusivity(unchecked) private var dropsAcknowledgement = false
    /// What may still arrive of a connection that is to be closed.
    @exclusivity(unchecked) private var discardBudget: Int?
    /// Header lists that take the place of what swift-nio-http2 sends for their streams.
    @exclusivity(unchecked) private var largeBlocks: [HTTP2StreamID: HTTP2LargeHeaderBlock] = [:]
    /// While there are any: what is still to come of the payload of a frame.
    @exclusivity(unchecked) private var payloadToPass = 0

    /// swift-nio-http2 is about to write a frame that is not to be sent.
    @exclusivity(unchecked) private var dropsNextWrite = false
    /// swift-nio-http2 is about to write a GOAWAY with a wrong last stream: the right one.
    @exclusivity(unchecked) private var goAwayStreamID: HTTP2StreamID?

    init(scanner: HTTP2FrameScanner, settingsFrame: ByteBuffer, connection: HTTP2ConnectionHandler) {
        self.scanner = scanner
        self.settingsFrame = settingsFrame
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.connection = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = self.unwrapInboundIn(data)
        guard let connection else { return }
        if let discardBudget {
            self.discardBudget = discardBudget - buffer.readableBytes
            if discardBudget < buffer.readableBytes { context.close(promise: nil) }
            return
        }
        connection.beginRead()
        let violation = buffer.withUnsafeReadableBytes { self.scanner.scan($0.bindMemory(to: UInt8.self)) }
        if let violation {
            connection.fail(.enhanceYourCalm, violation == .headerBlockTooLarge ? "header list too large" : "too much overhead")
            return
        }
        for (index, byte) in self.scanner.corrections { buffer.setInteger(byte, at: buffer.readerIndex + index) }
        if self.prefaceToTake.isEmpty {
            context.fireChannelRead(self.scanner.corrections.isEmpty ? data : self.wrapInboundOut(buffer))
        } else if self.takePreface(of: &buffer) {
            context.fireChannelRead(self.wrapInboundOut(buffer))
        } else {
            connection.fail(.protocolError, "wrong preface")
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let settingsFrame = self.settingsFrame.take() {
            context.write(self.wrapOutboundOut(.byteBuffer(settingsFrame)), promise: promise)
        } else if self.dropsAcknowledgement, case .byteBuffer(let buffer) = self.unwrapOutboundIn(data), buffer.isSettingsAcknowledgement {
            self.dropsAcknowledgement = false
            promise?.succeed()
        } else if self.dropsNextWrite {
            self.dropsNextWrite = false
            promise?.succeed()
        } else if let goAwayStreamID = self.goAwayStreamID.take(), case .byteBuffer(var frame) = self.unwrapOutboundIn(data) {
            frame.setInteger(UInt32(Int(goAwayStreamID)), at: frame.readerIndex + 9)
            context.write(self.wrapOutboundOut(.byteBuffer(frame)), promise: promise)
        } else if self.largeBlocks.isEmpty {
            context.write(data, promise: promise)
        } else {
            self.writeReplacing(context, self.unwrapOutboundIn(data), promise)
        }
    }

    // MARK: Frames of swift-nio-http2 that are wrong

    /// Has the frame that swift-nio-http2 writes next not sent.
    func dropNextWrite() { self.dropsNextWrite = true }

    /// Has the GOAWAY that swift-nio-http2 writes next name another stream.
    func correctNextGoAway(lastStreamID: HTTP2StreamID) { self.goAwayStreamID = lastStreamID }

    /// Sends an RST_STREAM of which swift-nio-http2 does not know.
    func sendReset(of id: HTTP2StreamID, _ code: NIOHTTP2.HTTP2ErrorCode) {
        var frame = ByteBuffer()
        frame.writeBytes([0, 0, 4, HTTP2FrameScanner.FrameType.rstStream, 0])
        frame.writeInteger(UInt32(Int(id)))
        frame.writeInteger(UInt32(code.networkCode))
        self.context?.writeAndFlush(self.wrapOutboundOut(.byteBuffer(frame)), promise: nil)
    }

    // MARK: Large header lists

    /// Has `block` sent when the frame with its substitute passes; false if the stream has one that has not passed yet.
    func expect(_ block: HTTP2LargeHeaderBlock, on id: HTTP2StreamID) -> Bool {
        // Called between frames.
        if self.largeBlocks.isEmpty { self.payloadToPass = 0 }
        guard self.largeBlocks[id] == nil else { return false }
        self.largeBlocks[id] = block
        return true
    }

    /// The stream has ended.
    func forget(_ id: HTTP2StreamID) { if !self.largeBlocks.isEmpty { self.largeBlocks[id] = nil } }

    /// swift-nio-http2 writes the beginning of a frame in one piece, and the payload of DATA in another one, which may look like anything.
    private func writeReplacing(_ context: ChannelHandlerContext, _ data: IOData, _ promise: EventLoopPromise<Void>?) {
        guard self.payloadToPass == 0, case .byteBuffer(let frame) = data, let start = frame.getInteger(at: frame.readerIndex, as: UInt32.self),
            let number = frame.getInteger(at: frame.readerIndex + 5, as: UInt32.self)
        else {
            self.payloadToPass = max(0, self.payloadToPass - data.readableBytes)
            return context.write(self.wrapOutboundOut(data), promise: promise)
        }
        self.payloadToPass = max(0, Int(start >> 8) + 9 - frame.readableBytes)
        let id = HTTP2StreamID(Int32(bitPattern: number & 0x7FFF_FFFF))
        guard let frames = self.largeBlocks[id]?.frames(inPlaceOf: frame) else { return context.write(self.wrapOutboundOut(data), promise: promise) }
        self.largeBlocks[id] = nil
        context.write(self.wrapOutboundOut(.byteBuffer(frames)), promise: promise)
    }

    // MARK: Upgrade

    /// Begins with a request that came in HTTP/1.1.
    func begin(_ upgrade: HTTP2Upgrade) {
        guard let context, let connection else { return }
        self.prefaceToTake = Array(UnsafeBufferPointer(start: HTTP2Upgrade.preface.utf8Start, count: HTTP2Upgrade.preface.utf8CodeUnitCount))[...]
        self.dropsAcknowledgement = true
        connection.beginRead()
        context.fireChannelRead(self.wrapInboundOut(ByteBuffer(bytes: upgrade.frames)))
    }

    /// Takes the preface away; false if it is wrong.
    private func takePreface(of buffer: inout ByteBuffer) -> Bool {
        let bytes = buffer.readBytes(length: min(self.prefaceToTake.count, buffer.readableBytes)) ?? []
        defer { self.prefaceToTake = self.prefaceToTake.dropFirst(bytes.count) }
        return self.prefaceToTake.starts(with: bytes)
    }

    /// Throws away what arrives from now on, up to `budget` bytes.
    func discard(budget: Int) { if self.discardBudget == nil { self.discardBudget = budget } }

    /// Tells the client to begin no more streams on this connection, while those on their way are still taken (RFC 9113 §6.8).
    func announceShutdown() {
        var frame = ByteBuffer()
        frame.writeBytes([0, 0, 8, HTTP2FrameScanner.FrameType.goAway, 0, 0, 0, 0, 0])
        frame.writeInteger(UInt32(0x7FFF_FFFF))
        frame.writeInteger(UInt32(0))
        self.context?.writeAndFlush(self.wrapOutboundOut(.byteBuffer(frame)), promise: nil)
    }
}

extension ByteBuffer {
    /// Whether these are the bytes of an empty SETTINGS frame with ACK.
    fileprivate var isSettingsAcknowledgement: Bool {
        self.readableBytes == 9 && self.readableBytesView.elementsEqual([0, 0, 0, HTTP2FrameScanner.FrameType.settings, 1, 0, 0, 0, 0])
    }
}
