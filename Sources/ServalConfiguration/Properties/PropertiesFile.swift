/// A file in the syntax of `java.util.Properties`: `name = value`, comments with `#` and `!`, continuation lines, escapes.
///
/// UTF-8, and where the bytes are not UTF-8, ISO-8859-1, as Java's older files are.
package struct PropertiesFile: Sendable, Hashable {
    /// One line of the file.
    package struct Entry: Sendable, Hashable {
        package var name: String
        package var value: String
        /// The line where the name stands, counting from 1.
        package var line: Int
    }

    /// Something in the file that is not as it should be.
    package struct Problem: Sendable, Hashable {
        package var message: String
        package var line: Int
    }

    /// In the order of the file; a name may occur again, the last one counts.
    package private(set) var entries: [Entry] = []
    package private(set) var problems: [Problem] = []

    /// The most entries of one file.
    package static let limit = 10_000

    package init(_ bytes: [UInt8]) {
        var text = bytes[...]
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
        let scalars: [Unicode.Scalar]
        if let string = String(validating: text, as: UTF8.self) {
            scalars = Array(string.unicodeScalars)
        } else {
            scalars = text.map { Unicode.Scalar($0) }
        }
        self.read(scalars)
    }

    /// The last value of each name.
    package var values: [String: String] {
        var values: [String: String] = [:]
        for entry in self.entries { values[entry.name] = entry.value }
        return values
    }

    private mutating func read(_ scalars: [Unicode.Scalar]) {
        var index = 0
        var line = 1
        while let (logical, first) = Self.logicalLine(scalars, &index, &line) {
            guard self.entries.count < Self.limit else {
                self.problems.append(Problem(message: "more than \(Self.limit) entries; the rest of the file is ignored", line: first))
                return
            }
            self.append(logical, line: first)
        }
    }

    /// The next line that is neither blank nor a comment, with its continuation lines joined; `\` and what follows it are kept.
    private static func logicalLine(_ scalars: [Unicode.Scalar], _ index: inout Int, _ line: inout Int) -> (text: [Unicode.Scalar], first: Int)? {
        while index < scalars.count {
            let first = line
            var text: [Unicode.Scalar] = []
            var isContinued = true
            var isComment = false
            while isContinued, index < scalars.count {
                isContinued = false
                while index < scalars.count, Self.isBlank(scalars[index]) { index += 1 }
                if text.isEmpty, index < scalars.count, scalars[index] == "#" || scalars[index] == "!" { isComment = true }
                var backslashes = 0
                while index < scalars.count, scalars[index] != "\n", scalars[index] != "\r" {
                    backslashes = scalars[index] == "\\" ? backslashes + 1 : 0
                    text.append(scalars[index])
                    index += 1
                }
                if index < scalars.count {
                    if scalars[index] == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
                    index += 1
                    line += 1
                }
                if !isComment, backslashes % 2 == 1 {
                    text.removeLast()
                    isContinued = true
                }
            }
            if !isComment, !text.isEmpty { return (text, first) }
        }
        return nil
    }

    private mutating func append(_ text: [Unicode.Scalar], line: Int) {
        var end = 0
        while end < text.count, !Self.isBlank(text[end]), text[end] != "=", text[end] != ":" {
            end += text[end] == "\\" ? 2 : 1
        }
        end = min(end, text.count)
        var start = end
        while start < text.count, Self.isBlank(text[start]) { start += 1 }
        if start < text.count, text[start] == "=" || text[start] == ":" {
            start += 1
            while start < text.count, Self.isBlank(text[start]) { start += 1 }
        }
        let name = self.unescaped(text[..<end], line: line)
        self.entries.append(Entry(name: name, value: self.unescaped(text[start...], line: line), line: line))
    }

    private mutating func unescaped(_ text: ArraySlice<Unicode.Scalar>, line: Int) -> String {
        var units: [UInt16] = []
        var index = text.startIndex
        while index < text.endIndex {
            let scalar = text[index]
            index += 1
            guard scalar == "\\", index < text.endIndex else {
                units += Array(String(Character(scalar)).utf16)
                continue
            }
            let escape = text[index]
            index += 1
            switch escape {
            case "t": units.append(9)
            case "n": units.append(10)
            case "r": units.append(13)
            case "f": units.append(12)
            case "u":
                let digits = String(String.UnicodeScalarView(text[index...].prefix(4)))
                // UTF-16 units, so that a pair of escapes makes one character.
                guard digits.utf8.count == 4, digits.allSatisfy(\.isHexDigit), let unit = UInt16(digits, radix: 16) else {
                    self.problems.append(Problem(message: "\"\\u\" has to be followed by four hexadecimal digits", line: line))
                    continue
                }
                units.append(unit)
                index += 4
            default: units += Array(String(Character(escape)).utf16)
            }
        }
        return String(decoding: units, as: UTF16.self)
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" || scalar == "\u{0C}" }
}
