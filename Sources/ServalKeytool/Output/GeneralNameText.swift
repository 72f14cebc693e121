import ServalKeyStore

/// A GeneralName (RFC 5280 section 4.2.1.6) in the words of the JDK.
enum GeneralNameText {
    /// Several names in brackets.
    static func list(_ values: [ASN1Value]) throws -> String {
        "[\(try values.map { try text($0) }.joined(separator: ", "))]"
    }

    /// One name.
    ///
    /// - Parameter isConstraint: Whether an address has its mask behind it, as in name constraints.
    static func text(_ value: ASN1Value, isConstraint: Bool = false) throws -> String {
        switch value.tag {
        case 0xA0:
            var reader = ASN1Reader(value.content)
            return "Other-Name: Unrecognized ObjectIdentifier: \(try reader.next().objectIdentifier())"
        case 0x81: return "RFC822Name: \(characters(value.content))"
        case 0x82: return "DNSName: \(characters(value.content))"
        case 0xA3: return "X400Address: <DER-encoded value>"
        case 0xA4: return try CertificateFields.Name(value.explicit(4)).description.onOneLine
        case 0xA5: return try partyName(value)
        case 0x86: return "URIName: \(characters(value.content))"
        case 0x87: return "IPAddress: \(try isConstraint ? addressWithMask(Array(value.content)) : address(Array(value.content)))"
        case 0x88: return "OIDName: \(try value.retagged(ASN1Value.objectIdentifier).objectIdentifier())"
        default: throw KnownExtension.Malformed()
        }
    }

    /// Control characters would let a certificate write to the reader's terminal, so they are shown as question marks.
    private static func characters(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.map { $0 < 0x20 || $0 > 0x7E ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    }

    private static func partyName(_ value: ASN1Value) throws -> String {
        var text = "EDIPartyName: "
        for field in try value.children(0xA5) {
            // Both parts are explicitly tagged directory strings.
            let name = try ASN1Value(field.content)
            switch field.tag {
            case 0xA0: text += "  nameAssigner = \(characters(name.content)),"
            case 0xA1: text += "  partyName = \(characters(name.content))"
            default: throw KnownExtension.Malformed()
            }
        }
        return text
    }

    private static func address(_ octets: [UInt8]) throws -> String {
        switch octets.count {
        case 4: return octets.map(String.init).joined(separator: ".")
        case 16:
            // The JDK writes all eight groups.
            return stride(from: 0, to: 16, by: 2).map { String(Int(octets[$0]) << 8 | Int(octets[$0 + 1]), radix: 16) }.joined(separator: ":")
        default: throw KnownExtension.Malformed("Invalid IPAddressName")
        }
    }

    /// An address and its mask: both dotted for version 4, the number of bits for version 6.
    private static func addressWithMask(_ octets: [UInt8]) throws -> String {
        let half = octets.count / 2
        guard half == 4 || half == 16, octets.count == 2 * half else { return try address(octets) }
        let mask = Array(octets[half...])
        if half == 4 { return try address(Array(octets[..<half])) + "/" + address(mask) }
        let length = mask.reduce(0) { $0 + $1.nonzeroBitCount }
        // Masks with holes have no number of bits; the JDK dumps the bytes.
        guard (0..<128).allSatisfy({ (mask[$0 / 8] & 0x80 >> UInt8($0 % 8) != 0) == ($0 < length) }) else { return HexDump.text(octets) }
        return try address(Array(octets[..<half])) + "/\(length)"
    }
}

extension String {
    /// The text with question marks for everything that would begin a new line or reorder the line on the screen.
    ///
    /// A name in a certificate could otherwise forge whole lines of the tool's output.
    var onOneLine: String {
        guard unicodeScalars.contains(where: Self.isMisleading) else { return self }
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars { result.append(Self.isMisleading(scalar) ? "?" : scalar) }
        return String(result)
    }

    private static func isMisleading(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
