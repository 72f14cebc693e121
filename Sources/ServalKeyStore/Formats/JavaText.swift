/// Text as Java puts it into files.
enum JavaText {
    /// Big-endian UTF-16 without a mark.
    static func utf16(_ text: String) -> [UInt8] {
        text.utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    }

    /// Text from big-endian UTF-16; `nil` for an odd number of bytes or unpaired surrogates.
    static func text(utf16 bytes: [UInt8]) -> String? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        return String(validating: units(bytes), as: UTF16.self)
    }

    /// "Modified UTF-8" of `java.io.DataOutput`: NUL in two bytes, and each half of a surrogate pair in three.
    static func modifiedUTF8(_ text: String) -> [UInt8] {
        text.utf16.flatMap { unit -> [UInt8] in
            switch unit {
            case 1..<0x80: [UInt8(unit)]
            case 0, 0x80..<0x800: [0xC0 | UInt8(unit >> 6), 0x80 | UInt8(unit & 0x3F)]
            default: [0xE0 | UInt8(unit >> 12), 0x80 | UInt8(unit >> 6 & 0x3F), 0x80 | UInt8(unit & 0x3F)]
            }
        }
    }

    /// Text from "modified UTF-8"; `nil` when the bytes are none.
    static func text(modifiedUTF8 bytes: some Sequence<UInt8>) -> String? {
        var units: [UInt16] = []
        var iterator = bytes.makeIterator()
        func continuation() -> UInt16? {
            guard let byte = iterator.next(), byte & 0xC0 == 0x80 else { return nil }
            return UInt16(byte & 0x3F)
        }
        while let byte = iterator.next() {
            switch byte {
            case 0..<0x80: units.append(UInt16(byte))
            case 0xC0..<0xE0:
                guard let low = continuation() else { return nil }
                units.append(UInt16(byte & 0x1F) << 6 | low)
            case 0xE0..<0xF0:
                guard let middle = continuation(), let low = continuation() else { return nil }
                units.append(UInt16(byte & 0x0F) << 12 | middle << 6 | low)
            default: return nil
            }
        }
        return String(validating: units, as: UTF16.self)
    }

    private static func units(_ bytes: [UInt8]) -> [UInt16] {
        stride(from: 0, to: bytes.count, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    }
}
