/// Work that may hang in somebody else's code: who waits for it need not wait for its end.
package struct AbandonableWork: Sendable {
    /// Does the work; to be cancelled by who wants that.
    package let task: Task<Void, Never>

    /// Begins the work.
    package init(_ body: @escaping @Sendable () async -> Void) { self.task = Task { await body() } }

    /// Waits for the end of the work, or of something else, whichever comes first; also if the caller is cancelled.
    ///
    /// - Parameter limit: returns when there is no more waiting; it is cancelled when the work is done.
    /// - Returns: whether the work is done; otherwise it goes on.
    package func wait(unless limit: @escaping @Sendable () async -> Void) async -> Bool {
        let (ends, continuation) = AsyncStream<Bool>.makeStream()
        // None of them is a child of the caller's task: in one that is cancelled, children would end at once.
        Task {
            await self.task.value
            continuation.yield(true)
        }
        let limiting = Task {
            await limit()
            continuation.yield(false)
        }
        let isDone = await Task { await ends.first { _ in true } ?? true }.value
        limiting.cancel()
        return isDone
    }
}

extension Task where Success == Void, Failure == Never {
    /// Does work to its end though who waits for it may be cancelled, or have been: what is stopped because of a cancellation is not to be stopped half-way.
    package static func uncancelled(_ body: @escaping @Sendable () async -> Void) async { await Task { await body() }.value }
}
