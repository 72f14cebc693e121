/// Makes text from outside safe for a log line: nothing in it can begin a line, steer a terminal or give a secret away.
enum LogText {
    /// The most bytes of one message or value; more is cut off.
    static let limit = 8192

    /// Without control characters, line separators and invisible formatting, and without session ids in URLs.
    static func escaped(_ text: String, quote: Bool = false) -> String {
        let text = self.withoutSessionIDs(self.cut(text))
        guard text.unicodeScalars.contains(where: { self.mustEscape($0) || quote && ($0 == "\"" || $0 == "\\") }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\"" where quote: result += "\\\""
            case "\\" where quote: result += "\\\\"
            default:
                if self.mustEscape(scalar) {
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }

    /// As a JSON string, with quotes.
    ///
    /// Source: RFC 8259 §7.
    static func json(_ text: String) -> String {
        var result = "\""
        for scalar in self.withoutSessionIDs(self.cut(text)).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if self.mustEscape(scalar) {
                    for unit in String(Character(scalar)).utf16 {
                        let digits = String(unit, radix: 16)
                        result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                    }
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > self.limit else { return text }
        return String(decoding: text.utf8.prefix(self.limit), as: UTF8.self) + "…"
    }

    private static func mustEscape(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.value >= 0x20, scalar.value < 0x7F { return false }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate, .privateUse, .unassigned: return true
        default: return false
        }
    }

    /// The fewest bytes of a value that is taken for a session id, whatever its parameter is called.
    private static let shortestID = 16

    /// `;jsessionid=…` names a session to whoever reads the log; applications may call the parameter otherwise.
    private static func withoutSessionIDs(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: ";")) else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += 1
            guard bytes[index - 1] == UInt8(ascii: ";") else { continue }
            let name = bytes[index...].prefix { $0 > 0x20 && !";=/?&".utf8.contains($0) }
            guard !name.isEmpty, name.endIndex < bytes.count, bytes[name.endIndex] == UInt8(ascii: "=") else { continue }
            let value = bytes[(name.endIndex + 1)...].prefix(while: self.isIDByte)
            let isKnown = name.count == 10 && zip(name, "jsessionid".utf8).allSatisfy { $0 | 0x20 == $1 }
            guard isKnown || value.count >= self.shortestID else { continue }
            result += name
            result += "=<redacted>".utf8
            index = value.endIndex
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."),
            UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
