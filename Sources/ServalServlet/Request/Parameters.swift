import Synchronization

/// Reads `application/x-www-form-urlencoded` text: queries and form bodies.
///
/// Source: WHATWG URL §5.1.
package enum FormEncoding {
    /// The pairs of `text` in order.
    ///
    /// `+` is a space; a `%` that no two hexadecimal digits follow stays as it is; bytes that are not UTF-8 are replaced.
    /// - Parameter limit: the most pairs to take (the connector's `maxParameterCount`); negative for no limit.
    /// - Throws: ``HTTPError`` 400 over the limit.
    package static func pairs(in text: ArraySlice<UInt8>, limit: Int) throws(HTTPError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in text.split(separator: UInt8(ascii: "&")) {
            guard limit < 0 || pairs.count < limit else {
                throw HTTPError(.badRequest, "the request has more than \(limit) parameters")
            }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = part[..<(equals ?? part.endIndex)]
            let value = equals.map { part[part.index(after: $0)...] }
            pairs.append((Self.decoded(name), value.map { Self.decoded($0) } ?? ""))
        }
        return pairs
    }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index != bytes.endIndex {
            let byte = bytes[index]
            index = bytes.index(after: index)
            if byte == UInt8(ascii: "+") {
                decoded.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%"), let (value, next) = Self.escape(in: bytes, at: index) {
                decoded.append(value)
                index = next
            } else {
                decoded.append(byte)
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func escape(in bytes: ArraySlice<UInt8>, at index: Int) -> (UInt8, Int)? {
        guard index != bytes.endIndex, let high = bytes[index].hexadecimalValue else { return nil }
        let second = bytes.index(after: index)
        guard second != bytes.endIndex, let low = bytes[second].hexadecimalValue else { return nil }
        return (high << 4 | low, bytes.index(after: second))
    }
}

extension UInt8 {
    /// The value of a hexadecimal digit.
    package var hexadecimalValue: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Request {
    /// The most parameters of one request; the connector's `maxParameterCount`.
    private var parameterLimit: Int { self.state.connection.maxParameterCount }

    /// The first value of the named parameter of the query, or of the form once ``form(upTo:)`` has read it.
    public func parameter(_ name: String) -> String? { self.parameters.first { $0.name == name }?.value }

    /// All values of the named parameter, in order.
    public func parameters(named name: String) -> [String] { self.parameters.compactMap { $0.name == name ? $0.value : nil } }

    /// The parameters of the query, then those of the form once ``form(upTo:)`` has read it; in order.
    ///
    /// Over the connector's `maxParameterCount` there are none; ``form(upTo:)`` tells why.
    public var parameters: [(name: String, value: String)] {
        let fromQuery = self.query.flatMap { try? FormEncoding.pairs(in: Array($0.utf8)[...], limit: self.parameterLimit) } ?? []
        return fromQuery + (self.state.shared.withLock { $0.form } ?? [])
    }

    /// Reads a form body, once; its parameters then count among ``parameters``.
    ///
    /// A body of another type than `application/x-www-form-urlencoded` is left alone and gives no parameters.
    /// - Parameter limit: the most bytes to read; default the connector's `maxPostSize` (2 MiB). Negative for no limit.
    /// - Throws: ``HTTPError`` 413 over the limit, 400 over `maxParameterCount`.
    @discardableResult
    public func form(upTo limit: Int? = nil) async throws -> [(name: String, value: String)] {
        if let form = self.state.shared.withLock({ $0.form }) { return form }
        let type = self.headers[.contentType]?.prefix { $0 != ";" } ?? ""
        guard type.filter({ $0 != " " }).lowercased() == "application/x-www-form-urlencoded" else { return [] }
        let limit = limit ?? self.state.connection.maxPostSize
        let bytes = try await self.body.collect(upTo: limit < 0 ? .max : limit)
        let form = try FormEncoding.pairs(in: bytes[...], limit: self.parameterLimit)
        self.state.shared.withLock { $0.form = form }
        return form
    }

    /// The cookies that the client sent, in order.
    ///
    /// Malformed ones are left out.
    public var cookies: [(name: String, value: String)] { self.headers[values: .cookie].flatMap { Cookie.parse($0) } }
}
