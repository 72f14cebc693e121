#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A moment of the wall clock, to the millisecond.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Milliseconds since 1970-01-01 00:00:00 UTC, as Java's `System.currentTimeMillis()` counts them.
    public var millisecondsSince1970: Int64

    /// A moment given in milliseconds since 1970.
    public init(millisecondsSince1970: Int64) {
        self.millisecondsSince1970 = millisecondsSince1970
    }

    /// The system's coarse wall clock: a few milliseconds of resolution, read without a system call.
    public static var now: Self {
        var time = timespec()
        #if canImport(Darwin)
            clock_gettime(CLOCK_REALTIME, &time)
        #else
            clock_gettime(CLOCK_REALTIME_COARSE, &time)
        #endif
        return Self(millisecondsSince1970: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// A moment later, or earlier for a negative duration.
    public func advanced(by duration: Duration) -> Self {
        let (sum, overflow) = self.millisecondsSince1970.addingReportingOverflow(duration.wholeMilliseconds)
        return Self(millisecondsSince1970: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// Whether one moment comes before another.
    public static func < (one: Self, other: Self) -> Bool { one.millisecondsSince1970 < other.millisecondsSince1970 }
}

extension Duration {
    /// Whole milliseconds, cut off at the range of `Int64`; a positive duration is at least one.
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowOfSum) = product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        if overflowOfSum { return seconds < 0 ? .min : .max }
        return sum == 0 && attoseconds > 0 ? 1 : sum
    }
}
