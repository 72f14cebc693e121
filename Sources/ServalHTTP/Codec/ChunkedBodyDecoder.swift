import HTTPTypes
import ServalServlet

/// Takes the chunks out of a chunked body (RFC 9112 §7.1), strictly and free of I/O.
struct ChunkedBodyDecoder {
    enum Step: Equatable {
        /// All bytes were used; more are needed.
        case needsMore
        /// The given number of bytes at the current place is body; they were used.
        case data(Int)
        /// The body is over.
        case end
        case refused(RequestRefusal)
    }

    private enum Place {
        case sizeStart
        case size
        case chunkExtension
        case sizeLineFeed
        case data
        case dataReturn
        case dataLineFeed
        case trailer
        case ended
    }

    private var place = Place.sizeStart
    private var digits = 0
    /// Of the current chunk, the bytes that have not arrived.
    private var remaining = 0
    private var extensionBytes = 0
    private var trailerBytes: [UInt8] = []
    private let maxExtensionSize: Int
    private let maxTrailerSize: Int
    private let syntax: HTTP1Syntax
    /// The trailer fields, after ``Step/end``.
    private(set) var trailers = HeaderFields()

    init(maxExtensionSize: Int, maxTrailerSize: Int, syntax: HTTP1Syntax) {
        self.maxExtensionSize = maxExtensionSize
        self.maxTrailerSize = maxTrailerSize
        self.syntax = syntax
    }

    /// Reads on in `bytes` from `index`, which moves behind what was used.
    mutating func next(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int) -> Step {
        do throws(RequestRefusal) {
            while index < bytes.count {
                if self.place == .data {
                    let count = min(self.remaining, bytes.count - index)
                    self.remaining -= count
                    index += count
                    if self.remaining == 0 { self.place = .dataReturn }
                    return .data(count)
                }
                let byte = bytes[index]
                index += 1
                if self.place == .trailer {
                    if try self.trailerByte(byte) { return .end }
                } else {
                    try self.framingByte(byte)
                }
            }
        } catch {
            return .refused(error)
        }
        return self.place == .ended ? .end : .needsMore
    }

    private mutating func framingByte(_ byte: UInt8) throws(RequestRefusal) {
        switch self.place {
        case .sizeStart, .size:
            if let digit = Self.hexadecimal(byte) {
                // Fifteen digits cannot overflow; nobody has larger chunks.
                guard self.digits < 15 else { throw RequestRefusal(400, "chunk size too large") }
                self.digits += 1
                self.remaining = self.remaining << 4 | digit
                self.place = .size
            } else if self.place == .size, byte == 0x0D {
                self.place = .sizeLineFeed
            } else if self.place == .size, byte == UInt8(ascii: ";") {
                self.place = .chunkExtension
                try self.countExtension()
            } else {
                throw RequestRefusal(400, "malformed chunk size")
            }
        case .chunkExtension:
            if byte == 0x0D {
                self.place = .sizeLineFeed
            } else {
                guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else { throw RequestRefusal(400, "control character in chunk extension") }
                try self.countExtension()
            }
        case .sizeLineFeed:
            guard byte == 0x0A else { throw RequestRefusal(400, "malformed chunk size") }
            self.digits = 0
            self.place = self.remaining == 0 ? .trailer : .data
        case .dataReturn:
            guard byte == 0x0D else { throw RequestRefusal(400, "chunk longer than its size") }
            self.place = .dataLineFeed
        case .dataLineFeed:
            guard byte == 0x0A else { throw RequestRefusal(400, "chunk longer than its size") }
            self.place = .sizeStart
        case .data, .trailer, .ended:
            break
        }
    }

    private mutating func countExtension() throws(RequestRefusal) {
        self.extensionBytes += 1
        guard self.extensionBytes <= self.maxExtensionSize else { throw RequestRefusal(400, "chunk extensions too large") }
    }

    /// Takes a byte of the trailer section; true at its end.
    private mutating func trailerByte(_ byte: UInt8) throws(RequestRefusal) -> Bool {
        self.trailerBytes.append(byte)
        guard self.trailerBytes.count <= self.maxTrailerSize + 2 else { throw RequestRefusal(400, "trailer fields too large") }
        guard byte == 0x0A else { return false }
        let count = self.trailerBytes.count
        guard count >= 2, self.trailerBytes[count - 2] == 0x0D else { throw RequestRefusal(400, "line without CR") }
        guard count == 2 || count >= 4 && self.trailerBytes[count - 3] == 0x0A && self.trailerBytes[count - 4] == 0x0D else { return false }
        self.place = .ended
        if count > 2 { try self.parseTrailers() }
        self.trailerBytes = []
        return true
    }

    private mutating func parseTrailers() throws(RequestRefusal) {
        var fields: [HeaderFields.Field] = []
        let (table, maxCount) = (self.syntax.table, self.syntax.maxHeaderCount)
        var failure: RequestRefusal?
        self.trailerBytes.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            do throws(RequestRefusal) {
                var start = 0
                while start < bytes.count - 2 {
                    var end = start
                    while base[end] != 0x0D || base[end + 1] != 0x0A { end += 1 }
                    let line = try FieldLine(base, from: start, to: end, table: table)
                    guard fields.count < maxCount else { throw RequestRefusal(400, "too many trailer fields") }
                    let name = String(decoding: bytes[line.nameStart..<line.nameEnd], as: UTF8.self)
                    guard let name = HTTPField.Name(name) else { throw RequestRefusal(400, "malformed trailer field name") }
                    guard !Self.framingNames.contains(name.canonicalName) else { throw RequestRefusal(400, "forbidden trailer field") }
                    if !Self.ignoredNames.contains(name.canonicalName) {
                        fields.append(HeaderFields.Field(name, String(decoding: bytes[line.valueStart..<line.valueEnd], as: UTF8.self)))
                    }
                    start = end + 2
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        self.trailers = HeaderFields(fields)
    }

    /// Fields that decide framing or routing; in a trailer they are an attack.
    static let framingNames: Set<String> = ["connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"]

    /// Fields that must be known before the body (RFC 9110 §6.5.1); in a trailer they mean nothing.
    static let ignoredNames: Set<String> = [
        "age", "authorization", "cache-control", "content-encoding", "content-range", "content-type", "cookie", "date", "expect", "expires",
        "forwarded",
        "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive", "location", "max-forwards", "pragma",
        "proxy-authenticate", "proxy-authorization", "range", "retry-after", "set-cookie", "vary", "warning", "www-authenticate", "x-forwarded-for",
        "x-forwarded-host", "x-forwarded-proto",
    ]

    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte &- UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte &- UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
