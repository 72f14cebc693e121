/// Decides whether a place that did not answer in time is asked again.
///
/// After a call that timed out everything fails at once for a while; then one call may try, and its outcome decides. So a token that hangs costs each
/// caller nothing, and no more threads get stuck in it than there have to be.
struct CircuitBreaker {
    private enum State {
        case closed
        case open(until: ContinuousClock.Instant)
        /// One call is under way to find out.
        case trying
    }

    enum Decision: Equatable {
        case proceed
        case refuse
    }

    private var state = State.closed
    private let pause: Duration

    /// - Parameter pause: How long nothing is asked after a time-out.
    init(pause: Duration) { self.pause = pause }

    var isClosed: Bool { if case .closed = state { true } else { false } }

    /// Whether a new call may begin.
    mutating func admit(at now: ContinuousClock.Instant) -> Decision {
        switch state {
        case .closed: return .proceed
        case .trying: return .refuse
        case .open(let until):
            guard now >= until else { return .refuse }
            state = .trying
            return .proceed
        }
    }

    /// A call came back, with whatever answer.
    mutating func answered() { state = .closed }

    /// A call did not come back in time.
    mutating func timedOut(at now: ContinuousClock.Instant) { state = .open(until: now + pause) }
}
