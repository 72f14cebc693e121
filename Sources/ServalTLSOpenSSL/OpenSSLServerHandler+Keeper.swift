import NIOCore
import ServalTLS

/// When things are sent, and the time of the handshake: with a keeper, its business.
extension OpenSSLServerHandler: KeptTLSHandler {
    // MARK: Sending

    /// Has what was written sent, with everything else that the bytes just read give rise to: a ticket with the first answer, an answer with close_notify.
    func flushSocket(_ context: ChannelHandlerContext) { if isInRead { owesFlush = true } else { flushNow(context) } }

    /// Has all of it sent.
    func flushNow(_ context: ChannelHandlerContext) {
        writeUnsent(context, nil)
        context.flush()
    }

    /// All that has arrived has been worked on.
    func endRead(_ context: ChannelHandlerContext) {
        isInRead = false
        guard owesFlush, !isGathered else { return }
        guard let keeper else { return sendOwed(context) }
        isGathered = true
        keeper.gather(self)
    }

    func flushOwed() {
        isGathered = false
        if let context { sendOwed(context) }
    }

    /// Sends what waits for the end of a read, or of a turn of the loop.
    func sendOwed(_ context: ChannelHandlerContext) {
        guard owesFlush else { return }
        owesFlush = false
        flushNow(context)
    }

    // MARK: Time

    var handshakeTimeout: TimeAmount { server.handshakeTimeout }

    /// Gives a handshake that begins its time.
    func startTimer(_ context: ChannelHandlerContext) {
        if phase == .hello, handshakeEnd == .distantFuture { startHandshakeTimer(context, server.handshakeTimeout) }
    }

    /// Gives the handshake so much time from now.
    func startHandshakeTimer(_ context: ChannelHandlerContext, _ time: TimeAmount) {
        handshakeEnd = .now() + time
        guard keeper == nil else { return }
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.handshakeTimePassed(context) }
    }

    func checkHandshakeTime(now: NIODeadline) {
        guard now >= handshakeEnd, let context else { return }
        handshakeTimePassed(context)
    }

    private func handshakeTimePassed(_ context: ChannelHandlerContext) {
        switch phase {
        case .hello, .handshake:
            fail(context, timeout(server.handshakeTimeout))
        case .plaintext:
            phase = .closed
            context.close(promise: nil)
        case .open, .closed:
            break
        }
    }
}
