/// Decides whether a store is asked, so that a store that does not answer costs a few requests a time-out, and not each of them.
///
/// The store is taken for down when questions about ``threshold`` different sessions have failed in a row: what is wrong with one session, or with a list that takes
/// too long, is not wrong with the store. Then nobody asks; once in ``pause`` one question goes ahead, a probe, while all others get their answer at once.
struct StoreCircuit: Sendable {
    /// How long a store that is down is left alone before it is probed again.
    static let pause = Duration.seconds(1)
    /// How many sessions it takes.
    static let threshold = 3
    /// The least time between two lines about sessions that fail while others do not.
    private static let reportPause = Duration.seconds(10)

    typealias Instant = ContinuousClock.Instant

    private enum State {
        case closed
        /// Nobody asks before that moment.
        case open(until: Instant)
        /// Somebody probes.
        case halfOpen
    }

    /// What becomes of a question.
    enum Admission: Hashable {
        case ask
        /// Ask for a session that nobody has, and tell how that ends, before anything else.
        case probe
        /// Not at this time.
        case refuse
    }

    private var state = State.closed
    /// The sessions whose questions have failed since the store last answered.
    private var failed: Set<StoredSessionKey> = []
    /// When the store last answered.
    private var lastAnswer: Instant?
    /// When a failure was last worth a line in the log.
    private var lastReport: Instant?

    var isOpen: Bool { if case .closed = self.state { false } else { true } }

    mutating func admission(at now: Instant) -> Admission {
        switch self.state {
        case .closed: return .ask
        case .halfOpen: return .refuse
        case .open(let end):
            guard now >= end else { return .refuse }
            self.state = .halfOpen
            return .probe
        }
    }

    /// The store has answered; `true` if it was down.
    mutating func didAnswer(at now: Instant) -> Bool {
        defer {
            self.state = .closed
            self.failed = []
            self.lastAnswer = now
        }
        return self.isOpen
    }

    /// What a failure means.
    enum Verdict: Hashable {
        /// One of few, about which the log should say something.
        case news
        /// The one that takes the store down.
        case down
        /// Nothing new.
        case known
    }

    /// The store has not answered to a question about a session.
    ///
    /// - Parameter start: when it was asked; it may have answered to others since.
    mutating func didFail(_ key: StoredSessionKey, askedAt start: Instant, at now: Instant) -> Verdict {
        if self.isOpen { return .known }
        if self.lastAnswer.map({ $0 <= start }) ?? true { self.failed.insert(key) }
        guard self.failed.count < Self.threshold else {
            self.state = .open(until: now + Self.pause)
            return .down
        }
        if let lastReport, now - lastReport < Self.reportPause { return .known }
        self.lastReport = now
        return .news
    }

    /// A probe has not been answered.
    mutating func didFailToProbe(at now: Instant) {
        if case .halfOpen = self.state { self.state = .open(until: now + Self.pause) }
    }
}
