/// Which characters may stand where in a cookie (RFC 6265 §4.1.1).
enum CookieSyntax {
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    /// RFC 9110 `tchar`.
    static func isTokenCharacter(_ byte: UInt8) -> Bool {
        if self.isAlphanumeric(byte) { return true }
        switch byte {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"),
            UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            return true
        default:
            return false
        }
    }

    /// `cookie-octet`, and like Tomcat the bytes of UTF-8 beyond ASCII.
    static func isValueCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F, UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\\"): false
        default: true
        }
    }

    /// `cookie-value`: octets, perhaps between two quotation marks.
    static func isValue(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let quote = UInt8(ascii: "\"")
        var start = bytes.startIndex
        var end = bytes.endIndex
        if start != end, bytes[start] == quote {
            start = bytes.index(after: start)
            guard start != end else { return false }
            end = bytes.index(before: end)
            guard bytes[end] == quote else { return false }
        }
        return bytes[start..<end].allSatisfy(self.isValueCharacter)
    }
}
