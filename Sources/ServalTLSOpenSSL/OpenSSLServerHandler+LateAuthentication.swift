import NIOCore
import ServalTLS

/// Client certificates that are asked for after the handshake (RFC 8446 section 4.6.2).
///
/// The client's answer comes between its application data and is read as that is; whoever waits for it waits in a task, and the event loop goes on.
struct LateAuthentication {
    /// Bytes of application data that are read for the sake of an answer that may stand behind them, though nobody has asked for them: some records.
    static let credit = 65536

    /// Whether the client has been asked and has not answered.
    ///
    /// What it says after its time is taken and judged all the same, when the application reads again.
    var isUnderWay = false
    /// How much of the credit is left; none where nobody waits for an answer, so that nothing is read that nobody wants.
    var credit = 0
    /// Ends the client's time.
    var timer: Scheduled<Void>?
    /// What came of it; a client is asked once.
    var answer: TLSClientCertificates?
    var waiting: [EventLoopPromise<TLSClientCertificates>] = []
    /// The handler's place in its pipeline, until the connection ends.
    var context: ChannelHandlerContext?
}

/// A connection's handler for somebody who may outlive the connection.
private final class HandlerReference {
    weak var handler: OpenSSLServerHandler?

    init(_ handler: OpenSSLServerHandler) { self.handler = handler }
}

extension OpenSSLServerHandler {
    /// What asks the client of this connection, from any thread; nil where it cannot be asked.
    func certificateQuestion(_ context: ChannelHandlerContext, _ connection: OpenSSLConnection) -> (@Sendable () async -> TLSClientCertificates)? {
        guard connection.canAskLater else { return nil }
        let loop = context.eventLoop
        let here = NIOLoopBound(HandlerReference(self), eventLoop: loop)
        late.context = context
        return {
            let promise = loop.makePromise(of: TLSClientCertificates.self)
            loop.execute {
                guard let handler = here.value.handler else { return promise.succeed(.none) }
                handler.askForCertificate(promise)
            }
            return (try? await promise.futureResult.get()) ?? .none
        }
    }

    private func askForCertificate(_ promise: EventLoopPromise<TLSClientCertificates>) {
        guard phase == .open, closing == nil, let connection, let context = late.context else { return promise.succeed(.none) }
        if let answer = late.answer { return promise.succeed(answer) }
        if !late.isUnderWay {
            guard connection.askForCertificate(into: &unsent) else {
                // The client did not offer to be asked, and will not later.
                late.answer = .some(.none)
                return promise.succeed(.none)
            }
            late.isUnderWay = true
            late.credit = LateAuthentication.credit
            late.timer = context.eventLoop.assumeIsolated().scheduleTask(in: handshakeTimeout) {
                let seconds = Double(self.handshakeTimeout.nanoseconds) / 1e9
                self.endWaiting(context, "did not answer within \(seconds) seconds")
            }
            flushSocket(context)
        }
        late.waiting.append(promise)
        // The answer has to be read, whether somebody wants application data or not.
        context.read()
    }

    /// Called for application data that comes while the client is being asked, and that nobody has asked for.
    func spendCredit(_ context: ChannelHandlerContext, _ count: Int) {
        late.credit -= count
        guard late.credit <= 0 else { return }
        endWaiting(context, "sent more than \(LateAuthentication.credit) bytes of other data instead of an answer")
    }

    /// Goes on without a certificate, and without reading what nobody wants.
    private func endWaiting(_ context: ChannelHandlerContext, _ words: String) {
        guard phase == .open, late.timer != nil else { return }
        stopReadingOn()
        late.answer = .some(.none)
        let error = TLSError(.handshakeTimeout, "The client was asked for a certificate after the handshake and \(words)")
        report(context, error.because(.timeout, decidedBy: "Connector connectionTimeout"))
        endLateAuthentication(with: .none)
    }

    private func stopReadingOn() {
        late.credit = 0
        late.timer?.cancel()
        late.timer = nil
    }

    /// Called after each read while the client is being asked.
    func takeLateAnswer() {
        guard late.isUnderWay, let connection, let context = late.context, let answer = connection.takeAnswer() else { return }
        stopReadingOn()
        if let refusal = connection.refusalOfUnreadableClient() { return fail(context, refusal) }
        switch connection.judgeLateClient(on: context.eventLoop) {
        case nil: finishLateAuthentication(context, answer, .accepted)
        case .decided(let verdict)?: finishLateAuthentication(context, answer, verdict)
        case .open(let future)?:
            future.assumeIsolated().whenSuccess { verdict in
                guard self.connection === connection, self.phase == .open else { return }
                self.finishLateAuthentication(context, answer, verdict)
            }
        }
    }

    private func finishLateAuthentication(_ context: ChannelHandlerContext, _ answer: TLSClientCertificates, _ verdict: RevocationChecker.Verdict) {
        switch verdict {
        case .accepted:
            late.isUnderWay = false
            late.answer = answer
            endLateAuthentication(with: answer)
        case .refused(let error, _):
            late.answer = .some(.none)
            // Ends what is under way, too.
            fail(context, error)
            late.isUnderWay = false
        }
    }

    /// Tells everybody who waits.
    func endLateAuthentication(with answer: TLSClientCertificates) {
        stopReadingOn()
        let waiting = late.waiting
        late.waiting = []
        for promise in waiting { promise.succeed(answer) }
    }
}
