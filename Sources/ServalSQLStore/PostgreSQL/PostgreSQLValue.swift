import ServalSessions

/// How values travel to PostgreSQL and back.
enum PostgreSQLValue {
    static let byteaType: UInt32 = 17

    /// Parameters as libpq takes them: bytes as they are, everything else as text.
    struct Parameters {
        private var storage: [UInt8] = []
        private var offsets: [Int?] = []
        private var lengths: [Int32] = []
        private var formats: [Int32] = []

        init(_ parameters: [SQLValue]) throws(SessionError) {
            for parameter in parameters {
                switch parameter {
                case .null: self.add(nil, format: 0)
                case .bytes(let bytes): self.add(bytes, format: 1)
                case .integer(let number): self.add(Array("\(number)".utf8), format: 0)
                case .text(let text):
                    guard !text.utf8.contains(0) else {
                        throw SessionError(code: .undecodable, message: "PostgreSQL keeps no text with a NUL")
                    }
                    self.add(Array(text.utf8), format: 0)
                }
            }
        }

        private mutating func add(_ bytes: [UInt8]?, format: Int32) {
            self.offsets.append(bytes.map { _ in self.storage.count })
            self.lengths.append(Int32(bytes?.count ?? 0))
            self.formats.append(format)
            self.storage += bytes ?? []
            // Texts end with it.
            self.storage.append(0)
        }

        func withPointers<Value>(_ body: (PostgreSQLLibrary.Strings?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Value) -> Value {
            self.storage.withUnsafeBytes { storage in
                let start = storage.baseAddress?.assumingMemoryBound(to: CChar.self)
                let values = self.offsets.map { offset in offset.flatMap { start?.advanced(by: $0) } }
                return values.withUnsafeBufferPointer { values in
                    self.lengths.withUnsafeBufferPointer { lengths in
                        self.formats.withUnsafeBufferPointer { formats in body(values.baseAddress, lengths.baseAddress, formats.baseAddress) }
                    }
                }
            }
        }
    }

    /// A column of a row in PostgreSQL's binary format; `type` is the object id of its type.
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>, type: UInt32) -> SQLValue {
        switch type {
        case Self.byteaType: return .bytes(Array(bytes))
        // int8, int2, int4
        case 20, 21, 23: return Self.integer(bytes).map { .integer($0) } ?? .null
        // bool
        case 16: return .text(bytes.first == 0 ? "0" : "1")
        case 1700: return Self.numeric(bytes).map { .integer($0) } ?? .null
        default: return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func integer(_ bytes: some Collection<UInt8>) -> Int64? {
        guard let first = bytes.first, bytes.count <= 8 else { return nil }
        return bytes.dropFirst().reduce(Int64(Int8(bitPattern: first))) { $0 << 8 | Int64($1) }
    }

    /// The whole part of a decimal number: how many digits to the base 10,000, the power of the first, the sign, and the digits.
    private static func numeric(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard bytes.count >= 8, bytes.count.isMultiple(of: 2) else { return nil }
        let words = stride(from: 0, to: bytes.count, by: 2).map { Int64(bytes[$0]) << 8 | Int64(bytes[$0 + 1]) }
        let power = Int(Int16(truncatingIfNeeded: words[1]))
        guard words[2] == 0 || words[2] == 0x4000, power < 5 else { return nil }
        var number: Int64 = 0
        for position in 0..<max(0, power + 1) {
            let (product, overflow) = number.multipliedReportingOverflow(by: 10_000)
            let (sum, overflowOfSum) = product.addingReportingOverflow(4 + position < words.count ? words[4 + position] : 0)
            guard !overflow, !overflowOfSum else { return nil }
            number = sum
        }
        return words[2] == 0 ? number : -number
    }
}
