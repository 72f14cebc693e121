import ServalKeyStore

/// Extensions of revocation lists and of their entries, in the words of the JDK.
enum RevocationExtensionText {
    /// A number in hexadecimal: groups of four bytes, eight groups in a line.
    static func number(_ value: ASN1Value, _ label: String) throws -> String {
        guard value.tag == ASN1Value.integer, !value.content.isEmpty else { throw KnownExtension.Malformed() }
        var digits = SerialNumberText.hexadecimal(Array(value.content))
        let isNegative = digits.hasPrefix("-")
        if isNegative { digits.removeFirst() }
        if !digits.count.isMultiple(of: 2) { digits = "0" + digits }
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, index.isMultiple(of: 8) { text += index.isMultiple(of: 64) ? "\n    " : " " }
            text.append(digit)
        }
        return "\(label): \(isNegative ? "   -" : "    ")\(text)\n"
    }

    static func reason(_ value: ASN1Value) throws -> String {
        let names = [
            "UNSPECIFIED", "KEY_COMPROMISE", "CA_COMPROMISE", "AFFILIATION_CHANGED", "SUPERSEDED", "CESSATION_OF_OPERATION", "CERTIFICATE_HOLD",
            "UNUSED", "REMOVE_FROM_CRL", "PRIVILEGE_WITHDRAWN", "AA_COMPROMISE",
        ]
        guard value.tag == 0x0A else { throw KnownExtension.Malformed() }
        let code = try value.retagged(ASN1Value.integer).integer()
        return "    Reason Code: \(names.indices.contains(code) ? names[code] : names[0])"
    }

    static func certificateIssuer(_ value: ASN1Value) throws -> String {
        "Certificate Issuer [\n\(try GeneralNameText.list(value.children()))]\n"
    }

    static func issuingDistributionPoint(_ value: ASN1Value) throws -> String {
        var (point, reasons) = ("", "")
        var flags: Set<UInt8> = []
        for field in try value.children() {
            switch field.tag {
            case 0xA0: point = "DistributionPointName:\n     \(try DistributionPointText.name(field.explicit(0)))\n"
            case 0x83: reasons = try reasonFlags(field)
            case 0x81, 0x82, 0x84, 0x85: if field.content.contains(where: { $0 != 0 }) { flags.insert(field.tag) }
            default: throw KnownExtension.Malformed()
            }
        }
        return """
            IssuingDistributionPoint [
              \(point)\(reasons)  Only contains user certs: \(flags.contains(0x81))
              Only contains CA certs: \(flags.contains(0x82))
              Only contains attribute certs: \(flags.contains(0x85))
              Indirect CRL: \(flags.contains(0x84))
            ]

            """
    }

    private static func reasonFlags(_ value: ASN1Value) throws -> String {
        let names = [
            "Unused", "Key Compromise", "CA Compromise", "Affiliation_Changed", "Superseded", "Cessation Of Operation", "Certificate Hold",
            "Privilege Withdrawn", "AA Compromise",
        ]
        let lines = try value.bits(0x83).filter(names.indices.contains).map { "  \(names[$0])\n" }
        return "Reason Flags [\n\(lines.joined())]\n"
    }
}
