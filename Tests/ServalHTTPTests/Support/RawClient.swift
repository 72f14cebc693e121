import Foundation

/// A client that sends exactly the bytes it is told to, over a blocking socket.
///
/// For use on a thread of its own: see ``blocking(_:)``.
final class RawClient {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// A response as it came over the wire.
    struct Reply {
        var status: Int
        var head: String
        var body: [UInt8]
        var text: String { String(decoding: self.body, as: UTF8.self) }

        /// The values of a field.
        func values(_ name: String) -> [String] {
            self.head.components(separatedBy: "\r\n").dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { return nil }
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }

        func value(_ name: String) -> String? { self.values(name).first }
    }

    private(set) var descriptor: Int32
    private var buffered: [UInt8] = []

    /// Connects; reads and writes fail after `timeout` seconds without progress.
    init(port: Int, receiveBuffer: Int? = nil, timeout: Int = 30) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard self.descriptor >= 0 else { throw Failure(description: "socket: \(String(cString: strerror(errno)))") }
        if var size = receiveBuffer.map(Int32.init) { setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(self.descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(self.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else {
            let cause = String(cString: strerror(errno))
            self.close()
            throw Failure(description: "connect: \(cause)")
        }
    }

    deinit { self.close() }

    func close() {
        if self.descriptor >= 0 { Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    /// Closes with a reset instead of a regular end.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        self.close()
    }

    func shutdownWrite() { shutdown(self.descriptor, Int32(SHUT_WR)) }

    func send(_ text: String) throws { try self.send(Array(text.utf8)) }

    func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let result = bytes.withUnsafeBytes { Glibc.send(self.descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
            guard result > 0 else { throw Failure(description: "send: \(String(cString: strerror(errno)))") }
            sent += result
        }
    }

    /// Some bytes; none at the end of the connection.
    func receive(upTo limit: Int = 65536) throws -> [UInt8] {
        if !self.buffered.isEmpty {
            defer { self.buffered = [] }
            return self.buffered
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = bytes.withUnsafeMutableBytes { recv(self.descriptor, $0.baseAddress!, limit, 0) }
        guard count >= 0 else { throw Failure(description: "recv: \(String(cString: strerror(errno)))") }
        return Array(bytes[..<count])
    }

    /// Everything up to the end of the connection; a reset counts as an end.
    func receiveAll() throws -> String {
        var all: [UInt8] = []
        while true {
            do {
                let bytes = try self.receive()
                if bytes.isEmpty { break }
                all += bytes
            } catch {
                guard errno == ECONNRESET else { throw error }
                break
            }
        }
        return String(decoding: all, as: UTF8.self)
    }

    /// Reads until `count` bytes are buffered.
    private func fill(_ count: Int) throws {
        while self.buffered.count < count {
            let held = self.buffered
            self.buffered = []
            let more = try self.receive()
            self.buffered = held + more
            guard !more.isEmpty else { throw Failure(description: "the connection ended after \(self.buffered.count) of \(count) bytes") }
        }
    }

    private func line() throws -> String {
        var position = 0
        while true {
            while position + 1 < self.buffered.count {
                if self.buffered[position] == 0x0D, self.buffered[position + 1] == 0x0A {
                    defer { self.buffered.removeFirst(position + 2) }
                    return String(decoding: self.buffered[..<position], as: UTF8.self)
                }
                position += 1
            }
            try self.fill(self.buffered.count + 1)
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        try self.fill(count)
        defer { self.buffered.removeFirst(count) }
        return Array(self.buffered[..<count])
    }

    /// The head of a response, without the empty line.
    func head() throws -> String {
        var lines: [String] = []
        while true {
            let line = try self.line()
            if line.isEmpty { return lines.joined(separator: "\r\n") }
            lines.append(line)
        }
    }

    /// One response.
    func reply(toHead: Bool = false) throws -> Reply {
        let head = try self.head()
        guard head.hasPrefix("HTTP/1.1 "), let status = Int(head.dropFirst(9).prefix(3)) else {
            throw Failure(description: "not a response: \(head)")
        }
        var reply = Reply(status: status, head: head, body: [])
        if toHead || status < 200 || status == 204 || status == 304 { return reply }
        if let length = reply.value("Content-Length").flatMap({ Int($0) }) {
            reply.body = try self.take(length)
        } else if reply.value("Transfer-Encoding") == "chunked" {
            while true {
                let size = try self.line()
                guard let count = Int(size, radix: 16) else { throw Failure(description: "not a chunk size: \(size)") }
                if count == 0 { break }
                reply.body += try self.take(count)
                guard try self.line().isEmpty else { throw Failure(description: "chunk without end") }
            }
            while case let trailer = try self.line(), !trailer.isEmpty { reply.head += "\r\n" + trailer }
        } else {
            reply.body = Array(try self.receiveAll().utf8)
        }
        return reply
    }

    /// Sends and reads one response.
    func exchange(_ text: String, toHead: Bool = false) throws -> Reply {
        try self.send(text)
        return try self.reply(toHead: toHead)
    }

    /// Whether the server closed the connection without another byte.
    func isAtEnd() throws -> Bool { try self.receiveAll().isEmpty }
}

/// Runs blocking code on a thread of its own, so that the tests' own threads stay free.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
}
