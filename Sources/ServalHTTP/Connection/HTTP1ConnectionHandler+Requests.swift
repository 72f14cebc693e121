import HTTPTypes
import NIOCore
import ServalServlet

// From bytes to requests.
extension HTTP1ConnectionHandler {
    /// Later requests are buffered up to this many bytes while one is being answered.
    static let maxPipelinedBytes = 16384
    /// A body up to this size that has arrived as a whole is handed over as a whole.
    static let maxWholeBody = 65536

    /// Whether bytes from the client are of use now; otherwise its packets fill the system's buffers and it has to wait.
    var wantsInput: Bool {
        switch self.state.input {
        case .head, .complete:
            guard let input = self.input else { return true }
            return input.readableBytes < max(Self.maxPipelinedBytes, self.runtime.syntax.maxHeadSize)
        case .body: return !self.isBodyPaused
        case .swallow: return true
        case .discard: return self.state.exchange == .none
        }
    }

    func resumeReading() {
        guard self.isReadHeld, self.wantsInput else { return }
        self.isReadHeld = false
        self.context?.read()
    }

    /// Uses what has arrived, as far as possible now.
    func process() {
        guard !self.isProcessing else { return }
        self.isProcessing = true
        var goesOn = true
        while goesOn, let count = self.input?.readableBytes, count > 0 {
            switch self.state.input {
            case .head: goesOn = self.state.exchange == .none && self.canWrite && self.readHead()
            case .body, .swallow: goesOn = self.readBody()
            case .complete: goesOn = false
            case .discard: self.input = nil
            }
        }
        self.isProcessing = false
        if self.input?.readableBytes == 0 { self.input = nil }
        if self.state.isInputClosed { self.processInputEnd() }
    }

    var canWrite: Bool { self.channel?.isWritable ?? false }

    // MARK: Heads

    /// Reads one head, and starts its request; false if it is not complete.
    @inline(__always)
    private func readHead() -> Bool {
        let outcome = self.input?.withUnsafeReadableBytes { self.parser.parse($0.bindMemory(to: UInt8.self)) } ?? .incomplete
        switch outcome {
        case .head(let parsed):
            self.input?.moveReaderIndex(forwardBy: parsed.consumed)
            if self.runtime.offersUpgrade, self.upgrade(parsed) { return false }
            self.begin(parsed)
            return true
        case .incomplete:
            if self.deadlineKind == .idle {
                self.setDeadline(.head, now: self.readTime == 0 ? MonotonicClock.now() : self.readTime, after: self.runtime.headTimeout)
            }
            return false
        case .refused(let refusal):
            if refusal.status == 505, self.hasHTTP2Preface { self.changeToHTTP2() } else { self.refuse(refusal) }
            return false
        }
    }

    @inline(__always)
    private func begin(_ parsed: ParsedHead) {
        self.deadline = .max
        self.deadlineKind = .head
        let configuration = self.runtime.configuration
        self.isHead = parsed.method == .head
        self.isHTTP11 = parsed.head.version == .http11
        self.saysKeepAlive = parsed.saysKeepAlive
        self.responseStatus = 0
        self.sentBodyBytes = 0
        self.state.begin(
            hasBody: parsed.framing != .none,
            expectsContinue: parsed.expectsContinue,
            wantsKeepAlive: parsed.isKeepAlive && !self.loop.isDraining,
            maxRequests: configuration.maxKeepAliveRequests
        )
        if let refusal = self.refusal(of: parsed) { return self.refuse(refusal) }
        let hasTurn = self.runtime.gate.tryEnter()
        let body = parsed.framing == .none ? RequestBody.empty : self.makeBody(parsed.framing, isPaused: !hasTurn)
        let requestState = RequestState(
            head: parsed.head,
            method: parsed.method,
            body: body,
            connection: self.info,
            startNanoseconds: self.readTime == 0 ? MonotonicClock.now() : self.readTime
        )
        self.requestState = requestState
        self.request = Request(state: requestState)
        self.loop.requests.increment()
        if hasTurn {
            self.start()
        } else {
            self.runtime.gate.wait { self.loop.loop.execute { self.takeTurn() } }
        }
    }

    /// What is well-formed and refused nevertheless.
    @inline(__always)
    private func refusal(of parsed: ParsedHead) -> RequestRefusal? {
        if parsed.method == .trace, !self.runtime.configuration.allowTrace { return RequestRefusal(405, "TRACE is not allowed") }
        guard self.hosts != nil, self.hosts?.admits(parsed.head) == false else { return nil }
        self.hosts?.report(parsed.head, status: 400, to: self.runtime.handshakes, channel: self.channel)
        return RequestRefusal(400, "the host of the request does not belong to this TLS connection")
    }

    @inline(__always)
    private func start() {
        self.state.run()
        let runner = self.loop.takeRunner()
        self.runner = runner
        runner.run(.request(of: self))
    }

    /// It is the turn of a request that had to wait for a place inside.
    private func takeTurn() {
        guard !self.isLost, self.state.exchange == .waiting else { return self.runtime.gate.leave() }
        self.start()
    }

    // MARK: Bodies

