import NIOCore

/// An event loop as the preferred executor of the tasks that answer requests.
///
/// A task that is started immediately on its loop and never suspends costs no hop. One executor exists for each loop of a connector's group; it must
/// not be used after the group has shut down.
///
/// Unchecked: what changes is touched on the loop only.
final class EventLoopExecutor: TaskExecutor, @unchecked Sendable {
    private let loop: any EventLoop
    /// Whether the next job is that of the task that ``resume(_:)`` resumes.
    @exclusivity(unchecked) private var isResuming = false
    @exclusivity(unchecked) private var resumed: UnownedJob?

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if self.loop.inEventLoop, self.isResuming {
            self.isResuming = false
            self.resumed = job
            return
        }
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Resumes a task that prefers this executor, and runs it until it waits again or ends; on the loop.
    func resume(_ continuation: UnsafeContinuation<Void, Never>) {
        self.isResuming = true
        continuation.resume()
        self.isResuming = false
        if let job = self.resumed.take() { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
