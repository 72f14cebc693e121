import SwiftASN1
import X509

/// Reads distinguished names as the JDK's keytool takes them.
enum JavaNameParser {
    static func parse(_ text: String) throws(KeyStoreError) -> DistinguishedName {
        guard !text.allSatisfy(\.isWhitespace) else { return DistinguishedName() }
        var scanner = NameScanner(text)
        var parts: [RelativeDistinguishedName] = []
        var part: [RelativeDistinguishedName.Attribute] = []
        while true {
            part.append(try scanner.attribute())
            let separator = scanner.nextSeparator()
            if separator == "+" { continue }
            parts.append(RelativeDistinguishedName(part))
            part = []
            guard separator != nil else { break }
        }
        return DistinguishedName(parts.reversed())
    }
}

private struct NameScanner {
    private let characters: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) {
        characters = Array(text.unicodeScalars)
    }

    /// Steps over a separator; `nil` at the end.
    mutating func nextSeparator() -> Unicode.Scalar? {
        guard position < characters.count else { return nil }
        defer { position += 1 }
        return characters[position]
    }

    /// Whether the part of the name that is being read ends here.
    private var isAtSeparator: Bool { position == characters.count || ",;+".unicodeScalars.contains(characters[position]) }

    mutating func attribute() throws(KeyStoreError) -> RelativeDistinguishedName.Attribute {
        let keyword = try keyword()
        skipSpaces()
        let type = try type(keyword)
        if position < characters.count, characters[position] == "#" { return try hexValue(type) }
        return try encoded(type, value(keyword), keyword)
    }

    // MARK: Keyword

    private mutating func keyword() throws(KeyStoreError) -> String {
        let start = position
        while position < characters.count, characters[position] != "=" {
            guard !",;+\"".unicodeScalars.contains(characters[position]) else { throw invalid("“\(text(start, position))” has no =") }
            position += 1
        }
        guard position < characters.count else { throw invalid("“\(text(start, position))” has no =") }
        defer { position += 1 }
        let keyword = trimmed(text(start, position))
        guard !keyword.isEmpty else { throw invalid("A part has no keyword before =") }
        return keyword
    }

    private func type(_ keyword: String) throws(KeyStoreError) -> OID {
        if let type = JavaNameKeyword.type(keyword) { return type }
        let dotted = keyword.uppercased().hasPrefix("OID.") ? String(keyword.dropFirst(4)) : keyword
        guard dotted.first.map({ $0.isASCII && $0.isNumber }) == true, let type = OID(dotted: dotted) else {
            throw invalid("\(keyword) is not a known keyword")
        }
        return type
    }

    // MARK: Value

    private mutating func value(_ keyword: String) throws(KeyStoreError) -> String {
        var octets = NameText()
        var isQuoted = false
        if position < characters.count, characters[position] == "\"" {
            isQuoted = true
            position += 1
        }
        while position < characters.count {
            let character = characters[position]
            if character == "\\" {
                try escape(into: &octets)
                continue
            }
            if isQuoted, character == "\"" { return try endOfQuotes(octets, keyword) }
            if !isQuoted {
                if isAtSeparator { break }
                if "<>\"".unicodeScalars.contains(character) { throw invalid("Character '\(character)' in AVA appears without escape") }
            }
            octets.append(character)
            position += 1
        }
        guard !isQuoted else { throw invalid("The quotation mark of \(keyword) is not closed") }
        guard let text = octets.text(trimmingEnd: true) else { throw invalid("Escapes in \(keyword) are not UTF-8") }
        return text
    }

    private mutating func endOfQuotes(_ octets: NameText, _ keyword: String) throws(KeyStoreError) -> String {
        position += 1
        skipSpaces()
        guard isAtSeparator else {
            throw invalid("Something follows the quoted value of \(keyword)")
        }
        guard let text = octets.text(trimmingEnd: false) else { throw invalid("Escapes in \(keyword) are not UTF-8") }
        return text
    }

    private mutating func escape(into octets: inout NameText) throws(KeyStoreError) {
        position += 1
        guard position < characters.count else { throw invalid("Invalid trailing backslash") }
        if position + 1 < characters.count, let octet = octet(at: position) {
            octets.append(octet)
            position += 2
            return
        }
        guard ",=\n+<>#;\\\" ".unicodeScalars.contains(characters[position]) else {
            throw invalid("Invalid escaped character in AVA: '\(characters[position])'")
        }
        octets.append(characters[position], isEscaped: true)
        position += 1
    }

    private mutating func hexValue(_ type: OID) throws(KeyStoreError) -> RelativeDistinguishedName.Attribute {
        position += 1
        var bytes: [UInt8] = []
        while position + 1 < characters.count, let octet = octet(at: position) {
            bytes.append(octet)
            position += 2
        }
        skipSpaces()
        guard isAtSeparator else {
            let rest = characters[position...].prefix { !",;+ ".unicodeScalars.contains($0) }
            let isOdd = rest.count == 1 && rest.first.flatMap(Self.digit) != nil
            throw invalid("AVA parse, \(isOdd ? "odd number of hex digits" : "invalid hex digit: \(rest.first { Self.digit($0) == nil } ?? " ")")")
        }
        do {
            return RelativeDistinguishedName.Attribute(type: try identifier(type), value: try ASN1Any(derEncoded: bytes))
        } catch {
            throw invalid("The bytes after # are not a DER value")
        }
    }

    private func octet(at position: Int) -> UInt8? {
        guard let high = Self.digit(characters[position]), let low = Self.digit(characters[position + 1]) else { return nil }
        return UInt8(high << 4 | low)
    }

    private static func digit(_ scalar: Unicode.Scalar) -> Int? { scalar.isASCII ? Character(scalar).hexDigitValue : nil }

    // MARK: Encoding

    private func encoded(_ type: OID, _ value: String, _ keyword: String) throws(KeyStoreError) -> RelativeDistinguishedName.Attribute {
        let isIA5 = type == JavaNameKeyword.emailAddress || type == JavaNameKeyword.domainComponent
        do {
            let type = try identifier(type)
            if isIA5 { return try RelativeDistinguishedName.Attribute(type: type, ia5String: value) }
            guard value.unicodeScalars.allSatisfy(NameScanner.isPrintable) else {
                return RelativeDistinguishedName.Attribute(type: type, utf8String: value)
            }
            return try RelativeDistinguishedName.Attribute(type: type, printableString: value)
        } catch {
            throw invalid("The value of \(keyword) has characters that it cannot hold")
        }
    }

    private func identifier(_ type: OID) throws -> ASN1ObjectIdentifier {
        try ASN1ObjectIdentifier(derEncoded: DEREncoding.oid(type))
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", " ", "'", "(", ")", "+", ",", "-", ".", "/", ":", "=", "?": true
        default: false
        }
    }

    private mutating func skipSpaces() {
        while position < characters.count, characters[position] == " " || characters[position] == "\n" { position += 1 }
    }

    private func text(_ start: Int, _ end: Int) -> String { String(String.UnicodeScalarView(characters[start..<end])) }

    private func trimmed(_ text: String) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private func invalid(_ reason: String) -> KeyStoreError {
        KeyStoreError(.invalidInput, "Incorrect AVA format in the distinguished name: \(reason)")
    }
}

/// A value while it is read: UTF-8, and how much of its end is unescaped space.
private struct NameText {
    private var octets: [UInt8] = []
    private var trailingSpaces = 0

    mutating func append(_ character: Unicode.Scalar, isEscaped: Bool = false) {
        octets += Array(String(character).utf8)
        trailingSpaces = character == " " && !isEscaped ? trailingSpaces + 1 : 0
    }

    mutating func append(_ octet: UInt8) {
        octets.append(octet)
        trailingSpaces = 0
    }

    func text(trimmingEnd: Bool) -> String? {
        String(validating: trimmingEnd ? octets.dropLast(trailingSpaces) : octets[...], as: UTF8.self)
    }
}
