/// What a page says about itself: `{{!@ page session="false" }}`, or in JSP's spelling `<%@ page session="false" %>`.
///
/// Source: Jakarta Server Pages 4.0 §1.10.1. Of its attributes these count: `session`, `contentType`, `pageEncoding`.
struct PageDirective: Sendable, Hashable {
    /// Whether the page takes part in sessions; `nil` where the page does not say.
    var session: Bool?
    /// The type of the response.
    var contentType: String?

    /// ``contentType`` with the encoding that pages have: without it, browsers guess one, and read other tags than those that were escaped.
    var fullContentType: String {
        guard let type = self.contentType else { return "text/html;charset=UTF-8" }
        let name = type.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        let isText = String(decoding: name, as: UTF8.self).lowercased()
        guard isText.utf8.starts(with: "text/".utf8) || isText == "application/xhtml+xml" else { return type }
        return Array(type.lowercased().utf8)[...].containsSequence(Array("charset=".utf8)) ? type : type + ";charset=UTF-8"
    }

    /// Reads the words between `@` and the end of the tag.
    ///
    /// - Throws: a message without file and line.
    mutating func read(_ text: String) throws(PageMessage) {
        var rest = Substring(text).drop(while: \.isWhitespace)
        let name = rest.prefix { !$0.isWhitespace }
        guard name == "page" else { throw PageMessage("the directive \"\(name)\" is not known; there is \"page\"") }
        rest = rest.dropFirst(name.count).drop(while: \.isWhitespace)
        while !rest.isEmpty {
            let attribute = rest.prefix { $0 != "=" && !$0.isWhitespace }
            rest = rest.dropFirst(attribute.count).drop(while: \.isWhitespace)
            guard rest.first == "=" else { throw PageMessage("the attribute \"\(attribute)\" of the page directive has no value") }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            guard let quote = rest.first, quote == "\"" || quote == "'" else {
                let hint = rest.first.map { "“”„‟″".contains($0) } ?? false ? "; typographic quotes do not count" : ""
                throw PageMessage("the value of \"\(attribute)\" must stand in quotes, \" or '\(hint)")
            }
            let value = rest.dropFirst().prefix { $0 != quote }
            rest = rest.dropFirst(value.count + 1)
            guard rest.first == quote else { throw PageMessage("the value of \"\(attribute)\" has no closing quote") }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            try self.set(String(attribute), String(value))
        }
    }

    private mutating func set(_ attribute: String, _ value: String) throws(PageMessage) {
        switch attribute {
        case "session":
            guard self.session == nil else { throw PageMessage("the page directive says \"session\" twice") }
            switch value.lowercased() {
            case "true": self.session = true
            case "false": self.session = false
            default: throw PageMessage("session=\"\(value)\" is neither true nor false")
            }
        case "contentType":
            guard self.contentType == nil else { throw PageMessage("the page directive says \"contentType\" twice") }
            guard !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw PageMessage("contentType=\"\(value)\" is no media type")
            }
            self.contentType = value
        case "pageEncoding":
            guard ["utf-8", "utf8"].contains(value.lowercased()) else { throw PageMessage("pageEncoding=\"\(value)\": pages are in UTF-8") }
        default:
            throw PageMessage("the page directive has no attribute \"\(attribute)\"; there are session, contentType and pageEncoding")
        }
    }
}

/// What is wrong, before it is known where.
struct PageMessage: Error {
    let text: String

    init(_ text: String) { self.text = text }
}
