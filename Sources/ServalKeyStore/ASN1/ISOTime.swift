/// Times in the form of ISO 8601, in UTC.
package enum ISOTime {
    /// `2026-11-21T06:40:00Z`.
    package static func text(_ secondsSince1970: Int64) -> String {
        let (days, seconds) = split(secondsSince1970)
        return date(ofDay: days) + "T" + [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }.joined(separator: ":") + "Z"
    }

    /// `2026-11-21`.
    package static func date(_ secondsSince1970: Int64) -> String { date(ofDay: split(secondsSince1970).days) }

    private static func split(_ time: Int64) -> (days: Int64, seconds: Int64) {
        // No certificate can name a year outside 0...9999; anything else comes from a damaged file.
        let time = min(max(time, -62_167_219_200), 253_402_300_799)
        let days = (time - (time < 0 ? 86_399 : 0)) / 86_400
        return (days, time - days * 86_400)
    }

    /// The Gregorian date, counted in eras of 400 years that begin with March.
    private static func date(ofDay days: Int64) -> String {
        let shifted = days + 719_468
        let era = (shifted - (shifted < 0 ? 146_096 : 0)) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, 2)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
