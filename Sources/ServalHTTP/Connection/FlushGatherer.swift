import NIOCore
import ServalTLS

/// Has the answers that one turn of the event loop gives rise to sent together at its end.
///
/// Sending may wake whoever reads at the other end, and on the same machine or a busy network card that costs more than the rest of a small answer; of several
/// answers sent right after each other only the first does. ``EventLoopContext/gather(_:)`` limits how long one may wait for others.
///
/// First in the pipeline of a connection whose TLS handler does not do the same. Only what is flushed while bytes that have arrived are worked on waits; whatever comes later goes at once.
final class FlushGatherer: ChannelDuplexHandler, GatheredConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData

    private let loop: EventLoopContext
    @exclusivity(unchecked) private var context: ChannelHandlerContext?
    @exclusivity(unchecked) private var isInRead = false
    @exclusivity(unchecked) private var isOwing = false

    init(_ loop: EventLoopContext) { self.loop = loop }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.isInRead = true
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        self.isInRead = false
    }

    func flush(context: ChannelHandlerContext) {
        guard self.isInRead else { return context.flush() }
        guard !self.isOwing else { return }
        self.isOwing = true
        self.loop.gather(self)
    }

    /// Sends what was flushed and has waited.
    func flushOwed() {
        guard self.isOwing else { return }
        self.isOwing = false
        self.context?.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        self.flushOwed()
        context.close(mode: mode, promise: promise)
    }
}
