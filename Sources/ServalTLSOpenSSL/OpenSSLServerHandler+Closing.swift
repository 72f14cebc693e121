import NIOCore

extension OpenSSLServerHandler {
    /// A close that waits for flushed writes and close_notify.
    struct Closing {
        var mode: CloseMode
        var promise: EventLoopPromise<Void>?
        /// How far things were when the time limit was last set.
        var mark: Progress
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
}
