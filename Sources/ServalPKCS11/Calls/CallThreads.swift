import ServalKeyStore

/// Threads of their own for calls that may never come back, each with a time limit.
///
/// A caller gets its answer or an error within the limit. The thread that is stuck is given up and another takes its place, up to a bound; beyond it, and
/// for a while after each time-out, calls are refused at once.
///
/// `@unchecked Sendable`: all mutable state is touched with `monitor` held only.
final class CallThreads: @unchecked Sendable {
    struct Limits: Sendable {
        /// How many calls run at once.
        var threads = 4
        /// How many threads may be stuck before nothing more is tried.
        var stuckThreads = 4
        /// How many calls may wait.
        var waitingCalls = 1024
        /// How long a call may take, waiting included.
        var timeout: Duration = .seconds(10)
        /// How long nothing is tried after a time-out.
        var pause: Duration = .seconds(10)
    }

    /// One call; it is answered once, by its thread or by the time limit.
    private final class Call {
        let deadline: ContinuousClock.Instant
        let work: () -> Void
        let giveUp: () -> Void
        var isAnswered = false
        var isRunning = false
        let isTrial: Bool

        init(deadline: ContinuousClock.Instant, isTrial: Bool, work: @escaping () -> Void, giveUp: @escaping () -> Void) {
            self.deadline = deadline
            self.isTrial = isTrial
            self.work = work
            self.giveUp = giveUp
        }
    }

    private let place: String
    let limits: Limits
    private let monitor = MonitorLock()
    private var breaker: CircuitBreaker
    private var waiting: [Call] = []
    private var running: [Call] = []
    private var idleThreads = 0
    private var threads = 0
    private var stuck = 0
    private var hasWatcher = false
    private var isClosed = false

    /// - Parameter place: What messages call the place: `token [label]`.
    init(place: String, limits: Limits) {
        self.place = place
        self.limits = limits
        breaker = CircuitBreaker(pause: limits.pause)
    }

