import ServalKeyStore
import Testing

@Suite struct PEMTests {
    private func blocks(_ text: String) throws -> [PEM.Block] { try PEM.blocks(in: text.utf8) }

    @Test func commentsMarksAndLineEndsDoNotMatter() throws {
        let block = "-----BEGIN THING-----\nAQIDBAUG\nBw==\n-----END THING-----\n"
        let plain = try blocks(block)
        #expect(plain.map(\.label) == ["THING"] && plain[0].bytes == [1, 2, 3, 4, 5, 6, 7] && plain[0].line == 1)
        let variants = [
            block.replacing("\n", with: "\r\n"), block.replacing("\n", with: "\r"), "\u{FEFF}" + block,
            "a comment: with colon\n\n" + block + "the end",
            String(block.dropLast()), block.replacing("\n", with: " \t\n"), "  " + block, block.replacing("AQIDBAUG\n", with: "AQID\nBAUG\n\n"),
            block.replacing("AQIDBAUG\nBw==", with: "AQIDBAUGBw=="),
        ]
        for variant in variants { #expect(try blocks(variant).map(\.bytes) == [plain[0].bytes], "\(variant.debugDescription)") }
        #expect(try blocks("").isEmpty)
        #expect(try blocks("no blocks here\n").isEmpty)
        #expect(try blocks(block + "between\n" + block).map(\.line) == [1, 6])
    }

    @Test func headersAreReadWithTheirContinuation() throws {
        let text = "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,\n 00FF\n\nAQID\n-----END X-----\n"
        let headers = try blocks(text)[0].headers
        #expect(headers == [PEM.Header(name: "Proc-Type", value: "4,ENCRYPTED"), PEM.Header(name: "DEK-Info", value: "AES-256-CBC,00FF")])
    }

    @Test(arguments: [
        ("-----BEGIN X-----\nAQID\n", "line 1"), ("-----BEGIN X-----\nAQ!D\n-----END X-----\n", "line 2"),
        ("-----BEGIN X-----\nAQID\n-----END Y-----\n", "line 3"), ("-----BEGIN X-----\nAQI\n-----END X-----\n", "line 3"),
        ("-----BEGIN X-----\nAQ==AQID\n-----END X-----\n", "line 2"),
        ("-----BEGIN X-----\nAQID\n-----BEGIN X-----\nAQID\n-----END X-----\n", "line 3"),
        ("#\n#\n-----BEGIN X-----\nA===\n-----END X-----\n", "line 4"),
    ])
    func mistakesAreReportedWithTheirLine(_ text: String, _ place: String) throws {
        do {
            _ = try blocks(text)
            Issue.record("\(text.debugDescription) was read")
        } catch let error as KeyStoreError {
            #expect(error.code == .invalidInput && error.message.contains(place), "\(error)")
        }
    }

    @Test func encodedTextIsReadAgain() throws {
        for count in [0, 1, 2, 3, 47, 48, 49, 1000] {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let text = PEM.encode(bytes, label: "X")
            #expect(text.split(separator: "\n").allSatisfy { $0.count <= 64 })
            #expect(try blocks(text)[0].bytes == bytes)
        }
    }
}
