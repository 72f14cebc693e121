import NIOCore

/// A task that answers requests on an event loop, one after the other.
///
/// Making a task and ending it costs as much as many a servlet. So a task that has answered waits for the loop's next request, of whatever connection;
/// ``EventLoopContext`` keeps those that wait. One that was cancelled ends with its request.
///
/// Unchecked: everything is touched on the loop only.
final class RequestRunner: @unchecked Sendable {
    /// What is to be answered.
    enum Work {
        case request(of: HTTP1ConnectionHandler)
        case stream(HTTP2Stream, of: HTTP2ConnectionHandler)
    }

    private let loop: EventLoopContext
    @exclusivity(unchecked) private var work: Work?
    /// `nil` before it was made, which is after its first request has begun.
    @exclusivity(unchecked) private var task: Task<Void, Never>?
    /// Where the task waits for the next request.
    @exclusivity(unchecked) private var waiting: UnsafeContinuation<Void, Never>?
    @exclusivity(unchecked) private var isCancelled = false

    init(_ loop: EventLoopContext) { self.loop = loop }

    /// Answers, and returns when the answer is there or has to wait for something.
    func run(_ work: Work) {
        self.work = work
        guard !self.goOn() else { return }
        let task: Task<Void, Never>
        if #available(macOS 26, *) {
            task = Task.immediateDetached(executorPreference: self.loop.executor) { await self.answer() }
        } else {
            task = Task.detached(executorPreference: self.loop.executor) { await self.answer() }
        }
        self.task = task
        if self.isCancelled { task.cancel() }
    }

    /// Cancels what is being answered; a connection or stream forgets its runner as soon as that has answered.
    func cancel() {
        self.isCancelled = true
        self.task?.cancel()
    }

    /// Ends the task, which waits.
    func dismiss() { _ = self.goOn() }

    /// - Returns: Whether there was a task that waited.
    private func goOn() -> Bool {
        guard let waiting = self.waiting.take() else { return false }
        self.loop.executor.resume(waiting)
        return true
    }

    private nonisolated(nonsending) func answer() async {
        while true {
            switch self.work.take() {
            case .request(let connection):
                await connection.respond()
                // The answer may wait for its client still; whoever gives it up then must not cancel what this task does next.
                if connection.runner === self { connection.runner = nil }
            case .stream(let stream, let connection):
                await connection.respond(stream)
                if stream.runner === self { stream.runner = nil }
            case nil: return
            }
            guard !self.isCancelled, self.loop.keep(self) else { return }
            await withUnsafeContinuation { self.waiting = $0 }
        }
    }
}
