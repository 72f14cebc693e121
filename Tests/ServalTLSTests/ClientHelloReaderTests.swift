import ServalTLS
import Testing

/// What is read of a client's first bytes before there is a TLS implementation to judge them.
struct ClientHelloReaderTests {
    private static func vector(_ bytes: [UInt8], lengthBytes: Int) -> [UInt8] {
        (0..<lengthBytes).reversed().map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) } + bytes
    }

    private static func serverName(_ name: String) -> [UInt8] {
        let entry = [0] + vector(Array(name.utf8), lengthBytes: 2)
        return [0, 0] + vector(vector(entry, lengthBytes: 2), lengthBytes: 2)
    }

    /// supported_groups with X25519.
    private static let groups: [UInt8] = [0, 10] + vector(vector([0, 29], lengthBytes: 2), lengthBytes: 2)

    /// The message, without records.
    private static func hello(_ extensions: [UInt8]) -> [UInt8] {
        var body: [UInt8] = [3, 3] + [UInt8](repeating: 7, count: 32)
        body += vector([UInt8](repeating: 9, count: 32), lengthBytes: 1)
        body += vector([0x13, 0x01, 0x13, 0x02], lengthBytes: 2)
        body += vector([0], lengthBytes: 1)
        body += vector(extensions, lengthBytes: 2)
        return [1] + vector(body, lengthBytes: 3)
    }

    /// In records with so much of it each.
    private static func records(_ message: [UInt8], length: Int = 16384) -> [UInt8] {
        stride(from: 0, to: message.count, by: length).flatMap { start in
            [22, 3, 1] + vector(Array(message[start..<min(start + length, message.count)]), lengthBytes: 2)
        }
    }

    private static func finding(_ bytes: [UInt8], limit: Int = 1 << 16) -> ClientHelloReader.Finding {
        var reader = ClientHelloReader(limit: limit)
        // Of exactly this size, so that a look behind its end ends the test.
        return bytes.withUnsafeBytes { reader.inspect($0) }
    }

    @Test func theServerNameComesInLowerCaseFromWhereverItStands() {
        for extensions in [
            Self.serverName("WWW.Example.COM"), Self.groups + Self.serverName("www.example.com"), Self.serverName("www.example.com") + Self.groups,
        ] {
            #expect(Self.finding(Self.records(Self.hello(extensions))) == .clientHello(serverName: "www.example.com"))
        }
        #expect(Self.finding(Self.records(Self.hello(Self.groups))) == .clientHello(serverName: nil))
        #expect(Self.finding(Self.records(Self.hello([]))) == .clientHello(serverName: nil))
    }

    @Test(arguments: ["", "a b", "tab\t", "näme", "delete\u{7F}", String(repeating: "a", count: 256)])
    func whatCannotBeANameIsNone(name: String) {
        #expect(Self.finding(Self.records(Self.hello(Self.serverName(name)))) == .clientHello(serverName: nil))
    }

    @Test(arguments: [1, 3, 4, 5, 50, 100])
    func recordsOfAnyLengthHoldTheSame(length: Int) {
        let bytes = Self.records(Self.hello(Self.groups + Self.serverName("split.example")), length: length)
        #expect(Self.finding(bytes) == .clientHello(serverName: "split.example"))
        var reader = ClientHelloReader(limit: 1 << 16)
        for count in 1..<bytes.count { #expect(bytes[..<count].withUnsafeBytes { reader.inspect($0) } == .needsMore) }
        #expect(bytes.withUnsafeBytes { reader.inspect($0) } == .clientHello(serverName: "split.example"))
    }

    @Test func whatFollowsInTheSameRecordDoesNotMatter() {
        let message = Self.hello(Self.serverName("first.example"))
        #expect(Self.finding(Self.records(message + [1, 2, 3, 4])) == .clientHello(serverName: "first.example"))
        #expect(Self.finding(Self.records(message) + [23, 3, 3]) == .clientHello(serverName: "first.example"))
    }

    @Test func lengthsThatLieLeadNowhereElse() {
        let message = Self.hello(Self.groups + Self.serverName("lies.example"))
        for index in message.indices.dropFirst(4) {
            for value in [0, 1, 0x7F, 0xFF] as [UInt8] where message[index] != value {
                var changed = message
                changed[index] = value
                for length in [16384, 40] {
                    guard case .clientHello(let name) = Self.finding(Self.records(changed, length: length)) else {
                        Issue.record("byte \(index) as \(value), in records of \(length)")
                        continue
                    }
                    // Changed itself, or found, or not found.
                    #expect(name == nil || name?.utf8.count ?? 0 <= "lies.example".utf8.count, "byte \(index) as \(value)")
                }
            }
        }
    }

    @Test func bytesThatWereCutOffAreBrokenAndNotReadBeyond() {
        let message = Self.hello(Self.groups + Self.serverName("short.example"))
        for count in 4..<message.count {
            // A message that says how short it is, so that it is complete.
            let body = Array(message[4..<count])
            #expect(Self.finding(Self.records([1] + Self.vector(body, lengthBytes: 3))) == .clientHello(serverName: nil), "\(count) bytes")
        }
    }

    @Test func limitsAndOtherProtocolsAreTold() {
        let bytes = Self.records(Self.hello(Self.serverName("long.example")))
        #expect(Self.finding(bytes, limit: 40) == .tooLarge)
        #expect(Self.finding(Array("GET / HTTP/1.1\r\n".utf8)) == .plaintext)
        #expect(Self.finding([22, 2, 0, 0, 4, 1, 0, 0, 0]) == .unreadable)
        // Not a ClientHello, and one of 16 MiB.
        #expect(Self.finding(Self.records([2] + Self.vector([0, 0, 0], lengthBytes: 3))) == .unreadable)
        #expect(Self.finding(Self.records([1, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 100))) == .tooLarge)
    }
}
