import HTTPTypes
import NIOHPACK
import ServalServlet

/// Makes requests of the header lists of HTTP/2, strictly: what HTTP/1.1 would refuse is refused, too, so that nothing gets in by the other door.
///
/// Free of I/O. Source: RFC 9113 §8.1 to §8.5.
struct HTTP2RequestMapper: Sendable {
    enum Outcome {
        case request(MappedHead)
        /// A stream error PROTOCOL_ERROR; the client does not speak HTTP/2.
        case malformed(StaticString)
        /// Well-formed, and answered with an error.
        case refused(RequestRefusal)
    }

    /// A request head, checked.
    struct MappedHead {
        let head: ReceivedHead
        let method: HTTPRequest.Method
        let contentLength: Int?
        let expectsContinue: Bool
    }

    let syntax: HTTP1Syntax
    /// Regular fields, cookies counting as one.
    let maxHeaderCount: Int
    let maxTrailerCount: Int
    let maxTrailerSize: Int
    /// The scheme that requests have to have; `nil` for any.
    let requiredScheme: String?

    /// Makes a request of the header list that opens a stream.
    func request(_ fields: HPACKHeaders) -> Outcome {
        var reader = HeadReader(mapper: self)
        for (name, value, _) in fields {
            if let fault = reader.take(name, value) { return .malformed(fault) }
        }
        return reader.finish()
    }

    /// Makes trailer fields of the header list that ends a stream; `nil` for a stream error PROTOCOL_ERROR.
    ///
    /// Fields that must be known before the body are left out, as in HTTP/1.1.
    func trailers(_ fields: HPACKHeaders) -> HeaderFields? {
        var trailers: [HeaderFields.Field] = []
        var (size, count) = (0, 0)
        for (name, value, _) in fields {
            size += name.utf8.count + value.utf8.count + 4
            count += 1
            guard size <= self.maxTrailerSize, count <= self.maxTrailerCount, self.isFieldName(name), Self.isFieldValue(value) else { return nil }
            guard !ConnectionField.isForbidden(name, value), !ChunkedBodyDecoder.framingNames.contains(name) else { return nil }
            if !ChunkedBodyDecoder.ignoredNames.contains(name), let name = HTTPField.Name(name) { trailers.append(HeaderFields.Field(name, value)) }
        }
        return HeaderFields(trailers)
    }

    // MARK: Syntax

    /// A token without capital letters (RFC 9113 §8.2.1).
    fileprivate func isFieldName(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { bytes in
            guard !bytes.isEmpty else { return false }
            for byte in bytes where self.syntax.table[Int(byte)] & HTTP1Syntax.Class.token == 0 || byte &- 0x41 < 26 { return false }
            return true
        }
    }

    /// No control bytes, no white space at the ends (RFC 9113 §8.2.1).
    fileprivate static func isFieldValue(_ value: String) -> Bool {
        var value = value
        return value.withUTF8 { bytes in
            guard let base = bytes.baseAddress, let first = bytes.first, let last = bytes.last else { return true }
            return first != 0x20 && first != 0x09 && last != 0x20 && last != 0x09 && FieldBytes.isValue(base, from: 0, to: bytes.count)
        }
    }
}

/// Fields that speak of a connection of HTTP/1.1 (RFC 9113 §8.2.2).
private enum ConnectionField {
    static func isForbidden(_ name: String, _ value: String) -> Bool {
        switch name.utf8.count {
        case 2: name == "te" && value != "trailers"
        case 7: name == "upgrade"
        case 10: name == "connection" || name == "keep-alive"
        case 16: name == "proxy-connection"
        case 17: name == "transfer-encoding"
        default: false
        }
    }
}

/// Reads the header list of one request.
private struct HeadReader {
    let mapper: HTTP2RequestMapper
    private var method: String?
    private var scheme: String?
    private var authority: String?
    private var path: String?
    private var hasRegularField = false
    private var host: String?
    private var contentLength: Int?
    private var expectation: String?
    private var cookies = ""
    private var regular: [(name: String, value: String)] = []
    private var size = 0

    init(mapper: HTTP2RequestMapper) {
        self.mapper = mapper
        self.regular.reserveCapacity(16)
    }

    /// Takes a field; gives what is wrong with it.
    mutating func take(_ name: String, _ value: String) -> StaticString? {
        // As HTTP/1.1 counts: name, colon, space, value, line end.
        self.size += name.utf8.count + value.utf8.count + 4
        if name.utf8.first == UInt8(ascii: ":") { return self.takePseudo(name, value) }
        self.hasRegularField = true
        guard self.mapper.isFieldName(name) else { return "malformed field name" }
        guard HTTP2RequestMapper.isFieldValue(value) else { return "malformed field value" }
        if ConnectionField.isForbidden(name, value) { return "a field of HTTP/1.1 connections" }
        switch name.utf8.count {
        case 4 where name == "host":
            guard self.host == nil else { return "more than one host field" }
            self.host = value
            return nil
        case 6 where name == "cookie":
            // Clients may cut cookies into several fields (RFC 9113 §8.2.3); applications are to see one.
            self.cookies += self.cookies.isEmpty ? value : "; " + value
            return nil
        case 6 where name == "expect":
            self.expectation = value
        case 14 where name == "content-length":
            var value = value
            guard self.contentLength == nil else { return "more than one content-length field" }
            self.contentLength = value.withUTF8 { bytes in bytes.baseAddress.flatMap { FieldLine.decimal($0, from: 0, to: bytes.count) } }
            if self.contentLength == nil { return "malformed content-length field" }
        default: break
        }
        self.regular.append((name, value))
        return nil
    }

