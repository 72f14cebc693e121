import Logging
import NIOCore
import Synchronization

/// Counts the connections of a connector and holds the acceptor back at `maxConnections`, so that further clients wait in the system's queue.
///
/// Sits first in the listening channel's pipeline. The acceptor alone counts up, so that what it reads is never less than the truth.
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
    private let loopBound: NIOLoopBoundBox<LoopState>
    private let emptyWaiters = Mutex<[UnsafeContinuation<Void, Never>]>([])

    private struct LoopState {
        var context: ChannelHandlerContext?
        var maxMessages = 0
        var lastWarning: NIODeadline?
    }

    init(limit: Int, logger: Logger, eventLoop: any EventLoop) {
        self.limit = limit < 0 ? .max : limit
        self.logger = logger
        self.eventLoop = eventLoop
        self.loopBound = .makeBoxSendingValue(LoopState(), eventLoop: eventLoop)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.loopBound.value.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.loopBound.value.context = nil }

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
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.rejected.wrappingAdd(1, ordering: .relaxed)
        let now = NIODeadline.now()
        if self.loopBound.value.lastWarning.map({ now - $0 >= .minutes(1) }) ?? true {
            self.loopBound.value.lastWarning = now
            self.logger.error(
                "cannot accept connections; trying again each second",
                metadata: ["error": "\(error)", "connections": "\(self.current.load(ordering: .relaxed))"]
            )
        }
        context.fireErrorCaught(error)
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
