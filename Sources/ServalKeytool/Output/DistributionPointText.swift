import ServalKeyStore

/// Where revocation lists are to be had, in the words of the JDK.
enum DistributionPointText {
    /// CRLDistributionPoints, or FreshestCRL.
    static func extensionText(_ value: ASN1Value, _ name: String) throws -> String {
        "\(name) [\n  [\(try value.children().map(point).joined(separator: ", "))]]\n"
    }

    private static func point(_ value: ASN1Value) throws -> String {
        var text = "DistributionPoint:\n     "
        var rest = ""
        for field in try value.children() {
            switch field.tag {
            case 0xA0: text += try name(field.explicit(0))
            case 0x81:
                let names = try field.bits(0x81).compactMap { reasons.indices.contains($0) ? reasons[$0] : nil }
                rest += "   ReasonFlags:\n" + names.map { "    \($0)\n" }.joined()
            case 0xA2: rest += "   CRLIssuer:\(try GeneralNameText.list(field.children(0xA2)))\n"
            default: throw KnownExtension.Malformed()
            }
        }
        return text + "\n" + rest
    }

    /// A DistributionPointName: full names, or one that is relative to the issuer's.
    static func name(_ value: ASN1Value) throws -> String {
        switch value.tag {
        case 0xA0: return try GeneralNameText.list(value.children(0xA0))
        case 0xA1:
            let relativeName = DEREncoding.sequence(DEREncoding.value(ASN1Value.set, Array(value.content)))
            return try CertificateFields.Name(ASN1Value(relativeName)).description.onOneLine
        default: throw KnownExtension.Malformed()
        }
    }

    private static let reasons = [
        nil, "key compromise", "CA compromise", "affiliation changed", "superseded", "cessation of operation", "certificate hold",
        "privilege withdrawn", "AA compromise",
    ]
}
