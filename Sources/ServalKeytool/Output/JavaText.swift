import Glibc

/// Dates and numbers as the JDK prints them in English, in the time zone of the environment (`TZ`).
enum JavaText {
    /// `Sat Nov 21 00:01:30 UTC 2026`.
    static func dateAndTime(_ secondsSince1970: Int64) -> String {
        formatted(secondsSince1970, "%a %b %d %H:%M:%S %Z %Y")
    }

    /// `Nov 21, 2026`.
    static func date(_ secondsSince1970: Int64) -> String {
        formatted(secondsSince1970, "%b %-d, %Y")
    }

    /// The year of a moment, which may be far away.
    static func year(_ secondsSince1970: Int64, adding seconds: Int64) -> Int {
        var moment = time_t(secondsSince1970.addingReportingOverflow(seconds).partialValue)
        var fields = tm()
        return gmtime_r(&moment, &fields) == nil ? Int.max : Int(fields.tm_year) + 1900
    }

    /// `2,048`.
    static func grouped(_ number: Int) -> String {
        var digits = String(number.magnitude)
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (number < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// The process never calls `setlocale`, so the names are English.
    private static func formatted(_ secondsSince1970: Int64, _ format: String) -> String {
        var seconds = time_t(secondsSince1970)
        var fields = tm()
        guard localtime_r(&seconds, &fields) != nil else { return String(secondsSince1970) }
        var buffer = [CChar](repeating: 0, count: 128)
        let count = strftime(&buffer, buffer.count, format, &fields)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
