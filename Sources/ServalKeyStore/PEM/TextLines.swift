/// The lines of a text, one after the other: they end with LF, CR LF or CR.
///
/// Nothing is kept of the lines that were passed; a file of nothing but line ends costs no memory.
struct TextLines: Sequence, IteratorProtocol {
    private let bytes: ArraySlice<UInt8>
    /// Where the next line begins; `nil` after the last one, which may be empty.
    private var start: Int?

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        start = bytes.startIndex
    }

    mutating func next() -> ArraySlice<UInt8>? {
        guard let start else { return nil }
        guard let end = bytes[start...].firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
            self.start = nil
            return bytes[start...]
        }
        let isPair = bytes[end] == 0x0D && end + 1 < bytes.endIndex && bytes[end + 1] == 0x0A
        self.start = end + (isPair ? 2 : 1)
        return bytes[start..<end]
    }
}
