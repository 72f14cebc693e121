import NIOHTTP2
import ServalServlet

/// One stream of an HTTP/2 connection: a request and its response.
///
/// Unchecked for the same reasons as the connection: touched on the connection's event loop only, never while foreign code runs.
final class HTTP2Stream: @unchecked Sendable {
    enum Phase {
        /// For its turn.
        case waiting
        /// Inside the handler.
        case running
        /// The head of the response was sent.
        case responding
        /// The last frame of the response was handed over, or the stream was given up.
        case finished
    }

    let id: HTTP2StreamID
    @exclusivity(unchecked) var phase = Phase.waiting

    // The request.
    @exclusivity(unchecked) var request: Request?
    @exclusivity(unchecked) var requestState: RequestState?
    @exclusivity(unchecked) var runner: RequestRunner?
    @exclusivity(unchecked) var isHead = false
    @exclusivity(unchecked) var source: ReceivedBodySource?
    /// The client has sent everything.
    @exclusivity(unchecked) var isInputEnded = false
    /// The application does not keep up with the body.
    @exclusivity(unchecked) var isBodyPaused = false
    @exclusivity(unchecked) var owesContinue = false
    /// The bytes that the client may send.
    @exclusivity(unchecked) var inputWindow = 0
    @exclusivity(unchecked) var inputProgress = HTTP1ConnectionHandler.Progress()

    // The response.
    @exclusivity(unchecked) var status = 0
    @exclusivity(unchecked) var outgoing: HTTP2OutgoingBody?
    /// The bytes that the client takes; negative after it took some back.
    @exclusivity(unchecked) var outputWindow: Int
    /// Whether it stands in the connection's queue of streams that have something to send.
    @exclusivity(unchecked) var isQueued = false
    @exclusivity(unchecked) var sentBytes = 0
    /// For streamed bodies with a length: the bytes not written yet.
    @exclusivity(unchecked) var announcedRemaining: Int?
    @exclusivity(unchecked) var bytesSinceBreak = 0
    @exclusivity(unchecked) var writeWaiters: [UnsafeContinuation<Void, any Error>] = []
    @exclusivity(unchecked) var outputProgress = HTTP1ConnectionHandler.Progress()

    init(id: HTTP2StreamID, inputWindow: Int, outputWindow: Int) {
        self.id = id
        self.inputWindow = inputWindow
        self.outputWindow = outputWindow
    }

    /// Whether there is something to send that the client's window for this stream allows.
    var canSend: Bool {
        guard let outgoing else { return false }
        return outgoing.isEmpty ? outgoing.isComplete : self.outputWindow > 0 && !outgoing.isAwaitingDisk
    }

    /// Whether a response waits for the client.
    var isAwaitingWindow: Bool { self.outgoing.map { !$0.isEmpty && !$0.isAwaitingDisk } ?? false }

    /// Tells the access log how it ended, once.
    func complete(isComplete: Bool, now: UInt64) {
        guard let requestState else { return }
        self.requestState = nil
        requestState.complete(
            RequestCompletion(
                status: self.status,
                bodyBytes: self.sentBytes,
                nanoseconds: now &- requestState.startNanoseconds,
                isComplete: isComplete
            )
        )
    }

    /// The stream is gone: everybody who waits for it learns that.
    func lose(now: UInt64) {
        self.phase = .finished
        self.request = nil
        self.outgoing = nil
        self.source?.fail(ConnectionLostError())
        self.source = nil
        let waiters = self.writeWaiters
        self.writeWaiters = []
        for waiter in waiters { waiter.resume(throwing: ConnectionLostError()) }
        self.runner?.cancel()
        self.runner = nil
        self.complete(isComplete: false, now: now)
    }
}
