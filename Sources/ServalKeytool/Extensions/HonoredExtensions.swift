import ServalKeyStore

/// Which extensions of a request an authority takes over: `-ext honored=all,-san,ku:critical`.
///
/// Each item is a name or an object identifier, taken as the request has it, or with `:critical` or `:non-critical`; a `-` before it takes it away
/// again. `all` comes first wherever it stands. Of several such options the first one counts.
struct HonoredExtensions {
    private struct Item {
        let oid: String
        let isRemoved: Bool
        /// Nil leaves it to the request.
        let isCritical: Bool?
    }

    private let takesAll: Bool
    private let items: [Item]

    init(_ arguments: [String]) throws {
        let prefix = "honored="
        guard let argument = arguments.first(where: { $0.lowercased().hasPrefix(prefix) }) else {
            (takesAll, items) = (false, [])
            return
        }
        var words = argument.lowercased().dropFirst(prefix.count).split(separator: ",", omittingEmptySubsequences: false)
        while words.count > 1, words.last?.isEmpty == true { words.removeLast() }
        takesAll = words.contains("all")
        items = try words.filter { $0 != "all" }.map(Self.item)
    }

    private static func item(_ word: Substring) throws -> Item {
        guard word.first != "-" else { return Item(oid: try ExtensionName.oid(String(word.dropFirst())), isRemoved: true, isCritical: nil) }
        guard let colon = word.firstIndex(of: ":") else { return Item(oid: try ExtensionName.oid(String(word)), isRemoved: false, isCritical: nil) }
        guard let choice = try Abbreviation.match(String(word[word.index(after: colon)...]), in: ["critical", "non-critical"]) else {
            throw Failure.error("Illegal value: \(word)")
        }
        return Item(oid: try ExtensionName.oid(String(word[..<colon])), isRemoved: false, isCritical: choice == 0)
    }

    /// Puts the extensions of a request that are honored among those of a certificate.
    func apply(_ requested: [CertificateFields.Extension], to extensions: inout [String: CertificateFields.Extension]) throws {
        if takesAll {
            for element in requested { extensions[element.oid] = element }
        }
        for item in items {
            if item.isRemoved {
                guard extensions.removeValue(forKey: item.oid) != nil else { throw Self.missing(item.oid) }
            } else {
                guard let found = requested.last(where: { $0.oid == item.oid }) else { throw Self.missing(item.oid) }
                extensions[item.oid] = CertificateFields.Extension(
                    oid: found.oid,
                    isCritical: item.isCritical ?? found.isCritical,
                    value: found.value
                )
            }
        }
    }

    private static func missing(_ oid: String) -> Failure {
        .exception(javaClass: "java.lang.RuntimeException", message: "java.io.IOException: No extension found with name \(oid)")
    }
}
