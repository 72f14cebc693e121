/// The certificate extensions in the words of the JDK.
enum ExtensionDump {
    /// One extension as it stands in a certificate.
    struct Item {
        let oid: String
        let isCritical: Bool
        /// What the extension's OCTET STRING holds.
        let value: [UInt8]
    }

    /// The block that begins with `Extensions:`, empty if there are none; the last line has its line feed.
    static func text(_ items: [Item], title: String = "Extensions: ") -> String {
        guard !items.isEmpty else { return "" }
        // The JDK keeps them sorted by name, and those it cannot read behind all others.
        let described = items.map { (item: $0, description: KnownExtension.describe($0)) }
        let sorted = described.sorted {
            ($0.description.isBroken ? 1 : 0, $0.description.sortKey) < ($1.description.isBroken ? 1 : 0, $1.description.sortKey)
        }
        var text = "\n\(title)\n\n"
        for (index, entry) in sorted.enumerated() {
            text += "#\(index + 1): ObjectId: \(entry.item.oid) Criticality=\(entry.item.isCritical)\n"
            text += entry.description.text + "\n"
        }
        return text
    }
}
