/// Reads an XML file into elements that know their places.
///
/// Serval has a reader of its own because every attribute needs its line and column, and because it never looks at anything outside the file: external
/// entities and document types are not resolved, and declarations of entities are refused, so that a small file cannot grow (XML 1.0 §4.2). Apart from that
/// it is strict: nesting, one root, unique attributes, quotes, references, comments.
package struct XMLDocument: Sendable, Hashable {
    package var root: XMLElement

    /// Reads the bytes of a file.
    ///
    /// - Throws: the first violation, with its place; a document is all or nothing.
    package init(_ bytes: [UInt8], limits: XMLLimits = XMLLimits()) throws(XMLError) {
        guard bytes.count <= limits.bytes else {
            throw XMLError(message: "the file is larger than \(limits.bytes) bytes", position: XMLPosition(line: 1, column: 1))
        }
        var parser = XMLParser(try XMLEncoding.decode(bytes), limits: limits)
        self.root = try parser.document()
    }
}

private struct XMLParser {
    private let bytes: [UInt8]
    private let limits: XMLLimits
    private var index = 0
    private var cursor = TextCursor()
    private var elementCount = 0
    private var attributeCount = 0
    /// The elements that are open, outermost first, with their names as written.
    private var open: [(element: XMLElement, qualifiedName: String)] = []

