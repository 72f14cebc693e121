import HTTPTypes
import Logging
import NIOCore
import ServalServlet
import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Refusals, time-outs, and the end of a connection.
extension HTTP1ConnectionHandler {
    /// How far bytes got in the time that the connection waited for the client.
    struct Progress {
        /// Bytes so far.
        var bytes = 0
        private var seenBytes = 0
        private var waited: UInt64 = 0
        private var stalled: UInt64 = 0

        /// Accounts for time during which the client was to send or take bytes.
        ///
        /// - Returns: whether the client is too slow.
        mutating func isTooSlow(progress: Int, elapsed: UInt64, timeout: UInt64, minimumRate: Int, gracePeriod: UInt64) -> Bool {
            self.waited += elapsed
            if progress > self.seenBytes {
                self.seenBytes = progress
                self.stalled = 0
            } else {
                self.stalled += elapsed
                if self.stalled >= timeout { return true }
            }
            guard minimumRate > 0, self.waited > gracePeriod else { return false }
            return Double(progress) < Double(minimumRate) * Double(self.waited) / 1e9
        }
    }

    // MARK: Refusals

    /// Answers a request that cannot be handled and closes the connection.
    func refuse(_ refusal: RequestRefusal) {
        self.loop.refusals.increment()
        self.runtime.logger.debug(
            "request refused",
            metadata: ["client": "\(self.info.remoteAddress)", "status": "\(refusal.status)", "reason": "\(refusal.reason)"]
        )
        self.writeRefusal(refusal)
        self.close(lingering: true)
    }

    func writeRefusal(_ refusal: RequestRefusal) {
        self.loop.claimOutput(for: self)
        let date = String(decoding: self.loop.dateField(now: MonotonicClock.now()).bytes, as: UTF8.self)
        let body = self.isHead ? "" : "\(refusal.reason)\n"
        let reason = HTTPResponse.Status(code: refusal.status).reasonPhrase
        let allow = refusal.status == 405 ? "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n" : ""
        self.loop.output.writeString(
            """
            HTTP/1.1 \(refusal.status) \(reason)\r
            Content-Type: text/plain; charset=utf-8\r
            Content-Length: \(refusal.reason.utf8CodeUnitCount + 1)\r
            Date: \(date)\r
            \(allow)Connection: close\r
            \r
            \(body)
            """
        )
    }

    /// Tomcat's answer to plain HTTP on a port that speaks TLS.
    func answerPlaintext() {
        guard !self.isClosing else { return }
        self.loop.refusals.increment()
        self.loop.claimOutput(for: self)
        self.loop.output.writeStaticString("HTTP/1.1 400 \r\nContent-Type: text/plain;charset=UTF-8\r\nConnection: close\r\n\r\n")
        self.loop.output.writeStaticString("Bad Request\r\nThis combination of host and port requires TLS.\r\n")
        self.close(lingering: true)
    }

    // MARK: Closing

    /// Sends what is to be sent and closes.
    ///
    /// - Parameter lingering: the client may still be sending. Closing then would reset the connection and could destroy the answer on its way, so only
    ///   the sending side is closed, and for a while what arrives is thrown away (RFC 9112 §9.6).
    func close(lingering: Bool) {
        guard !self.isClosing, let context = self.context else { return }
        self.isClosing = true
        self.state.discard()
        self.input = nil
        self.source?.fail(ConnectionLostError())
        self.source = nil
        self.setDeadline(.linger, now: MonotonicClock.now(), after: self.runtime.lingerTimeout)
        if lingering {
            self.discardBudget = min(max(self.runtime.maxSwallowSize, 262_144), 16_777_216)
            self.flush()
            if self.state.isInputClosed {
                self.closeAfterWrites(context)
            } else {
                context.close(mode: .output, promise: nil)
                self.resumeReading()
            }
        } else {
            self.closeAfterWrites(context)
        }
    }

