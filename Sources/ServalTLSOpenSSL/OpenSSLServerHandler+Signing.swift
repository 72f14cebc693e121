import NIOCore
import ServalKeyStore

/// Handshakes with keys that sign elsewhere.
extension OpenSSLServerHandler {
    /// Has the key sign on a thread of its own; the handshake goes on when it has, and other connections go on meanwhile.
    func sign(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection, _ request: SignatureRequest) {
        isSigning = true
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
        guard isSigning, phase == .handshake, self.connection === connection else { return }
        isSigning = false
        connection.signature(result)
        let waiting = held ?? ByteBuffer()
        held = nil
        process(context, waiting)
        switch phase {
        case .handshake where !isSigning: context.read()
        case .open where wantsPlaintext && !hasInputEnded && closing == nil: context.read()
        default: break
        }
    }

    func hold(_ bytes: ByteBuffer) {
        var bytes = bytes
        if held?.writeBuffer(&bytes) == nil { held = bytes }
    }
}
