import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A bounded pool of threads for servlets that block: Tomcat's `maxThreads`.
///
/// Threads are made on demand and end after a minute without work. Jobs are taken in the order of their arrival.
final class BlockingPool: TaskExecutor {
    /// The mutex and condition variable of the pool, at a fixed address, and what they guard.
    ///
    /// Unchecked: everything but the two primitives is touched with the mutex held.
    private final class Queue: @unchecked Sendable {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        /// A ring; `nil` where there is no job.
        var jobs: [UnownedJob?] = Array(repeating: nil, count: 64)
        var head = 0
        var count = 0
        var idleThreads = 0
        var threads = 0
        var nextThreadNumber = 1
        var isShutDown = false

        init() {
            pthread_mutex_init(self.mutex, nil)
            #if canImport(Darwin)
                pthread_cond_init(self.condition, nil)
            #else
                var attributes = pthread_condattr_t()
                pthread_condattr_init(&attributes)
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
                pthread_cond_init(self.condition, &attributes)
                pthread_condattr_destroy(&attributes)
            #endif
        }

        deinit {
            pthread_cond_destroy(self.condition)
            pthread_mutex_destroy(self.mutex)
            self.condition.deallocate()
            self.mutex.deallocate()
        }

        func append(_ job: UnownedJob) {
            if self.count == self.jobs.count {
                var larger: [UnownedJob?] = []
                larger.reserveCapacity(self.count * 2)
                for offset in 0..<self.count { larger.append(self.jobs[(self.head + offset) % self.count]) }
                larger.append(contentsOf: repeatElement(nil, count: self.count))
                self.jobs = larger
                self.head = 0
            }
            self.jobs[(self.head + self.count) % self.jobs.count] = job
            self.count += 1
        }

        func removeFirst() -> UnownedJob? {
            guard self.count > 0 else { return nil }
            defer {
                self.jobs[self.head] = nil
                self.head = (self.head + 1) % self.jobs.count
                self.count -= 1
            }
            return self.jobs[self.head]
        }
    }

    private let queue = Queue()
    private let maxThreads: Int
    private let name: String
    private let idleNanoseconds: Int

    /// A pool without threads.
    ///
    /// - Parameters:
    ///   - name: begins the names of the threads; systems show about 15 bytes of them.
    ///   - maxThreads: at least 1.
    init(name: String, maxThreads: Int, idleTime: Duration = .seconds(60)) {
        self.name = name
        self.maxThreads = max(1, maxThreads)
        self.idleNanoseconds = Int(clamping: idleTime.nanoseconds)
    }

    /// The number of threads that exist now.
    var threadCount: Int {
        pthread_mutex_lock(self.queue.mutex)
        defer { pthread_mutex_unlock(self.queue.mutex) }
        return self.queue.threads
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let queue = self.queue
        pthread_mutex_lock(queue.mutex)
        queue.append(job)
        let needsThread = queue.count > queue.idleThreads && queue.threads < self.maxThreads
        var number = 0
        if needsThread {
            queue.threads += 1
            number = queue.nextThreadNumber
            queue.nextThreadNumber += 1
        }
        let isAnyIdle = queue.idleThreads > 0
        pthread_mutex_unlock(queue.mutex)
        if isAnyIdle { pthread_cond_signal(queue.condition) }
        if needsThread { self.startThread(number) }
    }

    /// Lets the threads end as soon as there is nothing to do; jobs that come later are still run.
    func shutDown() {
        pthread_mutex_lock(self.queue.mutex)
        self.queue.isShutDown = true
        pthread_cond_broadcast(self.queue.condition)
        pthread_mutex_unlock(self.queue.mutex)
    }

    private func startThread(_ number: Int) {
        let start = Unmanaged.passRetained(ThreadStart(pool: self, name: String("\(self.name)-\(number)".suffix(15))))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                #if !canImport(Darwin)
                    guard let argument else { return nil }
                #endif
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                start.pool.runThread(named: start.name)
                return nil
            },
            start.toOpaque()
        )
        guard result == 0 else {
            // No thread for want of resources: the others take the job. Without any, this thread works the queue off.
            start.release()
            pthread_mutex_lock(self.queue.mutex)
            self.queue.threads -= 1
            let job = self.queue.threads == 0 ? self.queue.removeFirst() : nil
            pthread_mutex_unlock(self.queue.mutex)
            job?.runSynchronously(on: self.asUnownedTaskExecutor())
            return
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
    }

    private final class ThreadStart {
        let pool: BlockingPool
        let name: String
        init(pool: BlockingPool, name: String) {
            self.pool = pool
            self.name = name
        }
    }

    private func runThread(named name: String) {
        Self.nameThread(name)
        let executor = self.asUnownedTaskExecutor()
        let queue = self.queue
        pthread_mutex_lock(queue.mutex)
        while true {
            if let job = queue.removeFirst() {
                pthread_mutex_unlock(queue.mutex)
                job.runSynchronously(on: executor)
                pthread_mutex_lock(queue.mutex)
            } else if queue.isShutDown || !self.waitForJob() {
                break
            }
        }
        queue.threads -= 1
        pthread_mutex_unlock(queue.mutex)
    }

    private static func nameThread(_ name: String) {
        #if canImport(Darwin)
            pthread_setname_np(name)
        #else
            // glibc's call for this is not in Swift's module; the file does the same.
            let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return }
            _ = Array(name.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            close(descriptor)
        #endif
    }

    /// Waits with the mutex held; false when nothing came for the idle time.
    private func waitForJob() -> Bool {
        let queue = self.queue
        queue.idleThreads += 1
        defer { queue.idleThreads -= 1 }
        var deadline = timespec()
        #if canImport(Darwin)
            deadline = timespec(tv_sec: self.idleNanoseconds / 1_000_000_000, tv_nsec: self.idleNanoseconds % 1_000_000_000)
            let result = pthread_cond_timedwait_relative_np(queue.condition, queue.mutex, &deadline)
        #else
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = deadline.tv_nsec + self.idleNanoseconds % 1_000_000_000
            deadline.tv_sec += self.idleNanoseconds / 1_000_000_000 + nanoseconds / 1_000_000_000
            deadline.tv_nsec = nanoseconds % 1_000_000_000
            let result = pthread_cond_timedwait(queue.condition, queue.mutex, &deadline)
        #endif
        return result != ETIMEDOUT || queue.count > 0
    }
}
