import HTTPTypes
import Logging
import NIOCore
import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// From responses to bytes.
extension HTTP1ConnectionHandler {
    /// A body up to this size is copied behind its head; a larger one is sent piece by piece as the socket takes it.
    static let maxInlineBody = 65536
    /// After this many bytes in one go, other connections of the loop get their turn.
    static let fairShare = 524_288
    /// A stream's pieces are gathered up to this size before they are sent within one turn of the loop.
    static let streamFlushSize = 16384

    /// Answers the current request; the body of its task, which is on the loop already and so need not look for its executor.
    ///
    /// Part of its caller: each layer of async calls costs 500 instructions.
    @inline(__always)
    nonisolated(nonsending) func respond() async {
        guard let request = self.request.take() else { return self.runtime.gate.leave() }
        let response = await self.runtime.handler.respond(to: request)
        if !self.loop.loop.inEventLoop { await self.hopToLoop() }
        if case .stream(let length, let body) = response.body.storage, self.beginStream(response, length: length) {
            await self.stream(body)
        } else if self.state.exchange == .running, !self.isLost {
            self.send(response)
        }
        self.runtime.gate.leave()
    }

    private func hopToLoop() async {
        await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            self.loop.loop.execute { continuation.resume() }
        }
    }

    // MARK: Heads

    /// Writes the head; false if it was too large and 500 was sent instead.
    @inline(__always)
    private func writeHead(_ response: Response, framing: ResponseHeadEncoder.Framing) -> Bool {
        let unreadFits = self.decoder != nil || self.bodyRemaining <= self.runtime.maxSwallowSize
        let closes = response.closesConnection || self.loop.isDraining || framing == .untilClose
        let keepsAlive = self.state.respond(closes: closes, unreadFits: unreadFits)
        let connection = ResponseHeadEncoder.Connection(
            isHTTP11: self.isHTTP11,
            keepsAlive: keepsAlive,
            keepAliveSeconds: self.saysKeepAlive ? self.runtime.keepAliveSeconds : nil,
            takesContentLength: self.isHead && framing == .length(0)
        )
        self.loop.claimOutput(for: self)
        let date = self.loop.dateField(now: self.readTime == 0 ? MonotonicClock.now() : self.readTime)
        guard
            let staysOpen = self.runtime.encoder.encode(response, framing: framing, connection: connection, date: date, into: &self.loop.output)
        else {
            self.runtime.logger.error(
                "a response head is larger than maxHttpResponseHeaderSize",
                metadata: ["path": "\(self.requestState.map { String(decoding: $0.head.bytes[$0.head.target], as: UTF8.self) } ?? "")"]
            )
            self.responseStatus = 500
            self.writeRefusal(RequestRefusal(500, "response head too large"))
            self.state.giveUpKeepAlive()
            return false
        }
        if !staysOpen { self.state.giveUpKeepAlive() }
        self.responseStatus = response.status.code
        return true
    }

    /// What can be sent as a final response: interim statuses are the connector's business.
    private func checked(_ response: Response) -> Response {
        if response.status.code >= 200 { return response }
        self.runtime.logger.error("an application answered with an interim status", metadata: ["status": "\(response.status.code)"])
        return Response(.internalServerError)
    }

    // MARK: Bodies that are there

    // Not inlined: what it needs would lie in the memory of the task that answers, all the time.
    @inline(never)
    private func send(_ response: Response) {
        let code = response.status.code
        guard code >= 200 else { return self.send(self.checked(response)) }
        let framing: ResponseHeadEncoder.Framing
        if code == 204 || code == 304 {
            framing = .none
        } else if let length = response.body.length {
            framing = .length(length)
        } else {
            framing = .none
        }
        guard self.writeHead(response, framing: framing) else { return self.endExchange(isComplete: true) }
        guard !self.isHead, code != 204, code != 304 else { return self.endExchange(isComplete: true) }
        switch response.body.storage {
        case .bytes(let bytes) where bytes.count <= Self.maxInlineBody:
            self.loop.output.writeBytes(bytes)
            self.sentBodyBytes = bytes.count
            self.endExchange(isComplete: true)
        case .bytes(let bytes):
            self.outgoing = .bytes(bytes, offset: 0)
            self.pump()
        case .file(let file, let offset, let length):
            guard length > 0 else { return self.endExchange(isComplete: true) }
            self.outgoing = .file(file, offset: offset, remaining: length)
            self.pump()
        case .stream:
            self.endExchange(isComplete: true)
        }
    }

    /// Sends as much of ``outgoing`` as the socket takes, but lets other connections have their turn now and then.
    func pump() {
        guard self.outgoing != nil, !self.isPumping, let context = self.context else { return }
        self.isPumping = true
        self.flush()
        let start = self.writeProgress.bytes
        while let outgoing = self.outgoing, !self.isFilePending, self.canWrite {
            guard self.writeProgress.bytes - start < Self.fairShare else {
                self.isPumping = false
                return self.loop.loop.execute { self.pump() }
            }
            let isLongEnough: Bool
            switch outgoing {
            case .bytes(let bytes, let offset):
                let count = min(Self.maxInlineBody, bytes.count - offset)
                self.outgoing = offset + count < bytes.count ? .bytes(bytes, offset: offset + count) : nil
                self.write(ByteBuffer(bytes: bytes[offset..<(offset + count)]), to: context)
                isLongEnough = true
            case .file(let file, let offset, let remaining) where self.runtime.isTLS:
                isLongEnough = self.writeCopy(of: file, offset, remaining, context)
            case .file(let file, let offset, let remaining):
                isLongEnough = self.writeRegion(of: file, offset, remaining, context)
            }
            guard isLongEnough else {
                self.isPumping = false
                return self.abortShortFile()
            }
        }
        self.isPumping = false
        self.endPumping()
    }

    private func endPumping() {
        guard !self.isLost, self.outgoing == nil, !self.isFilePending, self.state.exchange == .responding else { return }
        self.endExchange(isComplete: true)
    }

    private func write(_ buffer: ByteBuffer, to context: ChannelHandlerContext) {
        self.sentBodyBytes += buffer.readableBytes
        self.writeProgress.bytes += buffer.readableBytes
        context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(buffer)), promise: nil)
    }

    /// The next piece of a file through memory; false if the file is too short.
    private func writeCopy(of file: OpenFile, _ offset: Int, _ remaining: Int, _ context: ChannelHandlerContext) -> Bool {
        let piece = FilePiece(file: file, offset: offset, count: min(131_072, remaining))
        if let buffer = piece.readFromMemory(context.channel.allocator) { return self.writeCopy(buffer, of: file, offset, remaining, context) }
        self.isFilePending = true
        piece.read(context.channel.allocator, on: context.eventLoop) { buffer in
            self.isFilePending = false
            // Given up meanwhile, or gone.
            guard !self.isLost, self.outgoing != nil, let context = self.context else { return }
            guard self.writeCopy(buffer, of: file, offset, remaining, context) else { return self.abortShortFile() }
            guard !self.isPumping else { return }
            if self.outgoing == nil { self.endPumping() } else { self.pump() }
        }
        return true
    }

    private func writeCopy(_ bytes: ByteBuffer, of file: OpenFile, _ offset: Int, _ remaining: Int, _ context: ChannelHandlerContext) -> Bool {
        let count = bytes.readableBytes
        guard count > 0 else { return false }
        self.outgoing = count < remaining ? .file(file, offset: offset + count, remaining: remaining - count) : nil
        self.write(bytes, to: context)
        return true
    }

    private func abortShortFile() {
        self.runtime.logger.warning("a file became shorter while it was being sent")
        self.abort()
    }

    /// The next piece of a file from the system's cache to the socket; false if the file is too short.
    private func writeRegion(of file: OpenFile, _ offset: Int, _ remaining: Int, _ context: ChannelHandlerContext) -> Bool {
        let count = min(4_194_304, remaining)
        // The descriptor's own position is not used, so it may be moved.
        guard Int(lseek(file.descriptor, 0, SEEK_END)) >= offset + count else { return false }
        self.outgoing = count < remaining ? .file(file, offset: offset + count, remaining: remaining - count) : nil
        self.isFilePending = true
        self.writeProgress.bytes += count
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
        let region = FileRegion(fileHandle: handle, readerIndex: offset, endIndex: offset + count)
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            // The descriptor stays the file's.
            _ = try? handle.takeDescriptorOwnership()
            withExtendedLifetime(file) {}
            self.isFilePending = false
            guard case .success = result, !self.isLost else { return }
            self.sentBodyBytes += count
            guard !self.isPumping else { return }
            if self.outgoing == nil { self.endPumping() } else { self.pump() }
        }
        context.writeAndFlush(self.wrapOutboundOut(.fileRegion(region)), promise: promise)
        return true
    }

    // MARK: Streams

    /// Writes the head of a streamed response; false if its body is not to be written.
    private func beginStream(_ response: Response, length: Int?) -> Bool {
        guard !self.isLost, self.state.exchange == .running, response.status.code >= 200, response.status.code != 204, response.status.code != 304,
            !self.isHead
        else {
            return false
        }
        let framing: ResponseHeadEncoder.Framing
        if let length {
            framing = .length(length)
        } else {
            framing = self.isHTTP11 ? .chunked : .untilClose
        }
        guard self.writeHead(response, framing: framing) else {
            self.endExchange(isComplete: true)
            return false
        }
        self.isChunkedResponse = framing == .chunked
        self.endsWithConnection = framing == .untilClose
        self.streamRemaining = length
        self.scheduleFlush()
        return true
    }

    private nonisolated(nonsending) func stream(_ body: @Sendable (inout any ResponseBodyWriter) async throws -> HeaderFields?) async {
        var writer: any ResponseBodyWriter = HTTP1ResponseBodyWriter(connection: self)
        do {
            let trailers = try await body(&writer)
            if !self.loop.loop.inEventLoop { await self.hopToLoop() }
            self.endStream(trailers)
        } catch {
            if !self.loop.loop.inEventLoop { await self.hopToLoop() }
            guard !self.isLost, self.state.exchange == .responding else { return }
            self.runtime.logger.debug("a streamed response ended early", metadata: ["error": "\(error)"])
            self.abort()
        }
    }

    private func endStream(_ trailers: HeaderFields?) {
        guard !self.isLost, self.state.exchange == .responding else { return }
        if let remaining = self.streamRemaining, remaining != 0 {
            self.runtime.logger.error("a streamed response is shorter than it said", metadata: ["missing": "\(remaining)"])
            return self.abort()
        }
        if self.isChunkedResponse {
            self.loop.claimOutput(for: self)
            self.loop.output.writeBytes(ResponseHeadEncoder.trailerSection(trailers))
        }
        self.endExchange(isComplete: true)
    }

    /// Takes a piece of a streamed body, on the loop.
    ///
    /// - Returns: whether the connection can take the next one at once.
    func writeStream(_ piece: ArraySlice<UInt8>) throws -> Bool {
        guard !self.isLost, self.state.exchange == .responding, self.context != nil else { throw ConnectionLostError() }
        if let remaining = self.streamRemaining {
            guard piece.count <= remaining else {
                self.abort()
                throw HTTPError(.internalServerError, "The response body is longer than its length.")
            }
            self.streamRemaining = remaining - piece.count
        }
        self.loop.claimOutput(for: self)
        if self.isChunkedResponse {
            self.loop.output.writeString(String(piece.count, radix: 16))
            self.loop.output.writeStaticString("\r\n")
        }
        self.loop.output.writeBytes(piece)
        if self.isChunkedResponse { self.loop.output.writeStaticString("\r\n") }
        self.sentBodyBytes += piece.count
        if self.loop.output.readableBytes >= Self.streamFlushSize { self.flush() } else { self.scheduleFlush() }
        return self.canWrite
    }

    /// Whether a writer that never has to wait for its client should let other connections have their turn; called by one writer at a time.
    func takesBreak(after count: Int) -> Bool {
        guard self.loop.loop.inEventLoop else { return false }
        self.bytesSinceBreak += count
        guard self.bytesSinceBreak >= Self.fairShare else { return false }
        self.bytesSinceBreak = 0
        return true
    }

    /// Resumes the continuation when the connection can take more, on the loop.
    func addWriteWaiter(_ continuation: UnsafeContinuation<Void, any Error>) {
        if self.isLost || self.state.exchange != .responding {
            continuation.resume(throwing: ConnectionLostError())
        } else if self.canWrite {
            continuation.resume()
        } else {
            self.writeWaiters.append(continuation)
        }
    }

    func resumeWriters() {
        guard !self.writeWaiters.isEmpty else { return }
        let waiters = self.writeWaiters
        self.writeWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Sending

    /// Hands the loop's output buffer to the socket.
    @inline(__always)
    func flush() {
        guard let context = self.context, self.loop.holdsOutput(of: self) else { return }
        self.writeProgress.bytes += self.loop.output.readableBytes
        // Not in an `IOData` around it, which would be copied on its way.
        self.loop.sendOutput { context.writeAndFlush(NIOAny($0), promise: nil) }
    }

    private func scheduleFlush() {
        guard !self.isInRead, !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        self.loop.loop.execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    // MARK: The end of an exchange

    /// The response was written, or given up.
    @inline(__always)
    func endExchange(isComplete: Bool) {
        let now = MonotonicClock.now()
        self.runner = nil
        if let source = self.source {
            source.fail(ConnectionLostError())
            self.source = nil
        }
        if let requestState = self.requestState {
            self.requestState = nil
            requestState.complete(
                RequestCompletion(
                    status: self.responseStatus,
                    bodyBytes: self.sentBodyBytes,
                    nanoseconds: now &- requestState.startNanoseconds,
                    isComplete: isComplete
                )
            )
        }
        switch self.state.finish() {
        case .goOn: self.setDeadline(.idle, now: now, after: self.runtime.keepAliveTimeout)
        case .close(let lingering): self.close(lingering: isComplete && (lingering || self.input.map { $0.readableBytes > 0 } ?? false))
        }
        if self.loop.output.readableBytes > Self.maxInlineBody { self.flush() }
        guard !self.isProcessing else { return }
        self.process()
        if !self.isInRead { self.flush() }
        self.resumeReading()
    }
}

/// The client is gone, or was too slow, or the response is over.
struct ConnectionLostError: Error, CustomStringConvertible {
    var description: String { "the connection was closed" }
}

/// Writes the pieces of a streamed response body to its connection.
struct HTTP1ResponseBodyWriter: ResponseBodyWriter {
    let connection: HTTP1ConnectionHandler

    func write(_ piece: ArraySlice<UInt8>) async throws {
        var rest = piece
        while !rest.isEmpty {
            let next = rest.prefix(HTTP1ConnectionHandler.maxInlineBody)
            rest = rest.dropFirst(next.count)
            let isWritable: Bool
            if self.connection.loop.loop.inEventLoop {
                isWritable = try self.connection.writeStream(next)
            } else {
                isWritable = try await self.connection.loop.loop.submit { try self.connection.writeStream(next) }.get()
            }
            if self.connection.takesBreak(after: next.count) { await Task.yield() }
            if !isWritable {
                try await withUnsafeThrowingContinuation { continuation in
                    if self.connection.loop.loop.inEventLoop {
                        self.connection.addWriteWaiter(continuation)
                    } else {
                        self.connection.loop.loop.execute { self.connection.addWriteWaiter(continuation) }
                    }
                }
            }
        }
    }
}
