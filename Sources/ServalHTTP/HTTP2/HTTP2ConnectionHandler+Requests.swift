import HTTPTypes
import Logging
import NIOCore
import NIOHPACK
import NIOHTTP2
import ServalServlet

// From frames to requests.
extension HTTP2ConnectionHandler {
    // MARK: Heads

    func receiveHeaders(_ headers: HTTP2Frame.FramePayload.Headers, on id: HTTP2StreamID) {
        if let stream = self.streams[id] { return self.receiveTrailers(headers, on: stream) }
        if self.ignoreFrame(on: id, endsStream: headers.endStream) { return }
        self.lastStreamID = max(self.lastStreamID, id)
        guard self.streams.count < self.http2.configuration.maxConcurrentStreams else {
            self.loop.refusals.increment()
            return self.reset(id, .refusedStream, isInputEnded: headers.endStream)
        }
        let stream = HTTP2Stream(id: id, inputWindow: self.http2.configuration.initialWindowSize, outputWindow: self.initialOutputWindow)
        stream.isInputEnded = headers.endStream
        self.streams[id] = stream
        switch self.http2.mapper.request(headers.headers) {
        case .request(let mapped):
            self.begin(stream, mapped)
        case .refused(let refusal):
            stream.isHead = headers.headers.first(name: ":method") == "HEAD"
            self.refuse(stream, refusal)
        case .malformed(let reason):
            self.loop.refusals.increment()
            self.runtime.logger.debug(
                "malformed request",
                metadata: ["client": "\(self.info.remoteAddress)", "stream": "\(Int(id))", "reason": "\(reason)"]
            )
            self.reset(stream, .protocolError)
        }
    }

    private func begin(_ stream: HTTP2Stream, _ mapped: HTTP2RequestMapper.MappedHead) {
        stream.isHead = mapped.method == .head
        if let refusal = self.refusal(of: mapped) { return self.refuse(stream, refusal) }
        let canRun = self.executing < self.http2.configuration.maxConcurrentStreamExecution
        let hasTurn = canRun && self.runtime.gate.tryEnter()
        let requestState = RequestState(
            head: mapped.head,
            method: mapped.method,
            body: stream.isInputEnded ? .empty : self.makeBody(of: stream, expectsContinue: mapped.expectsContinue, isPaused: !hasTurn),
            connection: self.info,
            startNanoseconds: self.readTime == 0 ? MonotonicClock.now() : self.readTime
        )
        stream.requestState = requestState
        stream.request = Request(state: requestState)
        self.loop.requests.increment()
        if hasTurn {
            self.start(stream)
        } else if canRun {
            self.executing += 1
            self.runtime.gate.wait { self.loop.loop.execute { self.takeTurn(stream) } }
        } else {
            self.waiting.append(stream)
        }
    }

    /// What is well-formed and refused nevertheless.
    private func refusal(of mapped: HTTP2RequestMapper.MappedHead) -> RequestRefusal? {
        if mapped.method == .trace, !self.runtime.configuration.allowTrace { return RequestRefusal(405, "TRACE is not allowed") }
        guard self.hosts != nil, self.hosts?.admits(mapped.head) == false else { return nil }
        self.hosts?.report(mapped.head, status: 421, to: self.runtime.handshakes, channel: self.context?.channel)
        return RequestRefusal(421, "the host of the request does not belong to this TLS connection")
    }

    private func start(_ stream: HTTP2Stream) {
        self.executing += 1
        self.run(stream)
    }

    private func run(_ stream: HTTP2Stream) {
        stream.phase = .running
        if stream.owesContinue, self.runtime.configuration.continueResponseTiming == .immediately { self.sendContinue(stream) }
        let runner = self.loop.takeRunner()
        stream.runner = runner
        runner.run(.stream(stream, of: self))
    }

    /// It is the turn of a request that had to wait for a place among the connector's.
    private func takeTurn(_ stream: HTTP2Stream) {
        guard stream.phase == .waiting else {
            self.runtime.gate.leave()
            return self.taskEnded()
        }
        self.run(stream)
    }

