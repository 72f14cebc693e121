import Testing

@testable import ServalHTTP

@Suite struct HTTP2FrameScannerTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    private func frame(_ type: UInt8, _ flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF), type, flags, 0, 0, 0, stream] + payload
    }

    private func scanner(_ change: (inout HTTP2Configuration) -> Void = { _ in }) -> HTTP2FrameScanner {
        var configuration = HTTP2Configuration()
        change(&configuration)
        return HTTP2FrameScanner(overhead: HTTP2Overhead(configuration), maxHeaderBlockSize: 20000)
    }

    private func scan(_ scanner: inout HTTP2FrameScanner, _ bytes: [UInt8]) -> HTTP2FrameScanner.Violation? {
        bytes.withUnsafeBufferPointer { scanner.scan($0) }
    }

    /// However the bytes are cut, the same is seen.
    @Test func anyCut() {
        let bytes =
            Self.preface + self.frame(4) + self.frame(1, 0, stream: 1, [1, 2, 3]) + self.frame(9, 4, stream: 1, [4]) + self.frame(0x42, 9, [5])
        for size in [1, 2, 7, 24, 25, 33, bytes.count] {
            var scanner = self.scanner()
            for start in stride(from: 0, to: bytes.count, by: size) {
                #expect(self.scan(&scanner, Array(bytes[start..<min(start + size, bytes.count)])) == nil)
                if start + size < bytes.count, size == 1 { #expect(scanner.isInFrame == ![24, 33, 55].contains(start + 1), "\(start)") }
            }
            #expect(scanner.frames == 4 && !scanner.isInFrame && scanner.isPrefaceComplete && !scanner.isInHeaderBlock)
        }
    }

    /// Work pays for overhead, up to a limit.
    @Test func weighing() {
        func frames(_ work: Int) -> Int {
            var scanner = self.scanner()
            _ = self.scan(&scanner, Self.preface)
            for _ in 0..<work { #expect(self.scan(&scanner, self.frame(1, 5, stream: 1)) == nil) }
            for count in 1...1000 where self.scan(&scanner, self.frame(6, 0, Array(repeating: 0, count: 8))) != nil { return count }
            return 0
        }
        #expect(frames(0) == 11)
        #expect(frames(10) == 31)
        #expect(frames(100_000 / 100) == 101)
    }

    @Test func headerBlocks() {
        var scanner = self.scanner()
        _ = self.scan(&scanner, Self.preface + self.frame(4, 1))
        #expect(self.scan(&scanner, self.frame(1, 0, stream: 1, Array(repeating: 0, count: 16000))) == nil)
        #expect(scanner.isInHeaderBlock)
        #expect(self.scan(&scanner, self.frame(9, 0, stream: 1, Array(repeating: 0, count: 4000))) == nil)
        #expect(self.scan(&scanner, self.frame(9, 4, stream: 1, [0])) == .headerBlockTooLarge)
    }

    @Test func withoutCount() {
        var scanner = self.scanner { $0.overheadCountFactor = 0 }
        _ = self.scan(&scanner, Self.preface)
        for _ in 0..<1000 { #expect(self.scan(&scanner, self.frame(6, 0, Array(repeating: 0, count: 8))) == nil) }
    }

    /// However large a table for fields a client offers, and however the bytes are cut, swift-nio-http2 fills a small one.
    @Test(arguments: [(0, 0), (4096, 4096), (4351, 4351), (4352, 4096), (65536, 4096), (0xFFFF_FFFF, 4096), (0x0100_0000, 4096)])
    func headerTable(offered: UInt32, taken: UInt32) {
        func entry(_ name: UInt8, _ value: UInt32) -> [UInt8] { [0, name] + (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        let bytes = Self.preface + self.frame(4, 0, entry(4, 70000) + entry(1, offered) + entry(2, 0))
        let expected = Self.preface + self.frame(4, 0, entry(4, 70000) + entry(1, taken) + entry(2, 0))
        for size in [1, 2, 5, bytes.count] {
            var scanner = self.scanner()
            var seen: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                var piece = Array(bytes[start..<min(start + size, bytes.count)])
                #expect(self.scan(&scanner, piece) == nil)
                for (index, byte) in scanner.corrections { piece[index] = byte }
                seen += piece
            }
            #expect(seen == expected)
        }
    }
}
