import ServalServlet
import Synchronization

/// Session ids in lines.
enum AccessLogRedaction {
    /// The names, in lower case, under which ids travel in this process: of session cookies, of parameters in paths, of the single sign-on.
    private static let names = Mutex<Set<[UInt8]>>([Array("jsessionid".utf8), Array("jsessionidsso".utf8)])

    /// Has the ids under a name replaced in all logs of this process from now on.
    static func add(_ name: String) {
        let name = name.utf8.map(\.lowercased)
        self.names.withLock { _ = $0.insert(name) }
    }

    /// Whether a cookie or a parameter has an id.
    static func isSecret(_ name: String) -> Bool {
        let name = name.utf8.map(\.lowercased)
        return self.names.withLock { $0.contains(name) }
    }

    /// A text that tells whether two ids are the same, and nothing else.
    static func digest(of id: SessionID) -> String { String(id.description.drop { $0 != "#" }.prefix { $0 != ")" }) }

    /// A request target or a field's value with digests in place of ids, wherever `name=id` stands; `nil` if there is none.
    static func redacted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(UInt8(ascii: "=")) else { return nil }
        let names = self.names.withLock { $0 }
        var result: [UInt8] = []
        var copied = text.startIndex
        var nameStart = text.startIndex
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            if self.isDelimiter(byte) {
                nameStart = index
                continue
            }
            guard byte == UInt8(ascii: "="), names.contains(text[nameStart..<(index - 1)].map(\.lowercased)) else { continue }
            if index < text.endIndex, text[index] == UInt8(ascii: "\"") { index += 1 }
            let value = text[index...].prefix { !self.isDelimiter($0) }
            guard !value.isEmpty else { continue }
            result += text[copied..<index]
            result += self.digest(of: SessionID(rawValue: String(decoding: value, as: UTF8.self))).utf8
            (index, copied, nameStart) = (value.endIndex, value.endIndex, value.endIndex)
        }
        return copied == text.startIndex ? nil : result + text[copied...]
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "&"), UInt8(ascii: "#"),
            UInt8(ascii: "\""):
            true
        default: false
        }
    }
}
