import ServalServlet

/// A field line of a head or trailer section, cut into name and value.
///
/// Source: RFC 9112 §5. Strict: no white space before the colon, no folding, no control bytes.
struct FieldLine {
    var nameStart: Int
    var nameEnd: Int
    var valueStart: Int
    var valueEnd: Int

    /// Cuts the line that lies from `start` to `end`, without its line end.
    @inline(__always)
    init(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, table: UnsafePointer<UInt8>) throws(RequestRefusal) {
        var index = start
        while index < end, table[Int(bytes[index])] & HTTP1Syntax.Class.token != 0 { index += 1 }
        guard index < end, index > start, bytes[index] == UInt8(ascii: ":") else {
            if index == start, bytes[start] == 0x20 || bytes[start] == 0x09 { throw RequestRefusal(400, "folded header field") }
            throw RequestRefusal(400, "malformed header field name")
        }
        self.nameStart = start
        self.nameEnd = index
        index += 1
        while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        guard FieldBytes.isValue(bytes, from: index, to: end) else { throw RequestRefusal(400, "control character in header field") }
        var valueEnd = end
        while valueEnd > index, bytes[valueEnd - 1] == 0x20 || bytes[valueEnd - 1] == 0x09 { valueEnd -= 1 }
        self.valueStart = index
        self.valueEnd = valueEnd
    }

    /// Decimal digits and nothing else (RFC 9110 §8.6); `nil` also for numbers beyond 18 digits.
    static func decimal(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int? {
        guard end > start, end - start <= 18 else { return nil }
        var value = 0
        var index = start
        while index < end {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int(digit)
            index += 1
        }
        return value
    }
}
