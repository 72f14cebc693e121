import HTTPTypes
import Logging
import NIOCore
import NIOHPACK
import NIOHTTP2
import ServalServlet

// From responses to frames.
extension HTTP2ConnectionHandler {
    /// The most bytes of a DATA frame of a connection that has others to send, too: the size that every client takes.
    private static let frameSize = 16384
    /// The bytes that are handed to the socket between two looks at what it takes.
    private static let flushSize = 65536
    /// A writer waits when so many bytes wait for the client's window.
    private static let bufferLimit = 32768

    /// Answers the request of a stream; the body of its task, which is on the loop already.
    @inline(__always)
    nonisolated(nonsending) func respond(_ stream: HTTP2Stream) async {
        if let request = stream.request.take() {
            let response = await self.runtime.handler.respond(to: request)
            if !self.loop.loop.inEventLoop { await self.hopToLoop() }
            if case .stream(let length, let body) = response.body.storage, self.beginStream(response, length: length, on: stream) {
                await self.write(body, on: stream)
            } else if stream.phase == .running {
                self.send(response, on: stream)
            }
        }
        self.runtime.gate.leave()
        if !self.loop.loop.inEventLoop { await self.hopToLoop() }
        self.taskEnded()
    }

    private func hopToLoop() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            self.loop.loop.execute { continuation.resume() }
        }
    }

    // MARK: Heads

    private func makeFields(_ response: Response, length: Int?, on stream: HTTP2Stream) -> HPACKHeaders? {
        let date = self.loop.dateText(now: self.readTime == 0 ? MonotonicClock.now() : self.readTime)
        let made = self.http2.responses.make(response, length: length, takesContentLength: stream.isHead && length == 0, date: date)
        guard let head = made else {
            self.runtime.logger.error(
                "a response head is larger than maxHttpResponseHeaderSize",
                metadata: ["path": "\(stream.requestState.map { String(decoding: $0.head.bytes[$0.head.target], as: UTF8.self) } ?? "")"]
            )
            return nil
        }
        stream.phase = .responding
        stream.status = response.status.code
        if head.closes { self.drain() }
        return self.sendable(head, of: stream, endsIt: false)
    }

    /// The list that swift-nio-http2 is given; it sends each in one frame, so another one stands in for a large one.
    private func sendable(_ head: HTTP2ResponseFields.Head, of stream: HTTP2Stream, endsIt: Bool) -> HPACKHeaders? {
        guard head.isLarge else { return head.fields }
        let block = HTTP2LargeHeaderBlock(head.fields, isHead: !endsIt)
        return self.frameGuard?.expect(block, on: stream.id) ?? false ? block.substitute : nil
    }

    private func send(_ response: Response, on stream: HTTP2Stream) {
        var response = response
        if response.status.code < 200 {
            self.runtime.logger.error("an application answered with an interim status", metadata: ["status": "\(response.status.code)"])
            response = Response(.internalServerError)
        }
        let code = response.status.code
        let hasBody = code != 204 && code != 304
        guard let fields = self.makeFields(response, length: hasBody ? response.body.length : nil, on: stream) else {
            return self.writeRefusal(RequestRefusal(500, "response head too large"), on: stream)
        }
        guard hasBody, !stream.isHead else { return self.end(stream, .headers(.init(headers: fields, endStream: true))) }
        switch response.body.storage {
        case .bytes(let bytes) where !bytes.isEmpty: stream.outgoing = HTTP2OutgoingBody(bytes: bytes)
        case .file(let file, let offset, let length) where length > 0:
            stream.outgoing = HTTP2OutgoingBody(file: file, offset: offset, length: length)
        default: return self.end(stream, .headers(.init(headers: fields, endStream: true)))
        }
        self.write(stream.id, .headers(.init(headers: fields)))
        self.enqueue(stream)
        self.pump()
    }

    /// Answers a request that cannot be handled.
    func refuse(_ stream: HTTP2Stream, _ refusal: RequestRefusal) {
        self.loop.refusals.increment()
        self.runtime.logger.debug(
            "request refused",
            metadata: ["client": "\(self.info.remoteAddress)", "status": "\(refusal.status)", "reason": "\(refusal.reason)"]
        )
        self.writeRefusal(refusal, on: stream)
    }

    private func writeRefusal(_ refusal: RequestRefusal, on stream: HTTP2Stream) {
        let text = Array("\(refusal.reason)\n".utf8)
        var response = Response(.init(code: refusal.status), headers: [.contentType: "text/plain; charset=utf-8"], body: .bytes(text))
        if refusal.status == 405 { response.headers[.allow] = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH" }
        stream.phase = .responding
        stream.status = refusal.status
        let date = self.loop.dateText(now: MonotonicClock.now())
        let head = self.http2.responses.make(response, length: text.count, takesContentLength: false, date: date)
        guard let fields = head.flatMap({ self.sendable($0, of: stream, endsIt: false) }) else { return self.reset(stream, .internalError) }
        guard !stream.isHead else { return self.end(stream, .headers(.init(headers: fields, endStream: true))) }
        stream.outgoing = HTTP2OutgoingBody(bytes: text)
        self.write(stream.id, .headers(.init(headers: fields)))
        self.enqueue(stream)
        self.pump()
    }

    // MARK: Bodies

    func enqueue(_ stream: HTTP2Stream) {
        guard !stream.isQueued, stream.canSend else { return }
        stream.isQueued = true
        self.ready.append(stream)
    }

    /// Sends what windows and socket take, one frame of each stream in turn.
    func pump() {
        guard !self.isPumping, let context = self.context else { return }
        self.isPumping = true
        var (total, unflushed) = (0, 0)
        while let stream = self.ready.first, context.channel.isWritable {
            guard total < HTTP1ConnectionHandler.fairShare else {
                self.loop.loop.execute { self.pump() }
                break
            }
            if let outgoing = stream.outgoing, !outgoing.isEmpty, self.outputWindow <= 0 { break }
            self.ready.removeFirst()
            stream.isQueued = false
            guard stream.canSend else { continue }
            let most = min(stream.outputWindow, self.outputWindow, self.ready.isEmpty ? Self.flushSize : Self.frameSize)
            let count = self.sendPiece(of: stream, upTo: most)
            total += count
            unflushed += count
            if unflushed >= Self.flushSize {
                unflushed = 0
                context.flush()
            }
        }
        self.isPumping = false
        self.scheduleFlush()
    }

    /// Sends the next DATA frame of a stream.
    ///
    /// - Returns: its size.
    private func sendPiece(of stream: HTTP2Stream, upTo limit: Int) -> Int {
        let piece: ByteBuffer
        switch stream.outgoing?.next(upTo: max(0, limit)) {
        case .bytes(let bytes): piece = bytes
        case .onDisk(let missing):
            self.read(missing, for: stream)
            return 0
        case .missing, nil:
            self.giveUpShortFile(of: stream)
            return 0
        }
        let count = piece.readableBytes
        stream.outputWindow -= count
        self.outputWindow -= count
        stream.sentBytes += count
        stream.outputProgress.bytes += count
        let isLast = stream.outgoing.map { $0.isComplete && $0.isEmpty } ?? true
        guard isLast else {
            self.write(stream.id, .data(.init(data: .byteBuffer(piece))))
            self.enqueue(stream)
            self.resumeWriters(of: stream)
            return count
        }
        if let trailers = stream.outgoing?.trailers {
            if count > 0 { self.write(stream.id, .data(.init(data: .byteBuffer(piece)))) }
            if let fields = self.sendable(trailers, of: stream, endsIt: true) {
                self.end(stream, .headers(.init(headers: fields, endStream: true)))
            } else {
                self.reset(stream, .internalError)
            }
        } else {
            self.end(stream, .data(.init(data: .byteBuffer(piece), endStream: true)))
        }
        return count
    }

    /// Reads on when the disk has answered; other streams go on meanwhile.
    private func read(_ piece: FilePiece, for stream: HTTP2Stream) {
        piece.read(ByteBufferAllocator(), on: self.loop.loop) { bytes in
            guard stream.outgoing != nil else { return }
            guard bytes.readableBytes > 0 else { return self.giveUpShortFile(of: stream) }
            stream.outgoing?.arrived(bytes)
            self.enqueue(stream)
            self.pump()
        }
    }

    private func giveUpShortFile(of stream: HTTP2Stream) {
        self.runtime.logger.warning("a file became shorter while it was being sent")
        self.reset(stream, .internalError)
    }

    /// Writes the last frame of a response.
    private func end(_ stream: HTTP2Stream, _ payload: HTTP2Frame.FramePayload) {
        stream.phase = .finished
        stream.runner = nil
        stream.outgoing = nil
        stream.source?.fail(ConnectionLostError())
        stream.source = nil
        stream.complete(isComplete: true, now: MonotonicClock.now())
        if stream.isInputEnded {
            self.write(stream.id, payload)
        } else if let context = self.context {
            // What is left of the body is of no use: the client is asked to stop (RFC 9113 §8.1), once the response is on its way.
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.assumeIsolated().whenSuccess {
                self.reset(stream, .noError)
            }
            self.write(stream.id, payload, promise: promise)
        }
        self.scheduleFlush()
    }

    // MARK: Streams of pieces

    /// Writes the head of a streamed response; false if its body is not to be written.
    private func beginStream(_ response: Response, length: Int?, on stream: HTTP2Stream) -> Bool {
        let code = response.status.code
        guard stream.phase == .running, code >= 200, code != 204, code != 304, !stream.isHead else { return false }
        guard let fields = self.makeFields(response, length: length, on: stream) else {
            self.writeRefusal(RequestRefusal(500, "response head too large"), on: stream)
            return false
        }
        stream.announcedRemaining = length
        stream.outgoing = HTTP2OutgoingBody()
        self.write(stream.id, .headers(.init(headers: fields)))
        self.scheduleFlush()
        return true
    }

    private nonisolated(nonsending) func write(
        _ body: @Sendable (inout any ResponseBodyWriter) async throws -> HeaderFields?,
        on stream: HTTP2Stream
    ) async {
        var writer: any ResponseBodyWriter = HTTP2ResponseBodyWriter(connection: self, stream: stream)
        do {
            let trailers = try await body(&writer)
            if !self.loop.loop.inEventLoop { await self.hopToLoop() }
            self.endStream(stream, trailers)
        } catch {
            if !self.loop.loop.inEventLoop { await self.hopToLoop() }
            guard stream.phase == .responding else { return }
            self.runtime.logger.debug("a streamed response ended early", metadata: ["error": "\(error)"])
            self.reset(stream, .internalError)
        }
    }

    private func endStream(_ stream: HTTP2Stream, _ trailers: HeaderFields?) {
        guard stream.phase == .responding else { return }
        if let remaining = stream.announcedRemaining, remaining != 0 {
            self.runtime.logger.error("a streamed response is shorter than it said", metadata: ["missing": "\(remaining)"])
            return self.reset(stream, .internalError)
        }
        var last: HTTP2ResponseFields.Head?
        if let trailers, !trailers.isEmpty {
            last = self.http2.responses.trailers(trailers)
            if last == nil { self.runtime.logger.error("trailer fields are larger than maxHttpResponseHeaderSize, and left out") }
        }
        stream.outgoing?.complete(trailers: last?.fields.isEmpty ?? true ? nil : last)
        self.enqueue(stream)
        self.pump()
    }

    /// Takes a piece of a streamed body, on the loop.
    ///
    /// - Returns: whether the stream can take the next one at once.
    func writeStream(_ piece: ArraySlice<UInt8>, on stream: HTTP2Stream) throws -> Bool {
        guard stream.phase == .responding, let context = self.context else { throw ConnectionLostError() }
        if let remaining = stream.announcedRemaining {
            guard piece.count <= remaining else {
                self.reset(stream, .internalError)
                throw HTTPError(.internalServerError, "The response body is longer than its length.")
            }
            stream.announcedRemaining = remaining - piece.count
        }
        stream.outgoing?.add(piece)
        if stream.outgoing?.bufferedBytes ?? 0 >= Self.frameSize {
            self.enqueue(stream)
            self.pump()
        } else if !stream.isQueued {
            // Small pieces of one turn of the loop go out together.
            stream.isQueued = true
            self.ready.append(stream)
            self.loop.loop.execute { self.pump() }
        }
        return self.takesMore(stream, context)
    }

    private func takesMore(_ stream: HTTP2Stream, _ context: ChannelHandlerContext) -> Bool {
        stream.outgoing?.bufferedBytes ?? 0 < Self.bufferLimit && context.channel.isWritable
    }

    /// Whether a writer that never has to wait for its client should let other streams and connections have their turn.
    func takesBreak(_ stream: HTTP2Stream, after count: Int) -> Bool {
        guard self.loop.loop.inEventLoop else { return false }
        stream.bytesSinceBreak += count
        guard stream.bytesSinceBreak >= HTTP1ConnectionHandler.fairShare else { return false }
        stream.bytesSinceBreak = 0
        return true
    }

    /// Resumes the continuation when the stream can take more, on the loop.
    func addWriteWaiter(_ continuation: UnsafeContinuation<Void, any Error>, on stream: HTTP2Stream) {
        guard stream.phase == .responding, let context = self.context else { return continuation.resume(throwing: ConnectionLostError()) }
        if self.takesMore(stream, context) { continuation.resume() } else { stream.writeWaiters.append(continuation) }
    }

    func resumeWriters(of stream: HTTP2Stream) {
        guard !stream.writeWaiters.isEmpty, let context = self.context, self.takesMore(stream, context) else { return }
        let waiters = stream.writeWaiters
        stream.writeWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Windows of clients

    func windowOpened(_ id: HTTP2StreamID, by increment: Int) {
        if id == .rootStream {
            self.outputWindow += increment
        } else if let stream = self.streams[id] {
            stream.outputWindow += increment
            self.enqueue(stream)
        }
        self.pump()
    }

    func settingsChanged(_ settings: HTTP2Settings) {
        for setting in settings where setting.parameter == .initialWindowSize {
            let change = setting.value - self.initialOutputWindow
            self.initialOutputWindow = setting.value
            for stream in self.streams.values {
                stream.outputWindow += change
                self.enqueue(stream)
            }
        }
        self.pump()
    }
}

/// Writes the pieces of a streamed response body to its stream.
struct HTTP2ResponseBodyWriter: ResponseBodyWriter {
    let connection: HTTP2ConnectionHandler
    let stream: HTTP2Stream

    func write(_ piece: ArraySlice<UInt8>) async throws {
        var rest = piece
        while !rest.isEmpty {
            let next = rest.prefix(HTTP1ConnectionHandler.maxInlineBody)
            rest = rest.dropFirst(next.count)
            let isWritable: Bool
            if self.connection.loop.loop.inEventLoop {
                isWritable = try self.connection.writeStream(next, on: self.stream)
            } else {
                isWritable = try await self.connection.loop.loop.submit { try self.connection.writeStream(next, on: self.stream) }.get()
            }
            if self.connection.takesBreak(self.stream, after: next.count) { await Task.yield() }
            guard !isWritable else { continue }
            try await withUnsafeThrowingContinuation { continuation in
                if self.connection.loop.loop.inEventLoop {
                    self.connection.addWriteWaiter(continuation, on: self.stream)
                } else {
                    self.connection.loop.loop.execute { self.connection.addWriteWaiter(continuation, on: self.stream) }
                }
            }
        }
    }
}
