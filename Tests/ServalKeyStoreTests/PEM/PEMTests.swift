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

    @Test func aFileOfLineEndsIsReadWithoutKeepingThem() throws {
        var text = [UInt8](repeating: 0x0A, count: 1 << 20)
        text += "-----BEGIN X-----\nAQID\n-----END X-----".utf8
        #expect(try PEM.blocks(in: text).map(\.line) == [(1 << 20) + 1])
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

    /// As Windows' editor saves it, and as people paste it: a byte order mark with two bytes per character, all base64 in one line.
    @Test func textOfOtherProgramsIsRead() throws {
        let authority = try Authority.shared.get()
        let text = PEM.encode(authority.root.der, label: "CERTIFICATE") + PEM.encode(authority.ecKey.pkcs8, label: "PRIVATE KEY")
        let windows = text.replacing("\n", with: "\r\n")
        let little: [UInt8] = [0xFF, 0xFE] + windows.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        let big: [UInt8] = [0xFE, 0xFF] + windows.utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
        let lines = text.split(separator: "\n").map(String.init)
        let single = lines.reduce("") { $0 + ($1.hasPrefix("-----") ? "\n\($1)\n" : $1) }
        #expect(single.split(separator: "\n").count == 6)
        for bytes in [little, big, Array(single.utf8)] {
            #expect(try PEM.certificates(in: bytes) == [authority.root])
            #expect(try PEM.privateKey(in: bytes) == authority.ecKey)
        }
        // Half a character at the end.
        #expect(code { try PEM.certificates(in: little.dropLast()) } != nil)
    }

    @Test func aBundleUnderTheNameOfACertificateIsRead() throws {
        let folder = try Folder()
        let authority = try Authority.shared.get()
        try folder.write(authority.ecChain.map { PEM.encode($0.der, label: "CERTIFICATE") }.joined().utf8, "chain.pem")
        try Tool.openssl("crl2pkcs7", "-nocrl", "-certfile", folder("chain.pem"), "-outform", "DER", "-out", folder("bundle"))
        let text = try PEM.encode(folder.bytes("bundle"), label: "CERTIFICATE")
        #expect(try Set(PEM.certificates(in: Array(text.utf8))) == Set(authority.ecChain))
    }
}