    private func closeAfterWrites(_ context: ChannelHandlerContext) {
        // What TLS itself has to say at the end of a handshake may still wait for the end of the read.
        let limit = self.isInRead ? Self.streamFlushSize : 0
        if self.isSecured, self.writeProgress.bytes <= limit || self.pendingBytes <= limit {
            // TLS says goodbye after what has been flushed, in the same packet if it comes to know early enough. While the client is slow to read, it would be
            // too early: then the connection's own time-outs count.
            self.flush()
            return context.close(promise: nil)
        }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        if self.loop.holdsOutput(of: self) {
            self.writeProgress.bytes += self.loop.output.readableBytes
            self.loop.sendOutput { context.writeAndFlush(self.wrapOutboundOut(.byteBuffer($0)), promise: promise) }
        } else {
            context.writeAndFlush(self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
        }
    }

    /// Gives a response up in its midst: the client must notice, so the connection is closed.
    func abort() {
        self.outgoing = nil
        self.state.giveUpKeepAlive()
        // What has been put together goes out first, as far as the system takes it.
        self.flush()
        self.abandon()
        self.endExchange(isComplete: false)
        self.context?.close(promise: nil)
    }

    /// Sees to it that the end of the connection, which is next, does not look like the end of the response.
    ///
    /// Over TLS it comes without close_notify. A body without TLS that only the connection's end would end, as HTTP/1.0 has it, ends with a reset.
    private func abandon() {
        if self.isSecured {
            self.context?.triggerUserOutboundEvent(TLSAbandonment(), promise: nil)
        } else if self.endsWithConnection, let options = self.channel as? any SocketOptionProvider {
            _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        }
    }

    /// The connector stops: idle connections close now, others after their response.
    func drain() {
        if self.tlsHandler != nil, !self.isClosing {
            // There is no TLS yet that could say goodbye.
            self.closeNow()
        } else if self.state.isIdle, self.input == nil, !self.parser.hasBegun {
            self.close(lingering: false)
        } else {
            self.state.giveUpKeepAlive()
        }
    }

    /// Closes at once, whatever is going on.
    func closeNow() {
        // The application may be done with a response that the client has not got yet.
        if self.state.exchange == .responding || self.isClosing && self.pendingBytes > 0 { self.abandon() }
        self.context?.close(promise: nil)
    }

    /// The connection is gone: everybody who waits for it learns that, once.
    func lose() {
        guard !self.isLost else { return }
        self.isLost = true
        self.loop.remove(self)
        self.deadline = .max
        self.input = nil
        self.outgoing = nil
        self.source?.fail(ConnectionLostError())
        self.source = nil
        let waiters = self.writeWaiters
        self.writeWaiters = []
        for waiter in waiters { waiter.resume(throwing: ConnectionLostError()) }
        self.runner?.cancel()
        self.runner = nil
        self.tlsHandler = nil
        guard let requestState = self.requestState else { return }
        self.requestState = nil
        requestState.complete(
            RequestCompletion(
                status: self.responseStatus,
                bodyBytes: self.sentBodyBytes,
                nanoseconds: MonotonicClock.now() &- requestState.startNanoseconds,
                isComplete: false
            )
        )
    }

    // MARK: Time-outs

    @inline(__always)
    func setDeadline(_ kind: DeadlineKind, now: UInt64, after timeout: UInt64) {
        self.deadlineKind = kind
        self.deadline = timeout == .max ? .max : now &+ timeout
    }

    /// Called a few times a second at most.
    func sweep(now: UInt64, elapsed: UInt64) {
        self.tlsHandler?.checkHandshakeTime(now: .uptimeNanoseconds(now))
        guard !self.isLost else { return }
        if now >= self.deadline { self.deadlinePassed(now: now) }
        if self.state.exchange != .none || self.state.input == .swallow || self.isClosing { self.sweepBusy(elapsed: elapsed) }
    }

    private func deadlinePassed(now: UInt64) {
        self.deadline = .max
        switch self.deadlineKind {
        case .idle:
            self.close(lingering: false)
        case .head:
            if self.parser.hasBegun {
                self.refuse(RequestRefusal(408, "the request took too long"))
            } else {
                self.context?.close(promise: nil)
            }
        case .halfClosed:
            // One that still waits for its turn has no task: it must neither hold its connection nor take a turn for nobody.
            if self.state.exchange == .waiting { self.closeNow() } else { self.runner?.cancel() }
        case .linger:
            // While the client takes its answer, sweepBusy() watches it.
            if self.pendingBytes == 0 { self.context?.close(promise: nil) } else { self.deadline = now + self.runtime.lingerTimeout }
        }
    }

    private var pendingBytes: Int {
        guard let options = self.channel?.syncOptions else { return 0 }
        return (try? options.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func sweepBusy(elapsed: UInt64) {
        let rate = self.runtime.configuration.minimumDataRate
        let gracePeriod = self.runtime.rateGracePeriod
        let isSwallowing = self.state.input == .swallow
        if isSwallowing || self.state.input == .body && self.source?.isAwaited ?? false {
            let isTooSlow = self.bodyProgress.isTooSlow(
                progress: self.bodyProgress.bytes,
                elapsed: elapsed,
                timeout: self.runtime.bodyTimeout,
                minimumRate: rate,
                gracePeriod: gracePeriod
            )
            if isTooSlow {
                if isSwallowing { self.close(lingering: true) } else { self.failBody(HTTPError(.requestTimeout, "The request body took too long.")) }
            }
        }
        let pending = self.pendingBytes
        guard pending > 0 else { return }
        let isTooSlow = self.writeProgress.isTooSlow(
            progress: self.writeProgress.bytes - pending,
            elapsed: elapsed,
            timeout: self.runtime.writeTimeout,
            minimumRate: rate,
            gracePeriod: gracePeriod
        )
        guard isTooSlow else { return }
        self.abandon()
        self.context?.close(promise: nil)
    }
}
