import HTTPTypes
import ServalServlet
import Testing

@testable import ServalHTTP

@Suite("Request heads")
struct HTTP1RequestParserTests {
    private func parse(_ text: String, syntax: HTTP1Syntax = HTTP1Syntax()) -> HTTP1RequestParser.Outcome {
        var parser = HTTP1RequestParser(syntax: syntax)
        return Array(text.utf8).withUnsafeBufferPointer { parser.parse($0) }
    }

    private func head(_ text: String, syntax: HTTP1Syntax = HTTP1Syntax()) throws -> ParsedHead {
        guard case .head(let head) = self.parse(text, syntax: syntax) else {
            Issue.record("no head: \(self.parse(text, syntax: syntax))")
            throw RequestRefusal(400, "no head")
        }
        return head
    }

    private func status(_ text: String, syntax: HTTP1Syntax = HTTP1Syntax()) -> Int? {
        guard case .refused(let refusal) = self.parse(text, syntax: syntax) else { return nil }
        return refusal.status
    }

    @Test("finds the parts of a head")
    func parts() throws {
        let text = "POST /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nX-Empty:\r\nX-Padded: \t a b \t\r\nContent-Length: 12\r\n\r\nrest"
        let parsed = try self.head(text)
        #expect(parsed.consumed == text.utf8.count - 4)
        #expect(parsed.method == .post)
        #expect(parsed.framing == .length(12))
        #expect(parsed.isKeepAlive)
        let fields = HeaderFields(received: parsed.head)
        #expect(fields[HTTPField.Name("host")!] == "example.com:8080")
        #expect(fields[HTTPField.Name("x-empty")!] == "")
        #expect(fields[HTTPField.Name("X-Padded")!] == "a b")
        #expect(String(decoding: parsed.head.bytes[parsed.head.target], as: UTF8.self) == "/a/b?c=d")
        #expect(String(decoding: parsed.head.bytes[parsed.head.methodRange], as: UTF8.self) == "POST")
    }

    @Test("is the same for every way the bytes are cut")
    func pieces() throws {
        let text = "\r\nGET http://h/p HTTP/1.1\r\nHost: h\r\nConnection: Keep-Alive, Upgrade\r\nTransfer-Encoding: Chunked\r\n\r\n"
        let bytes = Array(text.utf8)
        for step in [1, 2, 3, 7, 50] {
            var parser = HTTP1RequestParser(syntax: HTTP1Syntax())
            var count = 0
            var found: ParsedHead?
            while found == nil, count < bytes.count {
                count = min(count + step, bytes.count)
                let outcome = bytes[..<count].withUnsafeBufferPointer { parser.parse($0) }
                if case .head(let head) = outcome { found = head }
                if case .refused(let refusal) = outcome { Issue.record("refused: \(refusal)") }
            }
            let parsed = try #require(found)
            #expect(parsed.consumed == bytes.count)
            #expect(parsed.framing == .chunked)
            #expect(parsed.saysKeepAlive)
            #expect(HeaderFields(received: parsed.head).count == 3)
            #expect(String(decoding: parsed.head.bytes[parsed.head.target], as: UTF8.self) == "http://h/p")
            #expect(!parser.hasBegun)
        }
    }

    @Test("decides on keep-alive as RFC 9112 §9.3 says")
    func keepAlive() throws {
        #expect(try self.head("GET / HTTP/1.1\r\nHost: h\r\n\r\n").isKeepAlive)
        #expect(try !self.head("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n").isKeepAlive)
        #expect(try !self.head("GET / HTTP/1.0\r\n\r\n").isKeepAlive)
        #expect(try self.head("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").isKeepAlive)
        #expect(try !self.head("GET / HTTP/1.0\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n").isKeepAlive)
    }

