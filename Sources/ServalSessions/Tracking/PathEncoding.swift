/// Writes decoded paths into URLs.
///
/// Source: RFC 3986 §3.3; Tomcat's `URLEncoder.DEFAULT`.
package enum PathEncoding {
    /// The path with everything percent-encoded that a path cannot hold, and semicolons, which would begin a parameter.
    ///
    /// A path that begins with two slashes would name a host in a `Location` field, so the first of them is kept alone.
    package static func encoded(_ path: some Sequence<UInt8>) -> String {
        var encoded: [UInt8] = []
        for byte in path {
            if byte == UInt8(ascii: "/"), encoded.count == 1, encoded[0] == UInt8(ascii: "/") { continue }
            if Self.isPlain(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        case UInt8(ascii: "!"), UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "*"): true
        case UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "@"): true
        default: false
        }
    }
}
