import ServalServlet

/// A request of HTTP/1.1 that asks to go on in HTTP/2: `Upgrade: h2c` (RFC 7540 §3.2), put into the frames in which it would have come.
///
/// Free of I/O. Only requests without body are taken; others are answered in HTTP/1.1.
struct HTTP2Upgrade {
    static let response: StaticString = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    private static let maxSettings = 32

    /// The preface, the client's settings, and the request as stream 1.
    let frames: [UInt8]

    /// Nothing if the request does not ask properly.
    init?(_ parsed: ParsedHead) {
        let head = parsed.head
        guard parsed.framing == .none, head.version == .http11, head.valueBytes(canonicalName: "upgrade") != nil else { return nil }
        let fields = HeaderFields(received: head).map { (name: $0.name.canonicalName, value: $0.value) }
        func tokens(_ name: String) -> [String] {
            fields.filter { $0.name == name }.flatMap { $0.value.lowercased().split(whereSeparator: { ", \t".contains($0) }).map(String.init) }
        }
        let options = tokens("connection")
        let encoded = fields.filter { $0.name == "http2-settings" }
        guard tokens("upgrade").contains("h2c"), options.contains("upgrade"), options.contains("http2-settings"), encoded.count == 1,
            let settings = Self.decoded(encoded[0].value.utf8), settings.count % 6 == 0, settings.count <= 6 * Self.maxSettings,
            let host = fields.first(where: { $0.name == "host" })?.value, !host.isEmpty,
            let first = head.bytes[head.target].first, first == UInt8(ascii: "/") || first == UInt8(ascii: "*")
        else { return nil }
        var block: [UInt8] = []
        Self.append(":method", Array(head.bytes[head.methodRange]), to: &block)
        Self.append(":scheme", Array("http".utf8), to: &block)
        Self.append(":authority", Array(host.utf8), to: &block)
        Self.append(":path", Array(head.bytes[head.target]), to: &block)
        let dropped = Set(options + ["connection", "host", "http2-settings", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"])
        for field in fields where !dropped.contains(field.name) { Self.append(field.name, Array(field.value.utf8), to: &block) }
        guard block.count <= 16384 else { return nil }
        let preface = UnsafeBufferPointer(start: Self.preface.utf8Start, count: Self.preface.utf8CodeUnitCount)
        self.frames =
            Array(preface) + Self.frame(type: HTTP2FrameScanner.FrameType.settings, flags: 0, stream: 0, settings)
            + Self.frame(type: HTTP2FrameScanner.FrameType.headers, flags: 0x5, stream: 1, block)
    }

    private static func frame(type: UInt8, flags: UInt8, stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [UInt8(count >> 16), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF), type, flags, 0, 0, 0, stream] + payload
    }

    /// A literal field that leaves the tables alone (RFC 7541 §6.2.2).
    private static func append(_ name: String, _ value: [UInt8], to block: inout [UInt8]) {
        block.append(0)
        self.append(length: name.utf8.count, to: &block)
        block += name.utf8
        self.append(length: value.count, to: &block)
        block += value
    }

    /// RFC 7541 §5.1, without Huffman code.
    private static func append(length: Int, to block: inout [UInt8]) {
        guard length >= 127 else { return block.append(UInt8(length)) }
        block.append(127)
        var rest = length - 127
        while rest >= 128 {
            block.append(UInt8(rest % 128 + 128))
            rest /= 128
        }
        block.append(UInt8(rest))
    }

    /// base64url without padding (RFC 4648 §5).
    private static func decoded(_ text: String.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (bits, count) = (0, 0)
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "_"): digit = 63
            case UInt8(ascii: "="): continue
            default: return nil
            }
            bits = (bits << 6 | Int(digit)) & 0xFFFF
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(bits >> count & 0xFF))
            }
        }
        return bytes
    }
}