    static let accepted = [
        "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        "PURGE /x HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET HTTP://EXAMPLE.com:80/x?y HTTP/1.1\r\nHost: example.COM:80\r\n\r\n",
        "GET https://example.com HTTP/1.1\r\nHost: example.com\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [2001:db8::192.0.2.1]\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a_b.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h:\r\n\r\n",
        "GET /%7B;a=b,c'(d)!*~@:$&+= HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /?a=/?b HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: \u{e9}\tx\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 007\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    ]

    @Test("accepts what is valid", arguments: accepted)
    func accepts(_ text: String) throws { _ = try self.head(text) }

    static let refused: [(Int, String)] = [
        // Request line.
        (400, "GET /\r\n\r\n"),
        (400, "GET / HTTP/0.9\r\nHost: h\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"),
        (400, "GET / http/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/11\r\nHost: h\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "G\u{0}T / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET / HTTP/1.1\nHost: h\n\n"),
        (400, "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n"),
        // Target.
        (400, "GET x HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
        (501, "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET http:// HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a\u{e9} HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /{a} HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /?a=[b] HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /\\a HTTP/1.1\r\nHost: h\r\n\r\n"),
        (400, "GET /a\u{7f} HTTP/1.1\r\nHost: h\r\n\r\n"),
        // Host.
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: [1]\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
        // Fields.
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX\t: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\n X: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\n\tz\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\n: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nXy\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX(: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX\u{e9}: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\u{0}b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX: abcdefghijklm\rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\nX: a\u{7f}b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: h\r\n\n"),
        (417, "GET / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n"),
        // Length.
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5 5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5.0\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\n"),
        // Transfer coding.
        (400, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\ncontent-length: 0\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;x=y\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n"),
        (501, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        (400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ]

    @Test("refuses what is malformed or ambiguous", arguments: refused)
    func refuses(_ status: Int, _ text: String) { #expect(self.status(text) == status) }

    @Test("refuses the same when the bytes come one by one", arguments: refused)
    func refusesBytewise(_ status: Int, _ text: String) {
        let bytes = Array(text.utf8)
        var parser = HTTP1RequestParser(syntax: HTTP1Syntax())
        var refused: Int?
        for count in 1...bytes.count where refused == nil {
            let outcome = bytes[..<count].withUnsafeBufferPointer { parser.parse($0) }
            if case .refused(let refusal) = outcome { refused = refusal.status }
            if case .head = outcome { break }
        }
        #expect(refused == status)
    }

    @Test("keeps to its limits")
    func limits() throws {
        let syntax = HTTP1Syntax(maxHeadSize: 300, maxHeaderCount: 3)
        let frame = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".utf8.count
        let exact = "GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 300 - frame))\r\n\r\n"
        #expect(try self.head(exact, syntax: syntax).consumed == 300)
        #expect(self.status("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 301 - frame))\r\n\r\n", syntax: syntax) == 400)
        #expect(self.status(String(repeating: "x", count: 300), syntax: syntax) == 400)
        #expect(self.status("GET /\(String(repeating: "x", count: 300)) HTTP/1.1\r\n\r\n", syntax: syntax) == 400)
        _ = try self.head("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\n\r\n", syntax: syntax)
        #expect(self.status("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", syntax: syntax) == 400)
    }

    @Test("lets relaxed characters through, and no others")
    func relaxed() throws {
        let syntax = HTTP1Syntax(relaxedPathChars: "{}#", relaxedQueryChars: "[]|")
        _ = try self.head("GET /{a}?b=[c|d] HTTP/1.1\r\nHost: h\r\n\r\n", syntax: syntax)
        #expect(self.status("GET /[a] HTTP/1.1\r\nHost: h\r\n\r\n", syntax: syntax) == 400)
        #expect(self.status("GET /?{a} HTTP/1.1\r\nHost: h\r\n\r\n", syntax: syntax) == 400)
        #expect(self.status("GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", syntax: syntax) == 400)
    }

    @Test("survives garbage", .timeLimit(.minutes(2)))
    func garbage() {
        var random = SeededRandom(seed: 0x5EED)
        let seeds = Self.accepted + Self.refused.map(\.1)
        let syntax = HTTP1Syntax(maxHeadSize: 512)
        for round in 0..<20_000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<(1 + Int(random.next() % 8)) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                default: bytes.insert(contentsOf: bytes[..<place], at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            // Whole, and cut in two: the verdict must not depend on how the bytes arrive.
            var whole = HTTP1RequestParser(syntax: syntax)
            let verdict = bytes.withUnsafeBufferPointer { whole.parse($0) }
            var cut = HTTP1RequestParser(syntax: syntax)
            let first = bytes[..<(bytes.count / 2)].withUnsafeBufferPointer { cut.parse($0) }
            var second = first
            if case .incomplete = first { second = bytes.withUnsafeBufferPointer { cut.parse($0) } }
            switch (verdict, second) {
            case (.incomplete, .incomplete), (.refused, .refused): break
            case (.head(let one), .head(let other)):
                if one.consumed != other.consumed || one.framing != other.framing { Issue.record("differs: \(bytes)") }
                for slot in one.head.slots where Int(slot.valueStart + slot.valueLength) > one.consumed { Issue.record("slot outside: \(bytes)") }
            default: Issue.record("\(verdict) and \(second): \(bytes)")
            }
        }
    }
}

/// A generator that gives the same numbers each time (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var value = self.state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
