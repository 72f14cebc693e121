import Logging
import NIOCore
import NIOHTTP2
import ServalServlet

// Time-outs, and the end of streams and connections.
extension HTTP2ConnectionHandler {
    static let drainPing = HTTP2PingData(withInteger: 0x7365_7276_616C_2E2E)
    /// How long the answer to ``drainPing`` is waited for.
    private static let drainPatience = TimeAmount.seconds(1)

    // MARK: Streams

    /// Both sides have ended a stream, or one has given it up.
    func streamClosed(_ id: HTTP2StreamID) {
        self.frameGuard?.forget(id)
        guard let stream = self.streams.removeValue(forKey: id) else { return }
        if stream.phase != .finished { stream.lose(now: MonotonicClock.now()) }
        if self.waiting.count > 2 * self.http2.configuration.maxConcurrentStreams { self.waiting.removeAll { $0.phase != .waiting } }
        guard self.streams.isEmpty else { return }
        self.lastActivity = self.readTime == 0 ? MonotonicClock.now() : self.readTime
        // swift-nio-http2 may be in the midst of sending the last frames.
        if self.isGoAwaySent || self.isClientLeaving { self.loop.loop.execute { self.closeIfDone() } }
    }

    // MARK: Connections

    /// The connector stops, or an application wants the connection to end: streams that have begun, or are on their way, are answered; then it closes.
    ///
    /// Source: RFC 9113 §6.8.
    func drain() {
        guard !self.isDraining, !self.isClosing, !self.isLost, let context = self.context else { return }
        self.isDraining = true
        self.frameGuard?.announceShutdown()
        if let timeout = self.http2.configuration.drainTimeout {
            context.eventLoop.scheduleTask(in: .nanoseconds(max(0, timeout.nanoseconds))) { self.finishDrain() }
        } else {
            self.write(.rootStream, .ping(Self.drainPing, ack: false))
            context.flush()
            context.eventLoop.scheduleTask(in: Self.drainPatience) { self.finishDrain() }
        }
    }

    /// Every stream that the client began before it knew has arrived.
    func finishDrain() {
        guard !self.isGoAwaySent, !self.isClosing, !self.isLost else { return }
        self.sendGoAway(.noError)
        self.scheduleFlush()
        self.closeIfDone()
    }

    private func sendGoAway(_ code: NIOHTTP2.HTTP2ErrorCode, _ reason: String? = nil) {
        self.isGoAwaySent = true
        self.write(.rootStream, .goAway(lastStreamID: self.lastStreamID, errorCode: code, opaqueData: reason.map { ByteBuffer(string: $0) }))
    }

    func closeIfDone() {
        guard self.streams.isEmpty, self.isGoAwaySent || self.isClientLeaving, !self.isClosing, !self.isLost else { return }
        if !self.isGoAwaySent { self.sendGoAway(.noError) }
        self.close()
    }

    /// Ends the connection because of what the client does.
    ///
    /// - Parameter reason: goes to the client for whoever looks into it, and to the log.
    func fail(_ code: NIOHTTP2.HTTP2ErrorCode, _ reason: String) {
        guard !self.isClosing, !self.isLost else { return }
        self.loop.refusals.increment()
        self.runtime.logger.debug(
            "connection ended",
            metadata: ["client": "\(self.info.remoteAddress)", "code": "\(code)", "reason": "\(reason)", "streams": "\(self.streams.count)"]
        )
        self.sendGoAway(code, reason)
        self.close()
    }

    /// Sends what is to be sent and closes; what the client still sends is thrown away for a while, so that it can read the end.
    func close() {
        guard !self.isClosing, let context = self.context else { return }
        self.isClosing = true
        self.closeDeadline = MonotonicClock.now() &+ self.runtime.lingerTimeout
        self.frameGuard?.discard(budget: 1_048_576)
        self.loseStreams()
        context.flush()
        context.close(mode: .output, promise: nil)
    }

    /// Closes at once, whatever is going on.
    func closeNow() { self.context?.close(promise: nil) }

    /// The client sends no more: it has gone, or waits for its answers.
    func inputClosed() {
        if self.isClosing || self.streams.isEmpty { return self.closeNow() }
        self.isClientLeaving = true
        for stream in self.streams.values where !stream.isInputEnded {
            stream.source?.fail(HTTPError(.badRequest, "The request body ended early."))
            stream.source = nil
            stream.runner?.cancel()
        }
        self.closeDeadline = MonotonicClock.now() &+ 5_000_000_000
    }

