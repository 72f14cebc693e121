/// Which bytes may stand where in a request, as one table; and the limits of a head.
///
/// Sources: RFC 9110 §5.6.2 (token), RFC 3986 §3.3 and §3.4 (path, query), §3.2.2 (host).
///
/// Unchecked because of the pointer: the table is written in `init` only and freed with the last reference.
final class HTTP1Syntax: @unchecked Sendable {
    /// The classes of a byte, as bits.
    enum Class {
        static let token: UInt8 = 1
        static let path: UInt8 = 2
        static let query: UInt8 = 4
        static let host: UInt8 = 8
    }

    let table: UnsafePointer<UInt8>
    let maxHeadSize: Int
    let maxHeaderCount: Int

    init(maxHeadSize: Int = 8192, maxHeaderCount: Int = 100, relaxedPathChars: String = "", relaxedQueryChars: String = "") {
        self.maxHeadSize = maxHeadSize
        self.maxHeaderCount = maxHeaderCount
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        let alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        func add(_ characters: String, _ classes: UInt8) {
            for byte in characters.utf8 { table[Int(byte)] |= classes }
        }
        add(alphanumeric, Class.token | Class.path | Class.query | Class.host)
        add("!#$%&'*+-.^_`|~", Class.token)
        add("-._~!$&'()*+,;=:@/%", Class.path | Class.query)
        add("?", Class.query)
        add("-._", Class.host)
        let relaxable = ConnectorConfiguration.relaxableCharacters
        add(relaxedPathChars.filter(relaxable.contains), Class.path)
        add(relaxedQueryChars.filter(relaxable.contains), Class.query)
        self.table = UnsafePointer(table)
    }

    deinit { self.table.deallocate() }

    /// Whether `host` is `reg-name`, IPv4 or `[IPv6]`, with a port or without; empty is valid, too (RFC 9110 §7.2).
    func isHost(_ host: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = 0
        if host.first == UInt8(ascii: "[") {
            guard let end = host.firstIndex(of: UInt8(ascii: "]")), end <= 46 else { return false }
            var colons = 0
            for byte in host[1..<end] {
                switch byte {
                case UInt8(ascii: ":"): colons += 1
                case UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                    UInt8(ascii: "A")...UInt8(ascii: "F"):
                    break
                default: return false
                }
            }
            guard colons >= 2 else { return false }
            index = end + 1
        } else {
            while index < host.count, self.table[Int(host[index])] & Class.host != 0 { index += 1 }
            if index == 0, !host.isEmpty { return false }
        }
        guard index < host.count else { return true }
        guard host[index] == UInt8(ascii: ":"), host.count - index <= 6 else { return false }
        var port = 0
        for byte in host[(index + 1)...] {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return false }
            port = port * 10 + Int(digit)
        }
        return port <= 65535
    }
}

/// Bytes of a field value, and how they compare.
enum FieldBytes {
    /// Whether there is no control byte but tab: no NUL, no CR, no DEL (RFC 9110 §5.5).
    static func isValue(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
        var index = start
        let raw = UnsafeRawPointer(bytes)
        // Eight bytes at a time; a hit may be a tab and is looked at more closely.
        while index + 8 <= end {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let low = (word &- 0x2020_2020_2020_2020) & ~word & 0x8080_8080_8080_8080
            let del = word ^ 0x7F7F_7F7F_7F7F_7F7F
            let isDel = (del &- 0x0101_0101_0101_0101) & ~del & 0x8080_8080_8080_8080
            if low | isDel != 0, !Self.isValueBytewise(bytes, from: index, to: index + 8) { return false }
            index += 8
        }
        return Self.isValueBytewise(bytes, from: index, to: end)
    }

    private static func isValueBytewise(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Bool {
        var index = start
        while index < end {
            let byte = bytes[index]
            if byte < 0x20 && byte != 0x09 || byte == 0x7F { return false }
            index += 1
        }
        return true
    }

    /// Whether the bytes are `word` (in lower case) without regard to case.
    static func isEqual(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int, lowercased word: StaticString) -> Bool {
        guard end - start == word.utf8CodeUnitCount else { return false }
        let expected = word.utf8Start
        var index = 0
        while index < end - start {
            var byte = bytes[start + index]
            if byte >= 0x41, byte <= 0x5A { byte |= 0x20 }
            if byte != expected[index] { return false }
            index += 1
        }
        return true
    }
}
