/// Where an HTTP/1.1 connection stands: what its incoming bytes belong to, and how far the current exchange is.
///
/// Free of I/O.
///
/// Legal ways:
/// - input: `head` → `body` → `complete` → `head`; without a body `head` → `complete`; `body` → `swallow` → `head` when the response is over first;
///   from everywhere → `discard`, when the connection is to be closed.
/// - exchange: `none` → `waiting` or `running` → `responding` → `none`.
struct HTTP1ConnectionState {
    enum Input {
        /// The next head.
        case head
        /// The body of the current request.
        case body
        /// A later request: it waits until the current exchange is over.
        case complete
        /// A body that nobody reads.
        case swallow
        /// Nothing: the connection is about to be closed.
        case discard
    }

    enum Exchange {
        case none
        /// For its turn.
        case waiting
        /// Inside the handler.
        case running
        /// Its body is being sent.
        case responding
    }

    /// What to do when an exchange is over.
    enum Next: Equatable {
        /// Read the next head, or what is left of the body first.
        case goOn
        /// Close; first read a while if the client may still be sending.
        case close(lingering: Bool)
    }

    private(set) var input = Input.head
    private(set) var exchange = Exchange.none
    /// Whether the connection outlives the current exchange.
    private(set) var keepsAlive = true
    private(set) var requests = 0
    /// The client will send no more.
    private(set) var isInputClosed = false
    /// Whether the client waits for `100 Continue` before it sends the body.
    private(set) var owesContinue = false

    var isIdle: Bool { self.exchange == .none && self.input == .head }

    /// A head was read.
    mutating func begin(hasBody: Bool, expectsContinue: Bool, wantsKeepAlive: Bool, maxRequests: Int) {
        self.requests += 1
        self.input = hasBody ? .body : .complete
        self.owesContinue = hasBody && expectsContinue
        self.exchange = .waiting
        self.keepsAlive = wantsKeepAlive && (maxRequests < 1 || self.requests < maxRequests)
    }

    /// It is the request's turn.
    mutating func run() { self.exchange = .running }

    /// `100 Continue` was sent, or the client began without.
    mutating func continueSent() { self.owesContinue = false }

    /// The end of the body was read.
    ///
    /// While nobody listened any more, the next head may come.
    mutating func bodyEnded() {
        self.owesContinue = false
        switch self.input {
        case .body: self.input = .complete
        case .swallow: self.input = .head
        case .head, .complete, .discard: break
        }
    }

    /// The head of the response is about to be written: whether it can say that the connection stays.
    ///
    /// - Parameter unreadFits: whether what is known to be unread of the body may be swallowed.
    mutating func respond(closes: Bool, unreadFits: Bool) -> Bool {
        self.exchange = .responding
        // A client that still waits for 100 may or may not send the body now: nobody can tell its bytes from the next request.
        if closes || self.owesContinue || self.isInputClosed && self.input == .body || self.input == .body && !unreadFits { self.keepsAlive = false }
        return self.keepsAlive
    }

    /// The connection will not outlive the exchange.
    mutating func giveUpKeepAlive() { self.keepsAlive = false }

    /// The last byte of the response was written.
    mutating func finish() -> Next {
        self.exchange = .none
        guard self.keepsAlive else {
            let lingers = self.input == .body
            self.input = .discard
            return .close(lingering: lingers)
        }
        switch self.input {
        case .body: self.input = .swallow
        case .complete: self.input = .head
        case .head, .swallow, .discard: break
        }
        return .goOn
    }

    /// Nothing that arrives matters any more.
    mutating func discard() {
        self.input = .discard
        self.keepsAlive = false
    }

    /// The client half-closed.
    mutating func inputClosed() { self.isInputClosed = true }
}
