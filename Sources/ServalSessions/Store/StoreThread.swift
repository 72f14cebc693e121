#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A thread for work that blocks: a store's files, a database's client.
///
/// Jobs run one after the other in their order. The thread ends with ``finish()``, or when nobody refers to it any more, after the jobs that it has.
package final class StoreThread: Sendable {
    package typealias Job = @Sendable () -> Void

    private let queue = Queue()

    /// Starts a thread.
    ///
    /// - Throws: ``SessionError/Code/storeUnavailable`` if the system has none left.
    package init() throws(SessionError) {
        let queue = Unmanaged.passRetained(self.queue)
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = pthread_create(
            &thread,
            nil,
            { argument in
                #if canImport(Darwin)
                    Unmanaged<Queue>.fromOpaque(argument).takeRetainedValue().run()
                #else
                    if let argument { Unmanaged<Queue>.fromOpaque(argument).takeRetainedValue().run() }
                #endif
                return nil
            },
            queue.toOpaque()
        )
        guard status == 0 else {
            queue.release()
            throw SessionError(code: .storeUnavailable, message: "the session store cannot start a thread: \(String(cString: strerror(status)))")
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
    }

    deinit { self.queue.close() }

    /// Runs a job when its turn comes.
    ///
    /// - Returns: `false`, and the job is not run, after ``finish()``.
    package func enqueue(_ job: @escaping Job) -> Bool { self.queue.add(job) }

    /// What a job on this thread returns.
    ///
    /// - Throws: what the job throws; ``SessionError/Code/storeUnavailable`` after ``finish()``.
    package func run<Value: Sendable>(_ job: @escaping @Sendable () throws(SessionError) -> Value) async throws(SessionError) -> Value {
        let result: Result<Value, SessionError> = await withCheckedContinuation { continuation in
            let isAccepted = self.enqueue { continuation.resume(returning: Result(catching: job)) }
            if !isAccepted { continuation.resume(returning: .failure(Self.stopped)) }
        }
        return try result.get()
    }

    /// Takes no more jobs, and waits for those that it has.
    package func finish() async {
        await withCheckedContinuation { continuation in
            if !self.enqueue({ continuation.resume() }) { continuation.resume() }
            self.queue.close()
        }
    }

    /// Blocks the thread that calls, which must be a store's.
    ///
    /// To the millisecond, at most a second.
    package static func sleep(for duration: Duration) { usleep(UInt32(clamping: min(duration, .seconds(1)).wholeMilliseconds * 1000)) }

    /// What a store answers that is not started, or is stopped.
    package static let stopped = SessionError(code: .storeUnavailable, message: "the session store is not running")

    /// Jobs that wait; only touched while the mutex is held, and the pointers never change: that makes it safe to share.
    private final class Queue: @unchecked Sendable {
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var jobs: [Job] = []
        private var isClosed = false

        init() {
            pthread_mutex_init(self.mutex, nil)
            pthread_cond_init(self.condition, nil)
        }

        deinit {
            pthread_cond_destroy(self.condition)
            pthread_mutex_destroy(self.mutex)
            self.condition.deallocate()
            self.mutex.deallocate()
        }

        func add(_ job: @escaping Job) -> Bool {
            pthread_mutex_lock(self.mutex)
            defer { pthread_mutex_unlock(self.mutex) }
            guard !self.isClosed else { return false }
            self.jobs.append(job)
            pthread_cond_signal(self.condition)
            return true
        }

        func close() {
            pthread_mutex_lock(self.mutex)
            defer { pthread_mutex_unlock(self.mutex) }
            self.isClosed = true
            pthread_cond_signal(self.condition)
        }

        func run() {
            // Not every client of a database keeps it away when the other side has gone.
            var signals = sigset_t()
            sigemptyset(&signals)
            sigaddset(&signals, SIGPIPE)
            pthread_sigmask(SIG_BLOCK, &signals, nil)
            while let jobs = self.next() { for job in jobs { job() } }
        }

        /// All jobs that wait; `nil` after the last.
        private func next() -> [Job]? {
            pthread_mutex_lock(self.mutex)
            defer { pthread_mutex_unlock(self.mutex) }
            while self.jobs.isEmpty {
                if self.isClosed { return nil }
                pthread_cond_wait(self.condition, self.mutex)
            }
            defer { self.jobs = [] }
            return self.jobs
        }
    }
}
