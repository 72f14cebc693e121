/// Puts numbers and strings into bytes: numbers big-endian, strings and bytes after their length.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { self.bytes.append(contentsOf: $0) }
    }

    mutating func write(_ value: some Collection<UInt8>) {
        self.write(UInt32(truncatingIfNeeded: value.count))
        self.bytes.append(contentsOf: value)
    }

    mutating func write(_ value: String) { self.write(value.utf8) }

    /// Bytes whose number the reader knows.
    mutating func append(_ value: some Collection<UInt8>) { self.bytes.append(contentsOf: value) }
}

/// Takes apart what ``ByteWriter`` made, or what somebody wants to pass for it: never reads beyond the end, never reserves more than there is.
struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: some Collection<UInt8>) { self.rest = Array(bytes)[...] }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func read<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        guard let bytes = self.take(Integer.bitWidth / 8) else { return nil }
        return bytes.reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
    }

    mutating func readBytes(limit: Int = .max) -> ArraySlice<UInt8>? {
        guard let count = self.read(UInt32.self), count <= limit else { return nil }
        return self.take(Int(count))
    }

    mutating func readString(limit: Int = .max) -> String? {
        guard let bytes = self.readBytes(limit: limit) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= self.rest.count else { return nil }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }

    mutating func takeAll() -> ArraySlice<UInt8> {
        defer { self.rest = [] }
        return self.rest
    }
}
