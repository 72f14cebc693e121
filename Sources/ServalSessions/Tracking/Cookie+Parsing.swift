extension Cookie {
    /// How many cookies of one field ``parse(_:)`` reads: Tomcat's `maxCookieCount`.
    public static let defaultLimit = 200

    /// The cookies of one `Cookie` field, in the order in which they were sent.
    ///
    /// Malformed pairs are left out; the others are kept (RFC 6265 §5.4 and §4.2). Reads up to ``defaultLimit`` cookies.
    public static func parse(_ header: String) -> [(name: String, value: String)] {
        self.parse(header, limit: self.defaultLimit)
    }

    /// The first cookies of one `Cookie` field, in the order in which they were sent.
    ///
    /// Left out are pairs without `=`, with a name that is no token, with a value that has a space, a control character or one of `",\`, and what
    /// clients of RFC 2965 add (`$Version`, `$Path`, `$Domain`, `$Port`). Quotation marks around a value are part of it, as in RFC 6265bis and Tomcat 11.
    /// Takes time in proportion to the field's length.
    ///
    /// - Parameter limit: the most cookies to read; what follows is ignored. Give one more than is allowed to learn whether there are too many.
    public static func parse(_ header: String, limit: Int) -> [(name: String, value: String)] {
        var scanner = CookieScanner(header.utf8)
        var cookies: [(name: String, value: String)] = []
        while cookies.count < limit, let pair = scanner.next() {
            cookies.append((String(header[pair.name]), String(header[pair.value])))
        }
        return cookies
    }

    /// The values of the cookies with one name, in the order in which they were sent, without a list of the others.
    ///
    /// Follows the rules of ``parse(_:limit:)``, but for the limit. Allocates nothing: the values are parts of the field.
    public static func values(named name: String, in header: String) -> Values {
        Values(name: name, header: header, scanner: CookieScanner(header.utf8))
    }

    /// The values of the cookies with one name; see ``Cookie/values(named:in:)``.
    public struct Values: Sequence, IteratorProtocol, Sendable {
        let name: String
        let header: String
        var scanner: CookieScanner<String.UTF8View>

        /// The next value.
        public mutating func next() -> Substring? {
            while let pair = self.scanner.next() {
                if self.header.utf8[pair.name].elementsEqual(self.name.utf8) { return self.header[pair.value] }
            }
            return nil
        }
    }
}

/// Goes through the well-formed pairs of a `Cookie` field, looking at each byte a fixed number of times.
struct CookieScanner<Bytes: BidirectionalCollection<UInt8> & Sendable>: Sendable where Bytes.Index: Sendable {
    private let bytes: Bytes
    private var position: Bytes.Index

    init(_ bytes: Bytes) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// The places of the next name and its value.
    mutating func next() -> (name: Range<Bytes.Index>, value: Range<Bytes.Index>)? {
        while self.position != self.bytes.endIndex {
            let start = self.position
            var equals: Bytes.Index?
            var end = start
            while end != self.bytes.endIndex, self.bytes[end] != UInt8(ascii: ";") {
                if equals == nil, self.bytes[end] == UInt8(ascii: "=") { equals = end }
                end = self.bytes.index(after: end)
            }
            self.position = end == self.bytes.endIndex ? end : self.bytes.index(after: end)
            guard let equals else { continue }
            let name = self.trimmed(start..<equals)
            let value = self.trimmed(self.bytes.index(after: equals)..<end)
            guard !name.isEmpty, self.bytes[name].allSatisfy(CookieSyntax.isTokenCharacter), CookieSyntax.isValue(self.bytes[value]) else { continue }
            if self.bytes[name.lowerBound] == UInt8(ascii: "$"), self.isReserved(name) { continue }
            return (name, value)
        }
        return nil
    }

    private func trimmed(_ range: Range<Bytes.Index>) -> Range<Bytes.Index> {
        var start = range.lowerBound
        var end = range.upperBound
        while start != end, Self.isBlank(self.bytes[start]) { start = self.bytes.index(after: start) }
        while start != end {
            let last = self.bytes.index(before: end)
            guard Self.isBlank(self.bytes[last]) else { break }
            end = last
        }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    /// Whether a name that begins with a dollar sign is one of RFC 2965's.
    private func isReserved(_ name: Range<Bytes.Index>) -> Bool {
        let word = self.bytes[name].dropFirst()
        // Setting the bit makes letters lower-case; no other token character becomes a letter by it.
        return ["version", "path", "domain", "port"].contains { reserved in word.lazy.map { $0 | 0x20 }.elementsEqual(reserved.utf8) }
    }
}
