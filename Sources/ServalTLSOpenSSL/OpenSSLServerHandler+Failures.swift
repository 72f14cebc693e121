import NIOCore
import ServalTLS

/// Handshakes that fail.
extension OpenSSLServerHandler {
    /// A socket that fails during the handshake has been reset by the client, or by whoever stands between; nobody else would tell of it.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard phase == .handshake || (phase == .hello && hello != nil), error is IOError else { return context.fireErrorCaught(error) }
        fail(context, abortion)
    }

    /// Reports `error` and closes without further words but the alert.
    func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
        guard phase != .closed else { return }
        let mayLinger = mayLinger(after: error)
        let explained = explain(context, error)
        let closePromise = closing?.promise
        closing = nil
        connection?.keepSession()
        release()
        // The alert.
        sendOwed(context)
        if mayLinger { linger(context).join(closePromise) }
        context.fireErrorCaught(explained)
        if !mayLinger { context.close(promise: closePromise) }
    }

    /// Whether there is somebody to be told; to be asked before anything is released.
    private func mayLinger(after error: TLSError) -> Bool {
        switch phase {
        case .hello, .handshake: !hasInputEnded && error.code != .handshakeAborted && error.code != .handshakeTimeout
        case .open: !hasInputEnded && late.isUnderWay && error.code == .clientCertificateRejected
        case .plaintext, .closed: false
        }
    }

    /// Adds what only this handler knows, and has a failed handshake told of.
    ///
    /// To be called before anything is released.
    func explain(_ context: ChannelHandlerContext, _ error: TLSError) -> TLSError {
        // A certificate that was asked for after the handshake belongs to it all the same.
        let isLate = phase == .open && late.isUnderWay && error.code == .clientCertificateRejected
        guard phase == .hello || phase == .handshake || isLate else { return error }
        var error = error
        if let connection, let offer, error.code == .noSharedCipher || error.code == .noSharedProtocol {
            error = HandshakeDiagnosis(offer: offer, host: connection.host).refined(error)
        }
        if error.cause == nil { error.cause = error.code.cause }
        report(context, error)
        if phase != .hello {
            error.message += "; server name [\(serverName ?? "none")], TLS host [\(connection?.host.hostName ?? "none")]"
        }
        return error
    }

    func report(_ context: ChannelHandlerContext, _ error: TLSError) {
        guard let reporter else { return }
        let cause = error.cause ?? .other
        reporter.failed(cause, hostName: connection?.host.hostName, on: context.eventLoop) {
            var failure = TLSHandshakeFailure(cause, reason: error.message)
            failure.setting = error.setting
            // The channel remembers it; the socket may have forgotten, if the client has gone.
            let client = context.channel.remoteAddress
            failure.clientAddress = client?.ipAddress
            failure.clientPort = client?.port
            failure.serverName = serverName
            failure.hostName = connection?.host.hostName
            failure.alertSent = connection?.alertSent.map(OpenSSLFailure.name(ofAlert:))
            failure.alertReceived = connection?.alertReceived.map(OpenSSLFailure.name(ofAlert:))
            failure.offered = offer.map { TLSOffer($0, cipherName: CipherCatalog.name(of:)) }
            failure.configured = connection?.host.offer
            return failure
        }
    }

    private var offer: ClientHelloReader.Offer? { hello?.withUnsafeReadableBytes(ClientHelloReader.offer) }

    // MARK: Words

    /// The client went away.
    var abortion: TLSError {
        switch phase {
        case .handshake where hasAnswered:
            TLSError(
                .handshakeAborted,
                "The client closed the connection after it had been shown the host's certificate; many clients do so when they do not trust it"
            )
        case .handshake: TLSError(.handshakeAborted, "The client closed the connection during the handshake")
        default: TLSError(.handshakeAborted, "The client closed the connection before its ClientHello was complete")
        }
    }

    func timeout(_ limit: TimeAmount) -> TLSError {
        let seconds = Double(limit.nanoseconds) / 1e9
        let state =
            switch phase {
            case .hello where hello == nil: "the client sent nothing"
            case .hello: "the client's ClientHello is not complete"
            default: isLeft ? "the host's private key did not sign, or no OCSP responder answered" : "the client did not answer"
            }
        return TLSError(.handshakeTimeout, "The handshake was not finished within \(seconds) seconds: \(state)")
            .because(.timeout, decidedBy: "Connector connectionTimeout")
    }
}