    init(_ bytes: [UInt8], limits: XMLLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    // MARK: Document

    mutating func document() throws(XMLError) -> XMLElement {
        try self.declaration()
        var root: XMLElement?
        var hasDocumentType = false
        while true {
            self.skipSpace()
            if self.index == self.bytes.count { break }
            if self.starts(with: "<!--") {
                try self.comment()
            } else if self.starts(with: "<?") {
                try self.processingInstruction()
            } else if self.starts(with: "<!DOCTYPE") {
                guard root == nil, !hasDocumentType else { throw self.failure("a <!DOCTYPE> is allowed once, before the first element") }
                hasDocumentType = true
                try self.documentType()
            } else if self.starts(with: "</") {
                throw self.failure("an end tag without an element that it could end")
            } else if self.starts(with: "<") {
                guard root == nil else {
                    throw self.failure("a second element after the end of <\(root?.name ?? "")>; a document has one outermost element")
                }
                root = try self.tree()
            } else {
                throw self.failure(root == nil ? "text before the first element" : "text after the end of the last element")
            }
        }
        guard let root else { throw self.failure("the file ends without an element") }
        return root
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, XML 1.0 §2.8; the encoding has been obeyed already.
    private mutating func declaration() throws(XMLError) {
        guard self.starts(with: "<?xml"),
            self.index + 5 >= self.bytes.count || Self.isSpace(self.bytes[self.index + 5]) || self.bytes[self.index + 5] == UInt8(ascii: "?")
        else { return }
        self.index += 5
        var names: [String] = []
        while true {
            self.skipSpace()
            if self.starts(with: "?>") {
                self.index += 2
                break
            }
            let name = try self.name("the XML declaration")
            let value = try self.attributeValue(of: name)
            names.append(name)
            if name == "version", !value.hasPrefix("1.") { throw self.failure("XML version \"\(value)\" is not known; expected 1.0") }
        }
        guard
            names == ["version"] || names == ["version", "encoding"] || names == ["version", "encoding", "standalone"]
                || names == ["version", "standalone"]
        else { throw self.failure("the XML declaration has to be <?xml version=\"1.0\" encoding=\"UTF-8\"?>") }
    }

    // MARK: Elements

    /// One element with everything in it.
    ///
    /// A loop with a stack: depth costs no call stack.
    private mutating func tree() throws(XMLError) -> XMLElement {
        if let root = try self.startTag() { return root }
        while true {
            guard self.index < self.bytes.count else {
                let (element, name) = self.open[self.open.count - 1]
                throw self.failure("the file ends inside <\(name)>, which began in line \(element.position.line)")
            }
            if self.bytes[self.index] != UInt8(ascii: "<") {
                try self.characterData()
            } else if self.starts(with: "</") {
                if let root = try self.endTag() { return root }
            } else if self.starts(with: "<!--") {
                try self.comment()
            } else if self.starts(with: "<![CDATA[") {
                try self.characterDataSection()
            } else if self.starts(with: "<?") {
                try self.processingInstruction()
            } else if self.starts(with: "<!") {
                throw self.failure("a declaration inside an element")
            } else if let root = try self.startTag() {
                return root
            }
        }
    }

    /// Reads a start tag; returns the element if it is the outermost and empty (`<a/>`).
    private mutating func startTag() throws(XMLError) -> XMLElement? {
        let position = self.position()
        self.index += 1
        let qualifiedName = try self.name("the name of an element")
        var element = XMLElement(name: Self.localName(qualifiedName), position: position)
        self.elementCount += 1
        guard self.elementCount <= self.limits.elements else { throw self.failure("more than \(self.limits.elements) elements") }
        guard self.open.count < self.limits.depth else { throw self.failure("elements are nested more than \(self.limits.depth) deep") }
        var seen: Set<String> = []
        while true {
            let hadSpace = self.skipSpace()
            guard self.index < self.bytes.count else { throw self.failure("the file ends inside the tag <\(qualifiedName)") }
            if self.starts(with: "/>") {
                self.index += 2
                return self.close(element)
            }
            if self.bytes[self.index] == UInt8(ascii: ">") {
                self.index += 1
                self.open.append((element, qualifiedName))
                return nil
            }
            guard hadSpace || self.bytes[self.index] == UInt8(ascii: "/") else {
                throw self.failure("expected white space between the attributes of <\(qualifiedName)>")
            }
            let place = self.position()
            guard self.bytes[self.index] != UInt8(ascii: "<") else {
                throw self.failure("the tag <\(qualifiedName) is not closed with \">\" before the next \"<\"")
            }
            let name = try self.name("an attribute of <\(qualifiedName)>")
            guard seen.insert(name).inserted else {
                throw XMLError(message: "the attribute \"\(name)\" of <\(qualifiedName)> is given twice", position: place)
            }
            self.attributeCount += 1
            guard seen.count <= self.limits.attributesOfOneElement, self.attributeCount <= self.limits.attributes else {
                throw XMLError(message: "too many attributes", position: place)
            }
            let value = try self.attributeValue(of: name)
            if Self.isConfiguration(name) { element.attributes.append(XMLAttribute(name: Self.localName(name), value: value, position: place)) }
        }
    }

    private mutating func endTag() throws(XMLError) -> XMLElement? {
        let place = self.position()
        self.index += 2
        let name = try self.name("an end tag")
        self.skipSpace()
        guard self.index < self.bytes.count, self.bytes[self.index] == UInt8(ascii: ">") else {
            throw self.failure("the end tag </\(name) is not closed with \">\"")
        }
        self.index += 1
        guard let (element, expected) = self.open.popLast() else { throw XMLError(message: "an end tag without an element", position: place) }
        guard name == expected else {
            throw XMLError(
                message: "expected </\(expected)> for the element that began in line \(element.position.line), found </\(name)>",
                position: place
            )
        }
        return self.close(element)
    }

    /// Hands a complete element to its parent; returns it if it has none.
    private mutating func close(_ element: XMLElement) -> XMLElement? {
        guard !self.open.isEmpty else { return element }
        self.open[self.open.count - 1].element.children.append(element)
        return nil
    }

    // MARK: Text

    private mutating func characterData() throws(XMLError) {
        var text: [UInt8] = []
        while self.index < self.bytes.count, self.bytes[self.index] != UInt8(ascii: "<") {
            if self.starts(with: "]]>") { throw self.failure("\"]]>\" is not allowed in text; write \"]]&gt;\"") }
            try self.character(into: &text)
        }
        try self.append(text)
    }

    private mutating func characterDataSection() throws(XMLError) {
        guard let end = self.find("]]>", from: self.index + 9) else { throw self.failure("the file ends inside a CDATA section that begins here") }
        var text: [UInt8] = []
        self.index += 9
        while self.index < end { self.literal(into: &text) }
        self.index = end + 3
        try self.append(text)
    }

    private mutating func append(_ text: [UInt8]) throws(XMLError) {
        let last = self.open.count - 1
        guard self.open[last].element.text.utf8.count + text.count <= self.limits.valueBytes else {
            throw self.failure("more than \(self.limits.valueBytes) bytes of text in <\(self.open[last].qualifiedName)>")
        }
        self.open[last].element.text += String(decoding: text, as: UTF8.self)
    }

    private mutating func attributeValue(of name: String) throws(XMLError) -> String {
        self.skipSpace()
        guard self.index < self.bytes.count else { throw self.failure("the file ends inside the attribute \"\(name)\"") }
        guard self.bytes[self.index] == UInt8(ascii: "=") else { throw self.failure("expected \"=\" after the attribute \"\(name)\"") }
        self.index += 1
        self.skipSpace()
        guard self.index < self.bytes.count else { throw self.failure("the file ends inside the attribute \"\(name)\"") }
        let quote = self.bytes[self.index]
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw self.failure("the value of the attribute \"\(name)\" has to stand in quotes (\" or ')")
        }
        let begin = self.position()
        self.index += 1
        var value: [UInt8] = []
        while true {
            guard self.index < self.bytes.count else {
                throw XMLError(
                    message: "the file ends inside the value of the attribute \"\(name)\", whose closing quote is missing",
                    position: begin
                )
            }
            let byte = self.bytes[self.index]
            if byte == quote { break }
            if byte == UInt8(ascii: "<") {
                throw self.failure(
                    "\"<\" in the value of the attribute \"\(name)\" that begins in line \(begin.line); a quote is missing, or write \"&lt;\""
                )
            }
            if Self.isSpace(byte) {
                if byte == 0x0D, self.index + 1 < self.bytes.count, self.bytes[self.index + 1] == 0x0A { self.index += 1 }
                value.append(0x20)
                self.index += 1
            } else {
                try self.character(into: &value)
            }
            guard value.count <= self.limits.valueBytes else {
                throw XMLError(message: "the value of the attribute \"\(name)\" is longer than \(self.limits.valueBytes) bytes", position: begin)
            }
        }
        self.index += 1
        return String(decoding: value, as: UTF8.self)
    }

    /// One character or reference of text.
    private mutating func character(into text: inout [UInt8]) throws(XMLError) {
        guard self.bytes[self.index] == UInt8(ascii: "&") else { return self.literal(into: &text) }
        let window = self.bytes[self.index...].prefix(64)
        guard let end = window.firstIndex(of: UInt8(ascii: ";")), end > self.index + 1,
            window[..<end].dropFirst().allSatisfy({ Self.isNameByte($0) || $0 == UInt8(ascii: "#") })
        else { throw self.failure("\"&\" that begins no reference; write \"&amp;\"") }
        let reference = String(decoding: self.bytes[(self.index + 1)..<end], as: UTF8.self)
        switch reference {
        case "lt": text.append(UInt8(ascii: "<"))
        case "gt": text.append(UInt8(ascii: ">"))
        case "amp": text.append(UInt8(ascii: "&"))
        case "apos": text.append(UInt8(ascii: "'"))
        case "quot": text.append(UInt8(ascii: "\""))
        default:
            guard reference.hasPrefix("#") else {
                throw self.failure(
                    "the entity \"&\(reference);\" is not defined; only &lt; &gt; &amp; &apos; &quot; are, and \"&\" itself is written \"&amp;\""
                )
            }
            guard let scalar = Self.scalar(of: reference.dropFirst()) else {
                throw self.failure("\"&\(reference);\" names no character that is allowed in XML")
            }
            text += String(Character(scalar)).utf8
        }
        self.index = end + 1
    }

    /// One byte as it is, except that all line ends become LF (XML 1.0 §2.11).
    private mutating func literal(into text: inout [UInt8]) {
        let byte = self.bytes[self.index]
        self.index += 1
        if byte == 0x0D {
            if self.index < self.bytes.count, self.bytes[self.index] == 0x0A { self.index += 1 }
            text.append(0x0A)
        } else {
            text.append(byte)
        }
    }

    private static func scalar(of digits: Substring) -> Unicode.Scalar? {
        let isHexadecimal = digits.hasPrefix("x")
        let digits = isHexadecimal ? digits.dropFirst() : digits
        guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit), let code = UInt32(digits, radix: isHexadecimal ? 16 : 10),
            code >= 0x20 || code == 0x09 || code == 0x0A || code == 0x0D, code != 0xFFFE, code != 0xFFFF
        else { return nil }
        return Unicode.Scalar(code)
    }

