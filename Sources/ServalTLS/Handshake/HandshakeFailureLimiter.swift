import NIOCore

/// Decides which failed handshakes are logged one by one; a value without I/O.
///
/// Of each cause a number of lines in each interval; the rest are counted, and told of in one line when the interval is over.
struct HandshakeFailureLimiter {
    /// What is to be done about one failure.
    enum Decision: Equatable {
        case log
        /// Left out, as the first of its interval: ``finish(_:)`` is to be called at this time.
        case summarize(at: NIODeadline)
        case leaveOut
    }

    private struct Interval {
        var end: NIODeadline
        var logged = 0
        var leftOut = 0
    }

    /// The most lines of one cause in an interval.
    let limit: Int
    let length: TimeAmount
    /// As many as there are causes, which are constants.
    private var intervals: [TLSHandshakeFailure.Cause: Interval] = [:]

    init(limit: Int = 20, length: TimeAmount = .seconds(10)) {
        self.limit = limit
        self.length = length
    }

    mutating func admit(_ cause: TLSHandshakeFailure.Cause, now: NIODeadline) -> Decision {
        var interval = intervals[cause] ?? Interval(end: now + length)
        defer { intervals[cause] = interval }
        // What was left out is told of by `finish`, which may be late.
        if now >= interval.end, interval.leftOut == 0 { interval = Interval(end: now + length) }
        guard interval.logged >= limit else {
            interval.logged += 1
            return .log
        }
        interval.leftOut += 1
        return interval.leftOut == 1 ? .summarize(at: interval.end) : .leaveOut
    }

    /// Ends the interval of a cause.
    ///
    /// - Returns: how many were left out.
    mutating func finish(_ cause: TLSHandshakeFailure.Cause) -> Int { intervals.removeValue(forKey: cause)?.leftOut ?? 0 }

    /// Ends all intervals.
    mutating func finishAll() -> [(cause: TLSHandshakeFailure.Cause, leftOut: Int)] {
        defer { intervals = [:] }
        return intervals.filter { $0.value.leftOut > 0 }.map { ($0.key, $0.value.leftOut) }.sorted { $0.cause.name < $1.cause.name }
    }
}
