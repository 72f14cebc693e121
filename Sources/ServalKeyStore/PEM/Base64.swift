/// Base64 (RFC 4648 section 4).
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
            for digit in 0..<4 {
                text.append(digit > group.count ? UInt8(ascii: "=") : alphabet[Int(bits >> UInt32(18 - 6 * digit) & 0x3F)])
            }
        }
        return text
    }

    /// Decodes text that comes in pieces; spaces are passed over.
    struct Decoder {
        private var bytes: [UInt8] = []
        private var bits: UInt32 = 0
        private var digits = 0
        private var padding = 0

        /// `false` when the text has a character that is not base64, or goes on after its padding.
        mutating func append(_ text: some Collection<UInt8>) -> Bool {
            for character in text where character != 0x20 && character != 0x09 {
                if character == UInt8(ascii: "=") {
                    padding += 1
                    guard padding <= 2 else { return false }
                    continue
                }
                let value = Base64.values[Int(character)]
                guard value != 0xFF, padding == 0 else { return false }
                bits = bits << 6 | UInt32(value)
                digits += 1
                if digits.isMultiple(of: 4) { flush(3) }
            }
            return true
        }

        /// The bytes, or `nil` when the text is cut off.
        mutating func finish() -> [UInt8]? {
            let open = digits % 4
            guard open == 0 ? padding == 0 : open + padding == 4 else { return nil }
            guard open > 0 else { return bytes }
            bits <<= UInt32(6 * (4 - open))
            flush(open - 1)
            return bytes
        }

        private mutating func flush(_ count: Int) {
            for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))) }
            bits = 0
        }
    }
}
