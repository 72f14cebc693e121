import ServalServlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ranges of IP addresses in CIDR notation (`10.0.0.0/8`, `::1`).
struct AddressRanges: Sendable, Hashable {
    private struct Range: Sendable, Hashable {
        var address: [UInt8]
        var bits: Int
    }

    private var ranges: [Range] = []

    /// The addresses of private networks and of this machine; Tomcat's default for `internalProxies` of RemoteIpValve.
    static let internalText =
        "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 100.64.0.0/10, 127.0.0.0/8, ::1/128, fe80::/10, fc00::/7"

    /// Reads ranges separated by commas or spaces; no range is one, too.
    ///
    /// - Throws: ``ConfigurationError`` `invalidValue` that names the range.
    init(_ text: String) throws(ConfigurationError) {
        for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            let parts = word.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let address = Self.bytes(of: String(parts[0])), let bits = parts.count == 1 ? address.count * 8 : Int(parts[1]),
                (0...address.count * 8).contains(bits)
            else {
                throw ConfigurationError(code: .invalidValue, message: "[\(word)] is no range of IP addresses like 10.0.0.0/8 or fe80::/10")
            }
            self.ranges.append(Range(address: address, bits: bits))
        }
    }

    /// Whether an address in text form lies in one of the ranges; false for what is no address.
    func contains(_ address: String) -> Bool {
        guard let bytes = Self.bytes(of: address) else { return false }
        return self.ranges.contains { range in
            guard range.address.count == bytes.count else { return false }
            let whole = range.bits / 8
            guard range.address.prefix(whole).elementsEqual(bytes.prefix(whole)) else { return false }
            let rest = range.bits % 8
            return rest == 0 || (range.address[whole] ^ bytes[whole]) >> UInt8(8 - rest) == 0
        }
    }

    /// Whether a text is an IP address.
    static func isAddress(_ text: String) -> Bool { self.bytes(of: text) != nil }

    private static func bytes(of text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
        return nil
    }
}
