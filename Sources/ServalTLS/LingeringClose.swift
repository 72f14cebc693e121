package import NIOCore

/// The end of a connection whose client goes on sending, after a handshake that was refused or a request without TLS.
///
/// In TLS 1.3 a client is done before the server has seen its certificate: it sends its request and learns of the refusal from an alert that comes instead of
/// the answer. A socket that is closed meanwhile answers the request with RST, and the client tells of that, not of the alert. So only the server's side is
/// closed at first, and what the client still sends is read and thrown away: for two seconds or 256 KiB, whatever is over first. With plain HTTP, and the 400
/// that answers it, it is the same.
///
/// For one event loop; whoever makes it reads on, tells it of what comes, and of the channel's end.
package final class LingeringClose {
    private static let limit = TimeAmount.seconds(2)

    private let context: ChannelHandlerContext
    private let closed: EventLoopPromise<Void>
    private var budget = 262_144
    private var timer: Scheduled<Void>?
    /// Whether the channel itself is being closed, or has been.
    private var isOver = false

    /// Nothing happens before ``begin()``.
    package init(_ context: ChannelHandlerContext) {
        self.context = context
        closed = context.eventLoop.makePromise(of: Void.self)
    }

    /// Closes the server's side; what has been written leaves before.
    package func begin() {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.limit) { self.end() }
        let isShut = context.eventLoop.makePromise(of: Void.self)
        isShut.futureResult.assumeIsolated().whenFailure { _ in self.end() }
        context.close(mode: .output, promise: isShut)
        context.read()
    }

    /// Whether what comes is still read.
    package var isReading: Bool { !isOver }

    /// Somebody else wants the channel closed, and hears when it is.
    package func join(_ promise: EventLoopPromise<Void>?) {
        if let promise { closed.futureResult.cascade(to: promise) }
    }

    /// `count` bytes have come.
    package func discard(_ count: Int) {
        budget -= count
        if budget < 0 { self.end() }
    }

    /// Closes the channel; does nothing the second time.
    package func end() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        context.close(promise: closed)
    }

    /// The channel is closed.
    package func channelHasClosed() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        closed.succeed()
    }
}