    /// A place among this connection's requests is free.
    func taskEnded() {
        self.executing -= 1
        while self.executing < self.http2.configuration.maxConcurrentStreamExecution, let stream = self.waiting.popFirst() {
            guard stream.phase == .waiting else { continue }
            if self.runtime.gate.tryEnter() {
                self.start(stream)
            } else {
                self.executing += 1
                self.runtime.gate.wait { self.loop.loop.execute { self.takeTurn(stream) } }
            }
        }
    }

    // MARK: Bodies

    /// - Parameter isPaused: the request has to wait; the client gets no further window before somebody reads.
    private func makeBody(of stream: HTTP2Stream, expectsContinue: Bool, isPaused: Bool) -> RequestBody {
        stream.owesContinue = expectsContinue
        stream.isBodyPaused = isPaused || expectsContinue && self.runtime.configuration.continueResponseTiming == .onRead
        let source = ReceivedBodySource(isPaused: stream.isBodyPaused) { [weak self, weak stream] in
            guard let self, let stream else { return }
            self.bodyWanted(stream)
        }
        stream.source = source
        return RequestBody(source: source)
    }

    /// The application reads on; called from any thread.
    private func bodyWanted(_ stream: HTTP2Stream) {
        guard self.loop.loop.inEventLoop else { return self.loop.loop.execute { self.bodyWanted(stream) } }
        guard !self.isLost, stream.source != nil else { return }
        stream.isBodyPaused = false
        if stream.owesContinue { self.sendContinue(stream) }
        self.credit(stream)
        self.scheduleFlush()
    }

    private func sendContinue(_ stream: HTTP2Stream) {
        stream.owesContinue = false
        guard !stream.isInputEnded else { return }
        self.write(stream.id, .headers(.init(headers: [":status": "100"])))
        self.scheduleFlush()
    }

    func receiveData(_ data: HTTP2Frame.FramePayload.Data, on id: HTTP2StreamID) {
        guard let stream = self.streams[id] else {
            _ = self.ignoreFrame(on: id, endsStream: data.endStream)
            return
        }
        stream.owesContinue = false
        if data.endStream { stream.isInputEnded = true }
        guard let source = stream.source else { return }
        if case .byteBuffer(let buffer) = data.data, buffer.readableBytes > 0 {
            stream.inputProgress.bytes += buffer.readableBytes
            let goesOn = source.put(Array(buffer.readableBytesView)[...])
            if !goesOn { stream.isBodyPaused = true }
        }
        if data.endStream {
            source.end(trailers: HeaderFields())
            stream.source = nil
        }
    }

    private func receiveTrailers(_ headers: HTTP2Frame.FramePayload.Headers, on stream: HTTP2Stream) {
        stream.isInputEnded = true
        let source = stream.source.take()
        guard let trailers = self.http2.mapper.trailers(headers.headers) else {
            source?.fail(HTTPError(.badRequest, "The trailer fields are malformed."))
            return self.reset(stream, .protocolError)
        }
        source?.end(trailers: trailers)
    }

    /// The body is too slow: who reads it learns that and can answer.
    func failBody(of stream: HTTP2Stream, _ error: any Error) {
        stream.source?.fail(error)
        stream.source = nil
    }

    // MARK: Windows for clients

    /// Bodies on all streams together have taken from the connection's window, which is given back at once: each stream has a window of its own.
    func creditConnection(_ window: Int) {
        let target = self.http2.connectionWindow
        guard window <= target / 2, !self.isClosing else { return }
        self.write(.rootStream, .windowUpdate(windowSizeIncrement: target - window))
        self.scheduleFlush()
    }

    func inputWindowChanged(of id: HTTP2StreamID, to window: Int) {
        guard let stream = self.streams[id] else { return }
        stream.inputWindow = window
        self.credit(stream)
    }

    /// Lets the client send more, if the application keeps up.
    private func credit(_ stream: HTTP2Stream) {
        let target = self.http2.configuration.initialWindowSize
        guard stream.source != nil, !stream.isInputEnded, !stream.isBodyPaused, stream.inputWindow <= target / 2 else { return }
        let increment = target - stream.inputWindow
        guard increment > 0 else { return }
        stream.inputWindow = target
        self.write(stream.id, .windowUpdate(windowSizeIncrement: increment))
        self.scheduleFlush()
    }
}
