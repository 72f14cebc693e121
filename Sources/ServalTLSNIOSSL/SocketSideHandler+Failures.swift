#if NIOSSL
import NIOCore
import ServalTLS

/// Handshakes that fail.
extension SocketSideHandler {
    /// Adds what only this handler knows, and has a failed handshake told of.
    ///
    /// To be called before anything is released.
    func explain(_ context: ChannelHandlerContext, _ error: TLSError) -> TLSError {
        guard phase == .hello || phase == .handshake else { return error }
        var error = error
        if error.cause == nil { error.cause = error.code.cause }
        report(context, error)
        if phase == .handshake { error.message += "; server name [\(serverName ?? "none")], TLS host [\(host?.hostName ?? "none")]" }
        return error
    }

    /// Whether there is somebody to be told; to be asked before anything is released.
    func mayLinger(after error: TLSError) -> Bool {
        guard phase == .hello || phase == .handshake else { return false }
        return !hasInputEnded && error.code != .handshakeAborted && error.code != .handshakeTimeout
    }

    private func report(_ context: ChannelHandlerContext, _ error: TLSError) {
        guard let reporter else { return }
        let cause = error.cause ?? .other
        reporter.failed(cause, hostName: host?.hostName, on: context.eventLoop) {
            var failure = TLSHandshakeFailure(cause, reason: error.message)
            failure.setting = error.setting
            // The channel remembers it; the socket may have forgotten, if the client has gone.
            let client = context.channel.remoteAddress
            failure.clientAddress = client?.ipAddress
            failure.clientPort = client?.port
            failure.serverName = serverName
            failure.hostName = host?.hostName
            failure.offered = offer.map { TLSOffer($0, cipherName: CipherSuite.name(of:)) }
            failure.configured = host?.offer
            return failure
        }
    }

    /// What the client offers.
    var offer: ClientHelloReader.Offer? { hello?.withUnsafeReadableBytes(ClientHelloReader.offer) }

    // MARK: Words

    /// The client went away.
    var abortion: TLSError {
        let moment = phase == .handshake ? "during the handshake" : "before its ClientHello was complete"
        return TLSError(.handshakeAborted, "The client closed the connection \(moment)")
    }

    func timeout(_ limit: TimeAmount, hasHello: Bool) -> TLSError {
        let state =
            switch phase {
            case .hello where !hasHello: "the client sent nothing"
            case .hello: "the client's ClientHello is not complete"
            default: "the client did not answer, or the host's private key did not sign"
            }
        let seconds = Double(limit.nanoseconds) / 1e9
        var error = TLSError(.handshakeTimeout, "The handshake was not finished within \(seconds) seconds: \(state)")
        error.setting = "Connector connectionTimeout"
        return error
    }
}
#endif
