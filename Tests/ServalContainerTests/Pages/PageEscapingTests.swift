import ServalServlet
import Testing

@testable import ServalContainer
@testable import ServalExamples

/// Browsers read bytes; Swift's characters are clusters of scalars, in which a `<` can hide.
@Suite("Text from outside in pages, byte by byte")
struct PageEscapingTests {
    /// Scalars that join what stands before or behind them to one character.
    private static let joiners = [
        "\u{0600}", "\u{0301}", "\u{0308}\u{0301}", "\u{200D}", "\u{200C}", "\u{FE0F}", "\u{20E3}", "\u{0903}", "\u{1F3FD}", "\u{1F1E9}\u{1F1EA}",
        "\u{E0020}", "\u{110BD}", "\u{1100}\u{1161}", "\r",
    ]

    private static let hostile: [String] =
        Self.joiners.flatMap { joiner in
            ["<", ">", "\"", "'", "&"].flatMap { ["\(joiner)\($0)", "\($0)\(joiner)", "\(joiner)\($0)\(joiner)x"] }
        } + [
            "\u{0600}<svg onload=alert(1) \u{0600}>", "\"\u{0301} autofocus onfocus=alert(1) x=", "\u{0600}<script \u{0600}>alert(1)//",
            "\u{0301}<b>", "&\u{0301}lt;", "\r\n<b>",
        ]

    /// What the text is to a browser; `nil` if a byte in it means something else than itself.
    private static func read(_ bytes: some Sequence<UInt8>) -> [UInt8]? {
        var rest = Array(bytes)[...]
        var text: [UInt8] = []
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): return nil
            case UInt8(ascii: "&"):
                let entities = ["&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": "\"", "&#39;": "'"]
                guard let entity = entities.first(where: { rest.starts(with: $0.key.utf8) }) else { return nil }
                text += entity.value.utf8
                rest = rest.dropFirst(entity.key.utf8.count)
            default:
                text.append(byte)
                rest = rest.dropFirst()
            }
        }
        return text
    }

    private static func encoded(_ text: String) -> String { text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    /// The same numbers in each run.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var word = self.state
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
    }

    private static func random(_ numbers: inout Numbers) -> String {
        var text = ""
        for _ in 0..<Int.random(in: 0..<24, using: &numbers) {
            switch Int.random(in: 0..<4, using: &numbers) {
            case 0: text += ["<", ">", "\"", "'", "&", "&lt;", "\\", "`", "=", "/"].randomElement(using: &numbers) ?? ""
            case 1: text += self.joiners.randomElement(using: &numbers) ?? ""
            case 2: text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0x20..<0xD800, using: &numbers)) ?? "x")
            default: text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0xE000...0x10FFFF, using: &numbers)) ?? "y")
            }
        }
        return text
    }

    @Test("Whatever the text, nothing in it is markup, and a browser reads it as it was")
    func anyText() {
        var numbers = Numbers(state: 5)
        for text in Self.hostile + (0..<20_000).map({ _ in Self.random(&numbers) }) {
            for escaped in [HTMLText.escaped(text), HTML.escaped(text), PageContentType().escapeText(text)] {
                #expect(Self.read(escaped.utf8) == Array(text.utf8), "\(text.unicodeScalars.map(\.value))")
            }
        }
    }

    private static let files = [
        "page.mustache": """
        {{!@ page session='false'}}
        {{#param.x}}1[{{.}}]{{/param.x}}
        2["{{param.x}}"]
        {{%CONTENT_TYPE:HTML}}
        3[{{param.x}}]
        4[{{> part}}]
        {{<layout}}{{$body}}{{param.x}}{{/body}}{{/layout}}
          {{> lines}}
        7[{{#paramValues.x}}{{.}}{{/paramValues.x}}]
        8[{{reversed(param.x)}}]
        9[{{#url}}{{param.x}}{{/url}}]

        """,
        "part.mustache": "{{param.x}}", "layout.mustache": "5[{{$body}}none{{/body}}]", "lines.mustache": "6[{{param.x}}]\n",
        "raw.mustache": "{{!@ page session='false'}}{{% CONTENT_TYPE : TEXT }}{{param.x}}{{> part}}",
    ]

    @Test("Pages: in elements and attributes, in inclusions, blocks, sections, behind transforms and pragmas")
    func pages() async throws {
        let folder = try TemporaryFolder()
        for (name, contents) in Self.files { try folder.write(name, contents) }
        var context = ContextDefinition("/app") { $0.addServlet("pages", MustacheServlet()).map("*.mustache") }
        context.documentRoot = folder.path
        var numbers = Numbers(state: 7)
        let texts = Self.hostile + (0..<200).map { _ in "<\(Self.random(&numbers))" }
        try await EngineHarness.run(context) { harness async throws in
            for text in texts {
                let answer = try await harness.get("/app/page.mustache?x=\(Self.encoded(text))")
                let escaped = HTMLText.escaped(text)
                let expected =
                    "1[\(escaped)]\n2[\"\(escaped)\"]\n3[\(escaped)]\n4[\(escaped)]\n5[\(escaped)]  6[\(escaped)]\n7[\(escaped)]\n"
                    + "8[\(HTMLText.escaped(String(text.reversed())))]\n9[\(escaped)]\n"
                // Compared as bytes: as strings, some different ones are equal.
                let isSame = answer.body.filter { $0 != 0x0A && $0 != 0x20 } == expected.utf8.filter { $0 != 0x0A && $0 != 0x20 }
                #expect(isSame, "\(text.unicodeScalars.map(\.value)): \(answer.text)")
            }
            // The page itself asks for text; what it includes does not.
            #expect(try await harness.get("/app/raw.mustache?x=%3Cb%3E").text == "<b>&lt;b&gt;")
        }
    }

    @Test("A page's own type says how its text is encoded, so that nobody has to guess")
    func encodings() async throws {
        let types = [
            "text/html": "text/html;charset=UTF-8", "TEXT/plain": "TEXT/plain;charset=UTF-8", "text/html; Charset=UTF-8": "text/html; Charset=UTF-8",
            "application/xhtml+xml": "application/xhtml+xml;charset=UTF-8", "application/json": "application/json",
        ]
        let folder = try TemporaryFolder()
        let names = types.keys.sorted()
        for (number, type) in names.enumerated() { try folder.write("p\(number).mustache", "{{!@ page session='false' contentType='\(type)'}}x") }
        var context = ContextDefinition("/app") { $0.addServlet("pages", MustacheServlet()).map("*.mustache") }
        context.documentRoot = folder.path
        try await EngineHarness.run(context) { harness async throws in
            for (number, type) in names.enumerated() {
                #expect(try await harness.get("/app/p\(number).mustache").headers[.contentType] == types[type])
            }
        }
    }
}
