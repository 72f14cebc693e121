import NIOCore
import ServalTLS

/// The end of handshakes that are refused.
///
/// In TLS 1.3 a client is done before the server has seen its certificate: it sends its request and learns of the refusal from an alert that comes instead of
/// the answer. A socket that is closed meanwhile answers the request with RST, and the client tells of that, not of the alert. So only the server's side is
/// closed at first, and what the client still sends is read and thrown away.
extension OpenSSLServerHandler {
    struct Lingering {
        /// Of those who wait for the end of the channel.
        var promises: [EventLoopPromise<Void>] = []
        /// How many bytes are still taken.
        var budget = 262_144
    }

    /// How long a client may go on sending.
    private static let lingerLimit = TimeAmount.seconds(2)

    /// Whether there is somebody to be told; to be asked before anything is released.
    func mayLinger(after error: TLSError) -> Bool {
        switch phase {
        case .hello, .handshake: !hasInputEnded && error.code != .handshakeAborted && error.code != .handshakeTimeout
        case .open: !hasInputEnded && late.isUnderWay && error.code == .clientCertificateRejected
        case .plaintext, .closed: false
        }
    }

    func linger(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        lingering = Lingering(promises: [promise].compactMap { $0 })
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerLimit) {
            self.timer = nil
            self.endLingering(context)
        }
        let isShut = context.eventLoop.makePromise(of: Void.self)
        isShut.futureResult.assumeIsolated().whenFailure { _ in self.endLingering(context) }
        context.close(mode: .output, promise: isShut)
        context.read()
    }

    /// The channel is to be closed, and will be.
    func joinLingering(_ promise: EventLoopPromise<Void>?) {
        if let promise { lingering?.promises.append(promise) }
    }

    /// Something has come that nobody wants.
    func discard(_ context: ChannelHandlerContext, _ count: Int) {
        guard lingering != nil else { return }
        lingering?.budget -= count
        if lingering?.budget ?? 0 < 0 { endLingering(context) }
    }

    func endLingering(_ context: ChannelHandlerContext) {
        guard let promises = lingering?.promises else { return }
        lingering = nil
        timer?.cancel()
        timer = nil
        let closed = context.eventLoop.makePromise(of: Void.self)
        for promise in promises { closed.futureResult.cascade(to: promise) }
        context.close(promise: closed)
    }
}
