import Testing

@testable import ServalConfiguration

@Suite struct XMLDocumentTests {
    private func read(_ text: String, limits: XMLLimits = XMLLimits()) throws -> XMLElement { try XMLDocument(Array(text.utf8), limits: limits).root }

    @Test func elementsAttributesAndTextHaveTheirPlaces() throws {
        let root = try self.read("<?xml version='1.0'?>\n<a one=\"1\"\n   two='2'>\n  <b/>text<b>more</b>\n</a>\n")
        #expect(root.name == "a")
        #expect(root.position == XMLPosition(line: 2, column: 1))
        #expect(root.attributes.map(\.position) == [XMLPosition(line: 2, column: 4), XMLPosition(line: 3, column: 4)])
        #expect(root.children.map(\.name) == ["b", "b"])
        #expect(root.children[1].text == "more")
        #expect(root.trimmedText == "text")
    }

    @Test func columnsCountCharacters() throws {
        let root = try self.read("<a é=\"ü\" x=\"1\"/>")
        #expect(root.attribute("x")?.position == XMLPosition(line: 1, column: 10))
    }

    @Test func lineEndsCountOnce() throws {
        for end in ["\n", "\r\n", "\r"] {
            let root = try self.read("<a>\(end)\(end)<b/>x\(end)y</a>")
            #expect(root.children[0].position == XMLPosition(line: 3, column: 1))
            #expect(root.text == "\n\nx\ny")
        }
    }

    @Test func referencesAndSectionsBecomeText() throws {
        let root = try self.read("<a x=\"&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;\">&#x41;<![CDATA[<&]]>&amp;</a>")
        #expect(root.attribute("x")?.value == "<>&'\"A😀")
        #expect(root.text == "A<&&")
    }

    @Test func whiteSpaceInAttributesBecomesSpaces() throws {
        #expect(try self.read("<a x=\"1\r\n2\t3&#10;\"/>").attribute("x")?.value == "1 2 3\n")
    }

    @Test func prefixesAreStrippedAndNamespacesIgnored() throws {
        let root = try self.read("<t:a xmlns:t=\"u\" xmlns=\"v\" xsi:schemaLocation=\"w\" xml:lang=\"de\" t:x=\"1\"><t:b/></t:a>")
        #expect(root.name == "a")
        #expect(root.attributes.map(\.name) == ["x"])
        #expect(root.children.map(\.name) == ["b"])
    }

    @Test func documentTypesAreSkippedWithoutOpeningAnything() throws {
        let root = try self.read(
            """
            <!DOCTYPE web-app PUBLIC "-//Sun Microsystems, Inc.//DTD Web Application 2.3//EN" "file:///nonexistent/>.dtd"
              [ <!ELEMENT web-app (a)> <!ATTLIST web-app x CDATA "]>"> <!-- ]> --> <?pi ]> ?> ]>
            <web-app><a/></web-app>
            """
        )
        #expect(root.name == "web-app")
        #expect(root.children.count == 1)
    }

