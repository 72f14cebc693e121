import NIOCore

extension SocketAddress {
    /// The address in text form; IPv4 clients of a socket for both families look like IPv4.
    var plainAddress: String? {
        switch self {
        // Behind family and port. Each connection has two addresses, and inet_ntop takes longer for one than for all the rest of them.
        case .v4(let address):
            return withUnsafeBytes(of: address.address) { Self.text(ofIPv4: UnsafeRawBufferPointer(rebasing: $0[4..<8])) }
        case .v6(let address):
            let mapped = withUnsafeBytes(of: address.address) { bytes -> String? in
                // ::ffff:0:0/96, behind family, port and flow (RFC 3493 section 3.3).
                guard bytes[8..<18].allSatisfy({ $0 == 0 }), bytes[18] == 0xFF, bytes[19] == 0xFF else { return nil }
                return Self.text(ofIPv4: UnsafeRawBufferPointer(rebasing: bytes[20..<24]))
            }
            return mapped ?? self.ipAddress
        case .unixDomainSocket:
            return nil
        }
    }

    private static func text(ofIPv4 bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: 15) { text in
            var count = 0
            for (index, byte) in bytes.enumerated() {
                if index > 0 {
                    text.initializeElement(at: count, to: UInt8(ascii: "."))
                    count += 1
                }
                for divisor: UInt8 in [100, 10, 1] where byte >= divisor || divisor == 1 {
                    text.initializeElement(at: count, to: UInt8(ascii: "0") + byte / divisor % 10)
                    count += 1
                }
            }
            return count
        }
    }
}
