import Logging
import NIOCore
import Synchronization

/// Counts the connections of a connector and holds the acceptor back at `maxConnections`, so that further clients wait in the system's queue.
///
/// Sits first in the listening channel's pipeline. The acceptor alone counts up, so that what it reads is never less than the truth.
///
/// What is accepted goes past the bootstrap's own handler, which spends some ten futures on each connection, to the end of the pipeline, where the channel
/// registers it.
final class AcceptGate: ChannelDuplexHandler, Sendable {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never

    private static let burst = 16

    let current = Atomic(0)
    let total = Atomic(0)
    let rejected = Atomic(0)
    private let limit: Int
    private let logger: Logger
    private let isHeld = Atomic(false)
    private let eventLoop: any EventLoop
    private let prepare: @Sendable (any Channel) throws -> Void
    private let loopBound: NIOLoopBoundBox<LoopState>
    private let emptyWaiters = Mutex<[UnsafeContinuation<Void, Never>]>([])

    private struct LoopState {
        var context: ChannelHandlerContext?
        /// The end of the pipeline.
        var end: ChannelHandlerContext?
        var maxMessages = 0
        var lastWarning: NIODeadline?
    }

    /// - Parameter prepare: gives a new connection its options and handlers, on its own event loop; if it throws, the connection is closed.
    init(limit: Int, logger: Logger, eventLoop: any EventLoop, prepare: @escaping @Sendable (any Channel) throws -> Void) {
        self.limit = limit < 0 ? .max : limit
        self.logger = logger
        self.eventLoop = eventLoop
        self.prepare = prepare
        self.loopBound = .makeBoxSendingValue(LoopState(), eventLoop: eventLoop)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.loopBound.value.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.loopBound.value.context = nil
        self.loopBound.value.end = nil
    }

    /// The bootstrap has added its handler by now.
    func channelActive(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        do {
            let end = PipelineEnd()
            try pipeline.addHandler(end, position: .last)
            self.loopBound.value.end = try pipeline.context(handler: end)
        } catch {
            context.fireErrorCaught(error)
        }
        context.fireChannelActive()
    }

    func read(context: ChannelHandlerContext) {
        var room = self.limit - self.current.load(ordering: .acquiring)
        if room <= 0 {
            self.isHeld.store(true, ordering: .sequentiallyConsistent)
            // A connection may have closed between the two looks, and not have seen the mark.
            room = self.limit - self.current.load(ordering: .sequentiallyConsistent)
            guard room > 0, self.isHeld.exchange(false, ordering: .sequentiallyConsistent) else { return }
        }
        let maxMessages = min(Self.burst, room)
        if maxMessages != self.loopBound.value.maxMessages {
            self.loopBound.value.maxMessages = maxMessages
            try? context.channel.syncOptions?.setOption(.maxMessagesPerRead, value: UInt(maxMessages))
        }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = self.unwrapInboundIn(data)
        self.current.wrappingAdd(1, ordering: .sequentiallyConsistent)
        self.total.wrappingAdd(1, ordering: .relaxed)
        channel.closeFuture.whenComplete { _ in self.connectionClosed() }
        guard let end = self.loopBound.value.end else { return channel.close(promise: nil) }
        let loop = channel.eventLoop
        if loop === self.eventLoop { self.begin(channel) } else { loop.execute { self.begin(channel) } }
        // Has it registered by a task of its loop, which runs after the one above.
        end.fireChannelRead(data)
    }

    private func begin(_ channel: any Channel) {
        do {
            try self.prepare(channel)
        } catch {
            channel.close(promise: nil)
            self.eventLoop.execute { self.reject("connections are closed at once, because their options cannot be set", error) }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.reject("cannot accept connections; trying again each second", error)
        context.fireErrorCaught(error)
    }

    /// Counts a connection that did not come about, and tells of it once a minute; on the acceptor's loop.
    private func reject(_ words: Logger.Message, _ error: any Error) {
        self.rejected.wrappingAdd(1, ordering: .relaxed)
        let now = NIODeadline.now()
        guard self.loopBound.value.lastWarning.map({ now - $0 >= .minutes(1) }) ?? true else { return }
        self.loopBound.value.lastWarning = now
        self.logger.error(words, metadata: ["error": "\(error)", "connections": "\(self.current.load(ordering: .relaxed))"])
    }

    /// Returns when there is no connection.
    func waitUntilEmpty() async {
        await withUnsafeContinuation { continuation in
            let isEmpty = self.emptyWaiters.withLock { waiters in
                guard self.current.load(ordering: .sequentiallyConsistent) > 0 else { return true }
                waiters.append(continuation)
                return false
            }
            if isEmpty { continuation.resume() }
        }
    }

    private func connectionClosed() {
        let last = self.current.wrappingSubtract(1, ordering: .sequentiallyConsistent).oldValue == 1
        if last {
            let waiters = self.emptyWaiters.withLock { waiters in
                defer { waiters = [] }
                return waiters
            }
            for waiter in waiters { waiter.resume() }
        }
        guard self.isHeld.load(ordering: .sequentiallyConsistent) else { return }
        guard self.isHeld.exchange(false, ordering: .sequentiallyConsistent) else { return }
        self.eventLoop.execute {
            guard let context = self.loopBound.value.context else { return }
            self.read(context: context)
        }
    }
}

extension AcceptGate {
    /// Is there for its place only.
    private final class PipelineEnd: ChannelInboundHandler, Sendable {
        typealias InboundIn = any Channel
    }
}
