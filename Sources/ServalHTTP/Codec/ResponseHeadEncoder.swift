import HTTPTypes
import NIOCore
import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes response heads.
///
/// Nothing that an application puts into a field can end the field: control bytes become spaces (RFC 9110 §5.5).
struct ResponseHeadEncoder {
    /// How the end of a response body is found.
    enum Framing: Equatable {
        /// There is no body, and no field that speaks of one.
        case none
        case length(Int)
        case chunked
        /// By the end of the connection: for HTTP/1.0.
        case untilClose
    }

    /// The connector's part in a head.
    struct Settings {
        var limit: Int
        /// The value of the `Server` field.
        var server: String?
        var removesServer: Bool
    }

    /// What the connection makes of the head.
    struct Connection {
        var isHTTP11: Bool
        var keepsAlive: Bool
        /// The seconds of `Keep-Alive: timeout=n`; `nil` sends none.
        var keepAliveSeconds: Int?
        /// For HEAD: an application that sends no body may say how long it would be.
        var takesContentLength: Bool
    }

    let settings: Settings

    /// Appends a head to `buffer`, or nothing if it is larger than the limit.
    ///
    /// - Returns: whether the connection stays open; `nil` if the head is too large.
    @inline(__always)
    func encode(_ response: Response, framing: Framing, connection: Connection, date: DateField, into buffer: inout ByteBuffer) -> Bool? {
        var keepsAlive: Bool?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: self.settings.limit) { space in
            guard let base = space.baseAddress else { return 0 }
            var writer = HeadWriter(base: base.assumingMemoryBound(to: UInt8.self), capacity: self.settings.limit)
            keepsAlive = self.write(response, framing: framing, connection: connection, date: date, to: &writer)
            return keepsAlive == nil ? 0 : writer.count
        }
        return keepsAlive
    }

    @inline(__always)
    private func write(_ response: Response, framing: Framing, connection: Connection, date: DateField, to writer: inout HeadWriter) -> Bool? {
        if response.status.code == 200 {
            writer.put("HTTP/1.1 200 OK\r\n")
        } else {
            writer.put("HTTP/1.1 ")
            writer.put(decimal: response.status.code)
            writer.put(" ")
            writer.put(value: response.status.reasonPhrase)
            writer.put("\r\n")
        }
        var keepsAlive = connection.keepsAlive
        var framing = framing
        var hasServer = false
        for field in response.headers {
            let name = field.name.canonicalName
            switch name.utf8.count {
            case 4 where name == "date": continue
            case 6 where name == "server":
                if self.settings.server != nil || self.settings.removesServer || hasServer { continue }
                hasServer = true
            case 10 where name == "keep-alive": continue
            case 10 where name == "connection":
                if field.value.lowercased().split(separator: ",").contains(where: { $0.trimmed == "close" }) { keepsAlive = false }
                continue
            case 14 where name == "content-length":
                if connection.takesContentLength, let length = Int(field.value), length >= 0 { framing = .length(length) }
                continue
            case 17 where name == "transfer-encoding": continue
            default: break
            }
            writer.put(field.name.rawName)
            writer.put(": ")
            writer.put(value: field.value)
            writer.put("\r\n")
        }
        if let server = self.settings.server {
            writer.put("Server: ")
            writer.put(value: server)
            writer.put("\r\n")
        }
        switch framing {
        case .length(let length):
            writer.put("Content-Length: ")
            writer.put(decimal: length)
            writer.put("\r\nDate: ")
        case .chunked:
            writer.put("Transfer-Encoding: chunked\r\nDate: ")
        case .none, .untilClose:
            writer.put("Date: ")
        }
        writer.put(date.bytes)
        if !keepsAlive {
            writer.put("\r\nConnection: close\r\n\r\n")
        } else {
            if let seconds = connection.keepAliveSeconds {
                writer.put("\r\nKeep-Alive: timeout=")
                writer.put(decimal: seconds)
                writer.put("\r\nConnection: keep-alive\r\n\r\n")
            } else if !connection.isHTTP11 {
                writer.put("\r\nConnection: keep-alive\r\n\r\n")
            } else {
                writer.put("\r\n\r\n")
            }
        }
        return writer.isOverfull ? nil : keepsAlive
    }

    /// The trailer section of a chunked body, last chunk included.
    ///
    /// Fields that belong to framing are left out.
    static func trailerSection(_ trailers: HeaderFields?) -> [UInt8] {
        var bytes = Array("0\r\n".utf8)
        for field in trailers ?? HeaderFields() {
            guard !["content-length", "transfer-encoding", "connection", "host", "trailer"].contains(field.name.canonicalName) else { continue }
            bytes += field.name.rawName.utf8
            bytes += ": ".utf8
            bytes += field.value.utf8.map { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F ? 0x20 : $0 }
            bytes += "\r\n".utf8
        }
        bytes += "\r\n".utf8
        return bytes
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var rest = self
        while rest.first == " " || rest.first == "\t" { rest.removeFirst() }
        while rest.last == " " || rest.last == "\t" { rest.removeLast() }
        return rest
    }
}

/// Writes into a piece of memory; what does not fit is only noted.
struct HeadWriter {
    private let base: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private(set) var count = 0
    private(set) var isOverfull = false

    init(base: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.base = base
        self.capacity = capacity
    }

    @inline(__always)
    private mutating func reserve(_ length: Int) -> UnsafeMutablePointer<UInt8>? {
        guard length <= self.capacity - self.count else {
            self.isOverfull = true
            return nil
        }
        defer { self.count += length }
        return self.base + self.count
    }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        guard let place = self.reserve(text.utf8CodeUnitCount) else { return }
        memcpy(place, text.utf8Start, text.utf8CodeUnitCount)
    }

    /// Text that is known to be clean.
    @inline(__always)
    mutating func put(_ text: borrowing String) {
        let isPut: Void? = text.utf8.withContiguousStorageIfAvailable { self.put($0) }
        if isPut == nil { self.put(Array(text.utf8)) }
    }

    @inline(__always)
    mutating func put(_ bytes: [UInt8]) { bytes.withUnsafeBufferPointer { self.put($0) } }

    @inline(__always)
    private mutating func put(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, let place = self.reserve(bytes.count) else { return }
        memcpy(place, source, bytes.count)
    }

    /// Text from an application: control bytes become spaces.
    @inline(__always)
    mutating func put(value text: borrowing String) {
        let isPut: Void? = text.utf8.withContiguousStorageIfAvailable { self.put(value: $0) }
        if isPut == nil { Array(text.utf8).withUnsafeBufferPointer { self.put(value: $0) } }
    }

    @inline(__always)
    private mutating func put(value bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, let place = self.reserve(bytes.count) else { return }
        memcpy(place, source, bytes.count)
        guard !FieldBytes.isValue(place, from: 0, to: bytes.count) else { return }
        for index in 0..<bytes.count where place[index] < 0x20 && place[index] != 0x09 || place[index] == 0x7F { place[index] = 0x20 }
    }

    @inline(__always)
    mutating func put(decimal number: Int) {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        guard let place = self.reserve(digits) else { return }
        rest = number
        while digits > 0 {
            digits -= 1
            place[digits] = UInt8(truncatingIfNeeded: 0x30 + rest % 10)
            rest /= 10
        }
    }
}
