import ServalServlet
import Testing

@testable import ServalHTTP

@Suite("Chunked bodies")
struct ChunkedBodyDecoderTests {
    /// The body and whether it ended, or `nil` if it was refused.
    private func decode(_ text: String, step: Int = .max, maxExtensionSize: Int = 64, maxTrailerSize: Int = 64) -> (
        body: String, hasEnded: Bool, trailers: HeaderFields
    )? {
        var decoder = ChunkedBodyDecoder(maxExtensionSize: maxExtensionSize, maxTrailerSize: maxTrailerSize, syntax: HTTP1Syntax())
        let bytes = Array(text.utf8)
        var body: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = step == .max ? bytes.count : min(start + step, bytes.count)
            let piece = Array(bytes[start..<end])
            var index = 0
            var isDone = false
            while !isDone {
                let stepped = piece.withUnsafeBufferPointer { decoder.next($0, &index) }
                switch stepped {
                case .data(let count): body += piece[(index - count)..<index]
                case .needsMore: isDone = true
                case .end: return (String(decoding: body, as: UTF8.self), true, decoder.trailers)
                case .refused: return nil
                }
            }
            start = end
        }
        return (String(decoding: body, as: UTF8.self), false, decoder.trailers)
    }

    @Test("takes chunks apart, however they are cut", arguments: [1, 2, 3, 5, Int.max])
    func chunks(step: Int) throws {
        let text = "5\r\nHello\r\n001;name=\"v;a\"\r\n,\r\nA;x\r\n0123456789\r\n0\r\nX-A: b\r\nX-C:d\r\n\r\nnext"
        let result = try #require(self.decode(text, step: step))
        #expect(result.body == "Hello,0123456789")
        #expect(result.hasEnded)
        #expect(result.trailers.map { "\($0.name)=\($0.value)" } == ["X-A=b", "X-C=d"])
    }

    @Test("leaves what may not come in a trailer out")
    func ignoredTrailers() throws {
        let result = try #require(self.decode("0\r\nAuthorization: x\r\nX: y\r\nCookie: z\r\n\r\n"))
        #expect(result.trailers.map(\.value) == ["y"])
    }

    static let refused = [
        "0x5\r\nHello\r\n0\r\n\r\n", "+5\r\nHello\r\n0\r\n\r\n", "-5\r\nHello\r\n0\r\n\r\n", " 5\r\nHello\r\n0\r\n\r\n", "5 \r\nHello\r\n0\r\n\r\n",
        "5\t;a\r\nHello\r\n0\r\n\r\n", "5_0\r\nHello\r\n0\r\n\r\n", "\r\nHello\r\n0\r\n\r\n", ";a\r\n", "g\r\n", "5\nHello\r\n0\r\n\r\n",
        "5\r\nHello\n0\r\n\r\n",
        "5\r\nHelloX\r\n0\r\n\r\n", "5\r\nHell\r\n0\r\n\r\n", "5\rHello\r\n", "5;a\nHello\r\n0\r\n\r\n", "5;a\u{0}\r\nHello\r\n",
        "FFFFFFFFFFFFFFFF\r\n", "10000000000000005\r\nHello\r\n0\r\n\r\n", "0000000000000000000000005\r\nHello\r\n", "7FFFFFFFFFFFFFFF\r\n",
        "0\r\nX: y\n\r\n", "0\r\nX : y\r\n\r\n", "0\r\n X: y\r\n\r\n", "0\r\nX: y\r\n z\r\n\r\n", "0\r\nX\r\n\r\n", "0\r\n\n", "0\n\r\n",
        "0\r\nX: a\u{0}\r\n\r\n",
        "0\r\nContent-Length: 5\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nHost: evil\r\n\r\n",
    ]

    @Test("refuses what two parsers could read differently", arguments: refused)
    func refuses(_ text: String) {
        #expect(self.decode(text) == nil)
        #expect(self.decode(text, step: 1) == nil)
    }

    @Test("keeps to its limits")
    func limits() throws {
        #expect(self.decode("1;\(String(repeating: "x", count: 63))\r\na\r\n0\r\n\r\n") != nil)
        #expect(self.decode("1;\(String(repeating: "x", count: 64))\r\na\r\n0\r\n\r\n") == nil)
        #expect(self.decode(String(repeating: "1;123456789\r\na\r\n", count: 7)) == nil)
        #expect(self.decode("0\r\nX: \(String(repeating: "x", count: 59))\r\n\r\n") != nil)
        #expect(self.decode("0\r\nX: \(String(repeating: "x", count: 60))\r\n\r\n") == nil)
        #expect(self.decode("0\r\n\(String(repeating: "x", count: 100))") == nil)
    }

    @Test("survives garbage")
    func garbage() {
        var random = SeededRandom(seed: 0xC4A7)
        let seeds = Self.refused + ["5\r\nHello\r\n1;x\r\n,\r\n0\r\nX: y\r\n\r\n"]
        for round in 0..<20_000 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<3 { bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next()) }
            let text = String(decoding: bytes, as: UTF8.self)
            let (whole, cut) = (self.decode(text), self.decode(text, step: 1))
            if whole?.body != cut?.body || whole?.hasEnded != cut?.hasEnded { Issue.record("differs: \(bytes)") }
        }
    }
}
