import NIOCore
import ServalTLS

extension OpenSSLServerHandler {
    /// Half of how long a client may read nothing before a close goes on without it; longer if the close belongs to an answer that is just being sent.
    static let closeLimit = TimeAmount.seconds(3)

    /// A close that waits for flushed writes and close_notify.
    struct Closing {
        var mode: CloseMode
        var promise: EventLoopPromise<Void>?
        /// How far things were when the time limit was last set; nil before the first one.
        var mark: Progress?
        /// Half of how long the client may read nothing.
        var limit: TimeAmount
        /// Whether a time limit has passed without progress.
        ///
        /// The second one ends it; the first may be due to an event loop that was busy elsewhere.
        var isSuspect = false
    }

    /// Tells a slow client from one that has stopped reading.
    struct Progress: Equatable {
        var encrypted: Int
        /// Ciphertext that the socket has not taken yet.
        var waiting: Int
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is TLSAbandonment else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if phase == .open {
            release()
            sendOwed(context)
        }
        promise?.succeed()
    }

    /// Closes where there is no TLS that could say close_notify, or not yet.
    func closeWithoutTLS(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        // Who spoke plain HTTP may still be sending the request, and is to read the answer.
        let mayLinger = phase == .plaintext && !hasInputEnded
        release()
        sendOwed(context)
        if mayLinger { linger(context).join(promise) } else { context.close(mode: .all, promise: promise) }
    }

    /// Sees to it that a close that waits for its client does not wait for ever.
    func watchClosing(_ context: ChannelHandlerContext) {
        guard closing != nil, phase == .open, timer == nil else { return }
        closing?.mark = progress(context)
        startCloseTimer(context)
    }

    private func progress(_ context: ChannelHandlerContext) -> Progress {
        let waiting = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        return Progress(encrypted: encryptedBytes, waiting: waiting ?? 0)
    }

    private func startCloseTimer(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: closing?.limit ?? Self.closeLimit) {
            self.timer = nil
            guard var closing = self.closing, self.phase == .open else { return }
            let progress = self.progress(context)
            if closing.mark == progress, closing.isSuspect {
                closing.mode = .all
                self.closing = closing
                self.finishClosing(context)
            } else {
                closing.isSuspect = closing.mark == progress
                closing.mark = progress
                self.closing = closing
                self.startCloseTimer(context)
            }
        }
    }
}