    // MARK: What is skipped

    private mutating func comment() throws(XMLError) {
        let begin = self.position()
        guard let end = self.find("--", from: self.index + 4) else {
            self.index = self.bytes.count
            throw XMLError(message: "the file ends inside a comment that begins here", position: begin)
        }
        guard end + 2 < self.bytes.count else { throw XMLError(message: "the file ends inside a comment that begins here", position: begin) }
        guard self.bytes[end + 2] == UInt8(ascii: ">") else {
            self.index = end
            throw self.failure("\"--\" is not allowed in a comment (this one begins in line \(begin.line))")
        }
        self.index = end + 3
    }

    private mutating func processingInstruction() throws(XMLError) {
        let begin = self.position()
        self.index += 2
        let target = try self.name("the target of a processing instruction")
        guard target.lowercased() != "xml" else {
            throw XMLError(message: "the XML declaration is allowed at the very beginning of the file only", position: begin)
        }
        guard let end = self.find("?>", from: self.index) else {
            throw XMLError(message: "the file ends inside a processing instruction that begins here", position: begin)
        }
        self.index = end + 2
    }

    /// Skips `<!DOCTYPE …>`; nothing that it names is opened.
    private mutating func documentType() throws(XMLError) {
        let begin = self.position()
        self.index += 9
        var isInSubset = false
        while true {
            guard self.index < self.bytes.count else {
                throw XMLError(message: "the file ends inside the <!DOCTYPE> that begins here", position: begin)
            }
            let byte = self.bytes[self.index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                guard let end = self.bytes[(self.index + 1)...].firstIndex(of: byte) else {
                    throw self.failure("the file ends inside quotes that begin here")
                }
                self.index = end + 1
            } else if isInSubset, self.starts(with: "<!--") {
                try self.comment()
            } else if isInSubset, self.starts(with: "<?") {
                try self.processingInstruction()
            } else if self.starts(with: "<!ENTITY") {
                throw self.failure("declarations of entities are not supported; write the text itself, or use ${property}")
            } else if isInSubset, byte == UInt8(ascii: "%") {
                throw self.failure("references to parameter entities are not supported")
            } else if byte == UInt8(ascii: "[") {
                isInSubset = true
                self.index += 1
            } else if byte == UInt8(ascii: "]") {
                isInSubset = false
                self.index += 1
            } else if byte == UInt8(ascii: ">"), !isInSubset {
                self.index += 1
                return
            } else {
                self.index += 1
            }
        }
    }

