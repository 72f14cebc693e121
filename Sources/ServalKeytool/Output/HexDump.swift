/// The JDK's hex dump: offset, 16 bytes in two groups, and the printable ones of them.
enum HexDump {
    /// The lines of the dump, each with its line feed.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        var offset = 0
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let line = rest.prefix(16)
            rest = rest.dropFirst(16)
            text += padded(String(offset, radix: 16, uppercase: true), to: 4) + ": "
            for index in 0..<16 {
                text += index < line.count ? hex(line[line.startIndex + index]) + " " : "   "
                if index == 7 { text += "  " }
            }
            text += " "
            // Letters end at z for the JDK: braces, bar and tilde are dots.
            text += String(decoding: line.map { (0x20...0x7A).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
            text += "\n"
            offset += 16
        }
        return text
    }

    /// Two upper-case digits per byte, with a separator.
    static func digits(_ bytes: some Sequence<UInt8>, separator: String = ":") -> String {
        bytes.map(hex).joined(separator: separator)
    }

    private static func hex(_ byte: UInt8) -> String {
        padded(String(byte, radix: 16, uppercase: true), to: 2)
    }

    private static func padded(_ digits: String, to width: Int) -> String {
        String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
