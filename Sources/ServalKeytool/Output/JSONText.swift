/// A value of a JSON document (RFC 8259), written with two blanks of indentation.
indirect enum JSONText {
    case string(String)
    case number(Int64)
    case null
    case array([JSONText])
    /// Members in the order given; names have to be different.
    case object([(name: String, value: JSONText)])

    /// The text, or null.
    static func optional(_ text: String?) -> JSONText { text.map(JSONText.string) ?? .null }

    /// The document, without a line end behind it.
    var text: String {
        var text = ""
        write(to: &text, indentation: "")
        return text
    }

    private func write(to text: inout String, indentation: String) {
        switch self {
        case .string(let string): text += Self.quoted(string)
        case .number(let number): text += String(number)
        case .null: text += "null"
        case .array(let values):
            Self.write(values.map { (nil, $0) }, between: ("[", "]"), to: &text, indentation)
        case .object(let members):
            Self.write(members.map { ($0.name, $0.value) }, between: ("{", "}"), to: &text, indentation)
        }
    }

    private static func write(_ members: [(String?, JSONText)], between: (String, String), to text: inout String, _ indentation: String) {
        text += between.0
        for (index, member) in members.enumerated() {
            text += (index == 0 ? "\n" : ",\n") + indentation + "  "
            if let name = member.0 { text += quoted(name) + ": " }
            member.1.write(to: &text, indentation: indentation + "  ")
        }
        text += (members.isEmpty ? "" : "\n" + indentation) + between.1
    }

    /// Control characters of any kind are escaped: names in certificates must not reach a terminal.
    private static func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
