import Testing

@testable import ServalRedisStore

/// Answers of Redis, whole, in pieces and wrong.
@Suite("Redis' protocol")
struct RedisReaderTests {
    static let answers: [(String, RedisValue)] = [
        ("+OK\r\n", .text("OK")), ("-ERR no\r\n", .error("ERR no")), (":-12\r\n", .integer(-12)), ("$-1\r\n", .null), ("*-1\r\n", .null),
        ("$0\r\n\r\n", .bytes([])), ("$4\r\n\r\n\r\n\r\n", .bytes([13, 10, 13, 10])), ("*0\r\n", .list([])),
        ("*2\r\n*1\r\n$1\r\na\r\n*2\r\n:1\r\n*0\r\n", .list([.list([.bytes([97])]), .list([.integer(1), .list([])])])),
        ("*3\r\n:1\r\n$-1\r\n+x\r\n", .list([.integer(1), .null, .text("x")])),
    ]

    @Test("Answers are read whole and byte by byte, one behind the other")
    func pieces() throws {
        let all = Array(Self.answers.map(\.0).joined().utf8)
        for size in [1, 2, 7, all.count] {
            var reader = RedisReader()
            var values: [RedisValue] = []
            for start in stride(from: 0, to: all.count, by: size) {
                reader.append(all[start..<min(start + size, all.count)])
                while let value = try reader.next() { values.append(value) }
            }
            #expect(values == Self.answers.map(\.1))
        }
    }

    @Test("A megabyte in pieces")
    func large() throws {
        var reader = RedisReader()
        reader.append(Array("$1048576\r\n".utf8))
        for _ in 0..<1024 {
            #expect(try reader.next() == nil)
            reader.append([UInt8](repeating: 7, count: 1024))
        }
        #expect(try reader.next() == nil)
        reader.append([13, 10])
        #expect(try reader.next() == .bytes([UInt8](repeating: 7, count: 1 << 20)))
        #expect(try reader.next() == nil)
    }

    @Test(
        "What Redis never answers is refused",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n", "\r\n", "\n", "+OK\n", ":x\r\n", ":99999999999999999999\r\n", "$x\r\n", "$-2\r\n", "$999999999999\r\n",
            "$1\r\nab\r\n", "*x\r\n", "*-2\r\n", "*99999999\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", String(repeating: "a", count: 100_000),
        ]
    )
    func malformed(_ text: String) {
        var reader = RedisReader()
        reader.append(Array(text.utf8))
        #expect(throws: RedisReader.Malformed.self) { while try reader.next() != nil {} }
    }

    @Test("Commands say the lengths of their words")
    func commands() {
        #expect(RedisCommand(["GET", RedisWord([0, 13, 10])]).bytes == Array("*2\r\n$3\r\nGET\r\n$3\r\n\0\r\n\r\n".utf8))
    }

    @Test("No two namespaces have a key in common")
    func namespaces() {
        let names = ["", "/a", "/a}", "/a{", "/a%7d", "/A", "/a}:due", "{}"]
        #expect(Set(names.map { RedisSessionCoding(prefix: "serval:", namespace: $0, margin: .zero).prefix }).count == names.count)
    }
}
