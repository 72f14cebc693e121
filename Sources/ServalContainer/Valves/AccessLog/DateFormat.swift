import ServalServlet

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A format for moments: the letters of Java's `SimpleDateFormat`, or of `strftime` if it has a percent sign.
///
/// English names, the system's time zone.
struct DateFormat: Sendable, Hashable {
    private enum Element: Sendable, Hashable {
        case literal(String)
        case year(digits: Int)
        case month(digits: Int)
        case monthName(isShort: Bool)
        case day(digits: Int)
        case dayOfYear(digits: Int)
        case weekday(isShort: Bool)
        case weekdayNumber
        case hour(digits: Int)
        case hourOf12(digits: Int)
        case minute(digits: Int)
        case second(digits: Int)
        case milliseconds(digits: Int)
        case half
        /// `+0100`.
        case offset
        /// `+01:00` or `Z`.
        case isoOffset(digits: Int)
        case epoch
    }

    /// `dd/MMM/yyyy:HH:mm:ss Z` in brackets, the common log format's.
    static let common = DateFormat(elements: [
        .literal("["), .day(digits: 2), .literal("/"), .monthName(isShort: true), .literal("/"), .year(digits: 4), .literal(":"), .hour(digits: 2),
        .literal(":"), .minute(digits: 2), .literal(":"), .second(digits: 2), .literal(" "), .offset, .literal("]"),
    ])

    private let elements: [Element]
    /// Whether two moments of one second have the same text.
    let isWholeSeconds: Bool

    private init(elements: [Element]) {
        self.elements = elements
        self.isWholeSeconds = !elements.contains { if case .milliseconds = $0 { true } else { false } }
    }

    /// - Throws: ``ConfigurationError`` `invalidValue` for letters that have no meaning here.
    init(_ format: String) throws(ConfigurationError) {
        self.init(elements: format.contains("%") ? try Self.strftimeElements(format) : try Self.simpleElements(format))
    }

    // MARK: Reading formats

    private static func simpleElements(_ format: String) throws(ConfigurationError) -> [Element] {
        var elements: [Element] = []
        var rest = Substring(format)
        while let letter = rest.first {
            if letter == "'" {
                rest = rest.dropFirst()
                // Two quotes are one, inside and outside of quoted text.
                var text = ""
                if rest.first == "'" {
                    text = "'"
                    rest = rest.dropFirst()
                } else {
                    while let next = rest.first {
                        rest = rest.dropFirst()
                        guard next == "'" else {
                            text.append(next)
                            continue
                        }
                        guard rest.first == "'" else { break }
                        text.append("'")
                        rest = rest.dropFirst()
                    }
                }
                elements.append(.literal(text))
                continue
            }
            let count = rest.prefix { $0 == letter }.count
            rest = rest.dropFirst(count)
            guard letter.isASCII, letter.isLetter else {
                elements.append(.literal(String(repeating: letter, count: count)))
                continue
            }
            elements.append(try Self.simpleElement(letter, count, format))
        }
        return elements
    }

    private static func simpleElement(_ letter: Character, _ count: Int, _ format: String) throws(ConfigurationError) -> Element {
        switch letter {
        case "y", "Y": .year(digits: count == 2 ? 2 : max(count, 4))
        case "M", "L": count > 2 ? .monthName(isShort: count == 3) : .month(digits: count)
        case "d": .day(digits: count)
        case "D": .dayOfYear(digits: count)
        case "E": .weekday(isShort: count < 4)
        case "u": .weekdayNumber
        case "H": .hour(digits: count)
        case "h": .hourOf12(digits: count)
        case "m": .minute(digits: count)
        case "s": .second(digits: count)
        case "S": .milliseconds(digits: count)
        case "a": .half
        case "Z", "z": .offset
        case "X": .isoOffset(digits: count)
        default:
            throw ConfigurationError(code: .invalidValue, message: "the letter \(letter) of the date format \"\(format)\" is not known")
        }
    }

    private static func strftimeElements(_ format: String) throws(ConfigurationError) -> [Element] {
        var elements: [Element] = []
        var rest = Substring(format)
        while let letter = rest.first {
            rest = rest.dropFirst()
            guard letter == "%", let code = rest.first else {
                elements.append(.literal(String(letter)))
                continue
            }
            rest = rest.dropFirst()
            elements += try Self.strftimeElements(code, format)
        }
        return elements
    }

