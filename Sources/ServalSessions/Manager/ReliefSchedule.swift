import Synchronization

/// When sessions are looked for that can make room: one search at a time, and not again at once after one that found too few.
final class ReliefSchedule: Sendable {
    /// How long nobody searches after a search that did not help.
    static let pause = Duration.seconds(1)

    private struct State {
        var isRunning = false
        var pausedUntil: ContinuousClock.Instant?
    }

    private let state = Mutex(State())

    /// Whether the caller is to search now.
    func begin(at now: ContinuousClock.Instant) -> Bool {
        self.state.withLock { state in
            guard !state.isRunning, state.pausedUntil.map({ $0 <= now }) ?? true else { return false }
            state.isRunning = true
            return true
        }
    }

    /// The search is over.
    func end(at now: ContinuousClock.Instant, hasHelped: Bool) {
        self.state.withLock { $0 = State(pausedUntil: hasHelped ? nil : now + Self.pause) }
    }
}
