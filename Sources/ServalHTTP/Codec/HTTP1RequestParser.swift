import HTTPTypes
import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads request heads (RFC 9112), strictly: what two parsers could read differently is refused.
///
/// Free of I/O and incremental: ``parse(_:)`` may be called after every byte that arrives and looks at each byte a constant number of times. After a
/// head was returned, the parser is ready for the next one.
struct HTTP1RequestParser {
    enum Outcome {
        /// The head is not complete; call again with the same bytes and more behind them.
        case incomplete
        case head(ParsedHead)
        case refused(RequestRefusal)
    }

    private let syntax: HTTP1Syntax
    /// Where the request line begins: behind empty lines that old clients send after a body.
    private var headStart = 0
    private var lineStart = 0
    /// Before this, there is no line end that has not been handled.
    private var scanned = 0
    private var hasRequestLine = false
    private var slots: [ReceivedHead.Slot] = []
    private var fields = FramingFields()
    private var methodEnd = 0
    private var targetStart = 0
    private var targetEnd = 0
    private var minorVersion: UInt8 = 1

    init(syntax: HTTP1Syntax) { self.syntax = syntax }

    /// Whether bytes of a head were seen.
    var hasBegun: Bool { self.scanned > 0 }

    /// Reads on.
    ///
    /// `bytes` begins with the first byte behind the last message.
    mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Outcome {
        guard let base = bytes.baseAddress else { return .incomplete }
        do throws(RequestRefusal) {
            while true {
                guard let lineEnd = try self.nextLineEnd(base, count: bytes.count) else { return .incomplete }
                let start = self.lineStart
                self.lineStart = lineEnd + 2
                self.scanned = self.lineStart
                if !self.hasRequestLine {
                    if lineEnd == start {
                        // RFC 9112 §2.2: an empty line before the request line is to be ignored; two are enough.
                        guard start < 4 else { throw RequestRefusal(400, "empty lines before the request") }
                        self.headStart = self.lineStart
                    } else {
                        try self.parseRequestLine(base, from: start, to: lineEnd)
                    }
                } else if lineEnd == start {
                    return .head(try self.finish(base))
                } else {
                    try self.parseField(base, from: start, to: lineEnd)
                }
            }
        } catch {
            return .refused(error)
        }
    }

    /// The place of the CR that ends the current line.
    @inline(__always)
    private mutating func nextLineEnd(_ base: UnsafePointer<UInt8>, count: Int) throws(RequestRefusal) -> Int? {
        guard let found = memchr(base + self.scanned, 0x0A, count - self.scanned) else {
            self.scanned = count
            guard count - self.headStart < self.syntax.maxHeadSize else { throw RequestRefusal(400, "request head too large") }
            return nil
        }
        let lineFeed = UnsafeRawPointer(found) - UnsafeRawPointer(base)
        guard lineFeed + 1 - self.headStart <= self.syntax.maxHeadSize else { throw RequestRefusal(400, "request head too large") }
        guard lineFeed > self.lineStart, base[lineFeed - 1] == 0x0D else { throw RequestRefusal(400, "line without CR") }
        return lineFeed - 1
    }

    // MARK: Request line

    @inline(__always)
    private mutating func parseRequestLine(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) throws(RequestRefusal) {
        let table = self.syntax.table
        var index = start
        while index < end, table[Int(base[index])] & HTTP1Syntax.Class.token != 0 { index += 1 }
        guard index > start, index < end, base[index] == 0x20 else { throw RequestRefusal(400, "malformed method") }
        self.methodEnd = index
        index += 1
        self.targetStart = index
        // The version has eight bytes and one space before it.
        let spaceBeforeVersion = end - 9
        guard spaceBeforeVersion > index, base[spaceBeforeVersion] == 0x20 else { throw RequestRefusal(400, "malformed request line") }
        self.targetEnd = spaceBeforeVersion
        try self.parseVersion(base + spaceBeforeVersion + 1)
        try self.checkTarget(base, methodStart: start)
        self.hasRequestLine = true
    }

    @inline(__always)
    private mutating func parseVersion(_ version: UnsafePointer<UInt8>) throws(RequestRefusal) {
        // "HTTP/1." in one comparison, little-endian or not: the constant is loaded in the same way.
        let word = UnsafeRawPointer(version).loadUnaligned(as: UInt64.self)
        let base = UInt64(littleEndian: word)
        if base == 0x312E_312F_5054_5448 {
            self.minorVersion = 1
        } else if base == 0x302E_312F_5054_5448 {
            self.minorVersion = 0
        } else {
            guard base & 0x00FF_00FF_FFFF_FFFF == 0x002E_002F_5054_5448 else { throw RequestRefusal(400, "malformed HTTP version") }
            let major = version[5] &- UInt8(ascii: "0")
            let minor = version[7] &- UInt8(ascii: "0")
            guard major <= 9, minor <= 9, major > 0 else { throw RequestRefusal(400, "malformed HTTP version") }
            throw RequestRefusal(505, "HTTP version not supported")
        }
    }

