import NIOCore

/// An event loop as the preferred executor of the tasks that answer requests.
///
/// A task that is started immediately on its loop and never suspends costs no hop. One executor exists for each loop of a connector's group; it must
/// not be used after the group has shut down.
final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
