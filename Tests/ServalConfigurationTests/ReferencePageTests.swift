import Foundation
import Testing

@testable import ServalConfiguration

@Suite("The reference of elements and attributes")
struct ReferencePageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let head = """
        # Elements and attributes

        What `server.xml` and `context.xml` may contain and what becomes of it, from the tables that the parser itself uses. This page is written by
        `scripts/reference`; [Configuration](configuration.md) explains.


        """

    private static let tlsHead = """
        # Reference of TLS attributes

        What `server.xml` may say about TLS, from the tables that the parser itself uses. This page is written by `scripts/reference`; [TLS](tls.md) explains.

        Tomcat has two styles, and its documents forbid to mix them: that of JSSE, with key stores, and that of OpenSSL, with PEM files. Serval obeys all
        attributes on every connector; the column tells whose they are in Tomcat, and since which versions where they are younger than their element (the
        connector's are of all times, `<SSLHostConfig>` is of 8.5). "The same" in the last column: nothing differs. What the second TLS implementation cannot
        do is in [TLS implementations](tls-backends.md).


        """

    @Test(
        "The generated pages say what the tables say",
        arguments: ["configuration-reference.md", "tls-reference.md"]
    )
    func page(name: String) throws {
        let page = Self.root.appending(path: "docs/\(name)")
        let expected = name == "tls-reference.md" ? Self.tlsHead + tlsReferenceMarkdown() : Self.head + referenceMarkdown()
        // scripts/reference sets this to bring the page up to date.
        if ProcessInfo.processInfo.environment["SERVAL_WRITE_REFERENCE"] == "1" {
            try Data(expected.utf8).write(to: page)
        }
        let actual = try String(contentsOf: page, encoding: .utf8)
        #expect(actual == expected, "docs/\(name) is out of date: run scripts/reference")
    }

    @Test("The TLS reference knows of every attribute where in Tomcat it is from")
    func origins() {
        for table in [AttributeTable.sslHostConfig, .certificate] {
            for attribute in table.attributes where attribute.status == .used && !attribute.name.hasPrefix("serval.") {
                #expect(TLSAttributeOrigin.of(attribute.name, in: table) != nil, "\(table.element) \(attribute.name)")
            }
        }
        let elsewhere = [
            (TLSAttributeOrigin.host, AttributeTable.sslHostConfig), (TLSAttributeOrigin.certificate, .certificate),
            (TLSAttributeOrigin.connector, .connector),
        ]
        for (origins, table) in elsewhere {
            for name in origins.keys { #expect(table.attribute(name)?.status == .used, "\(table.element) \(name)") }
        }
    }
}
