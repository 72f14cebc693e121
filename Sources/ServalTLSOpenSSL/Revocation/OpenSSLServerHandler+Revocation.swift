import NIOCore

/// Handshakes that wait until somebody has said whether the client's certificate is revoked.
extension OpenSSLServerHandler {
    /// Has the host decide; the handshake goes on when it has, and other connections go on meanwhile.
    ///
    /// - Returns: Whether the handshake can go on now.
    func decideOnClient(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) -> Bool {
        switch connection.judgeClient(on: context.eventLoop) {
        case nil:
            return true
        case .decided(let verdict)?:
            connection.decide(verdict)
            return true
        case .open(let future)?:
            isLeft = true
            future.assumeIsolated().whenSuccess { verdict in
                guard self.isLeft, self.connection === connection else { return }
                connection.decide(verdict)
                self.comeBack(context)
            }
            return false
        }
    }

    /// The same for a session that was resumed from state at the server.
    ///
    /// - Returns: Whether the connection is open now; if not, it will be or has been closed.
    func decideOnResumption(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) -> Bool {
        switch connection.judgeResumedClient(on: context.eventLoop) {
        case nil, .decided(.accepted)?:
            return true
        case .decided(.refused(let error, _))?:
            fail(context, error)
            return false
        case .open(let future)?:
            isLeft = true
            future.assumeIsolated().whenSuccess { verdict in
                guard self.isLeft, self.phase == .handshake, self.connection === connection else { return }
                if case .refused(let error, _) = verdict { return self.fail(context, error) }
                self.open(context, connection)
                self.comeBack(context)
            }
            return false
        }
    }
}
