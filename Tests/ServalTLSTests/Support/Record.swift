import Synchronization

/// What a handler of a test has seen so far, for the test to look at.
final class Record<Content: Sendable>: Sendable {
    private let content: Mutex<Content>

    init(_ content: Content) { self.content = Mutex(content) }

    var now: Content { content.withLock { $0 } }

    func note(_ change: (inout Content) -> Void) { content.withLock { change(&$0) } }

    /// Waits until the content is as expected, for 20 seconds at most.
    func reaches(_ isExpected: (Content) -> Bool) async throws {
        for _ in 0..<2000 where !isExpected(now) { try await Task.sleep(for: .milliseconds(10)) }
    }
}
