/// The reference of all elements and attributes in Markdown, made from the tables that the parser uses.
///
/// - Parameter registry: whose valves are described, too.
public func referenceMarkdown(registry: ComponentRegistry = ComponentRegistry()) -> String {
    (AttributeTable.all + registry.valveTables).map(\.markdown).joined(separator: "\n")
}

extension AttributeTable {
    /// The tables of all elements, outermost first.
    public static let all: [AttributeTable] = [
        .server, .aprLifecycleListener, .openSSLLifecycleListener, .certificateReloadListener, .service, .executor, .connector, .sslHostConfig,
        .certificate, .openSSLConfCmd, .upgradeProtocol, .engine, .host, .context, .manager,
        .sessionIdGenerator, .cookieProcessor, .parameter, ValveReader.errorReportValve,
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

    private static func list(_ title: String, _ attributes: [AttributeDefinition], _ describe: (AttributeDefinition) -> String?) -> String {
        let items = attributes.compactMap(describe)
        return items.isEmpty ? "" : "\(title): \(items.joined(separator: ", ")).\n\n"
    }
}

extension String {
    fileprivate var escapingBars: String { self.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
}
