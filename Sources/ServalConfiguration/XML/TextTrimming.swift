extension StringProtocol {
    /// Without XML's white space at both ends.
    func trimmingWhitespace() -> String {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        let bytes = Array(self.utf8)
        guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) }) else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// The parts between separators, without white space around them and without empty ones.
    func splitTrimming(_ isSeparator: (Character) -> Bool) -> [String] {
        self.split(whereSeparator: isSeparator).map { $0.trimmingWhitespace() }.filter { !$0.isEmpty }
    }
}
