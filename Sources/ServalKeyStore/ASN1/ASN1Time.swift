/// UTCTime and GeneralizedTime.
package enum ASN1Time {
    /// Seconds since 1970.
    package static func seconds(_ value: ASN1Value) throws(KeyStoreError) -> Int64 {
        let hasLongYear = value.tag == 0x18
        guard hasLongYear || value.tag == 0x17, let seconds = seconds(Array(value.content), hasLongYear: hasLongYear) else {
            throw KeyStoreError(.corrupt, "A certificate's time cannot be read")
        }
        return seconds
    }

    private static func seconds(_ text: [UInt8], hasLongYear: Bool) -> Int64? {
        var rest = text[...]
        func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }
        func number(_ digits: Int) -> Int64? {
            guard rest.count >= digits, rest.prefix(digits).allSatisfy(isDigit) else { return nil }
            defer { rest = rest.dropFirst(digits) }
            return rest.prefix(digits).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        guard var year = number(hasLongYear ? 4 : 2), let month = number(2), let day = number(2), let hour = number(2), let minute = number(2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60
        else { return nil }
        if !hasLongYear { year += year < 50 ? 2000 : 1900 }
        let second = rest.first.map(isDigit) == true ? number(2) : 0
        guard let second, second <= 60 else { return nil }
        if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop(while: isDigit) }
        guard let offset = offset(rest) else { return nil }
        return ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset
    }

    /// `Z` or `+hhmm`, in seconds.
    private static func offset(_ zone: ArraySlice<UInt8>) -> Int64? {
        let zone = Array(zone)
        if zone == [UInt8(ascii: "Z")] { return 0 }
        guard zone.count == 5, zone[0] == UInt8(ascii: "+") || zone[0] == UInt8(ascii: "-"),
            zone[1...].allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        let digits = zone[1...].map { Int64($0 - 0x30) }
        let seconds = ((digits[0] * 10 + digits[1]) * 60 + digits[2] * 10 + digits[3]) * 60
        return zone[0] == UInt8(ascii: "-") ? -seconds : seconds
    }

    /// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day comes last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
