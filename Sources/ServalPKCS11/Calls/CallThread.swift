import CPKCS11

/// A thread of ``CallThreads``.
///
/// It has to be joined: after its last call, libraries still clean up what they kept for the thread, and OpenSSL, which modules use, frees it a second time
/// if the process ends meanwhile.
///
/// `@unchecked Sendable`: everything is touched with the monitor of its ``CallThreads`` held only, or by the one who joins it.
final class CallThread: @unchecked Sendable {
    private var thread = serval_thread()
    /// Whether it has made its last call.
    private(set) var hasLeft = false

    /// Starts the thread, which takes no signals; called with the monitor held.
    ///
    /// - Returns: `nil` when the system has no thread left.
    static func start(name: String, monitor: MonitorLock, _ body: @escaping @Sendable () -> Void) -> CallThread? {
        let made = CallThread()
        let box = Unmanaged.passRetained(
            ThreadBody {
                body()
                monitor.lock()
                made.hasLeft = true
                monitor.signal()
                monitor.unlock()
            }
        )
        let run: @convention(c) (UnsafeMutableRawPointer?) -> Void = { $0.map { Unmanaged<ThreadBody>.fromOpaque($0).takeRetainedValue().run() } }
        guard serval_start_thread(&made.thread, name, run, box.toOpaque()) == 1 else {
            box.release()
            return nil
        }
        return made
    }

    /// Waits until the thread has ended altogether; once only, after it has left.
    ///
    /// - Returns: Whether it has within `patience`.
    func join(patience: Duration) -> Bool {
        let (seconds, attoseconds) = max(.zero, min(patience, .seconds(3600))).components
        return serval_join_thread(thread, seconds * 1_000_000_000 + attoseconds / 1_000_000_000) == 1
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
