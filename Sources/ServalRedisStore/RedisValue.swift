/// What Redis answers.
///
/// Source: the protocol RESP2.
enum RedisValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case text(String)
    case bytes([UInt8])
    case list([RedisValue])
    case error(String)

    var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    var list: [RedisValue]? { if case .list(let values) = self { values } else { nil } }
}

/// Reads answers from bytes that come in pieces; no I/O.
struct RedisReader {
    /// An answer that no Redis gives.
    struct Malformed: Error {}

    /// The most bytes of one value: a session, and room.
    static let maximumLength = 32 << 20
    /// The most values of a list.
    static let maximumCount = 1 << 20
    private static let maximumDepth = 4
    private static let maximumLine = 64 << 10

    private var buffer: [UInt8] = []
    private var position = 0
    /// Lists that are not complete, outermost first.
    private var open: [(values: [RedisValue], count: Int)] = []
    /// How many bytes there must be before it is worth looking again.
    private var needed = 0

    mutating func append(_ bytes: some Collection<UInt8>) {
        if self.position > 1 << 16 {
            self.buffer.removeFirst(self.position)
            self.position = 0
        }
        self.buffer += bytes
    }

    /// The next whole answer; `nil` if there is not one yet.
    mutating func next() throws(Malformed) -> RedisValue? {
        while self.buffer.count - self.position >= self.needed {
            switch try self.step() {
            case .incomplete: return nil
            case .opened: continue
            case .value(var value):
                // It may have been the last of a list, which may have been the last of another.
                while let last = self.open.indices.last {
                    self.open[last].values.append(value)
                    guard self.open[last].values.count == self.open[last].count else { break }
                    value = .list(self.open.removeLast().values)
                }
                if self.open.isEmpty { return value }
            }
        }
        return nil
    }

    private enum Step { case incomplete, opened, value(RedisValue) }

    private mutating func step() throws(Malformed) -> Step {
        let start = self.position
        guard let line = try self.line() else { return .incomplete }
        guard let kind = line.first else { throw Malformed() }
        let rest = String(decoding: line.dropFirst(), as: UTF8.self)
        switch kind {
        case UInt8(ascii: "+"): return .value(.text(rest))
        case UInt8(ascii: "-"): return .value(.error(rest))
        case UInt8(ascii: ":"):
            guard let number = Int64(rest) else { throw Malformed() }
            return .value(.integer(number))
        case UInt8(ascii: "$"):
            guard let length = Int(rest), (-1...Self.maximumLength).contains(length) else { throw Malformed() }
            guard length >= 0 else { return .value(.null) }
            guard self.buffer.count - self.position >= length + 2 else {
                self.needed = self.position - start + length + 2
                self.position = start
                return .incomplete
            }
            self.needed = 0
            let bytes = Array(self.buffer[self.position..<self.position + length])
            guard self.buffer[self.position + length] == 13, self.buffer[self.position + length + 1] == 10 else { throw Malformed() }
            self.position += length + 2
            return .value(.bytes(bytes))
        case UInt8(ascii: "*"):
            guard let count = Int(rest), (-1...Self.maximumCount).contains(count), self.open.count < Self.maximumDepth else { throw Malformed() }
            guard count > 0 else { return .value(count == 0 ? .list([]) : .null) }
            self.open.append(([], count))
            return .opened
        default: throw Malformed()
        }
    }

    /// The bytes up to the next CR LF, which are taken.
    private mutating func line() throws(Malformed) -> ArraySlice<UInt8>? {
        guard let end = self.buffer[self.position...].firstIndex(of: 10) else {
            guard self.buffer.count - self.position <= Self.maximumLine else { throw Malformed() }
            return nil
        }
        guard end > self.position, self.buffer[end - 1] == 13, end - self.position <= Self.maximumLine else { throw Malformed() }
        defer { self.position = end + 1 }
        return self.buffer[self.position..<end - 1]
    }
}

/// A command as Redis reads it.
struct RedisCommand: Sendable {
    private(set) var bytes: [UInt8]

    init(_ words: [RedisWord]) {
        self.bytes = Array("*\(words.count)\r\n".utf8)
        for word in words {
            self.bytes += Array("$\(word.bytes.count)\r\n".utf8)
            self.bytes += word.bytes
            self.bytes += [13, 10]
        }
    }
}

/// A word of a command.
struct RedisWord: Sendable, ExpressibleByStringLiteral {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }
    init(_ text: String) { self.bytes = Array(text.utf8) }
    init(stringLiteral text: String) { self.init(text) }
}
