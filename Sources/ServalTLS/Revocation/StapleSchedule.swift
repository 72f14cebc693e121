/// When to fetch the next OCSP answer about a certificate.
///
/// A value without I/O. An answer is replaced at half of its life, so that a responder may be out of service for the other half without anybody noticing;
/// chance keeps servers that were started together from asking together.
package struct StapleSchedule: Sendable {
    private var failures = 0

    package init() {}

    /// Never sooner than this, in seconds, whatever an answer says about itself.
    package static let shortestPause = 5
    /// Never later than this, in seconds: an answer with a life of months is replaced all the same.
    package static let longestPause = 12 * 3600
    /// The pause after a first failure, in seconds; it doubles with each further one, up to an hour.
    private static let firstRetry = 30
    private static let longestRetry = 3600

    /// How long to wait after a good answer, in seconds.
    ///
    /// - Parameter chance: 0 to 1.
    package mutating func pause(afterAnswerFrom thisUpdate: Int, to nextUpdate: Int, now: Int, chance: Double) -> Int {
        failures = 0
        let half = thisUpdate + (nextUpdate - thisUpdate) / 2
        // Within the second half the responder has nothing newer yet: half of what is left.
        let pause = half > now ? half - now : (nextUpdate - now) / 2
        return limited(pause, chance: chance)
    }

    /// How long to wait after an attempt that brought nothing, in seconds.
    ///
    /// - Parameter nextUpdate: the end of the answer that is presented meanwhile, if there is one.
    package mutating func pauseAfterFailure(nextUpdate: Int?, now: Int, chance: Double) -> Int {
        failures = min(failures + 1, 16)
        var pause = min(Self.firstRetry << (failures - 1), Self.longestRetry)
        // The closer the end, the more it matters.
        if let nextUpdate, nextUpdate > now { pause = min(pause, max((nextUpdate - now) / 4, Self.firstRetry)) }
        return limited(pause, chance: chance)
    }

    /// Within the limits, and a tenth more or less.
    private func limited(_ pause: Int, chance: Double) -> Int {
        let bounded = min(max(pause, Self.shortestPause), Self.longestPause)
        let spread = Double(bounded) * 0.2 * (min(max(chance, 0), 1) - 0.5)
        return max(bounded + Int(spread), Self.shortestPause)
    }
}
