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
            let loop = context.eventLoop
            // The responder's time, which has a limit of its own, does not count as the client's: whoever uses up the one must not shorten the other.
            let rest = handshakeEnd - .now()
            if let limit = connection.longestJudgement { startHandshakeTimer(context, rest + limit) }
            future.assumeIsolated().whenSuccess { verdict in
                // Never at once, even if the verdict is there already: what is being read has not been put by yet.
                loop.assumeIsolated().execute {
                    guard self.isLeft, self.connection === connection else { return }
                    self.startHandshakeTimer(context, rest)
                    connection.decide(verdict)
                    self.comeBack(context)
                }
            }
            return false
        }
    }
}
