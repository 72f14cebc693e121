/// Turns the bytes of an XML file into valid UTF-8 without byte order mark.
///
/// Source: XML 1.0 §4.3.3 and appendix F.
enum XMLEncoding {
    static func decode(_ bytes: [UInt8]) throws(XMLError) -> [UInt8] {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            let rest = Array(bytes.dropFirst(3))
            if let name = self.declaredName(in: rest), !self.isUTF8(name) {
                throw XMLError(
                    message: "the file begins with the byte order mark of UTF-8 but declares the encoding \"\(name)\"",
                    position: self.start
                )
            }
            return try self.validated(rest)
        }
        if bytes.starts(with: [0xFE, 0xFF]) { return try self.fromUTF16(bytes.dropFirst(2), isBigEndian: true) }
        if bytes.starts(with: [0xFF, 0xFE]) { return try self.fromUTF16(bytes.dropFirst(2), isBigEndian: false) }
        if bytes.starts(with: [0x00, 0x3C]) { return try self.fromUTF16(bytes[...], isBigEndian: true) }
        if bytes.starts(with: [0x3C, 0x00]) { return try self.fromUTF16(bytes[...], isBigEndian: false) }
        guard let name = self.declaredName(in: bytes), !self.isUTF8(name) else { return try self.validated(bytes) }
        switch name.uppercased() {
        case "US-ASCII", "ASCII":
            if let offset = bytes.firstIndex(where: { $0 >= 0x80 }) {
                throw XMLError(message: "a byte that is not US-ASCII, the declared encoding", position: self.position(of: offset, in: bytes))
            }
            return try self.validated(bytes)
        case "ISO-8859-1", "ISO8859-1", "ISO_8859-1", "LATIN1":
            var text: [UInt8] = []
            text.reserveCapacity(bytes.count + bytes.count / 8)
            for byte in bytes {
                if byte < 0x80 {
                    text.append(byte)
                } else {
                    text.append(0xC0 | byte >> 6)
                    text.append(0x80 | byte & 0x3F)
                }
            }
            return try self.validated(text)
        case "UTF-16", "UTF-16LE", "UTF-16BE":
            throw XMLError(message: "the file declares the encoding \"\(name)\" but is not written in it", position: self.start)
        default:
            throw XMLError(
                message: "the encoding \"\(name)\" is not supported; use UTF-8, UTF-16, ISO-8859-1 or US-ASCII",
                position: self.start
            )
        }
    }

    /// Where in `bytes` an offset lies.
    static func position(of offset: Int, in bytes: [UInt8]) -> XMLPosition {
        var cursor = TextCursor()
        cursor.advance(to: offset, in: bytes)
        return cursor.position
    }

    private static let start = XMLPosition(line: 1, column: 1)

    private static func isUTF8(_ name: String) -> Bool { name.uppercased() == "UTF-8" || name.uppercased() == "UTF8" }

    /// The value of `encoding` in an XML declaration that is readable as ASCII.
    private static func declaredName(in bytes: [UInt8]) -> String? {
        guard bytes.starts(with: "<?xml".utf8) else { return nil }
        let head = bytes.prefix(512)
        guard let end = head.firstIndex(of: UInt8(ascii: ">")) else { return nil }
        let declaration = String(decoding: head[..<end], as: UTF8.self)
        guard let keyword = declaration.firstRange(of: "encoding") else { return nil }
        let rest = declaration[keyword.upperBound...].drop { $0.isWhitespace }
        guard rest.first == "=" else { return nil }
        let value = rest.dropFirst().drop { $0.isWhitespace }
        guard let quote = value.first, quote == "\"" || quote == "'" else { return nil }
        return String(value.dropFirst().prefix { $0 != quote })
    }

    private static func fromUTF16(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) throws(XMLError) -> [UInt8] {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var index = bytes.startIndex
        while index + 1 < bytes.endIndex {
            let first = UInt16(bytes[index])
            let second = UInt16(bytes[index + 1])
            units.append(isBigEndian ? first << 8 | second : second << 8 | first)
            index += 2
        }
        guard bytes.count % 2 == 0, let text = String(validating: units, as: UTF16.self) else {
            let decoded = Array(String(decoding: units, as: UTF16.self).utf8)
            let offset = decoded.firstRange(of: [0xEF, 0xBF, 0xBD])?.lowerBound ?? decoded.count
            throw XMLError(message: "the file is not valid UTF-16", position: self.position(of: offset, in: decoded))
        }
        return try self.validated(Array(text.utf8))
    }

    /// The same bytes, if they are UTF-8 and consist of the characters that XML allows (XML 1.0 §2.2).
    private static func validated(_ bytes: [UInt8]) throws(XMLError) -> [UInt8] {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 {
                guard byte >= 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D else {
                    throw XMLError(
                        message: "the control character with code \(byte) is not allowed in XML",
                        position: self.position(of: index, in: bytes)
                    )
                }
                index += 1
                continue
            }
            guard let length = self.lengthOfScalar(at: index, in: bytes) else {
                throw XMLError(message: "a byte sequence that is not valid UTF-8", position: self.position(of: index, in: bytes))
            }
            if length == 3, byte == 0xEF, bytes[index + 1] == 0xBF, bytes[index + 2] >= 0xBE {
                throw XMLError(message: "a character that is not allowed in XML", position: self.position(of: index, in: bytes))
            }
            index += length
        }
        return bytes
    }

    /// The length of the well-formed multi-byte scalar at `index` (Unicode, table 3-7), or `nil`.
    private static func lengthOfScalar(at index: Int, in bytes: [UInt8]) -> Int? {
        let length: Int
        let second: ClosedRange<UInt8>
        switch bytes[index] {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return nil }
        for offset in 2..<max(length, 2) where bytes[index + offset] & 0xC0 != 0x80 { return nil }
        return length
    }
}

/// Follows line and column through UTF-8 text; moves forward only, so that all positions of a file together cost one pass.
struct TextCursor {
    private var offset = 0
    private(set) var position = XMLPosition(line: 1, column: 1)

    init() {}

    mutating func advance(to target: Int, in bytes: [UInt8]) {
        let end = min(target, bytes.count)
        while self.offset < end {
            switch bytes[self.offset] {
            case 0x0A:
                // CR LF counts once: CR has moved the line already.
                if self.offset == 0 || bytes[self.offset - 1] != 0x0D { self.position.line += 1 }
                self.position.column = 1
            case 0x0D:
                self.position.line += 1
                self.position.column = 1
            case 0x80..<0xC0:
                break
            default:
                self.position.column += 1
            }
            self.offset += 1
        }
    }
}
