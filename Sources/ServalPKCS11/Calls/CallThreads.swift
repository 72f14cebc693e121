import ServalKeyStore
import Synchronization

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
        let giveUp: (KeyStoreError) -> Void
        var isAnswered = false
        var isRunning = false
        let isTrial: Bool

        init(deadline: ContinuousClock.Instant, isTrial: Bool, work: @escaping () -> Void, giveUp: @escaping (KeyStoreError) -> Void) {
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
    /// The threads that were not joined, those in which calls are stuck included.
    private var members: [CallThread] = []

    /// All objects of this process that have threads, until these were joined.
    private static let living = Mutex<[ObjectIdentifier: CallThreads]>([:])

    /// - Parameter place: What messages call the place: `token [label]`.
    init(place: String, limits: Limits) {
        self.place = place
        self.limits = limits
        breaker = CircuitBreaker(pause: limits.pause)
        for closed in Self.all { closed.reap() }
    }

    /// Runs `work` on one of the threads and waits for its answer.
    ///
    /// - Throws: what `work` throws, or `tokenNotResponding`.
    func run<Answer: Sendable>(_ work: @escaping @Sendable () throws(KeyStoreError) -> Answer) throws(KeyStoreError) -> Answer {
        let answer = Mailbox<Answer>()
        start(work) { answer.put($0) }
        return try answer.take().get()
    }

    /// Runs `work` on one of the threads and waits for it, until `deadline` at most.
    ///
    /// - Returns: Whether it was done.
    func run(until deadline: ContinuousClock.Instant, _ work: @escaping @Sendable () -> Void) -> Bool {
        let answer = Mailbox<Void>()
        start { () throws(KeyStoreError) in
            work()
        } completion: {
            answer.put($0)
        }
        if case .success? = answer.take(until: deadline) { return true }
        return false
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
        if !hasWatcher { hasWatcher = addMember("pkcs11-watch") { $0.watch() } }
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

    /// Ends all threads, for good: what waits is refused, what is under way may end.
    ///
    /// - Returns: Whether they have all ended by `deadline`. If not, a call is still inside the module.
    func end(by deadline: ContinuousClock.Instant) -> Bool {
        monitor.lock()
        isClosed = true
        let refused = waiting
        for call in refused { call.isAnswered = true }
        waiting = []
        monitor.signal()
        monitor.unlock()
        for call in refused { call.giveUp(closed) }
        monitor.lock()
        while stuck == 0, !members.allSatisfy(\.hasLeft), ContinuousClock.now < deadline { monitor.wait(until: deadline) }
        let (left, present) = (members.filter(\.hasLeft), members.filter { !$0.hasLeft })
        members = present
        monitor.unlock()
        let unjoined = left.filter { !$0.join(patience: ContinuousClock.now.duration(to: deadline)) }
        monitor.lock()
        members += unjoined
        let isDone = members.isEmpty
        monitor.unlock()
        if isDone { Self.living.withLock { $0[ObjectIdentifier(self)] = nil } }
        return isDone
    }

    /// Joins the threads of what was closed, as far as they have ended.
    private func reap() {
        monitor.lock()
        if isClosed { members.removeAll { $0.hasLeft && $0.join(patience: .zero) } }
        let isDone = isClosed && members.isEmpty
        monitor.unlock()
        if isDone { Self.living.withLock { $0[ObjectIdentifier(self)] = nil } }
    }

    /// All that have threads at present, whoever has made them.
    static var all: [CallThreads] { living.withLock { Array($0.values) } }

    private func makeCall<Answer: Sendable>(
        _ work: @escaping @Sendable () throws(KeyStoreError) -> Answer,
        _ completion: @escaping @Sendable (Result<Answer, KeyStoreError>) -> Void,
        now: ContinuousClock.Instant
    ) -> Call {
        let once = Once(completion)
        return Call(deadline: now + limits.timeout, isTrial: !breaker.isClosed) {
            do throws(KeyStoreError) { once(.success(try work())) } catch { once(.failure(error)) }
        } giveUp: {
            once(.failure($0))
        }
    }

    private var timeOut: KeyStoreError {
        KeyStoreError(
            .tokenNotResponding,
            "\(place) gave no answer within \(limits.timeout.inWords); it is not asked again for \(limits.pause.inWords)"
        )
    }

    private var closed: KeyStoreError { KeyStoreError(.tokenFailed, "\(place) has been closed") }

    private func refusal(at now: ContinuousClock.Instant) -> KeyStoreError? {
        guard !isClosed else { return closed }
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
        if !addMember("pkcs11-call", { $0.work() }) { threads -= 1 }
    }

    /// Starts a thread, with the monitor held.
    private func addMember(_ name: String, _ body: @escaping @Sendable (CallThreads) -> Void) -> Bool {
        // Those that ended meanwhile: calls that were given up have come back, or nothing was to be done for long.
        members.removeAll { $0.hasLeft && $0.join(patience: .zero) }
        guard let thread = CallThread.start(name: name, monitor: monitor, { body(self) }) else { return false }
        if members.isEmpty { Self.living.withLock { $0[ObjectIdentifier(self)] = self } }
        members.append(thread)
        return true
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
                for call in late { call.giveUp(timeOut) }
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

    /// - Returns: `nil` when there is none at `deadline`.
    func take(until deadline: ContinuousClock.Instant) -> Result<Answer, KeyStoreError>? {
        monitor.lock()
        defer { monitor.unlock() }
        while answer == nil, ContinuousClock.now < deadline { monitor.wait(until: deadline) }
        return answer
    }
}

extension Duration {
    /// For messages: `10 s`, `0.3 s`.
    var inWords: String {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(Double(milliseconds) / 1000) s"
    }
}
