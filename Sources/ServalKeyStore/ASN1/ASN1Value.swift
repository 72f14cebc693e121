/// One ASN.1 value in BER or DER, as slices of the bytes it was read from.
///
/// swift-asn1 refuses what real key stores contain (indefinite lengths, odd certificates); this reader takes the structure as it comes and leaves
/// judgement to its callers. Nothing is allocated for a length before the bytes are known to be there.
package struct ASN1Value {
    package static let integer: UInt8 = 0x02
    package static let bitString: UInt8 = 0x03
    package static let octetString: UInt8 = 0x04
    package static let null: UInt8 = 0x05
    package static let objectIdentifier: UInt8 = 0x06
    package static let sequence: UInt8 = 0x30
    package static let set: UInt8 = 0x31

    /// The identifier octet; multi-octet tags do not occur in these formats.
    package let tag: UInt8
    /// Identifier, length and content.
    package let encoded: ArraySlice<UInt8>
    package let content: ArraySlice<UInt8>

    /// The value that fills `bytes`.
    ///
    /// - Parameter allowingTrailing: Whether more bytes may follow.
    package init(_ bytes: some Sequence<UInt8>, allowingTrailing: Bool = false) throws(KeyStoreError) {
        try self.init(slice: ArraySlice(bytes), allowingTrailing: allowingTrailing)
    }

    package init(slice: ArraySlice<UInt8>, allowingTrailing: Bool = false) throws(KeyStoreError) {
        var reader = ASN1Reader(slice)
        self = try reader.next()
        guard allowingTrailing || reader.isAtEnd else {
            throw KeyStoreError(.corrupt, "Bytes follow the ASN.1 value that ends at byte \(encoded.endIndex)")
        }
    }

    package init(tag: UInt8, encoded: ArraySlice<UInt8>, content: ArraySlice<UInt8>) {
        self.tag = tag
        self.encoded = encoded
        self.content = content
    }

    /// A reader of the values inside this one, which must have the tag.
    package func reader(_ tag: UInt8 = ASN1Value.sequence) throws(KeyStoreError) -> ASN1Reader {
        try expect(tag)
        return ASN1Reader(content)
    }

    /// All values inside this one, which must have the tag.
    package func children(_ tag: UInt8 = ASN1Value.sequence) throws(KeyStoreError) -> [ASN1Value] {
        var reader = try reader(tag)
        var values: [ASN1Value] = []
        while !reader.isAtEnd { values.append(try reader.next()) }
        return values
    }

    /// The value inside an explicit tag `[number]`.
    package func explicit(_ number: UInt8) throws(KeyStoreError) -> ASN1Value {
        try expect(0xA0 | number)
        return try ASN1Value(slice: content)
    }

    /// The bytes of an OCTET STRING (or of an implicitly tagged one), its segments put together.
    package func octets(tag: UInt8 = ASN1Value.octetString) throws(KeyStoreError) -> [UInt8] {
        guard self.tag & ~0x20 == tag & ~0x20 else { throw unexpected(tag) }
        return try segments(depth: 0)
    }

    /// As ``octets(tag:)``; without segments a part of the bytes that this value was read from, so that positions in it are positions there.
    package func octetSlice() throws(KeyStoreError) -> ArraySlice<UInt8> {
        tag == ASN1Value.octetString ? content : try octets()[...]
    }

    package func objectIdentifier() throws(KeyStoreError) -> OID {
        try expect(ASN1Value.objectIdentifier)
        guard !content.isEmpty, content.last.map({ $0 & 0x80 == 0 }) == true else {
            throw KeyStoreError(.corrupt, "The object identifier at byte \(encoded.startIndex) is cut off")
        }
        return OID(content: Array(content))
    }

    /// A small non-negative INTEGER.
    package func integer() throws(KeyStoreError) -> Int {
        try expect(ASN1Value.integer)
        guard !content.isEmpty else { throw KeyStoreError(.corrupt, "The integer at byte \(encoded.startIndex) has no bytes") }
        let digits = content.drop { $0 == 0 }
        guard digits.count < 8, content.first.map({ $0 < 0x80 }) == true else {
            throw KeyStoreError(.corrupt, "The integer at byte \(encoded.startIndex) is negative or too large")
        }
        return digits.reduce(0) { $0 << 8 | Int($1) }
    }

    private func expect(_ tag: UInt8) throws(KeyStoreError) {
        guard self.tag == tag else { throw unexpected(tag) }
    }

    private func unexpected(_ tag: UInt8) -> KeyStoreError {
        KeyStoreError(.corrupt, "Expected ASN.1 tag \(hex(tag)) at byte \(encoded.startIndex) and found \(hex(self.tag))")
    }

    private func segments(depth: Int) throws(KeyStoreError) -> [UInt8] {
        guard tag & 0x20 != 0 else { return Array(content) }
        guard depth < Limits.nesting else { throw KeyStoreError(.corrupt, "ASN.1 values are nested more than \(Limits.nesting) deep") }
        var bytes: [UInt8] = []
        var reader = ASN1Reader(content)
        while !reader.isAtEnd {
            let segment = try reader.next()
            guard segment.tag & ~0x20 == ASN1Value.octetString else { throw segment.unexpected(ASN1Value.octetString) }
            bytes += try segment.segments(depth: depth + 1)
        }
        return bytes
    }
}

