import NIOCore
import ServalKeyStore

/// Handshakes with keys that sign elsewhere.
extension OpenSSLServerHandler {
    /// Has the key sign on a thread of its own; the handshake goes on when it has, and other connections go on meanwhile.
    func sign(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection, _ request: SignatureRequest) {
        isLeft = true
        let loop = context.eventLoop
        let here = NIOLoopBound((self, context, connection), eventLoop: loop)
        request.key.sign(request.input, request.operation) { result in
            loop.execute {
                let (handler, context, connection) = here.value
                handler.goOn(context, connection, with: result)
            }
        }
    }

    private func goOn(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection, with result: Result<[UInt8], KeyStoreError>) {
        guard isLeft, self.connection === connection else { return }
        connection.signature(result)
        comeBack(context)
    }

    /// Goes on with a handshake that was left, with what has come meanwhile.
    func comeBack(_ context: ChannelHandlerContext) {
        guard isLeft, phase == .handshake || phase == .open else { return }
        isLeft = false
        let waiting = held ?? ByteBuffer()
        held = nil
        process(context, waiting)
        if hasEndWaiting, !isLeft {
            hasEndWaiting = false
            userInboundEventTriggered(context: context, event: ChannelEvent.inputClosed)
        }
        // Whoever works on what has come when a read is complete has not been told.
        channelReadComplete(context: context)
    }

    func hold(_ bytes: ByteBuffer) {
        var bytes = bytes
        if held?.writeBuffer(&bytes) == nil { held = bytes }
    }
}
