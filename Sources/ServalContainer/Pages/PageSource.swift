/// The tags of one template file: checked, with the files that it includes and the directives that it holds.
///
/// The template language's parser tells neither the line of a section's beginning nor which files a template includes; this reads the tags before it does.
/// Source: mustache(5) and its inheritance extension.
struct PageSource: Sendable {
    /// A file that is included.
    struct Inclusion: Sendable, Hashable {
        /// As the template spells it.
        let name: String
        let line: Int
    }

    /// How deep sections may lie in each other.
    static let depthLimit = 64

    let file: String
    private(set) var directive = PageDirective()
    private(set) var hasDirective = false
    private(set) var inclusions: [Inclusion] = []
    /// Where the template first asks for something of the session.
    private(set) var sessionUse: (line: Int, name: String)?
    /// The text between the names of included files, one piece more than ``slots``.
    private var pieces: [[UInt8]] = []
    /// Which inclusion's name stands behind each piece.
    private var slots: [Int] = []

    /// What stands for the session in a template.
    static let sessionNames: Set<Substring> = ["session", "sessionScope"]

    private struct Section {
        let name: String
        let line: Int
        /// For an inclusion with blocks, which closing tag repeats its name.
        let inclusion: Int?
    }

    private var output: [UInt8] = []
    private var sections: [Section] = []
    private var start = Array("{{".utf8)
    private var end = Array("}}".utf8)

    /// Reads the tags of a file.
    init(file: String, contents: [UInt8]) throws(PageError) {
        self.file = file
        guard String(validating: contents, as: UTF8.self) != nil else {
            throw PageError(file: file, line: Self.lineOfDamage(contents), message: "the file is not in UTF-8")
        }
        let contents = contents.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(contents.dropFirst(3)) : contents
        self.output.reserveCapacity(contents.count)
        var cursor = Cursor(bytes: contents)
        try self.readDirectives(&cursor)
        while try self.readTag(&cursor) {}
        if let open = self.sections.last {
            throw PageError(file: file, line: open.line, message: "the section \"\(open.name)\" is not closed")
        }
        self.pieces.append(self.output)
        self.output = []
    }