    /// Checks the target: origin-form, absolute-form, or `*` for OPTIONS.
    ///
    /// Source: RFC 9112 §3.2.
    @inline(__always)
    private mutating func checkTarget(_ base: UnsafePointer<UInt8>, methodStart: Int) throws(RequestRefusal) {
        var index = self.targetStart
        if base[index] != UInt8(ascii: "/") {
            if FieldBytes.isEqual(base, from: methodStart, to: self.methodEnd, lowercased: "connect") {
                throw RequestRefusal(501, "CONNECT is not supported")
            }
            if self.targetEnd - index == 1, base[index] == UInt8(ascii: "*") {
                guard self.isMethod("OPTIONS", base, from: methodStart) else { throw RequestRefusal(400, "malformed request target") }
                return
            }
            index = try self.checkAuthority(base)
        }
        let table = self.syntax.table
        let end = self.targetEnd
        while index < end, table[Int(base[index])] & HTTP1Syntax.Class.path != 0 { index += 1 }
        if index < end, base[index] == UInt8(ascii: "?") {
            while index < end, table[Int(base[index])] & HTTP1Syntax.Class.query != 0 { index += 1 }
        }
        guard index == end else { throw RequestRefusal(400, "invalid character in the request target") }
    }

    /// Checks `http://host:port` of an absolute-form target and gives the place behind it.
    private mutating func checkAuthority(_ base: UnsafePointer<UInt8>) throws(RequestRefusal) -> Int {
        let start = self.targetStart
        let authorityStart: Int
        if start + 7 < self.targetEnd, FieldBytes.isEqual(base, from: start, to: start + 7, lowercased: "http://") {
            authorityStart = start + 7
        } else if start + 8 < self.targetEnd, FieldBytes.isEqual(base, from: start, to: start + 8, lowercased: "https://") {
            authorityStart = start + 8
        } else {
            throw RequestRefusal(400, "malformed request target")
        }
        var end = authorityStart
        while end < self.targetEnd, base[end] != UInt8(ascii: "/"), base[end] != UInt8(ascii: "?") { end += 1 }
        guard end > authorityStart, self.syntax.isHost(UnsafeBufferPointer(start: base + authorityStart, count: end - authorityStart)) else {
            throw RequestRefusal(400, "invalid host in the request target")
        }
        self.fields.targetAuthority = (authorityStart, end)
        return end
    }

    private func isMethod(_ name: StaticString, _ base: UnsafePointer<UInt8>, from start: Int) -> Bool {
        self.methodEnd - start == name.utf8CodeUnitCount && memcmp(base + start, name.utf8Start, name.utf8CodeUnitCount) == 0
    }

    // MARK: Fields

    @inline(__always)
    private mutating func parseField(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) throws(RequestRefusal) {
        let line = try FieldLine(base, from: start, to: end, table: self.syntax.table)
        if self.slots.isEmpty { self.slots.reserveCapacity(12) }
        guard self.slots.count < self.syntax.maxHeaderCount else { throw RequestRefusal(400, "too many header fields") }
        let length = line.nameEnd - line.nameStart
        let hash = ReceivedHead.hash(base + line.nameStart, count: length)
        self.slots.append(
            ReceivedHead.Slot(
                nameStart: line.nameStart - self.headStart,
                nameLength: length,
                valueStart: line.valueStart - self.headStart,
                valueLength: line.valueEnd - line.valueStart,
                nameHash: hash
            )
        )
        // The lengths of the names that matter here: Host, Expect, Connection, Content-Length, Transfer-Encoding.
        switch length {
        case 4, 6, 10, 14, 17: try self.fields.note(line, base, syntax: self.syntax)
        default: break
        }
    }

    /// Checks the head as a whole, makes the value of it, and gets ready for the next one.
    private mutating func finish(_ base: UnsafePointer<UInt8>) throws(RequestRefusal) -> ParsedHead {
        let framing = try self.fields.framing(minorVersion: self.minorVersion)
        try self.fields.checkHost(base, minorVersion: self.minorVersion)
        let method = self.method(base)
        let start = self.headStart
        let bytes = Array(UnsafeBufferPointer(start: base + start, count: self.lineStart - start))
        let head = ReceivedHead(
            bytes: bytes,
            slots: self.slots,
            method: 0..<(self.methodEnd - start),
            target: (self.targetStart - start)..<(self.targetEnd - start),
            version: self.minorVersion == 1 ? .http11 : .http10
        )
        let isKeepAlive = self.minorVersion == 1 ? !self.fields.saysClose : self.fields.saysKeepAlive && !self.fields.saysClose
        let parsed = ParsedHead(
            head: head,
            method: method,
            framing: framing,
            consumed: self.lineStart,
            isKeepAlive: isKeepAlive,
            saysKeepAlive: self.fields.saysKeepAlive,
            expectsContinue: self.minorVersion == 1 && self.fields.expectsContinue
        )
        self.slots = []
        self.fields = FramingFields()
        self.headStart = 0
        self.lineStart = 0
        self.scanned = 0
        self.hasRequestLine = false
        return parsed
    }

    private func method(_ base: UnsafePointer<UInt8>) -> HTTPRequest.Method {
        let start = self.headStart
        switch self.methodEnd - start {
        case 3 where self.isMethod("GET", base, from: start): return .get
        case 3 where self.isMethod("PUT", base, from: start): return .put
        case 4 where self.isMethod("POST", base, from: start): return .post
        case 4 where self.isMethod("HEAD", base, from: start): return .head
        default:
            let name = String(decoding: UnsafeBufferPointer(start: base + start, count: self.methodEnd - start), as: UTF8.self)
            return HTTPRequest.Method(name) ?? .get
        }
    }
}

/// A request head, checked.
struct ParsedHead {
    let head: ReceivedHead
    let method: HTTPRequest.Method
    let framing: BodyFraming
    /// The bytes of the head with empty lines before it.
    let consumed: Int
    /// Whether the client wants to keep the connection.
    let isKeepAlive: Bool
    /// Whether the client said `Connection: keep-alive`.
    let saysKeepAlive: Bool
    let expectsContinue: Bool
}

/// How the end of a request body is found.
enum BodyFraming: Equatable {
    case none
    case length(Int)
    case chunked
}