    // MARK: Bytes

    private mutating func name(_ purpose: String) throws(XMLError) -> String {
        let begin = self.index
        while self.index < self.bytes.count, Self.isNameByte(self.bytes[self.index]) { self.index += 1 }
        guard self.index > begin else {
            guard begin < self.bytes.count else { throw self.failure("the file ends where \(purpose) is expected") }
            throw self.failure("expected \(purpose), found \"\(self.excerpt)\"")
        }
        guard self.index - begin <= self.limits.nameBytes else { throw self.failure("a name is longer than \(self.limits.nameBytes) bytes") }
        let first = self.bytes[begin]
        guard !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), first != UInt8(ascii: "-"), first != UInt8(ascii: ".") else {
            self.index = begin
            throw self.failure("a name cannot begin with \"\(Unicode.Scalar(first))\"")
        }
        return String(decoding: self.bytes[begin..<self.index], as: UTF8.self)
    }

    @discardableResult private mutating func skipSpace() -> Bool {
        let begin = self.index
        while self.index < self.bytes.count, Self.isSpace(self.bytes[self.index]) { self.index += 1 }
        return self.index > begin
    }

    private func starts(with text: StaticString) -> Bool {
        guard self.index + text.utf8CodeUnitCount <= self.bytes.count else { return false }
        for offset in 0..<text.utf8CodeUnitCount where self.bytes[self.index + offset] != text.utf8Start[offset] { return false }
        return true
    }

    private func find(_ text: StaticString, from start: Int) -> Int? {
        var candidate = start
        let count = text.utf8CodeUnitCount
        while candidate + count <= self.bytes.count {
            var offset = 0
            while offset < count, self.bytes[candidate + offset] == text.utf8Start[offset] { offset += 1 }
            if offset == count { return candidate }
            candidate += 1
        }
        return nil
    }

    private mutating func position() -> XMLPosition {
        self.cursor.advance(to: self.index, in: self.bytes)
        return self.cursor.position
    }

    private mutating func failure(_ message: String) -> XMLError { XMLError(message: message, position: self.position()) }

    /// What stands here, for messages; short, so that a secret nearby stays where it is.
    private var excerpt: String { String(String(decoding: self.bytes[self.index...].prefix(4), as: UTF8.self).prefix(1)) }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "."), 0x80...: true
        default: false
        }
    }

    private static func localName(_ name: String) -> String {
        guard let colon = name.lastIndex(of: ":"), colon != name.indices.last else { return name }
        return String(name[name.index(after: colon)...])
    }

    /// Whether an attribute belongs to the configuration, and not to XML itself.
    private static func isConfiguration(_ name: String) -> Bool {
        name != "xmlns" && !name.hasPrefix("xmlns:") && !name.hasPrefix("xml:") && !name.hasPrefix("xsi:")
    }
}