    private mutating func takePseudo(_ name: String, _ value: String) -> StaticString? {
        guard !self.hasRegularField else { return "a pseudo-header field after others" }
        guard HTTP2RequestMapper.isFieldValue(value) else { return "malformed pseudo-header field" }
        switch name {
        case ":method" where self.method == nil: self.method = value
        case ":scheme" where self.scheme == nil: self.scheme = value
        case ":authority" where self.authority == nil: self.authority = value
        case ":path" where self.path == nil: self.path = value
        default: return "an unknown or repeated pseudo-header field"
        }
        return nil
    }

    // MARK: The head as a whole

    mutating func finish() -> HTTP2RequestMapper.Outcome {
        guard let method, !method.isEmpty, self.isToken(method) else { return .malformed("no :method, or a malformed one") }
        guard method != "CONNECT" else {
            guard self.scheme == nil, self.path == nil, let authority, !authority.isEmpty else { return .malformed("malformed CONNECT") }
            return .refused(RequestRefusal(501, "CONNECT is not supported"))
        }
        guard let scheme else { return .malformed("no :scheme") }
        guard self.isScheme(scheme) else { return .malformed("the :scheme is not that of the connection") }
        guard let path, !path.isEmpty else { return .malformed("no :path") }
        if let host, let authority, !host.isSameHost(as: authority) { return .malformed(":authority and host differ") }
        let fields = self.regular.count + (self.cookies.isEmpty ? 0 : 1) + 1
        guard fields <= self.mapper.maxHeaderCount else { return .refused(RequestRefusal(400, "too many header fields")) }
        guard self.size <= self.mapper.syntax.maxHeadSize else { return .refused(RequestRefusal(400, "request head too large")) }
        guard var authority = self.authority ?? self.host, !authority.isEmpty else {
            return .refused(RequestRefusal(400, "no :authority and no host field"))
        }
        guard authority.withUTF8({ self.mapper.syntax.isHost($0) }) else { return .refused(RequestRefusal(400, "invalid :authority or host field")) }
        guard self.isPath(path, method: method) else { return .refused(RequestRefusal(400, "invalid character in the request target")) }
        if let expectation, expectation.lowercased() != "100-continue" { return .refused(RequestRefusal(417, "expectation not supported")) }
        return .request(
            HTTP2RequestMapper.MappedHead(
                head: self.makeHead(method: method, path: path, authority: authority),
                method: Self.method(named: method),
                contentLength: self.contentLength,
                expectsContinue: self.expectation != nil
            )
        )
    }

    private func isToken(_ text: String) -> Bool {
        let table = self.mapper.syntax.table
        return text.utf8.allSatisfy { table[Int($0)] & HTTP1Syntax.Class.token != 0 }
    }

    private func isScheme(_ scheme: String) -> Bool {
        guard let required = self.mapper.requiredScheme else { return scheme == "http" || scheme == "https" }
        return scheme == required
    }

    /// Origin-form, or `*` for OPTIONS.
    private func isPath(_ path: String, method: String) -> Bool {
        if path == "*" { return method == "OPTIONS" }
        var path = path
        let table = self.mapper.syntax.table
        return path.withUTF8 { bytes in
            guard bytes.first == UInt8(ascii: "/") else { return false }
            var index = 0
            while index < bytes.count, table[Int(bytes[index])] & HTTP1Syntax.Class.path != 0 { index += 1 }
            if index < bytes.count, bytes[index] == UInt8(ascii: "?") {
                while index < bytes.count, table[Int(bytes[index])] & HTTP1Syntax.Class.query != 0 { index += 1 }
            }
            return index == bytes.count
        }
    }

    private static func method(named name: String) -> HTTPRequest.Method {
        switch name {
        case "GET": .get
        case "POST": .post
        case "HEAD": .head
        case "PUT": .put
        default: HTTPRequest.Method(name) ?? .get
        }
    }

    /// The head in the form that HTTP/1.1 has: the authority as first field, `host`.
    private mutating func makeHead(method: String, path: String, authority: String) -> ReceivedHead {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(self.size + 16)
        var slots: [ReceivedHead.Slot] = []
        slots.reserveCapacity(self.regular.count + 2)
        bytes.append(contentsOf: method.utf8)
        let methodEnd = bytes.count
        bytes.append(0x20)
        let targetStart = bytes.count
        bytes.append(contentsOf: path.utf8)
        let targetEnd = bytes.count
        func add(_ name: String, _ value: String) {
            let nameStart = bytes.count
            bytes.append(contentsOf: name.utf8)
            let valueStart = bytes.count
            bytes.append(contentsOf: value.utf8)
            let nameLength = valueStart - nameStart
            slots.append(
                ReceivedHead.Slot(
                    nameStart: nameStart,
                    nameLength: nameLength,
                    valueStart: valueStart,
                    valueLength: bytes.count - valueStart,
                    nameHash: ReceivedHead.hash(
                        count: nameLength,
                        first: bytes[nameStart],
                        middle: bytes[nameStart + nameLength / 2],
                        last: bytes[valueStart - 1]
                    )
                )
            )
        }
        add("host", authority)
        for (name, value) in self.regular { add(name, value) }
        if !self.cookies.isEmpty { add("cookie", self.cookies) }
        return ReceivedHead(bytes: bytes, slots: slots, method: 0..<methodEnd, target: targetStart..<targetEnd, version: .http2)
    }
}

extension String {
    /// Whether two texts differ in nothing but the case of ASCII letters; `lowercased()` would take U+212A for a `k`.
    fileprivate func isSameHost(as other: String) -> Bool {
        func folded(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
        return self.utf8.lazy.map(folded).elementsEqual(other.utf8.lazy.map(folded))
    }
}
