import ServalKeyStore

/// Extensions that consist of names, in the words of the JDK.
enum NameExtensionText {
    static func alternativeName(_ value: ASN1Value, _ name: String) throws -> String {
        let lines = try value.children().map { "  \(try GeneralNameText.text($0))\n" }
        return "\(name) [\n\(lines.joined())]\n"
    }

    static func informationAccess(_ value: ASN1Value, _ name: String) throws -> String {
        let methods = [
            "1.3.6.1.5.5.7.48.1": "ocsp", "1.3.6.1.5.5.7.48.2": "caIssuers", "1.3.6.1.5.5.7.48.3": "timeStamping",
            "1.3.6.1.5.5.7.48.5": "caRepository",
        ]
        let entries = try value.children().map { node in
            var reader = try node.reader()
            let method = try reader.next().objectIdentifier().description
            return "\n   accessMethod: \(methods[method] ?? method)\n   accessLocation: \(try GeneralNameText.text(reader.next()))\n"
        }
        return "\(name) [\n  [\(entries.joined(separator: ", "))]\n]\n"
    }

    static func nameConstraints(_ value: ASN1Value) throws -> String {
        var text = "NameConstraints: ["
        for field in try value.children() {
            switch field.tag {
            case 0xA0: text += "\n    Permitted:" + (try subtrees(field))
            case 0xA1: text += "\n    Excluded:" + (try subtrees(field))
            default: throw KnownExtension.Malformed()
            }
        }
        return text + "   ]\n"
    }

    private static func subtrees(_ value: ASN1Value) throws -> String {
        let trees = try value.children(value.tag).map { tree in
            var reader = try tree.reader()
            let name = try GeneralNameText.text(reader.next(), isConstraint: true)
            let minimum = try reader.next(ifTag: 0x80)?.retagged(ASN1Value.integer).integer() ?? 0
            let maximum = try reader.next(ifTag: 0x81)?.retagged(ASN1Value.integer).integer()
            return """

                   GeneralSubtree: [
                    GeneralName: \(name)
                    Minimum: \(minimum)
                    Maximum: \(maximum.map(String.init) ?? "undefined")    ]

                """
        }
        return "   GeneralSubtrees:\n[\(trees.joined(separator: ", "))]\n"
    }
}
