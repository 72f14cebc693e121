import NIOHPACK
import ServalServlet

/// Makes header lists of responses.
///
/// Nothing that an application puts into a field can harm the client behind a proxy that speaks HTTP/1.1: control bytes become spaces.
struct HTTP2ResponseFields: Sendable {
    /// A header list, ready to be sent.
    struct Head {
        var fields: HPACKHeaders
        /// Whether the list may be too large for one frame.
        var isLarge: Bool
        /// Whether the application wants the connection to end.
        var closes = false
    }

    /// `maxHttpResponseHeaderSize`.
    let limit: Int
    /// The value of the `Server` field.
    let server: String?
    let removesServer: Bool

    /// The header list; `nil` if it is too large.
    ///
    /// - Parameters:
    ///   - length: of the body, if known.
    ///   - takesContentLength: for HEAD: an application that sends no body may say how long it would be.
    func make(_ response: Response, length: Int?, takesContentLength: Bool, date: String) -> Head? {
        var fields = HPACKHeaders()
        fields.reserveCapacity(response.headers.count + 4)
        fields.add(name: ":status", value: response.status.code == 200 ? "200" : String(response.status.code))
        var closes = response.closesConnection
        var length = length
        var hasServer = false
        var size = 128
        for field in response.headers {
            let name = field.name.canonicalName
            switch name.utf8.count {
            case 4 where name == "date": continue
            case 6 where name == "server":
                if self.server != nil || self.removesServer || hasServer { continue }
                hasServer = true
            case 7 where name == "upgrade": continue
            case 10 where name == "keep-alive": continue
            case 10 where name == "connection":
                if field.value.lowercased().split(whereSeparator: { ", \t".contains($0) }).contains("close") { closes = true }
                continue
            case 14 where name == "content-length":
                if takesContentLength, let said = Int(field.value), said >= 0 { length = said }
                continue
            case 16 where name == "proxy-connection": continue
            case 17 where name == "transfer-encoding": continue
            default: break
            }
            let value = Self.cleaned(field.value)
            size += name.utf8.count + value.utf8.count + 4
            guard size <= self.limit else { return nil }
            fields.add(name: name, value: value, indexing: Self.isSecret(name) ? .neverIndexed : .indexable)
        }
        if let server { fields.add(name: "server", value: server) }
        if let length { fields.add(name: "content-length", value: String(length)) }
        fields.add(name: "date", value: date)
        return Head(fields: fields, isLarge: Self.isLarge(fields, size), closes: closes)
    }

    /// The header list that ends a response, without fields that belong to framing; `nil` if it is too large.
    func trailers(_ trailers: HeaderFields) -> Head? {
        var fields = HPACKHeaders()
        var size = 0
        for field in trailers {
            let name = field.name.canonicalName
            guard !ChunkedBodyDecoder.framingNames.contains(name), name != "keep-alive", name != "proxy-connection" else { continue }
            let value = Self.cleaned(field.value)
            size += name.utf8.count + value.utf8.count + 4
            guard size <= self.limit else { return nil }
            fields.add(name: name, value: value)
        }
        return Head(fields: fields, isLarge: Self.isLarge(fields, size))
    }

    private static func isLarge(_ fields: HPACKHeaders, _ size: Int) -> Bool {
        size >= HTTP2LargeHeaderBlock.frameSize / 4 && self.encodedSize(of: fields) > HTTP2LargeHeaderBlock.frameSize
    }

    /// Values that must not get into tables that other responses share.
    private static func isSecret(_ name: String) -> Bool { name == "set-cookie" || name == "authorization" || name == "www-authenticate" }

    /// The most bytes that HPACK takes for `fields` (RFC 7541 appendix B); nobody knows which of its tables will help.
    private static func encodedSize(of fields: HPACKHeaders) -> Int {
        var bits = 0
        for (name, value, _) in fields {
            bits += 64
            for byte in name.utf8 { bits += Self.largestCode(of: byte) }
            for byte in value.utf8 { bits += Self.largestCode(of: byte) }
        }
        return bits / 8 + 16
    }

    private static func largestCode(of byte: UInt8) -> Int {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): 8
        case ..<0x80: 19
        default: 28
        }
    }

    private static func cleaned(_ text: String) -> String {
        var text = text
        let isClean = text.withUTF8 { bytes in
            guard let base = bytes.baseAddress, let first = bytes.first, let last = bytes.last else { return true }
            return first != 0x20 && first != 0x09 && last != 0x20 && last != 0x09 && FieldBytes.isValue(base, from: 0, to: bytes.count)
        }
        guard !isClean else { return text }
        var bytes = text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }[...]
        while bytes.first == 0x20 { bytes.removeFirst() }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}
