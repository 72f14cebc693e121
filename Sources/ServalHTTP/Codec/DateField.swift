#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The value of the `Date` field in one second: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// Source: RFC 9110 §5.6.7.
struct DateField {
    /// ASCII.
    private(set) var bytes: [UInt8] = []
    /// When the next second begins, on the monotonic clock.
    private(set) var validUntil: UInt64 = 0

    /// Never valid.
    init() {}

    /// The present second.
    init(now: UInt64) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        self.init(secondsSince1970: Int(time.tv_sec))
        self.validUntil = now &+ UInt64(1_000_000_000 - min(time.tv_nsec, 999_999_999))
    }

    init(secondsSince1970 seconds: Int) {
        let days = (seconds >= 0 ? seconds : seconds - 86399) / 86400
        let secondOfDay = seconds - days * 86400
        let (year, month, day) = Self.civil(days: days)
        let dayNames: StaticString = "ThuFriSatSunMonTueWed"
        let monthNames: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        var bytes: [UInt8] = []
        bytes.reserveCapacity(29)
        func put(_ byte: UInt8) { bytes.append(byte) }
        func putTwo(_ number: Int) {
            put(UInt8(0x30 + number / 10 % 10))
            put(UInt8(0x30 + number % 10))
        }
        let weekday = ((days % 7) + 7) % 7
        for offset in 0..<3 { put(dayNames.utf8Start[weekday * 3 + offset]) }
        put(0x2C)
        put(0x20)
        putTwo(day)
        put(0x20)
        for offset in 0..<3 { put(monthNames.utf8Start[(month - 1) * 3 + offset]) }
        put(0x20)
        putTwo(year / 100)
        putTwo(year % 100)
        put(0x20)
        putTwo(secondOfDay / 3600)
        put(0x3A)
        putTwo(secondOfDay / 60 % 60)
        put(0x3A)
        putTwo(secondOfDay % 60)
        for byte in " GMT".utf8 { put(byte) }
        self.bytes = bytes
    }

    /// The date of a day since 1970 in the Gregorian calendar, counting years from March so that leap days come last.
    private static func civil(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
