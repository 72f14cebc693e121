import NIOCore
import Testing

@testable import ServalHTTP

@Suite("Addresses in text form")
struct PlainAddressTests {
    @Test(
        "are what people write",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.200.3.40", "10.200.3.40"),
            ("100.1.20.9", "100.1.20.9"), ("::1", "::1"), ("2001:db8::7", "2001:db8::7"), ("::ffff:192.0.2.105", "192.0.2.105"),
            ("::ffff:0.0.0.1", "0.0.0.1"), ("::fffe:1:2", "::fffe:1:2"), ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
        ]
    )
    func text(address: String, expected: String) throws {
        #expect(try SocketAddress(ipAddress: address, port: 80).plainAddress == expected)
    }

    @Test("are missing for sockets of the file system")
    func unix() throws {
        #expect(try SocketAddress(unixDomainSocketPath: "/tmp/socket").plainAddress == nil)
    }
}
