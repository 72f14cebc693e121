import Logging
import Synchronization

/// A store behind a ``StoreCircuit``, which also measures it.
///
/// What fails for one session alone (``SessionError/isOfOneOperation``) and lists that take too long keep nobody else from the store.
final class GuardedSessionStore: ForwardingSessionStore {
    /// Whose session is asked for to see whether the store answers.
    private static let probe = StoredSessionKey(SessionID(rawValue: ""), namespace: "")

    let target: any SessionStore
    private let logger: Logger
    private let metrics: SessionStoreMetrics
    private let circuit = Mutex(StoreCircuit())
    private let silence = Mutex(StoreSilence())
    private let givenUp = Atomic(false)

    init(_ store: any SessionStore, metrics: SessionStoreMetrics, logger: Logger) {
        self.target = store
        self.metrics = metrics
        self.logger = logger
    }

    /// Whether the store is taken for down.
    var isDown: Bool { self.circuit.withLock { $0.isOpen } }

    /// Sees whether the store answers again, if it is taken for down and may be probed.
    func probe() async {
        // About nobody's session: that it fails is no news.
        _ = try? await self.forward(SessionStoreCall(.load)) { store throws(SessionError) in try await store.load(Self.probe, unless: nil) }
    }

    // MARK: The store

    func start() async throws(SessionError) {
        self.givenUp.store(false, ordering: .releasing)
        try await self.target.start()
    }

    /// Closes the store; that it does not come to an end counts as silence.
    func stop() async {
        self.silence.withLock { $0.ask(at: .now) }
        await self.target.stop()
        self.silence.withLock { $0.end(isAnswer: true, at: .now) }
    }

    func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        guard !self.isGivenUp else { throw SessionError(code: .storeUnavailable, message: "the session store does not answer and was given up") }
        switch self.circuit.withLock({ $0.admission(at: .now) }) {
        case .ask: break
        case .probe: try await self.makeProbe()
        case .refuse: throw SessionError(code: .storeUnavailable, message: "the session store does not answer and is left alone for a moment")
        }
        let start = ContinuousClock.now
        do {
            let answer = try await self.listening { () async throws(SessionError) in try await operation(self.target) }
            self.metrics.note(since: start, failed: false)
            self.didAnswer()
            return answer
        } catch {
            self.metrics.note(since: start, failed: error.code == .storeUnavailable)
            guard error.code == .storeUnavailable, let key = call.key else { throw error }
            guard !error.isOfOneOperation else {
                self.didAnswer()
                throw error
            }
            switch self.circuit.withLock({ $0.didFail(key, askedAt: start, at: .now) }) {
            case .news: self.logger.warning("the session store failed: \(error.message)")
            case .down: self.logger.error("the session store does not answer: \(error.message)")
            case .known: break
            }
            throw error
        }
    }

    /// Sees whether a store answers again that was down.
    private func makeProbe() async throws(SessionError) {
        let start = ContinuousClock.now
        do throws(SessionError) {
            _ = try await self.listening { () async throws(SessionError) in try await self.target.load(Self.probe, unless: nil) }
            self.metrics.note(since: start, failed: false)
            self.didAnswer()
        } catch {
            self.metrics.note(since: start, failed: true)
            self.circuit.withLock { $0.didFailToProbe(at: .now) }
            throw error
        }
    }

    private func didAnswer() {
        guard self.circuit.withLock({ $0.didAnswer(at: .now) }) else { return }
        self.logger.notice("the session store answers again")
    }

    // MARK: The end

    /// Whether nobody is asked any more.
    var isGivenUp: Bool { self.givenUp.load(ordering: .acquiring) }

    /// Asks the store nothing more, until the next start.
    func giveUp() { self.givenUp.store(true, ordering: .releasing) }

    /// What the store has said last, if that was no answer but a failure.
    var refusal: String? { self.silence.withLock { $0.failure } }

    /// Returns when the store has been asked and has not answered for so long, from now on, or the caller is cancelled.
    func waitUntilItIsSilent(for patience: Duration) async {
        let start = ContinuousClock.now
        while !Task.isCancelled {
            let now = ContinuousClock.now
            let end = max(start, self.silence.withLock { $0.start } ?? now) + patience
            guard now < end else { return }
            try? await Task.sleep(until: end)
        }
    }

    private func listening<Answer>(_ question: () async throws(SessionError) -> Answer) async throws(SessionError) -> Answer {
        self.silence.withLock { $0.ask(at: .now) }
        do {
            let answer = try await question()
            self.silence.withLock { $0.end(isAnswer: true, at: .now) }
            return answer
        } catch {
            let isAnswer = error.code != .storeUnavailable || error.isOfOneOperation
            self.silence.withLock { $0.end(isAnswer: isAnswer, failure: error.message, at: .now) }
            throw error
        }
    }
}

/// Since when a store that was asked has said nothing.
struct StoreSilence: Sendable {
    /// `nil` if nobody waits for an answer, and the last question had one.
    private(set) var start: ContinuousClock.Instant?
    /// What was said last in the place of an answer; `nil` behind an answer.
    private(set) var failure: String?
    private var questions = 0

    mutating func ask(at now: ContinuousClock.Instant) {
        self.questions += 1
        self.start = self.start ?? now
    }

    mutating func end(isAnswer: Bool, failure: String? = nil, at now: ContinuousClock.Instant) {
        self.questions -= 1
        self.failure = isAnswer ? nil : failure
        if isAnswer { self.start = self.questions > 0 ? now : nil }
    }
}