    @Test(arguments: [
        ("<a>\n<b></a>", 2, 4, "expected </b>"),
        ("<a/><b/>", 1, 5, "a second element"),
        ("", 1, 1, "ends without an element"),
        ("   \n", 2, 1, "ends without an element"),
        ("x<a/>", 1, 1, "text before"),
        ("<a/>x", 1, 5, "text after"),
        ("</a>", 1, 1, "end tag without"),
        ("<a x='1' x='2'/>", 1, 10, "given twice"),
        ("<a x=1/>", 1, 6, "in quotes"),
        ("<a x/>", 1, 5, "expected \"=\""),
        ("<a x=\"1\"y=\"2\"/>", 1, 9, "white space between"),
        ("<a x='<'/>", 1, 7, "\"<\" in the value"),
        ("<a\n  x='1'\n  <b/></a>", 3, 3, "not closed with \">\""),
        ("<a>&nbsp;</a>", 1, 4, "\"&nbsp;\" is not defined"),
        ("<a>R&D</a>", 1, 5, "write \"&amp;\""),
        ("<a>&#0;</a>", 1, 4, "names no character"),
        ("<a>&#xD800;</a>", 1, 4, "names no character"),
        ("<a>&#x;</a>", 1, 4, "names no character"),
        ("<a>&#-1;</a>", 1, 4, "names no character"),
        ("<a>]]></a>", 1, 4, "\"]]>\" is not allowed"),
        ("<a><!-- -- --></a>", 1, 9, "\"--\" is not allowed in a comment"),
        ("<a><?xml version='1.0'?></a>", 1, 4, "very beginning"),
        (" <?xml version='1.0'?><a/>", 1, 2, "very beginning"),
        ("<?xml version='2.0'?><a/>", 1, 20, "not known"),
        ("<?xml encoding='UTF-8'?><a/>", 1, 25, "XML declaration has to be"),
        ("<1a/>", 1, 2, "cannot begin with"),
        ("<a><!ELEMENT b></a>", 1, 4, "declaration inside"),
        ("<a/><!DOCTYPE a>", 1, 5, "before the first element"),
        ("<!DOCTYPE a><!DOCTYPE a><a/>", 1, 13, "allowed once"),
        ("<a>\u{1}</a>", 1, 4, "control character"),
        ("<a>\u{FFFF}</a>", 1, 4, "not allowed in XML"),
        ("<?xml version='1.0' encoding='EBCDIC'?><a/>", 1, 1, "not supported"),
        ("<?xml version='1.0' encoding='UTF-16'?><a/>", 1, 1, "is not written in it"),
        ("<?xml version='1.0' encoding='US-ASCII'?>\n<a>é</a>", 2, 4, "not US-ASCII"),
    ])
    func whatIsNotWellFormedIsAnErrorWithAPlace(_ text: String, _ line: Int, _ column: Int, _ message: String) {
        let error = #expect(throws: XMLError.self) { try self.read(text) }
        #expect(error?.position == XMLPosition(line: line, column: column), "\(error?.message ?? "")")
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func externalAndInternalEntitiesAreRefused() {
        let external = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"
        let parameter = "<!DOCTYPE a [\n%x;]><a/>"
        let laughs = "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"
        for text in [external, laughs] {
            let error = #expect(throws: XMLError.self) { try self.read(text) }
            #expect(error?.message.contains("entities are not supported") == true)
        }
        let error = #expect(throws: XMLError.self) { try self.read(parameter) }
        #expect(error?.position.line == 2)
    }

    @Test func encodingsAreUnderstood() throws {
        let text = "<a x=\"é😀\"/>"
        func value(_ bytes: [UInt8]) throws -> String? { try XMLDocument(bytes).root.attribute("x")?.value }
        #expect(try value([0xEF, 0xBB, 0xBF] + Array(text.utf8)) == "é😀")
        for isBigEndian in [true, false] {
            let units = text.utf16.flatMap { isBigEndian ? [UInt8($0 >> 8), UInt8($0 & 0xFF)] : [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            #expect(try value(units) == "é😀")
            #expect(try value((isBigEndian ? [0xFE, 0xFF] : [0xFF, 0xFE]) + units) == "é😀")
            #expect(throws: XMLError.self) { try value(units.dropLast()) }
        }
        let latin = Array("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a x=\"".utf8) + [0xE9] + Array("\"/>".utf8)
        #expect(try value(latin) == "é")
        #expect(throws: XMLError.self) { try value(Array("<a x=\"".utf8) + [0xE9] + Array("\"/>".utf8)) }
    }

    @Test(arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80], [0xF0, 0x80, 0x80, 0x80]] as [[UInt8]])
    func malformedUTF8HasAPlace(_ bytes: [UInt8]) {
        let error = #expect(throws: XMLError.self) { try XMLDocument(Array("<a>\n x".utf8) + bytes + Array("</a>".utf8)) }
        #expect(error?.position == XMLPosition(line: 2, column: 3))
    }

    @Test func limitsHold() throws {
        let deep = String(repeating: "<a>", count: 64) + String(repeating: "</a>", count: 64)
        _ = try self.read(deep)
        let deeper = String(repeating: "<a>", count: 65) + String(repeating: "</a>", count: 65)
        #expect(throws: XMLError.self) { try self.read(deeper) }
        #expect(throws: XMLError.self) { try self.read(String(repeating: "<a>", count: 1_000_000)) }
        #expect(throws: XMLError.self) { try self.read("<a x=\"" + String(repeating: "x", count: (1 << 20) + 1) + "\"/>") }
        #expect(throws: XMLError.self) { try self.read("<a>" + String(repeating: "x", count: (1 << 20) + 1) + "</a>") }
        #expect(throws: XMLError.self) { try self.read("<" + String(repeating: "x", count: 257) + "/>") }
        #expect(throws: XMLError.self) { try self.read("<a " + (0..<300).map { "x\($0)='1'" }.joined(separator: " ") + "/>") }
        let many = "<a>" + (0..<101).map { _ in "<b " + (0..<100).map { "x\($0)='1'" }.joined(separator: " ") + "/>" }.joined() + "</a>"
        #expect(throws: XMLError.self) { try self.read(many) }
        var limits = XMLLimits()
        limits.bytes = 10
        #expect(throws: XMLError.self) { try self.read("<a>0123456</a>", limits: limits) }
        limits = XMLLimits()
        limits.elements = 3
        #expect(throws: XMLError.self) { try self.read("<a><b/><b/><b/></a>", limits: limits) }
    }

    /// A file that was cut off anywhere is an error with a line, never a crash and never half a configuration.
    @Test func cutOffFilesAreErrors() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE Server [ <!ELEMENT Server ANY> ]>
            <!-- é -->
            <Server port="8005" x='&amp;&#65;'><?pi data?>
              <b>text &lt; <![CDATA[ ]] ]]> </b>
              <ns:c a="1"/>
            </Server>
            """
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count {
            let error = #expect(throws: XMLError.self, "cut off at \(count)") { try XMLDocument(Array(bytes[..<count])) }
            #expect((error?.position.line ?? 0) >= 1)
            #expect((error?.position.line ?? 0) <= 7)
        }
        _ = try XMLDocument(bytes)
    }

    /// Each byte replaced by others: an error or a document, always an answer.
    @Test func damagedFilesAreAnswered() {
        let bytes = Array("<?xml version='1.0'?><!DOCTYPE a [ ]><a b='1&lt;'>x<!-- y --><![CDATA[z]]><c/></a>".utf8)
        for index in bytes.indices {
            for byte in [0x00, 0x22, 0x26, 0x3C, 0x3E, 0x5D, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[index] = byte
                do {
                    #expect(!(try XMLDocument(damaged).root.name.isEmpty))
                } catch {
                    #expect(error.position.line == 1)
                }
            }
        }
    }
}
