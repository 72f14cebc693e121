/// The fields of a request that say where it ends and what becomes of the connection.
///
/// Source: RFC 9112 §6 and §9.3, RFC 9110 §7.2 and §10.1.1. Every ambiguity is refused.
struct FramingFields {
    private var contentLength: Int?
    private var isChunked = false
    private var host: (start: Int, end: Int)?
    private(set) var saysClose = false
    private(set) var saysKeepAlive = false
    private(set) var expectsContinue = false
    /// The place of the authority in an absolute-form target.
    var targetAuthority: (start: Int, end: Int)?

    /// Takes note of a field line, if it is one that matters.
    mutating func note(_ line: FieldLine, _ bytes: UnsafePointer<UInt8>, syntax: HTTP1Syntax) throws(RequestRefusal) {
        func isNamed(_ name: StaticString) -> Bool {
            FieldBytes.isEqual(bytes, from: line.nameStart, to: line.nameEnd, lowercased: name)
        }
        switch line.nameEnd - line.nameStart {
        case 4 where isNamed("host"):
            guard self.host == nil else { throw RequestRefusal(400, "more than one Host field") }
            let value = UnsafeBufferPointer(start: bytes + line.valueStart, count: line.valueEnd - line.valueStart)
            guard syntax.isHost(value) else { throw RequestRefusal(400, "invalid Host field") }
            self.host = (line.valueStart, line.valueEnd)
        case 6 where isNamed("expect"):
            guard FieldBytes.isEqual(bytes, from: line.valueStart, to: line.valueEnd, lowercased: "100-continue") else {
                throw RequestRefusal(417, "expectation not supported")
            }
            self.expectsContinue = true
        case 10 where isNamed("connection"):
            self.noteConnection(bytes, from: line.valueStart, to: line.valueEnd)
        case 14 where isNamed("content-length"):
            guard self.contentLength == nil else { throw RequestRefusal(400, "more than one Content-Length field") }
            guard let length = FieldLine.decimal(bytes, from: line.valueStart, to: line.valueEnd) else {
                throw RequestRefusal(400, "malformed Content-Length field")
            }
            self.contentLength = length
        case 17 where isNamed("transfer-encoding"):
            guard !self.isChunked else { throw RequestRefusal(400, "more than one Transfer-Encoding field") }
            guard FieldBytes.isEqual(bytes, from: line.valueStart, to: line.valueEnd, lowercased: "chunked") else {
                throw Self.refusal(ofCoding: bytes, from: line.valueStart, to: line.valueEnd)
            }
            self.isChunked = true
        default:
            break
        }
    }

    func framing(minorVersion: UInt8) throws(RequestRefusal) -> BodyFraming {
        guard self.isChunked else {
            guard let contentLength, contentLength > 0 else { return .none }
            return .length(contentLength)
        }
        guard self.contentLength == nil else { throw RequestRefusal(400, "both Transfer-Encoding and Content-Length") }
        guard minorVersion == 1 else { throw RequestRefusal(400, "Transfer-Encoding in HTTP/1.0") }
        return .chunked
    }

    /// HTTP/1.1 needs `Host`; an absolute-form target must say the same.
    func checkHost(_ bytes: UnsafePointer<UInt8>, minorVersion: UInt8) throws(RequestRefusal) {
        guard let host else {
            guard minorVersion == 0 else { throw RequestRefusal(400, "no Host field") }
            return
        }
        guard let authority = self.targetAuthority else { return }
        guard authority.end - authority.start == host.end - host.start else { throw RequestRefusal(400, "Host field and request target differ") }
        for offset in 0..<(host.end - host.start) {
            let (one, other) = (bytes[authority.start + offset], bytes[host.start + offset])
            let isLetter = (0x41...0x5A).contains(one & 0xDF)
            guard one == other || isLetter && one & 0xDF == other & 0xDF else { throw RequestRefusal(400, "Host field and request target differ") }
        }
    }

    private mutating func noteConnection(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) {
        var index = start
        while index < end {
            while index < end, bytes[index] == 0x20 || bytes[index] == 0x09 || bytes[index] == UInt8(ascii: ",") { index += 1 }
            let tokenStart = index
            while index < end, bytes[index] != UInt8(ascii: ",") { index += 1 }
            var tokenEnd = index
            while tokenEnd > tokenStart, bytes[tokenEnd - 1] == 0x20 || bytes[tokenEnd - 1] == 0x09 { tokenEnd -= 1 }
            if FieldBytes.isEqual(bytes, from: tokenStart, to: tokenEnd, lowercased: "close") {
                self.saysClose = true
            } else if FieldBytes.isEqual(bytes, from: tokenStart, to: tokenEnd, lowercased: "keep-alive") {
                self.saysKeepAlive = true
            }
        }
    }

    /// 501 for codings that exist before a final `chunked`; anything else cannot be delimited safely.
    private static func refusal(ofCoding bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> RequestRefusal {
        for coding: StaticString in ["gzip, chunked", "gzip,chunked", "deflate, chunked", "deflate,chunked", "compress, chunked", "compress,chunked"]
        where FieldBytes.isEqual(bytes, from: start, to: end, lowercased: coding) {
            return RequestRefusal(501, "transfer coding not supported")
        }
        return RequestRefusal(400, "Transfer-Encoding other than chunked")
    }
}
