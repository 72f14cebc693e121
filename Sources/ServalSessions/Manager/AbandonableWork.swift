/// Work that may hang in somebody else's code: who waits for it need not wait for its end.
package struct AbandonableWork: Sendable {
    /// Does the work; to be cancelled by who wants that.
    package let task: Task<Void, Never>
    private let end: AsyncStream<Void>

    /// Begins the work.
    package init(_ body: @escaping @Sendable () async -> Void) {
        let (end, continuation) = AsyncStream<Void>.makeStream()
        self.end = end
        self.task = Task {
            await body()
            continuation.finish()
        }
    }

    /// Waits for the end of the work, or of something else that ends when it is cancelled; to be called once.
    ///
    /// - Parameter limit: returns when there is no more waiting.
    /// - Returns: whether the work is done; otherwise it goes on.
    package func wait(unless limit: @escaping @Sendable () async -> Void) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                for await _ in self.end {}
                return true
            }
            group.addTask {
                await limit()
                return false
            }
            let isDone = await group.next() ?? true
            group.cancelAll()
            return isDone
        }
    }
}
