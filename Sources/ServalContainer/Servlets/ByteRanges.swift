import ServalServlet

/// What a `Range` field asks for.
///
/// Source: RFC 9110 §14.
enum ByteRanges: Hashable {
    /// The field has another unit than bytes, or asks for so much in pieces that the whole is cheaper: the answer is the whole file.
    case ignored
    /// Malformed, or beyond the end of the file.
    case unsatisfiable
    case ranges([Range<Int>])

    /// The most ranges to answer one by one; more look like an attack (RFC 9110 §17.15).
    static let limit = 16

    init(_ field: String, length: Int) {
        guard let equals = field.utf8.firstIndex(of: UInt8(ascii: "=")), field[..<equals].lowercased() == "bytes" else {
            self = .ignored
            return
        }
        let specifiers = field[field.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: true)
        guard specifiers.count <= 4 * Self.limit else {
            self = .ignored
            return
        }
        var ranges: [Range<Int>] = []
        for specifier in specifiers {
            guard let bounds = Self.bounds(specifier.filter { $0 != " " && $0 != "\t" }) else {
                self = .unsatisfiable
                return
            }
            if let range = Self.range(bounds, length: length) { ranges.append(range) }
        }
        guard !ranges.isEmpty else {
            self = .unsatisfiable
            return
        }
        self = ranges.count > Self.limit || Self.overlap(ranges) ? .ignored : .ranges(ranges)
    }

    private static func bounds(_ specifier: String) -> (first: Int?, last: Int?)? {
        let parts = specifier.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } }) else { return nil }
        guard !(parts[0].isEmpty && parts[1].isEmpty) else { return nil }
        // What is too large for a number is larger than every file.
        let first = parts[0].isEmpty ? nil : Int(parts[0]) ?? .max
        let last = parts[1].isEmpty ? nil : Int(parts[1]) ?? .max
        if let first, let last, first > last { return nil }
        return (first, last)
    }

    private static func range(_ bounds: (first: Int?, last: Int?), length: Int) -> Range<Int>? {
        guard let first = bounds.first else {
            let count = min(bounds.last ?? 0, length)
            return count > 0 ? (length - count)..<length : nil
        }
        guard first < length else { return nil }
        return first..<(min(bounds.last ?? .max, length - 1) + 1)
    }

    private static func overlap(_ ranges: [Range<Int>]) -> Bool {
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        return zip(sorted, sorted.dropFirst()).contains { $0.upperBound > $1.lowerBound }
    }
}

/// Several parts of a file as one body.
///
/// Source: RFC 9110 §14.6.
struct MultipartRanges {
    let boundary: String
    private let file: StaticFile
    private let parts: [(head: [UInt8], range: Range<Int>)]
    private let tail: [UInt8]

    init(file: StaticFile, type: String?, ranges: [Range<Int>]) {
        let boundary = "serval-" + String(UInt64.random(in: .min ... .max), radix: 36)
        self.file = file
        self.boundary = boundary
        self.parts = ranges.enumerated().map { index, range in
            var head = index == 0 ? "--\(boundary)\r\n" : "\r\n--\(boundary)\r\n"
            if let type { head += "Content-Type: \(type)\r\n" }
            head += "Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)\r\n\r\n"
            return (Array(head.utf8), range)
        }
        self.tail = Array("\r\n--\(boundary)--\r\n".utf8)
    }

    var body: ResponseBody {
        let (file, parts, tail) = (self.file, self.parts, self.tail)
        let length = parts.reduce(tail.count) { $0 + $1.head.count + $1.range.count }
        return .stream(length: length) { writer in
            for part in parts {
                try await writer.write(part.head)
                var offset = part.range.lowerBound
                while offset < part.range.upperBound {
                    let end = min(offset + 65_536, part.range.upperBound)
                    guard let piece = file.read(offset..<end) else { throw HTTPError(.internalServerError, "the file changed while it was sent") }
                    try await writer.write(piece)
                    offset = end
                }
            }
            try await writer.write(tail)
            return nil
        }
    }
}
