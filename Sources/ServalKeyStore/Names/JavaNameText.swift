import SwiftASN1
import X509

/// Prints distinguished names as Java does.
package enum JavaNameText {
    enum Style {
        /// `X500Name.toString()`: `CN=Duke, O="Example, Inc."`.
        case java
        /// `X500Principal.getName()`: `CN=Duke,O=Example\, Inc.`.
        case rfc2253
    }

    static func text(of name: DistinguishedName) -> String {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(name)
            return try text(of: ASN1Value(serializer.serializedBytes), style: .java)
        } catch {
            return "(unreadable name)"
        }
    }

    /// The parts of a name stand in the encoding from the widest to the narrowest; text has them the other way round.
    static func text(of name: ASN1Value, style: Style) throws(KeyStoreError) -> String {
        var parts: [String] = []
        for relative in try name.children() {
            var attributes: [String] = []
            for attribute in try relative.children(ASN1Value.set) {
                var reader = try attribute.reader()
                let type = try reader.next().objectIdentifier()
                attributes.append(text(type, try reader.next(), style))
            }
            parts.append(attributes.joined(separator: style == .java ? " + " : "+"))
        }
        return parts.reversed().joined(separator: style == .java ? ", " : ",")
    }

    /// The text of a string value of any of the usual types, or `nil`.
    package static func string(_ value: ASN1Value) -> String? {
        switch value.tag {
        case 0x0C: String(validating: value.content, as: UTF8.self)
        case 0x13, 0x16, 0x1B: value.content.allSatisfy { $0 < 0x80 } ? String(decoding: value.content, as: UTF8.self) : nil
        case 0x14: String(String.UnicodeScalarView(value.content.map(Unicode.Scalar.init)))
        case 0x1E: JavaText.text(utf16: Array(value.content))
        case 0x1C: universal(Array(value.content))
        default: nil
        }
    }

    private static func text(_ type: OID, _ value: ASN1Value, _ style: Style) -> String {
        let keyword = style == .java ? JavaNameKeyword.name(type) : JavaNameKeyword.rfc2253Name(type)
        let prefix = (keyword ?? (style == .java ? "OID.\(type)" : "\(type)")) + "="
        guard let text = string(value), style == .java || keyword != nil else {
            return prefix + "#" + value.encoded.map { hex($0).dropFirst(2) }.joined()
        }
        return prefix + (style == .java ? quoted(text) : escaped(text))
    }

    // Scalar by scalar, as Java does: to Swift a comma with an accent, or CR LF, is one character that is none of these.
    private static let special: Set<Unicode.Scalar> = [",", "+", "=", "\n", "<", ">", "#", ";", "\\", "\""]

    private static func quoted(_ text: String) -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\n" }
        let scalars = text.unicodeScalars
        if scalars.count > 1, scalars.first == "\"", scalars.last == "\"" { return text }
        let hasDoubleSpace = zip(scalars, scalars.dropFirst()).contains { isSpace($0) && isSpace($1) }
        let hasOuterSpace = scalars.first.map(isSpace) == true || scalars.last.map(isSpace) == true
        let needsQuotes = scalars.contains(where: special.contains) || hasDoubleSpace || hasOuterSpace
        guard needsQuotes else { return text }
        return "\"" + scalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
    }

    private static func escaped(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        return scalars.indices.map { index in
            let scalar = scalars[index]
            let isOuterSpace = scalar == " " && (index == 0 || index == scalars.count - 1)
            return special.contains(scalar) || isOuterSpace ? "\\\(scalar)" : String(scalar)
        }.joined()
    }

    private static func universal(_ bytes: [UInt8]) -> String? {
        guard bytes.count.isMultiple(of: 4) else { return nil }
        var text = String.UnicodeScalarView()
        for start in stride(from: 0, to: bytes.count, by: 4) {
            let number = bytes[start..<start + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard let scalar = Unicode.Scalar(number) else { return nil }
            text.append(scalar)
        }
        return String(text)
    }
}

/// The keywords of attributes in names, in the JDK's spelling.
enum JavaNameKeyword {
    static func type(_ keyword: String) -> OID? { types[keyword.uppercased()] }

    static func name(_ type: OID) -> String? { names[type] }

    static func rfc2253Name(_ type: OID) -> String? {
        names[type].flatMap { ["CN", "C", "L", "ST", "O", "OU", "STREET", "DC", "UID"].contains($0) ? $0 : nil }
    }

    static let emailAddress: OID = "1.2.840.113549.1.9.1"
    static let domainComponent: OID = "0.9.2342.19200300.100.1.25"

    private static let names: [OID: String] = [
        "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "T",
        "1.3.6.1.4.1.42.2.11.2.1": "IP", "2.5.4.9": "STREET", domainComponent: "DC", "2.5.4.46": "DNQ", "2.5.4.4": "SURNAME", "2.5.4.42": "GIVENNAME",
        "2.5.4.43": "INITIALS", "2.5.4.44": "GENERATION", emailAddress: "EMAILADDRESS", "0.9.2342.19200300.100.1.1": "UID",
        "2.5.4.5": "SERIALNUMBER",
    ]

    private static let types: [String: OID] = {
        var types: [String: OID] = ["S": "2.5.4.8", "DNQUALIFIER": "2.5.4.46", "EMAIL": emailAddress]
        for (type, name) in names { types[name] = type }
        return types
    }()
}
