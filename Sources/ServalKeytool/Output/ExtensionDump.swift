import ServalKeyStore

/// Extensions in the words of the JDK.
enum ExtensionDump {
    private typealias Item = CertificateFields.Extension

    /// The block of a certificate or a request that begins with the title, empty if there are no extensions; the last line has its line feed.
    static func text(_ items: [CertificateFields.Extension], title: String = "Extensions: ") -> String {
        guard !items.isEmpty else { return "" }
        var text = "\n\(title)\n\n"
        for (index, entry) in sorted(items).enumerated() {
            text += "#\(index + 1): \(entry.item.heading)"
            switch entry.description {
            case .words(_, let words): text += words
            case .broken(let name, let reason): text += broken(name, reason, entry.item)
            case .unknown: text += entry.item.value.isEmpty ? "(Empty value)\n" : HexDump.text(entry.item.value) + "\n"
            }
            text += "\n"
        }
        return text
    }

    /// The extensions of a revocation list or of one of its entries, numbered.
    ///
    /// - Parameter indentation: What stands before each number.
    static func revocationText(_ items: [CertificateFields.Extension], indentation: String) -> String {
        var text = ""
        for (index, entry) in sorted(items).enumerated() {
            text += "\n\(indentation)[\(index + 1)]: \(entry.item.heading)"
            switch entry.description {
            case .words(_, let words): text += words
            case .broken(let name, let reason): text += broken(name, reason, entry.item)
            case .unknown:
                let dump = HexDump.text(DEREncoding.octetString(entry.item.value))
                text += "Extension unknown: DER encoded OCTET string =\n\(dump)\n"
            }
        }
        return text
    }

    private static func broken(_ name: String, _ reason: String, _ item: Item) -> String {
        "Unparseable \(name) extension due to\njava.io.IOException: \(reason)\n\n\(HexDump.text(item.value))"
    }

    /// The JDK keeps extensions sorted by name, or by number if it does not know them; those that it cannot read come last, sorted by number.
    private static func sorted(_ items: [Item]) -> [(item: Item, description: KnownExtension.Description)] {
        func key(_ entry: (item: Item, description: KnownExtension.Description)) -> (Int, String) {
            switch entry.description {
            case .words(let name, _): (0, name)
            case .unknown: (0, entry.item.oid)
            case .broken: (1, entry.item.oid)
            }
        }
        return items.map { (item: $0, description: KnownExtension.describe($0)) }.sorted { key($0) < key($1) }
    }
}

extension CertificateFields.Extension {
    fileprivate var heading: String { "ObjectId: \(oid) Criticality=\(isCritical)\n" }
}