    /// - Parameter isPaused: the request has to wait; nothing of its body is read before somebody asks.
    private func makeBody(_ framing: BodyFraming, isPaused: Bool) -> RequestBody {
        self.isBodyPaused = isPaused
        self.swallowedBytes = 0
        self.bodyProgress = Progress()
        switch framing {
        case .none:
            return .empty
        case .length(let length):
            if !isPaused, length <= Self.maxWholeBody, let bytes = self.input?.readBytes(length: length) {
                self.state.bodyEnded()
                return .bytes(bytes)
            }
            self.bodyRemaining = length
            self.decoder = nil
        case .chunked:
            self.bodyRemaining = 0
            let configuration = self.runtime.configuration
            self.decoder = ChunkedBodyDecoder(
                maxExtensionSize: configuration.maxExtensionSize,
                maxTrailerSize: configuration.maxTrailerSize,
                syntax: self.runtime.syntax
            )
        }
        if self.state.owesContinue, self.input.map({ $0.readableBytes > 0 }) ?? false { self.state.continueSent() }
        if self.state.owesContinue {
            if !isPaused, self.runtime.configuration.continueResponseTiming == .immediately { self.sendContinue() } else { self.isBodyPaused = true }
        }
        let source = ReceivedBodySource(isPaused: self.isBodyPaused) { [weak self] in self?.bodyWanted() }
        self.source = source
        return RequestBody(source: source)
    }

    /// The application reads on; called from any thread.
    private func bodyWanted() {
        guard self.loop.loop.inEventLoop else { return self.loop.loop.execute { self.bodyWanted() } }
        guard !self.isLost, self.state.input == .body else { return }
        self.isBodyPaused = false
        if self.state.owesContinue { self.sendContinue() }
        self.process()
        self.resumeReading()
    }

    private func sendContinue() {
        self.state.continueSent()
        self.loop.claimOutput(for: self)
        self.loop.output.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        self.flush()
    }

    /// Takes what has arrived of the body; false if there is nothing to do before more arrives or somebody reads.
    private func readBody() -> Bool {
        let isSwallowing = self.state.input == .swallow
        guard isSwallowing || !self.isBodyPaused else { return false }
        if self.state.owesContinue { self.state.continueSent() }
        let taken: [UInt8]
        var hasEnded = false
        var failure: RequestRefusal?
        if self.decoder != nil {
            (taken, hasEnded, failure) = self.decodeChunks()
        } else {
            let count = min(self.bodyRemaining, self.input?.readableBytes ?? 0)
            if isSwallowing {
                self.input?.moveReaderIndex(forwardBy: count)
                self.swallowedBytes += count
                taken = []
            } else {
                taken = self.input?.readBytes(length: count) ?? []
            }
            self.bodyRemaining -= count
            self.bodyProgress.bytes += count
            hasEnded = self.bodyRemaining == 0
        }
        if !isSwallowing, !taken.isEmpty, let source = self.source { self.isBodyPaused = !source.put(taken[...]) }
        if let failure {
            self.failBody(HTTPError(.badRequest, failure.reason.description))
            return false
        }
        if hasEnded {
            self.source?.end(trailers: self.decoder?.trailers ?? HeaderFields())
            self.source = nil
            self.decoder = nil
            self.state.bodyEnded()
            if isSwallowing { self.setDeadline(.idle, now: MonotonicClock.now(), after: self.runtime.keepAliveTimeout) }
        } else if isSwallowing, self.swallowedBytes > self.runtime.maxSwallowSize {
            self.close(lingering: true)
            return false
        }
        return true
    }

    /// Everything that the chunks in ``input`` hold, as one piece.
    private func decodeChunks() -> (bytes: [UInt8], hasEnded: Bool, failure: RequestRefusal?) {
        guard let input = self.input, var decoder = self.decoder.take() else { return ([], false, nil) }
        var bytes: [UInt8] = []
        var index = 0
        var hasEnded = false
        var failure: RequestRefusal?
        input.withUnsafeReadableBytes { raw in
            let buffer = raw.bindMemory(to: UInt8.self)
            bytes.reserveCapacity(buffer.count)
            while true {
                let step = decoder.next(buffer, &index)
                if case .data(let count) = step {
                    bytes.append(contentsOf: buffer[(index - count)..<index])
                    continue
                }
                if case .end = step { hasEnded = true }
                if case .refused(let refusal) = step { failure = refusal }
                break
            }
        }
        self.decoder = decoder
        self.input?.moveReaderIndex(forwardBy: index)
        self.bodyProgress.bytes += index
        if self.state.input == .swallow { self.swallowedBytes += index }
        return (bytes, hasEnded, failure)
    }

    /// The body is broken: who reads it learns that, and what follows cannot be understood.
    func failBody(_ error: any Error) {
        self.source?.fail(error)
        self.source = nil
        self.input = nil
        if self.state.exchange == .none {
            self.close(lingering: true)
        } else {
            self.state.discard()
        }
    }

    // MARK: The end of input

    /// The client sends no more: it may have gone, or wait for its answer.
    func inputClosed() {
        self.state.inputClosed()
        if self.state.input == .discard, self.state.exchange == .none {
            // Everything was said and the client knows.
            if self.isLingering { self.context?.close(promise: nil) }
            return
        }
        self.process()
        self.flush()
    }

    private var isLingering: Bool { self.isClosing && self.deadlineKind == .linger }

    /// Decides what can still happen after what has arrived was used.
    private func processInputEnd() {
        guard !self.isClosing, !self.isLost else { return }
        switch (self.state.input, self.state.exchange) {
        case (.body, _) where self.isBodyPaused && self.input != nil:
            break
        case (.body, _):
            self.failBody(HTTPError(.badRequest, "The request body ended early."))
            self.runner?.cancel()
        case (_, .none):
            // A head or a swallowed body that will never be complete; or nothing at all.
            if self.canWrite || self.input == nil { self.close(lingering: false) }
        default:
            // Half-closed by a client that waits for its answer, or gone: an answer that comes soon is sent, after that the work is not worth doing.
            if self.deadlineKind != .halfClosed { self.setDeadline(.halfClosed, now: MonotonicClock.now(), after: 5_000_000_000) }
        }
    }
}
