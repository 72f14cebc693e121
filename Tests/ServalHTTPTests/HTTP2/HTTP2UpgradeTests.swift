import Testing

@testable import ServalHTTP

@Suite struct HTTP2UpgradeTests {
    private func upgrade(_ head: String) -> HTTP2Upgrade? {
        var parser = HTTP1RequestParser(syntax: HTTP1Syntax())
        let bytes = Array(head.utf8)
        guard case .head(let parsed) = bytes.withUnsafeBufferPointer({ parser.parse($0) }) else { return nil }
        return HTTP2Upgrade(parsed)
    }

    private let good = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"

    @Test func framesOfARequest() throws {
        let upgrade = try #require(self.upgrade(self.good + "X-A: b\r\nTE: trailers\r\n\r\n"))
        let settings: [UInt8] = [0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100, 0, 4, 0, 0, 0xFF, 0xFF]
        #expect(upgrade.frames.starts(with: Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings))
        let headers = upgrade.frames.dropFirst(24 + settings.count)
        #expect(Array(headers.prefix(9).dropFirst(3)) == [1, 5, 0, 0, 0, 1])
        let text = String(decoding: headers.dropFirst(9).map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
        #expect(text == "  :method GET  :scheme http  :authority h  :path /a  x-a b")
    }

    /// What does not ask properly is answered in HTTP/1.1.
    @Test func othersAreLeftAlone() {
        #expect(self.upgrade(self.good + "\r\n") != nil)
        for (old, new) in [
            ("Upgrade: h2c", "Upgrade: websocket"), ("Upgrade, HTTP2", "HTTP2"), (", HTTP2-Settings", ""), ("HTTP2-Settings: AA", "X: AA"),
            ("AAMA", "AA"),
            ("AAMA", "A*MA"), ("HTTP/1.1", "HTTP/1.0"), ("GET /a", "GET http://h/a"), ("Host: h", "Host:"),
            ("Host: h", "Host: h\r\nContent-Length: 3"),
            ("Host: h", "Host: h\r\nTransfer-Encoding: chunked"), ("Upgrade: h2c", "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk"),
        ] {
            let head = self.good.split(separator: old, maxSplits: 1).joined(separator: new)
            #expect(self.upgrade(head + "\r\n") == nil, "\(head)")
        }
    }
}