    private static func strftimeElements(_ code: Character, _ format: String) throws(ConfigurationError) -> [Element] {
        switch code {
        case "Y": [.year(digits: 4)]
        case "y": [.year(digits: 2)]
        case "m": [.month(digits: 2)]
        case "b", "h": [.monthName(isShort: true)]
        case "B": [.monthName(isShort: false)]
        case "d": [.day(digits: 2)]
        case "e": [.day(digits: 1)]
        case "j": [.dayOfYear(digits: 3)]
        case "a": [.weekday(isShort: true)]
        case "A": [.weekday(isShort: false)]
        case "u": [.weekdayNumber]
        case "H": [.hour(digits: 2)]
        case "I": [.hourOf12(digits: 2)]
        case "M": [.minute(digits: 2)]
        case "S": [.second(digits: 2)]
        case "p": [.half]
        case "z", "Z": [.offset]
        case "s": [.epoch]
        case "F": [.year(digits: 4), .literal("-"), .month(digits: 2), .literal("-"), .day(digits: 2)]
        case "T": [.hour(digits: 2), .literal(":"), .minute(digits: 2), .literal(":"), .second(digits: 2)]
        case "D": [.month(digits: 2), .literal("/"), .day(digits: 2), .literal("/"), .year(digits: 2)]
        case "R": [.hour(digits: 2), .literal(":"), .minute(digits: 2)]
        case "%": [.literal("%")]
        default:
            throw ConfigurationError(code: .invalidValue, message: "the code %\(code) of the date format \"\(format)\" is not known")
        }
    }

    // MARK: Writing

    /// A moment in milliseconds since 1970 as text.
    func text(_ milliseconds: Int64) -> String {
        let seconds = Int64(Int(milliseconds).flooredQuotient(1000))
        let parts = WallClock.local(seconds)
        var text = ""
        for element in self.elements { text += Self.text(of: element, parts, seconds: seconds, milliseconds: Int(milliseconds - seconds * 1000)) }
        return text
    }

    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]

    private static func text(of element: Element, _ parts: tm, seconds: Int64, milliseconds: Int) -> String {
        switch element {
        case .literal(let text): return text
        case .year(let digits):
            let year = Int(parts.tm_year) + 1900
            return digits == 2 ? (year % 100).padded(2) : year.padded(digits)
        case .month(let digits): return (Int(parts.tm_mon) + 1).padded(digits)
        case .monthName(let isShort):
            let name = Self.months[Int(parts.tm_mon) % 12]
            return isShort ? String(name.prefix(3)) : name
        case .day(let digits): return Int(parts.tm_mday).padded(digits)
        case .dayOfYear(let digits): return (Int(parts.tm_yday) + 1).padded(digits)
        case .weekday(let isShort):
            let name = Self.weekdays[Int(parts.tm_wday) % 7]
            return isShort ? String(name.prefix(3)) : name
        case .weekdayNumber: return String(parts.tm_wday == 0 ? 7 : parts.tm_wday)
        case .hour(let digits): return Int(parts.tm_hour).padded(digits)
        case .hourOf12(let digits): return ((Int(parts.tm_hour) + 11) % 12 + 1).padded(digits)
        case .minute(let digits): return Int(parts.tm_min).padded(digits)
        case .second(let digits): return Int(parts.tm_sec).padded(digits)
        case .milliseconds(let digits): return milliseconds.padded(digits)
        case .half: return parts.tm_hour < 12 ? "AM" : "PM"
        case .offset: return Self.offset(Int(parts.tm_gmtoff), separator: "")
        case .isoOffset(let digits):
            let offset = Int(parts.tm_gmtoff)
            if offset == 0 { return "Z" }
            let text = Self.offset(offset, separator: digits == 3 ? ":" : "")
            return digits == 1 ? String(text.prefix(3)) : text
        case .epoch: return String(seconds)
        }
    }

    private static func offset(_ seconds: Int, separator: String) -> String {
        let minutes = abs(seconds) / 60
        return "\(seconds < 0 ? "-" : "+")\((minutes / 60).padded(2))\(separator)\((minutes % 60).padded(2))"
    }
}
