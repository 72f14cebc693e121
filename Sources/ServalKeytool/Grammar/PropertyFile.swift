/// Java's property files: one `name = value` in a line; a backslash continues a line, or begins an escape.
struct PropertyFile {
    /// The last of equal names counts.
    private(set) var properties: [String: String] = [:]

    /// Reads Latin-1, as Java does; other characters are written `\u00FC`.
    init(_ bytes: [UInt8]) {
        for line in Self.logicalLines(bytes) {
            var scanner = line[...]
            let name = Self.unescaped(Self.takeName(&scanner))
            properties[name] = Self.unescaped(scanner)
        }
    }

    private static let blanks: Set<UInt8> = [0x20, 0x09, 0x0C]

    /// Lines without comments, empty ones, leading blanks and line ends; continued ones put together.
    private static func logicalLines(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var continued: [UInt8]?
        for line in bytes.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            let text = line.drop(while: blanks.contains)
            if continued == nil, text.isEmpty || text.first == UInt8(ascii: "#") || text.first == UInt8(ascii: "!") { continue }
            // The line feed behind a carriage return is an empty line here.
            if continued != nil, line.isEmpty { continue }
            let isContinued = text.reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 1
            let whole = (continued ?? []) + (isContinued ? text.dropLast() : text)
            if isContinued {
                continued = whole
            } else {
                lines.append(whole)
                continued = nil
            }
        }
        if let continued { lines.append(continued) }
        return lines
    }

    /// Takes the name and what separates it from its value.
    private static func takeName(_ line: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var index = line.startIndex
        while index < line.endIndex, !blanks.contains(line[index]), line[index] != UInt8(ascii: "="), line[index] != UInt8(ascii: ":") {
            index += line[index] == UInt8(ascii: "\\") && index + 1 < line.endIndex ? 2 : 1
        }
        let name = line[..<index]
        line = line[index...].drop(while: blanks.contains)
        if line.first == UInt8(ascii: "=") || line.first == UInt8(ascii: ":") { line = line.dropFirst().drop(while: blanks.contains) }
        return name
    }

    private static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        var units: [UInt16] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let escaped = rest.popFirst() else {
                units.append(UInt16(byte))
                continue
            }
            switch escaped {
            case UInt8(ascii: "n"): units.append(0x0A)
            case UInt8(ascii: "t"): units.append(0x09)
            case UInt8(ascii: "r"): units.append(0x0D)
            case UInt8(ascii: "f"): units.append(0x0C)
            case UInt8(ascii: "u"):
                guard let unit = UInt16(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16), rest.count >= 4 else { continue }
                units.append(unit)
                rest = rest.dropFirst(4)
            default: units.append(UInt16(escaped))
            }
        }
        return String(decoding: units, as: UTF16.self)
    }
}
