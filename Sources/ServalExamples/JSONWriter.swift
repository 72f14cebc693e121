/// Writes JSON.
///
/// Source: RFC 8259.
struct JSONWriter {
    private(set) var text = ""
    private var needsComma = false

    /// Writes an object with the members that `members` writes.
    mutating func object(_ members: (inout JSONWriter) -> Void) {
        self.text += "{"
        self.needsComma = false
        members(&self)
        self.text += "}"
        self.needsComma = true
    }

    mutating func member(_ name: String, _ value: String?) {
        self.name(name)
        if let value { self.string(value) } else { self.text += "null" }
    }

    mutating func member(_ name: String, _ value: Int?) {
        self.name(name)
        self.text += value.map { String($0) } ?? "null"
    }

    mutating func member(_ name: String, _ value: Bool?) {
        self.name(name)
        self.text += value.map { $0 ? "true" : "false" } ?? "null"
    }

    /// Writes an object of arrays.
    mutating func member(_ name: String, _ groups: [(name: String, values: [String])]) {
        self.name(name)
        self.object { json in
            for group in groups {
                json.name(group.name)
                json.text += "["
                for (index, value) in group.values.enumerated() {
                    if index > 0 { json.text += "," }
                    json.string(value)
                }
                json.text += "]"
            }
        }
    }

    private mutating func name(_ name: String) {
        if self.needsComma { self.text += "," }
        self.needsComma = true
        self.string(name)
        self.text += ":"
    }

    /// Besides what JSON demands, `<` is escaped, so that a browser that takes the text for HTML finds no tag in it.
    private mutating func string(_ value: String) {
        self.text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": self.text += "\\\""
            case "\\": self.text += "\\\\"
            case "\n": self.text += "\\n"
            case "\r": self.text += "\\r"
            case "\t": self.text += "\\t"
            case _ where scalar.value < 0x20 || scalar == "<" || scalar.value == 0x7F || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                self.text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: self.text.unicodeScalars.append(scalar)
            }
        }
        self.text += "\""
    }
}
