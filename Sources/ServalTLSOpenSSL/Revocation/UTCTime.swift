import ServalKeyStore

/// Times in log lines.
enum UTCTime {
    /// For example `2026-11-21 09:30:00 UTC`.
    static func words(_ seconds: Int) -> String {
        let text = ISOTime.text(Int64(seconds))
        return "\(text.prefix(10)) \(text.dropFirst(11).dropLast()) UTC"
    }
}
