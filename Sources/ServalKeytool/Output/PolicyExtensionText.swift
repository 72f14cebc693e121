import ServalKeyStore

/// Extensions about certificate policies, in the words of the JDK.
enum PolicyExtensionText {
    static func certificatePolicies(_ value: ASN1Value) throws -> String {
        let policies = try value.children().map { node in
            var reader = try node.reader()
            let identifier = try policyIdentifier(reader.next())
            let qualifiers = try reader.isAtEnd ? [] : reader.next().children().map(qualifier)
            return "  [\(identifier)[\(qualifiers.joined(separator: ", "))]  ]\n"
        }
        return "CertificatePolicies [\n\(policies.joined())]\n"
    }

    private static func qualifier(_ value: ASN1Value) throws -> String {
        var reader = try value.reader()
        let identifier = try reader.next().objectIdentifier()
        return "PolicyQualifierInfo: [\n  qualifierID: \(identifier)\n  qualifier: \(HexDump.text(try reader.next().encoded))\n]"
    }

    static func policyMappings(_ value: ASN1Value) throws -> String {
        let maps = try value.children().map { node in
            var reader = try node.reader()
            let issuer = try policyIdentifier(reader.next())
            return "CertificatePolicyMap: [\nIssuerDomain:\(issuer)SubjectDomain:\(try policyIdentifier(reader.next()))]\n"
        }
        return "PolicyMappings [\n[\(maps.joined(separator: ", "))]]\n"
    }

    static func policyConstraints(_ value: ASN1Value) throws -> String {
        var (require, inhibit) = ("unspecified", "unspecified")
        for field in try value.children() {
            let number = String(try field.retagged(ASN1Value.integer).integer())
            switch field.tag {
            case 0x80: require = number
            case 0x81: inhibit = number
            default: throw KnownExtension.Malformed()
            }
        }
        return "PolicyConstraints: [  Require: \(require);\tInhibit: \(inhibit) ]\n"
    }

    static func inhibitAnyPolicy(_ value: ASN1Value) throws -> String {
        "InhibitAnyPolicy: \(try value.integer())\n"
    }

    private static func policyIdentifier(_ value: ASN1Value) throws -> String {
        "CertificatePolicyId: [\(try value.objectIdentifier())]\n"
    }
}
