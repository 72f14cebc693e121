/// The reference of all elements and attributes in Markdown, made from the tables that the parser uses.
///
/// - Parameter registry: whose valves are described, too.
public func referenceMarkdown(registry: ComponentRegistry = ComponentRegistry()) -> String {
    (AttributeTable.all + registry.ownSessionStoreTables + registry.valveTables).map(\.markdown).joined(separator: "\n")
}

/// The reference of everything about TLS in Markdown, from the same tables: with Tomcat's styles and versions, and with all older names.
public func tlsReferenceMarkdown() -> String {
    let connector = AttributeTable.connector
    var reduced = connector
    reduced.attributes = connector.attributes.filter { TLSAttributeOrigin.connector[$0.name] != nil || $0.name == "serval.certificateWatchInterval" }
    reduced.summary = "What a connector says about TLS; all of its attributes are in [Elements and attributes](configuration-reference.md#connector)."
    let elements = [reduced, .sslHostConfig, .certificate, .openSSLConfCmd].map(\.tlsMarkdown)
    let listeners = [AttributeTable.aprLifecycleListener, .openSSLLifecycleListener, .certificateReloadListener].map(\.markdown)
    return (elements + [olderNames] + listeners).joined(separator: "\n")
}

/// What Tomcat 7 to 9 had on the connector.
private var olderNames: String {
    var text = """
        ## Older names

        Attributes of `<Connector>` in Tomcat 7 to 9, removed in 10.0. Here they are obeyed, with a warning that names the new ones; they stand for the
        `<SSLHostConfig>` with the name `_default_` and its only `<Certificate>`, which may not be there as well.

        | on `<Connector>` | now |
        | --- | --- |

        """
    for translation in LegacyTLSAttributes.all {
        text += "| `\(translation.old)` | `\(translation.new)` of `<\(translation.target == .host ? "SSLHostConfig" : "Certificate")>` |\n"
    }
    return text
}

extension AttributeTable {
    /// The tables of all elements, outermost first.
    public static let all: [AttributeTable] = [
        .server, .aprLifecycleListener, .openSSLLifecycleListener, .certificateReloadListener, .service, .executor, .connector, .sslHostConfig,
        .certificate, .openSSLConfCmd, .upgradeProtocol, .engine, .host, .context, .manager, .store, .fileStore, .databaseStore,
        .sessionIdGenerator, .cookieProcessor, .parameter, ValveReader.errorReportValve, .sslAuthenticator,
    ]

    /// A section with the attributes by what becomes of them.
    public var markdown: String {
        var text = "## \(self.element)\n\n"
        if let className { text += "`\(className)`\n\n" }
        text += self.summary + "\n\n"
        if !self.children.isEmpty { text += "Inside: " + self.children.map { "`<\($0)>`" }.joined(separator: ", ") + ".\n\n" }
        let used = self.attributes.filter { $0.status == .used }
        if !used.isEmpty {
            text += "| attribute | value | default | |\n| --- | --- | --- | --- |\n"
            for attribute in used {
                let defaultText = attribute.defaultText.map { $0.isEmpty ? "empty" : "`\($0)`" } ?? (attribute.isRequired ? "required" : "")
                text +=
                    "| `\(attribute.name)` | \(attribute.kind.expectation) | \(defaultText.escapingBars) | \((attribute.note ?? "").escapingBars) |\n"
            }
            text += "\n"
        }
        text += Self.list("Older names", self.attributes) { if case .olderName(let name) = $0.status { "`\($0.name)` (`\(name)`)" } else { nil } }
        text += Self.list("Not available yet, with a warning", self.attributes) { $0.status == .notYet ? "`\($0.name)`" : nil }
        text += Self.list("Without meaning here, accepted", self.attributes) { $0.status == .withoutMeaning ? "`\($0.name)`" : nil }
        while text.hasSuffix("\n\n") { text.removeLast() }
        return text
    }

    /// A section that tells of Tomcat, too.
    fileprivate var tlsMarkdown: String {
        var text =
            "## \(self.element)\n\n\(self.summary)\n\n| attribute | value | default | style in Tomcat | in Serval |\n| --- | --- | --- | --- | --- |\n"
        for attribute in self.attributes where attribute.status == .used {
            let defaultText = attribute.defaultText.map { $0.isEmpty ? "empty" : "`\($0)`" } ?? (attribute.isRequired ? "required" : "none")
            let origin = TLSAttributeOrigin.of(attribute.name, in: self)?.text ?? (attribute.name.hasPrefix("serval.") ? "not there" : "OpenSSL")
            let cells = ["`\(attribute.name)`", attribute.kind.expectation, defaultText, origin, attribute.note ?? "the same"]
            text += "| " + cells.map(\.escapingBars).joined(separator: " | ") + " |\n"
        }
        text += "\n"
        text += Self.list("Accepted without meaning", self.attributes) { $0.status == .withoutMeaning ? "`\($0.name)`" : nil }
        while text.hasSuffix("\n\n") { text.removeLast() }
        return text
    }

    private static func list(_ title: String, _ attributes: [AttributeDefinition], _ describe: (AttributeDefinition) -> String?) -> String {
        let items = attributes.compactMap(describe)
        return items.isEmpty ? "" : "\(title): \(items.joined(separator: ", ")).\n\n"
    }
}

extension String {
    fileprivate var escapingBars: String { self.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
}
