import ServalServlet

/// The path of a request as the mapper sees it: decoded once, without path parameters, normalised.
///
/// What can be read in two ways is refused, because a proxy in front may have read it in the other way: encoded slashes, backslashes, control
/// characters, bytes that are not UTF-8, dot segments with path parameters, and paths that climb above the root. Sources: Servlet 6.1 §3.5.2,
/// Tomcat's `encodedSolidusHandling` and `encodedReverseSolidusHandling`.
struct RequestPath: Sendable {
    /// Begins with a slash; valid UTF-8.
    let bytes: ArraySlice<UInt8>
    /// Whether the received path has parameters (`;name=value`), such as a session id.
    let hasParameters: Bool

    /// Why a path is refused.
    ///
    /// The text is fit for clients.
    struct Rejection: Error, Hashable {
        let reason: String
    }

    /// Reads the path part of a request target.
    ///
    /// A plain path is taken as it is, without copying.
    init(_ received: ArraySlice<UInt8>) throws(Rejection) {
        if received.isEmpty {
            // An absolute-form target may have no path. Source: RFC 9110 §4.2.3.
            self.bytes = Self.root
            self.hasParameters = false
        } else if Self.isPlain(received) {
            self.bytes = received
            self.hasParameters = false
        } else {
            var reader = PathReader(received)
            try reader.read()
            self.bytes = reader.path[...]
            self.hasParameters = reader.hasParameters
        }
    }

    private static let root = [UInt8(ascii: "/")][...]

    /// Whether nothing in the path asks for decoding or normalising.
    private static func isPlain(_ path: ArraySlice<UInt8>) -> Bool {
        path.withUnsafeBufferPointer { path in
            guard path[0] == UInt8(ascii: "/") else { return false }
            var previous: UInt8 = 0
            for byte in path {
                if byte <= 0x20 || byte >= 0x7F { return false }
                if byte == UInt8(ascii: "%") || byte == UInt8(ascii: ";") || byte == UInt8(ascii: "\\") { return false }
                if previous == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return false }
                previous = byte
            }
            return true
        }
    }

    /// The value of a path parameter in the received bytes of a path; the last one of that name.
    ///
    /// It stays percent-encoded.
    static func parameter(_ name: String, in received: ArraySlice<UInt8>) -> String? {
        var value: String?
        for segment in received.split(separator: UInt8(ascii: "/")) {
            for parameter in segment.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).dropFirst() {
                guard let equals = parameter.firstIndex(of: UInt8(ascii: "=")), parameter[..<equals].elementsEqual(name.utf8) else { continue }
                value = String(decoding: parameter[(equals + 1)...], as: UTF8.self)
            }
        }
        return value
    }
}

/// Decodes and normalises a path, segment by segment.
private struct PathReader {
    private let received: ArraySlice<UInt8>
    /// The path so far.
    ///
    /// Segments that were left behind by `..` are cut off again.
    var path: [UInt8] = []
    var hasParameters = false

    init(_ received: ArraySlice<UInt8>) {
        self.received = received
        self.path.reserveCapacity(received.count)
    }

    mutating func read() throws(RequestPath.Rejection) {
        guard self.received.first == UInt8(ascii: "/") else { throw RequestPath.Rejection(reason: "The path does not begin with a slash.") }
        var index = self.received.startIndex
        var endsInDirectory = false
        while index < self.received.endIndex {
            index += 1
            let end = self.received[index...].firstIndex(of: UInt8(ascii: "/")) ?? self.received.endIndex
            endsInDirectory = try self.readSegment(self.received[index..<end])
            index = end
        }
        if endsInDirectory || self.path.isEmpty { self.path.append(UInt8(ascii: "/")) }
        guard String(validating: self.path, as: UTF8.self) != nil else { throw RequestPath.Rejection(reason: "The path is not UTF-8.") }
    }

    /// Appends a segment with a slash before it; tells whether the path would end in a directory if this were the last segment.
    private mutating func readSegment(_ segment: ArraySlice<UInt8>) throws(RequestPath.Rejection) -> Bool {
        let start = self.path.count
        self.path.append(UInt8(ascii: "/"))
        let parameters = segment.firstIndex(of: UInt8(ascii: ";"))
        if parameters != nil { self.hasParameters = true }
        try self.decode(segment[..<(parameters ?? segment.endIndex)])
        let decoded = self.path[(start + 1)...]
        let isDot = decoded.elementsEqual(".".utf8)
        let isDoubleDot = decoded.elementsEqual("..".utf8)
        guard isDot || isDoubleDot || decoded.isEmpty else { return false }
        self.path.removeSubrange(start...)
        guard isDot || isDoubleDot else { return true }
        guard parameters == nil else { throw RequestPath.Rejection(reason: "A dot segment of the path has parameters.") }
        if isDoubleDot {
            guard let slash = self.path.lastIndex(of: UInt8(ascii: "/")) else {
                throw RequestPath.Rejection(reason: "The path leads above the root.")
            }
            self.path.removeSubrange(slash...)
        }
        return true
    }

    private mutating func decode(_ text: ArraySlice<UInt8>) throws(RequestPath.Rejection) {
        var index = text.startIndex
        while index < text.endIndex {
            var byte = text[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < text.endIndex, let high = text[index].hexadecimalValue, let low = text[index + 1].hexadecimalValue else {
                    throw RequestPath.Rejection(reason: "The path has a percent sign that no two hexadecimal digits follow.")
                }
                byte = high << 4 | low
                index += 2
                guard byte != UInt8(ascii: "/") else { throw RequestPath.Rejection(reason: "The path has an encoded slash.") }
            }
            guard byte != UInt8(ascii: "\\") else { throw RequestPath.Rejection(reason: "The path has a backslash.") }
            guard byte >= 0x20, byte != 0x7F else { throw RequestPath.Rejection(reason: "The path has a control character.") }
            self.path.append(byte)
        }
    }
}