    /// The connection is gone: everybody who waits for it learns that, once.
    func lose() {
        guard !self.isLost else { return }
        self.isLost = true
        self.loop.remove(self)
        self.loseStreams()
    }

    private func loseStreams() {
        let now = MonotonicClock.now()
        let streams = self.streams
        self.streams = [:]
        self.ready.removeAll()
        self.waiting.removeAll()
        for stream in streams.values { stream.lose(now: now) }
    }

    // MARK: Time-outs

    /// Called a few times a second at most.
    func sweep(now: UInt64, elapsed: UInt64) {
        guard !self.isLost else { return }
        if now >= self.closeDeadline {
            self.closeDeadline = .max
            // While the client takes its answers, they are watched below.
            guard self.isClosing, self.pendingBytes > 0 else { return self.closeNow() }
            self.closeDeadline = now &+ self.runtime.lingerTimeout
        }
        guard !self.sweepSocket(elapsed: elapsed), !self.isClosing else { return }
        self.sweepInput(now: now)
        guard !self.isClosing else { return }
        for stream in Array(self.streams.values) { self.sweep(stream, elapsed: elapsed) }
    }

    private var pendingBytes: Int {
        guard let options = self.context?.channel.syncOptions else { return 0 }
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Looks whether the client takes what is sent; true if it does not and the connection was closed.
    private func sweepSocket(elapsed: UInt64) -> Bool {
        let pending = self.pendingBytes
        guard pending > 0 else { return false }
        let isTooSlow = self.writeProgress.isTooSlow(
            progress: self.writtenBytes - pending,
            elapsed: elapsed,
            timeout: self.http2.writeTimeout,
            minimumRate: self.runtime.configuration.minimumDataRate,
            gracePeriod: self.runtime.rateGracePeriod
        )
        if isTooSlow { self.closeNow() }
        return isTooSlow
    }

    private func sweepInput(now: UInt64) {
        guard let scanner = self.frameGuard?.scanner else { return }
        func hasPassed(_ timeout: UInt64, since start: UInt64) -> Bool { timeout != .max && now >= start && now - start >= timeout }
        if !scanner.isPrefaceComplete || scanner.frames == 0 {
            if hasPassed(self.runtime.headTimeout, since: self.startTime) || hasPassed(self.http2.readTimeout, since: self.lastActivity) {
                self.fail(.noError, "no preface")
            }
        } else if scanner.isInFrame, hasPassed(self.http2.readTimeout, since: self.lastActivity) {
            self.fail(.enhanceYourCalm, "a frame took too long")
        } else if self.headerBlockStart != 0, hasPassed(self.runtime.headTimeout, since: self.headerBlockStart) {
            self.fail(.enhanceYourCalm, "a header list took too long")
        } else if self.streams.isEmpty, hasPassed(self.http2.keepAliveTimeout, since: self.lastActivity), !self.isDraining {
            self.sendGoAway(.noError)
            self.close()
        }
    }

    private func sweep(_ stream: HTTP2Stream, elapsed: UInt64) {
        let rate = self.runtime.configuration.minimumDataRate
        let gracePeriod = self.runtime.rateGracePeriod
        if let source = stream.source, source.isAwaited {
            let isTooSlow = stream.inputProgress.isTooSlow(
                progress: stream.inputProgress.bytes,
                elapsed: elapsed,
                timeout: self.http2.streamReadTimeout,
                minimumRate: rate,
                gracePeriod: gracePeriod
            )
            if isTooSlow { self.failBody(of: stream, HTTPError(.requestTimeout, "The request body took too long.")) }
        }
        guard stream.isAwaitingWindow else { return }
        let isTooSlow = stream.outputProgress.isTooSlow(
            progress: stream.outputProgress.bytes,
            elapsed: elapsed,
            timeout: self.http2.streamWriteTimeout,
            minimumRate: rate,
            gracePeriod: gracePeriod
        )
        guard isTooSlow else { return }
        self.runtime.logger.debug("a client takes a response too slowly", metadata: ["client": "\(self.info.remoteAddress)"])
        if self.streams.count == 1 {
            self.fail(.enhanceYourCalm, "a response was taken too slowly")
        } else {
            self.reset(stream, .enhanceYourCalm)
        }
    }
}
