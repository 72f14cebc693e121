import Foundation
import ServalConfiguration
import Testing

@Suite("The reference of elements and attributes")
struct ReferencePageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "docs/configuration-reference.md")

    private static let head = """
        # Elements and attributes

        What `server.xml` and `context.xml` may contain and what becomes of it, from the tables that the parser itself uses. This page is written by
        `scripts/reference`; [Configuration](configuration.md) explains.


        """

    @Test("docs/configuration-reference.md says what the tables say")
    func page() throws {
        let expected = Self.head + referenceMarkdown()
        // scripts/reference sets this to bring the page up to date.
        if ProcessInfo.processInfo.environment["SERVAL_WRITE_REFERENCE"] == "1" {
            try Data(expected.utf8).write(to: Self.page)
        }
        let actual = try String(contentsOf: Self.page, encoding: .utf8)
        #expect(actual == expected, "docs/configuration-reference.md is out of date: run scripts/reference")
    }
}
