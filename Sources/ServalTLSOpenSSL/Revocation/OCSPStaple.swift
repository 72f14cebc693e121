import Logging
import NIOCore
import NIOPosix
import ServalKeyStore
import ServalTLS
import Synchronization

/// The OCSP answer that is presented with one of the server's own certificates.
///
/// Fetched when a context is made, replaced at half of its life, kept on disk, presented until it ends. Lives as long as some context presents the
/// certificate, also over reloads.
final class OCSPStaple: Sendable {
    private struct State {
        var current: Current?
        var schedule = StapleSchedule()
        var fetching: EventLoopFuture<Void>?
        var next: Scheduled<Void>?
        var lastFailure: String?
    }

    private struct Current {
        var der: [UInt8]
        var thisUpdate: Int
        var nextUpdate: Int
    }

    let subject: String
    private let serialNumber: String
    private let query: OCSPQuery
    private let responders: [ResponderAddress]
    private let name: String
    private let store: StapleStore?
    private let note: @Sendable (TLSRevocationEvent) -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// How long one attempt may take, and how long a context may wait for it.
    static let timeout = TimeAmount.seconds(10)

    /// Makes a staple, with the answer that was kept if it is still good.
    init(
        _ query: OCSPQuery,
        responders: [ResponderAddress],
        store: StapleStore?,
        logger: Logger,
        note: @escaping @Sendable (TLSRevocationEvent) -> Void
    ) {
        self.query = query
        self.responders = responders
        self.store = store
        self.logger = logger
        self.note = note
        subject = query.certificate.subject
        // OpenSSL leaves out the zero that keeps it from being a negative number.
        serialNumber = SerialNumberText.hexadecimal([0] + query.certificate.serial)
        name = hexadecimal(query.certificate.digest)
        guard let der = store?.answer(for: name) else { return }
        guard let answer = try? query.answer(in: der, to: nil, now: currentSecond()), answer.status == .good else { return }
        state.withLock { $0.current = Current(der: der, thisUpdate: answer.thisUpdate, nextUpdate: answer.nextUpdate) }
    }

    deinit { state.withLock { $0.next?.cancel() } }

    // MARK: Presenting

    /// The answer to present; nil if there is none that is good now.
    var answer: [UInt8]? {
        let now = currentSecond()
        return state.withLock { state in
            guard let current = state.current, now < current.nextUpdate else { return nil }
            return current.der
        }
    }

    /// Why there is none.
    var lastFailure: String { state.withLock { $0.lastFailure } ?? "no responder has answered yet" }

    var facts: TLSRevocationFacts.Staple {
        state.withLock { state in
            TLSRevocationFacts.Staple(
                subject: subject,
                serialNumber: serialNumber,
                responder: responders.first?.description ?? "",
                thisUpdate: state.current?.thisUpdate,
                nextUpdate: state.current?.nextUpdate,
                lastFailure: state.lastFailure
            )
        }
    }

    // MARK: Fetching

    /// Begins to look after the answer; the future, which never fails, is done when there is one or an attempt has been made.
    func start() -> EventLoopFuture<Void> {
        // Not a loop of a connector or a server: this one outlives them, and may be shared by several.
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        guard answer == nil else {
            // One that was kept: replace it in its time.
            state.withLock { state in
                guard state.next == nil, state.fetching == nil, let current = state.current else { return }
                let pause = state.schedule.pause(
                    afterAnswerFrom: current.thisUpdate,
                    to: current.nextUpdate,
                    now: currentSecond(),
                    chance: .random(in: 0...1)
                )
                state.next = wake(in: pause, on: loop)
            }
            return loop.makeSucceededVoidFuture()
        }
        return fetch(on: loop)
    }

    private func fetch(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let present = state.withLock { state -> EventLoopFuture<Void>? in
            if let fetching = state.fetching { return fetching }
            state.next?.cancel()
            state.next = nil
            state.fetching = promise.futureResult
            return nil
        }
        if let present {
            promise.succeed()
            return present
        }
        // Without a nonce: what is shown to everybody may as well have been prepared.
        OCSPClient(query: query, responders: responders, withNonce: false, timeout: Self.timeout).ask(on: loop).whenComplete { result in
            self.take(result, on: loop)
            promise.succeed()
        }
        return promise.futureResult
    }

    private func wake(in seconds: Int, on loop: any EventLoop) -> Scheduled<Void> {
        loop.scheduleTask(in: .seconds(Int64(seconds))) { [weak self] in _ = self?.fetch(on: loop) }
    }

    private func take(_ result: Result<OCSPClient.Finding, any Error>, on loop: any EventLoop) {
        let now = currentSecond()
        let chance = Double.random(in: 0...1)
        switch result {
        case .success(let finding) where finding.answer.status == .good:
            note(.staple(outcome: "good"))
            logger.debug("OCSP stapling: \(finding.responder) says that [\(subject)] is good until \(UTCTime.words(finding.answer.nextUpdate))")
            let answer = finding.answer
            state.withLock { state in
                state.fetching = nil
                state.lastFailure = nil
                state.current = Current(der: finding.der, thisUpdate: answer.thisUpdate, nextUpdate: answer.nextUpdate)
                let pause = state.schedule.pause(afterAnswerFrom: answer.thisUpdate, to: answer.nextUpdate, now: now, chance: chance)
                state.next = wake(in: pause, on: loop)
            }
            keep(finding.der)
        case .success(let finding):
            note(.staple(outcome: finding.status.label))
            var words = "\(finding.responder) gives no answer"
            if case .revoked(let found) = finding.status { words = found }
            logger.warning("OCSP stapling: the server's own certificate [\(subject)]: \(words); no answer is presented with it; replace it")
            fail(words, forgets: true, now: now, chance: chance, on: loop)
        case .failure(let error):
            let missing = error as? CertificateStatus.MissingProof ?? .init("\(error)", label: "internal")
            note(.staple(outcome: missing.label))
            let pause = fail(missing.words, forgets: false, now: now, chance: chance, on: loop)
            let end = state.withLock { $0.current?.nextUpdate }
            let meanwhile = end.map { $0 > now ? "the last answer is presented until \(UTCTime.words($0))" : nil } ?? nil
            logger.warning(
                "OCSP stapling: [\(subject)]: \(missing.words); \(meanwhile ?? "no answer is presented"); next attempt in \(pause) s (serval.ocspStapling)"
            )
        }
    }

    @discardableResult
    private func fail(_ words: String, forgets: Bool, now: Int, chance: Double, on loop: any EventLoop) -> Int {
        if forgets, let store {
            let name = name
            NIOThreadPool.singleton.submit { _ in store.remove(name) }
        }
        return state.withLock { state in
            state.fetching = nil
            state.lastFailure = words
            if forgets { state.current = nil }
            let pause = state.schedule.pauseAfterFailure(nextUpdate: state.current?.nextUpdate, now: now, chance: chance)
            state.next = wake(in: pause, on: loop)
            return pause
        }
    }

    private func keep(_ der: [UInt8]) {
        guard let store else { return }
        let (name, logger) = (name, logger)
        NIOThreadPool.singleton.submit { _ in
            do {
                try store.keep(der, for: name)
            } catch {
                logger.warning("OCSP stapling: an answer cannot be kept in work/ocsp: \(error)")
            }
        }
    }
}
