/// Takes a JKS or JCEKS file, or a Java serialization stream, apart; nothing is allocated for a length before the bytes are known to be there.
struct JKSInput {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var remaining: Int { rest.count }

    mutating func take(_ count: Int) throws(KeyStoreError) -> ArraySlice<UInt8> {
        guard count <= rest.count else {
            throw KeyStoreError(.corrupt, "The data is cut off: \(count) bytes are needed at byte \(rest.startIndex) and \(rest.count) are left")
        }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func byte() throws(KeyStoreError) -> UInt8 {
        try take(1).reduce(0) { $1 | $0 }
    }

    /// Two bytes without sign.
    mutating func shortNumber() throws(KeyStoreError) -> Int {
        try take(2).reduce(0) { $0 << 8 | Int($1) }
    }

    /// Four bytes without sign.
    mutating func number() throws(KeyStoreError) -> Int {
        try take(4).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func date() throws(KeyStoreError) -> Int64 {
        Int64(bitPattern: try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    mutating func text() throws(KeyStoreError) -> String {
        let start = rest.startIndex
        guard let text = JavaText.text(modifiedUTF8: try take(shortNumber())) else {
            throw KeyStoreError(.corrupt, "The name at byte \(start) is not valid text")
        }
        return text
    }
}

/// Puts a JKS or JCEKS file together.
struct JKSOutput {
    var bytes: [UInt8] = []

    mutating func number(_ number: Int) {
        append(UInt32(truncatingIfNeeded: number))
    }

    mutating func date(_ milliseconds: Int64) {
        append(UInt64(bitPattern: milliseconds))
    }

    mutating func text(_ text: String) throws(KeyStoreError) {
        let encoded = JavaText.modifiedUTF8(text)
        guard let length = UInt16(exactly: encoded.count) else { throw KeyStoreError(.invalidInput, "A name is longer than 65,535 bytes") }
        append(length)
        bytes += encoded
    }

    mutating func block(_ block: [UInt8]) {
        number(block.count)
        bytes += block
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.bigEndian) { bytes += $0 }
    }
}
