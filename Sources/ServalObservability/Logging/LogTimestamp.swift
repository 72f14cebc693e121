#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A point of time, to the microsecond, as log lines write it.
struct LogTimestamp {
    var seconds: Int
    var microseconds: Int

    static var now: LogTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTimestamp(seconds: Int(time.tv_sec), microseconds: Int(time.tv_nsec) / 1000)
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `21-Nov-2026 03:15:42.123` in local time, as Tomcat writes it.
    var text: String {
        let time = self.broken(isLocal: true)
        let month = Self.months.indices.contains(Int(time.tm_mon)) ? Self.months[Int(time.tm_mon)] : "???"
        return
            "\(Self.padded(time.tm_mday))-\(month)-\(Int(time.tm_year) + 1900) \(Self.clock(time)).\(Self.padded(Int32(self.microseconds / 1000), 3))"
    }

    /// The time in UTC, `2026-11-21T03:15:42.123456Z`, after RFC 3339.
    var rfc3339: String {
        let time = self.broken(isLocal: false)
        let date = "\(Self.padded(time.tm_year + 1900, 4))-\(Self.padded(time.tm_mon + 1))-\(Self.padded(time.tm_mday))"
        return "\(date)T\(Self.clock(time)).\(Self.padded(Int32(self.microseconds), 6))Z"
    }

    private func broken(isLocal: Bool) -> tm {
        var seconds = time_t(self.seconds)
        var result = tm()
        if isLocal { localtime_r(&seconds, &result) } else { gmtime_r(&seconds, &result) }
        return result
    }

    private static func clock(_ time: tm) -> String { "\(padded(time.tm_hour)):\(padded(time.tm_min)):\(padded(time.tm_sec))" }

    private static func padded(_ number: Int32, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
