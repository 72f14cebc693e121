extension Timestamp {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    /// The last second of the year 9999; the format has no room for more.
    private static let lastSecond: Int64 = 253_402_300_799

    /// The moment some seconds later as RFC 9110 `IMF-fixdate`; not before 1970 and not after 9999.
    func httpDate(after seconds: Int64) -> String {
        let (sum, overflow) = (self.millisecondsSince1970 / 1000).addingReportingOverflow(seconds)
        let second = overflow ? Self.lastSecond : min(max(sum, 0), Self.lastSecond)
        let days = Int(second / 86400)
        let time = Int(second % 86400)
        // Years that begin in March, so that the leap day is the last one; 400 of them have 146,097 days.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = (monthFromMarch + 2) % 12
        let year = era * 400 + yearOfEra + (month < 2 ? 1 : 0)
        let date = "\(Self.weekdays[days % 7]), \(Self.digits(day, 2)) \(Self.months[month]) \(Self.digits(year, 4))"
        return "\(date) \(Self.digits(time / 3600, 2)):\(Self.digits(time / 60 % 60, 2)):\(Self.digits(time % 60, 2)) GMT"
    }

    private static func digits(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }
}
