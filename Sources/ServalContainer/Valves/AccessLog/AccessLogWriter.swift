import Dispatch
import Logging
import Synchronization

/// Collects lines and writes them to a file from a queue of its own.
final class AccessLogWriter: Sendable {
    private struct State: Sendable {
        var buffer: [UInt8] = []
        var clock = AccessLogClock()
        /// Whether a write is on its way.
        var isScheduled = false
        /// Whether that write does not wait for the end of the interval.
        var isUrgent = false
        var droppedLines = 0
        /// Whether the file has to be opened anew before the next write.
        var mustReopen = false
    }

    /// The most bytes that wait for the disk; about 40,000 lines.
    ///
    /// Further lines are dropped.
    static let bufferLimit = 4 * 1024 * 1024
    /// The bytes that do not wait for the end of the interval; the rest of the buffer takes the lines of the time that their write takes.
    private static let urgentSize = 1024 * 1024
    /// How long lines are collected.
    private static let interval = DispatchTimeInterval.milliseconds(100)
    private static let complaintInterval = Duration.seconds(60)

    private let state = Mutex(State())
    /// Locked by the queue alone, so that nobody waits for it.
    private let file: Mutex<AccessLogFile>
    private let lastComplaint = Mutex<ContinuousClock.Instant?>(nil)
    private let queue = DispatchQueue(label: "serval.access-log", qos: .utility)
    private let isBuffered: Bool
    private let logger: Logger
    private let bufferLimit: Int

    init(file: AccessLogFile, isBuffered: Bool, logger: Logger, bufferLimit: Int = AccessLogWriter.bufferLimit) {
        self.file = Mutex(file)
        self.isBuffered = isBuffered
        self.logger = logger
        self.bufferLimit = bufferLimit
    }

    /// Adds a line.
    ///
    /// `make` runs under the lock and must not call out.
    func append(_ make: (inout [UInt8], inout AccessLogClock) -> Void) {
        let (mustSchedule, isUrgent) = self.state.withLock { state in
            guard state.buffer.count < self.bufferLimit else {
                state.droppedLines += 1
                return (false, false)
            }
            make(&state.buffer, &state.clock)
            let isUrgent = !self.isBuffered || state.buffer.count > Self.urgentSize
            let mustSchedule = !state.isScheduled || (isUrgent && !state.isUrgent)
            state.isScheduled = true
            state.isUrgent = state.isUrgent || isUrgent
            return (mustSchedule, isUrgent)
        }
        guard mustSchedule else { return }
        if isUrgent {
            self.queue.async { self.write() }
        } else {
            self.queue.asyncAfter(deadline: .now() + Self.interval) { self.write() }
        }
    }

    func start() async {
        await self.onQueue { self.tellProblem(self.file.withLock { $0.open() }) }
    }

    func flush() async {
        await self.onQueue { self.write() }
    }

    func stop() async {
        await self.onQueue {
            self.write()
            self.file.withLock { $0.close() }
        }
    }

    /// Lines that are added after this call go into the new file, and those that are still in the buffer, too.
    func reopen() {
        self.state.withLock { $0.mustReopen = true }
        self.queue.async { self.write() }
    }

    private func onQueue(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            self.queue.async {
                body()
                continuation.resume()
            }
        }
    }

    // MARK: On the queue

    private func write() {
        let (bytes, dropped, mustReopen) = self.state.withLock { state in
            let bytes = state.buffer
            defer { state.mustReopen = false }
            state.buffer = []
            state.buffer.reserveCapacity(min(bytes.count, 65_536))
            state.isScheduled = false
            state.isUrgent = false
            return (bytes, state.droppedLines, state.mustReopen)
        }
        if mustReopen { self.file.withLock { $0.close() } }
        guard !bytes.isEmpty else { return }
        let problem = self.file.withLock { $0.write(bytes) }
        if problem != nil {
            let lines = bytes.count { $0 == UInt8(ascii: "\n") }
            self.state.withLock { $0.droppedLines += lines }
        }
        if problem != nil || dropped > 0 { self.tellProblem(problem) }
    }

    private func tellProblem(_ problem: String?) {
        let dropped = self.state.withLock { $0.droppedLines }
        guard problem != nil || dropped > 0 else { return }
        let now = ContinuousClock.now
        let isDue = self.lastComplaint.withLock { last in
            if let last, last.duration(to: now) < Self.complaintInterval { return false }
            last = now
            return true
        }
        guard isDue else { return }
        self.state.withLock { $0.droppedLines -= dropped }
        let reason = problem ?? "the disk is slower than the requests"
        self.logger.warning("access log: \(reason); \(dropped) lines were dropped")
    }

    /// Lines that were dropped and not told yet.
    var droppedLines: Int { self.state.withLock { $0.droppedLines } }
}