/// Reads one ASN.1 value after the other.
package struct ASN1Reader {
    private let all: ArraySlice<UInt8>
    private(set) var rest: ArraySlice<UInt8>

    package init(_ bytes: ArraySlice<UInt8>) {
        all = bytes
        rest = bytes
    }

    package var isAtEnd: Bool { rest.isEmpty }

    /// The tag of the next value, or `nil` at the end.
    package var nextTag: UInt8? { rest.first }

    package mutating func next() throws(KeyStoreError) -> ASN1Value {
        try next(depth: 0)
    }

    /// The next value if it has this tag.
    package mutating func next(ifTag tag: UInt8) throws(KeyStoreError) -> ASN1Value? {
        nextTag == tag ? try next() : nil
    }

    private mutating func next(depth: Int) throws(KeyStoreError) -> ASN1Value {
        guard depth <= Limits.nesting else { throw KeyStoreError(.corrupt, "ASN.1 values are nested more than \(Limits.nesting) deep") }
        let start = rest.startIndex
        guard let tag = rest.popFirst(), let first = rest.popFirst() else { throw truncated(start) }
        guard tag & 0x1F != 0x1F else { throw KeyStoreError(.corrupt, "The ASN.1 tag at byte \(start) has several octets") }
        if first == 0x80 { return try indefinite(tag: tag, start: start, depth: depth) }
        let length = try length(first, start: start)
        guard length <= rest.count else { throw truncated(start) }
        let content = rest.prefix(length)
        rest = rest.dropFirst(length)
        return ASN1Value(tag: tag, encoded: all[start..<rest.startIndex], content: content)
    }

    private mutating func length(_ first: UInt8, start: Int) throws(KeyStoreError) -> Int {
        guard first > 0x80 else { return Int(first) }
        let octets = Int(first & 0x7F)
        guard octets <= rest.count else { throw truncated(start) }
        guard octets <= 4 else { throw KeyStoreError(.corrupt, "The length of the ASN.1 value at byte \(start) needs more than four octets") }
        let length = rest.prefix(octets).reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(octets)
        return length
    }

    private mutating func indefinite(tag: UInt8, start: Int, depth: Int) throws(KeyStoreError) -> ASN1Value {
        guard tag & 0x20 != 0 else { throw KeyStoreError(.corrupt, "The primitive ASN.1 value at byte \(start) has no definite length") }
        let contentStart = rest.startIndex
        while !rest.starts(with: [0, 0]) { _ = try next(depth: depth + 1) }
        let content = all[contentStart..<rest.startIndex]
        rest = rest.dropFirst(2)
        return ASN1Value(tag: tag, encoded: all[start..<rest.startIndex], content: content)
    }

    private func truncated(_ start: Int) -> KeyStoreError {
        KeyStoreError(.corrupt, "The data ends at byte \(all.endIndex), in the middle of the ASN.1 value that begins at byte \(start)")
    }
}

func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return "0x" + (digits.count == 1 ? "0" + digits : digits)
}