    /// Whether a thread is still inside a call that was given up.
    var hasStuckCalls: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return stuck > 0
    }

    /// Runs `work` on one of the threads and waits for its answer.
    ///
    /// - Throws: what `work` throws, or `tokenNotResponding`.
    func run<Answer: Sendable>(_ work: @escaping @Sendable () throws(KeyStoreError) -> Answer) throws(KeyStoreError) -> Answer {
        let answer = Mailbox<Answer>()
        start(work) { answer.put($0) }
        return try answer.take().get()
    }

    /// Runs `work` on one of the threads.
    ///
    /// - Parameter completion: Called once, on a thread of this object, or on the caller's when the call is refused.
    func start<Answer: Sendable>(
        _ work: @escaping @Sendable () throws(KeyStoreError) -> Answer,
        completion: @escaping @Sendable (Result<Answer, KeyStoreError>) -> Void
    ) {
        let now = ContinuousClock.now
        monitor.lock()
        if let refusal = refusal(at: now) {
            monitor.unlock()
            return completion(.failure(refusal))
        }
        let call = makeCall(work, completion, now: now)
        waiting.append(call)
        // A thread that was woken for an earlier call counts as idle until it runs.
        if waiting.count > idleThreads, threads < limits.threads { addThread() }
        if !hasWatcher { hasWatcher = startThread(name: "pkcs11-watch") { self.watch() } }
        let isServed = threads > 0 && hasWatcher
        if !isServed {
            waiting.removeAll { $0 === call }
            // A trial that never ran has told nothing; another one comes after the pause.
            if call.isTrial { breaker.timedOut(at: now) }
        }
        monitor.signal()
        monitor.unlock()
        if !isServed { completion(.failure(KeyStoreError(.tokenFailed, "\(place): the system has no thread left for it"))) }
    }

    /// Lets the threads end when they have nothing to do; nothing can be started any more.
    func close() {
        monitor.lock()
        isClosed = true
        monitor.signal()
        monitor.unlock()
    }

    private func makeCall<Answer: Sendable>(
        _ work: @escaping @Sendable () throws(KeyStoreError) -> Answer,
        _ completion: @escaping @Sendable (Result<Answer, KeyStoreError>) -> Void,
        now: ContinuousClock.Instant
    ) -> Call {
        let once = Once(completion)
        let error = KeyStoreError(
            .tokenNotResponding,
            "\(place) gave no answer within \(limits.timeout.inWords); it is not asked again for \(limits.pause.inWords)"
        )
        return Call(deadline: now + limits.timeout, isTrial: !breaker.isClosed) {
            do throws(KeyStoreError) { once(.success(try work())) } catch { once(.failure(error)) }
        } giveUp: {
            once(.failure(error))
        }
    }

    private func refusal(at now: ContinuousClock.Instant) -> KeyStoreError? {
        guard !isClosed else { return KeyStoreError(.tokenFailed, "\(place) has been closed") }
        guard stuck < limits.stuckThreads else {
            return KeyStoreError(.tokenNotResponding, "\(place) does not answer: \(stuck) calls are stuck in its module, and no more are tried")
        }
        guard waiting.count < limits.waitingCalls else {
            return KeyStoreError(.tokenNotResponding, "\(place) is too slow: \(waiting.count) calls are waiting for it")
        }
        guard breaker.admit(at: now) == .proceed else {
            return KeyStoreError(.tokenNotResponding, "\(place) did not answer a moment ago and is not asked again yet")
        }
        return nil
    }

    private func addThread() {
        threads += 1
        if !startThread(name: "pkcs11-call", { self.work() }) { threads -= 1 }
    }

    /// A thread that makes calls; ends after one that was given up.
    private func work() {
        monitor.lock()
        while true {
            while waiting.isEmpty, !isClosed {
                idleThreads += 1
                monitor.wait(until: nil)
                idleThreads -= 1
            }
            guard !waiting.isEmpty else { break }
            let call = waiting.removeFirst()
            call.isRunning = true
            running.append(call)
            monitor.signal()
            monitor.unlock()
            call.work()
            monitor.lock()
            running.removeAll { $0 === call }
            breaker.answered()
            guard !call.isAnswered else {
                // Somebody else has taken this thread's place.
                stuck -= 1
                monitor.unlock()
                return
            }
            call.isAnswered = true
        }
        threads -= 1
        monitor.unlock()
    }

    /// The thread that ends calls whose time has passed.
    private func watch() {
        monitor.lock()
        while true {
            let now = ContinuousClock.now
            let late = (waiting + running).filter { !$0.isAnswered && $0.deadline <= now }
            for call in late {
                call.isAnswered = true
                if call.isRunning {
                    stuck += 1
                    threads -= 1
                    breaker.timedOut(at: now)
                } else {
                    waiting.removeAll { $0 === call }
                    if call.isTrial { breaker.timedOut(at: now) }
                }
            }
            if !waiting.isEmpty, threads == 0, stuck < limits.stuckThreads { addThread() }
            if !late.isEmpty {
                monitor.unlock()
                for call in late { call.giveUp() }
                monitor.lock()
                continue
            }
            if isClosed, waiting.isEmpty, running.allSatisfy(\.isAnswered) { break }
            monitor.wait(until: (waiting + running).filter { !$0.isAnswered }.map(\.deadline).min())
        }
        hasWatcher = false
        monitor.unlock()
    }
}

/// Calls a completion the first time only.
///
/// `@unchecked Sendable`: the flag is touched with the lock held only.
private final class Once<Answer: Sendable>: @unchecked Sendable {
    private let monitor = MonitorLock()
    private var completion: (@Sendable (Result<Answer, KeyStoreError>) -> Void)?

    init(_ completion: @escaping @Sendable (Result<Answer, KeyStoreError>) -> Void) { self.completion = completion }

    func callAsFunction(_ answer: Result<Answer, KeyStoreError>) {
        monitor.lock()
        let completion = completion
        self.completion = nil
        monitor.unlock()
        completion?(answer)
    }
}

/// Where a blocked caller's answer is put.
///
/// `@unchecked Sendable`: the answer is touched with the lock held only.
private final class Mailbox<Answer: Sendable>: @unchecked Sendable {
    private let monitor = MonitorLock()
    private var answer: Result<Answer, KeyStoreError>?

    func put(_ answer: Result<Answer, KeyStoreError>) {
        monitor.lock()
        self.answer = answer
        monitor.signal()
        monitor.unlock()
    }

    func take() -> Result<Answer, KeyStoreError> {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if let answer { return answer }
            monitor.wait(until: nil)
        }
    }
}

extension Duration {
    /// For messages: `10 s`, `0.3 s`.
    var inWords: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(Double(milliseconds) / 1000) s"
    }
}