    /// The template for the parser; its first line is not the file's, but says how output is escaped.
    ///
    /// - Parameter numbers: what stands for the name of each inclusion.
    func text(naming numbers: [Int]) -> String {
        var bytes = Array("{{% CONTENT_TYPE: \(PageContentType.name) }}\n".utf8)
        for (index, piece) in self.pieces.enumerated() {
            bytes += piece
            if index < self.slots.count { bytes += String(numbers[self.slots[index]]).utf8 }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func lineOfDamage(_ contents: [UInt8]) -> Int {
        var line = 1
        for piece in contents.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: piece, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }

    private func error(_ line: Int, _ message: String) -> PageError { PageError(file: self.file, line: line, message: message) }

    // MARK: Tags

    /// JSP's spelling of directives, at the beginning of the file; becomes a comment.
    private mutating func readDirectives(_ cursor: inout Cursor) throws(PageError) {
        while true {
            var ahead = cursor
            ahead.skipWhitespace()
            let line = ahead.line
            guard ahead.skip(Array("<%@".utf8)) else { return }
            guard let content = ahead.take(until: Array("%>".utf8)) else { throw self.error(line, "the directive <%@ is not closed by %>") }
            try self.readDirective(content, line: line)
            // Its line breaks stay, so that lines keep their numbers; the line break behind it goes, as behind a comment.
            self.output += "{{!".utf8
            self.output += content.filter { $0 == UInt8(ascii: "\n") }
            self.output += "}}".utf8
            cursor = ahead
        }
    }

    private mutating func readDirective(_ content: ArraySlice<UInt8>, line: Int) throws(PageError) {
        do {
            try self.directive.read(String(decoding: content, as: UTF8.self))
        } catch {
            throw self.error(line, error.text)
        }
        self.hasDirective = true
    }

    /// Copies text up to the next tag, and the tag; `false` at the end.
    private mutating func readTag(_ cursor: inout Cursor) throws(PageError) -> Bool {
        guard let text = cursor.take(until: self.start) else {
            self.output += cursor.rest
            return false
        }
        self.output += text
        let line = cursor.line
        let sigil = cursor.first
        let closing: [UInt8] =
            switch sigil {
            case UInt8(ascii: "{"): [UInt8(ascii: "}")] + self.end
            case UInt8(ascii: "="): [UInt8(ascii: "=")] + self.end
            default: self.end
            }
        let hasSigil = sigil.map { "#^/!{&><$%=".utf8.contains($0) } ?? false
        if hasSigil { cursor.skipOne() }
        guard let content = cursor.take(until: closing) else {
            throw self.error(
                line,
                "the tag \(String(decoding: self.start, as: UTF8.self)) is not closed by \(String(decoding: closing, as: UTF8.self))"
            )
        }
        let kind = hasSigil ? sigil : nil
        let inclusion = try self.read(kind, content, line: line)
        self.output += self.start
        if let kind { self.output.append(kind) }
        if let inclusion {
            self.pieces.append(self.output)
            self.slots.append(inclusion)
            self.output = []
        } else if kind == UInt8(ascii: "%") {
            self.output += Self.pragma(content)
        } else {
            self.output += content
        }
        self.output += closing
        if kind == UInt8(ascii: "=") { try self.setDelimiters(content, line: line) }
        return true
    }

    /// Notes what a tag means; for the tags of an inclusion, which one it is.
    private mutating func read(_ kind: UInt8?, _ content: ArraySlice<UInt8>, line: Int) throws(PageError) -> Int? {
        let name = Self.trimmed(content)
        switch kind {
        case UInt8(ascii: "!"):
            if content.first == UInt8(ascii: "@") { try self.readDirective(content.dropFirst(), line: line) }
        case UInt8(ascii: "=") where name.split(whereSeparator: \.isWhitespace).count != 2:
            throw self.error(line, "a change of delimiters has two of them, as in {{=<% %>=}}")
        case UInt8(ascii: "="), UInt8(ascii: "%"): break
        case UInt8(ascii: ">"):
            return try self.include(name, line: line)
        case UInt8(ascii: "<"):
            let inclusion = try self.include(name, line: line)
            try self.open(Section(name: name, line: line, inclusion: inclusion))
            return inclusion
        case UInt8(ascii: "#"), UInt8(ascii: "^"):
            try self.note(name, line: line)
            try self.open(Section(name: name, line: line, inclusion: nil))
        case UInt8(ascii: "$"):
            try self.open(Section(name: name, line: line, inclusion: nil))
        case UInt8(ascii: "/"):
            guard let open = self.sections.popLast() else { throw self.error(line, "the section \"\(name)\" is closed, but none is open") }
            guard open.name == name else {
                throw self.error(line, "the section \"\(open.name)\" of line \(open.line) is closed as \"\(name)\"")
            }
            return open.inclusion
        default: try self.note(name, line: line)
        }
        return nil
    }

    private mutating func open(_ section: Section) throws(PageError) {
        guard self.sections.count < Self.depthLimit else { throw self.error(section.line, "more than \(Self.depthLimit) sections lie in each other") }
        self.sections.append(section)
    }

    private mutating func include(_ name: String, line: Int) throws(PageError) -> Int {
        guard !name.isEmpty else { throw self.error(line, "an inclusion names no file") }
        guard !name.hasPrefix("*") else { throw self.error(line, "\"\(name)\": the name of a file to include cannot come from a variable") }
        self.inclusions.append(Inclusion(name: name, line: line))
        return self.inclusions.count - 1
    }

    /// Notes the name of a variable or section.
    private mutating func note(_ name: String, line: Int) throws(PageError) {
        guard !name.isEmpty else { throw self.error(line, "a tag is empty") }
        guard !name.contains(where: \.isWhitespace) else { throw self.error(line, "\"\(name)\" is no name: there is a space in it") }
        // The innermost name of transforms such as `uppercased(session.id)`.
        let variable = name.split(separator: "(").last.map { $0.prefix { $0 != ")" } } ?? ""
        if self.sessionUse == nil, let root = variable.split(separator: ".").first, Self.sessionNames.contains(root) {
            self.sessionUse = (line, name)
        }
    }

    /// A pragma that asks for HTML, so that it gets Serval's.
    private static func pragma(_ content: ArraySlice<UInt8>) -> [UInt8] {
        let parts = String(decoding: content, as: UTF8.self).split(separator: ":", maxSplits: 1).map { self.trimmed(Array($0.utf8)[...]) }
        guard parts == ["CONTENT_TYPE", "HTML"] else { return Array(content) }
        // Line breaks stay, so that lines keep their numbers.
        return Array(" CONTENT_TYPE: \(PageContentType.name) ".utf8) + content.filter { $0 == UInt8(ascii: "\n") }
    }

    private mutating func setDelimiters(_ content: ArraySlice<UInt8>, line: Int) throws(PageError) {
        let parts = Self.trimmed(content).split(whereSeparator: \.isWhitespace)
        guard parts.count == 2 else { return }
        self.start = Array(parts[0].utf8)
        self.end = Array(parts[1].utf8)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let first = text.firstIndex(where: { !$0.isWhitespace }), let last = text.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(text[first...last])
    }
}

/// A position in a file, with its line.
private struct Cursor {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var line = 1

    init(bytes: [UInt8]) { self.bytes = bytes }

    var first: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }
    var rest: ArraySlice<UInt8> { self.bytes[self.position...] }

    mutating func skipOne() { self.advance(to: min(self.position + 1, self.bytes.count)) }

    mutating func skipWhitespace() {
        var next = self.position
        while next < self.bytes.count, " \t\r\n".utf8.contains(self.bytes[next]) { next += 1 }
        self.advance(to: next)
    }

    /// Passes `token`; `false`, and the position stays, if something else stands here.
    mutating func skip(_ token: [UInt8]) -> Bool {
        guard self.rest.starts(with: token) else { return false }
        self.advance(to: self.position + token.count)
        return true
    }

    /// What stands before the next `token`, which is passed; `nil`, and the position stays, if there is none.
    mutating func take(until token: [UInt8]) -> ArraySlice<UInt8>? {
        guard let first = token.first else { return nil }
        var next = self.position
        while next + token.count <= self.bytes.count {
            if self.bytes[next] == first, self.bytes[next..<next + token.count].elementsEqual(token) {
                let taken = self.bytes[self.position..<next]
                self.advance(to: next + token.count)
                return taken
            }
            next += 1
        }
        return nil
    }

    private mutating func advance(to next: Int) {
        self.line += self.bytes[self.position..<next].count { $0 == UInt8(ascii: "\n") }
        self.position = next
    }
}
