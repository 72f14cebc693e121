/// Dates of HTTP header fields, to the second.
///
/// Source: RFC 9110 §5.6.7.
enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// A moment in seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`.
    static func text(_ seconds: Int) -> String {
        let days = seconds.flooredQuotient(86400)
        let date = CalendarDate(days: days)
        let time = seconds - days * 86400
        let weekday = Self.weekdays[(days % 7 + 7) % 7]
        return "\(weekday), \(date.day.padded(2)) \(Self.months[date.month - 1]) \(date.year.padded(4)) "
            + "\((time / 3600).padded(2)):\((time / 60 % 60).padded(2)):\((time % 60).padded(2)) GMT"
    }

    /// Reads the preferred format and the two obsolete ones; `nil` for anything else.
    static func seconds(_ text: String) -> Int? {
        guard text.utf8.count <= 40 else { return nil }
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        // Sun Nov  6 08:49:37 1994
        if words.count == 5, let month = Self.months.firstIndex(where: { $0 == words[1] }) {
            return Self.seconds(day: words[2], month: month + 1, year: Int(words[4]), time: words[3])
        }
        // Sun, 06 Nov 1994 08:49:37 GMT; Sunday, 06-Nov-94 08:49:37 GMT
        guard words.count == 6, words[5] == "GMT", let month = Self.months.firstIndex(where: { $0 == words[2] }) else { return nil }
        var year = Int(words[3])
        if words[3].utf8.count == 2, let short = year { year = short < 70 ? 2000 + short : 1900 + short }
        return Self.seconds(day: words[1], month: month + 1, year: year, time: words[4])
    }

    private static func seconds(day: Substring, month: Int, year: Int?, time: Substring) -> Int? {
        let parts = time.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2] else { return nil }
        guard let day = Int(day), let year, (1...31).contains(day), (1...9999).contains(year) else { return nil }
        guard (0..<24).contains(hour), (0..<60).contains(minute), (0...60).contains(second) else { return nil }
        return CalendarDate(year: year, month: month, day: day).days * 86400 + hour * 3600 + minute * 60 + second
    }
}

/// A day of the Gregorian calendar.
struct CalendarDate: Hashable {
    var year: Int
    var month: Int
    var day: Int

    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day that comes `days` after 1970-01-01.
    ///
    /// Counted in years that begin in March, so that the leap day is the last one; 400 of them have 146,097 days.
    init(days: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        self.month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        self.year = yearOfEra + era * 400 + (self.month <= 2 ? 1 : 0)
    }

    /// The days since 1970-01-01.
    var days: Int {
        let year = self.month <= 2 ? self.year - 1 : self.year
        let era = year.flooredQuotient(400)
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (self.month > 2 ? self.month - 3 : self.month + 9) + 2) / 5 + self.day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int {
    /// The quotient, rounded down also for negative numbers.
    func flooredQuotient(_ divisor: Int) -> Int { self >= 0 ? self / divisor : (self + 1) / divisor - 1 }

    /// The number with zeros in front.
    func padded(_ width: Int) -> String {
        let text = String(self)
        return String(repeating: "0", count: Swift.max(0, width - text.utf8.count)) + text
    }
}
