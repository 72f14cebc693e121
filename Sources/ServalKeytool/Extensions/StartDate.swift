import Glibc

/// The value of `-startdate`: steps from now such as `-1y+2m-3d`, or a date and time `yyyy/mm/dd HH:MM:SS` either half of which may be missing.
///
/// Both are in the time zone of the environment.
enum StartDate {
    /// The moment that the value means.
    ///
    /// - Parameters:
    ///   - value: The option's value, nil for now.
    ///   - now: Seconds since 1970.
    static func resolve(_ value: String?, now: Int64) throws -> Int64 {
        guard let value else { return now }
        let illegal = Failure.input("Illegal startdate value")
        guard let first = value.first else { throw illegal }
        guard let moment = first == "+" || first == "-" ? relative(value, now: now) : absolute(value, now: now) else { throw illegal }
        return moment
    }

    private static func relative(_ value: String, now: Int64) -> Int64? {
        var moment = now
        var rest = value[...]
        while let sign = rest.first {
            guard sign == "+" || sign == "-" else { return nil }
            rest = rest.dropFirst()
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            // Nine digits are enough for every unit, and cannot overflow.
            guard let unit = rest.first, digits.count <= 9, let amount = Int64(digits) else { return nil }
            rest = rest.dropFirst()
            guard let next = moment.advanced(by: sign == "-" ? -amount : amount, unit) else { return nil }
            moment = next
        }
        return moment
    }

    private static func absolute(_ value: String, now: Int64) -> Int64? {
        var fields = now.localFields
        var dateText: Substring?
        var timeText: Substring?
        let parts = value.split(separator: " ", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: if parts[0].contains("/") { dateText = parts[0] } else { timeText = parts[0] }
        case 2: (dateText, timeText) = (parts[0], parts[1])
        default: return nil
        }
        if let dateText {
            guard let numbers = numbers(dateText, separator: "/", widths: [4, 2, 2]) else { return nil }
            (fields.tm_year, fields.tm_mon, fields.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
        }
        if let timeText {
            guard let numbers = numbers(timeText, separator: ":", widths: [2, 2, 2]) else { return nil }
            (fields.tm_hour, fields.tm_min, fields.tm_sec) = (numbers[0], numbers[1], numbers[2])
        }
        fields.tm_isdst = -1
        let wanted = fields
        let moment = Int64(mktime(&fields))
        // The system turns February 31st into March 3rd. The JDK takes that; a certificate that begins on another day than asked is no help.
        guard fields.tm_mon == wanted.tm_mon, fields.tm_mday == wanted.tm_mday, wanted.tm_min < 60, wanted.tm_hour < 24, wanted.tm_sec < 60 else {
            return nil
        }
        return moment
    }

    private static func numbers(_ text: Substring, separator: Character, widths: [Int]) -> [Int32]? {
        let parts = text.split(separator: separator, omittingEmptySubsequences: false)
        guard parts.map(\.count) == widths else { return nil }
        let numbers = parts.compactMap { $0.allSatisfy { $0.isASCII && $0.isNumber } ? Int32($0) : nil }
        return numbers.count == widths.count ? numbers : nil
    }
}

extension Int64 {
    fileprivate var localFields: tm {
        var seconds = time_t(self)
        var fields = tm()
        localtime_r(&seconds, &fields)
        return fields
    }

    /// Years and months keep the day of the month where the month has it, days keep the time of day, as a calendar on the wall would.
    fileprivate func advanced(by amount: Int64, _ unit: Character) -> Int64? {
        switch unit {
        case "H": return self + amount * 3600
        case "M": return self + amount * 60
        case "S": return self + amount
        case "d", "m", "y": break
        default: return nil
        }
        guard amount.magnitude <= 1_000_000 else { return nil }
        var fields = localFields
        fields.tm_isdst = -1
        if unit == "d" {
            fields.tm_mday += Int32(amount)
        } else {
            let months = Int64(fields.tm_year) * 12 + Int64(fields.tm_mon) + amount * (unit == "y" ? 12 : 1)
            let month = ((months % 12) + 12) % 12
            let year = (months - month) / 12
            fields.tm_year = Int32(year)
            fields.tm_mon = Int32(month)
            fields.tm_mday = Swift.min(fields.tm_mday, Self.days(inMonth: Int(month), year: Int(year) + 1900))
        }
        return Int64(mktime(&fields))
    }

    private static func days(inMonth month: Int, year: Int) -> Int32 {
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        return month == 1 && isLeap ? 29 : [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
    }
}
