import ServalTLS

/// The attributes of one element, checked against its table: every problem is in the log already, and what is wrong reads as `nil`.
struct CheckedAttributes {
    struct Entry {
        var value: String
        /// As it stands in the file, before `${…}` was replaced.
        var raw: String
        var position: XMLPosition
    }

    let element: XMLElement
    let scope: FileScope
    private(set) var entries: [String: Entry] = [:]

    /// Checks all attributes: unknown ones are one warning each, wrong values errors, and what is not obeyed is told in one line.
    ///
    /// - Parameter also: names that are not in the table and belong to somebody else, such as `className`.
    init(_ element: XMLElement, table: AttributeTable, scope: FileScope, also: Set<String> = []) {
        self.element = element
        self.scope = scope
        var withoutMeaning: [String] = []
        var notYet: [String] = []
        for attribute in element.attributes {
            let value = scope.resolve(attribute.value, at: attribute.position)
            guard let definition = table.attribute(attribute.name) else {
                if !also.contains(attribute.name) { self.reportUnknown(attribute, table, also) }
                self.entries[attribute.name] = Entry(value: value, raw: attribute.value, position: attribute.position)
                continue
            }
            let trimmed = definition.kind == .secret || definition.kind == .text ? value : value.trimmingWhitespace()
            switch definition.status {
            case .withoutMeaning:
                withoutMeaning.append(attribute.writtenName)
                continue
            case .notYet where trimmed.lowercased() != definition.defaultText?.lowercased():
                notYet.append(attribute.writtenName)
            case .notYet, .used, .olderName:
                break
            }
            guard definition.kind.accepts(trimmed) else {
                self.reportInvalid(attribute, value: trimmed, definition)
                continue
            }
            self.entries[attribute.name] = Entry(value: trimmed, raw: attribute.value, position: attribute.position)
        }
        for definition in table.attributes where definition.isRequired && element.attribute(definition.name) == nil {
            scope.report(.error, "<\(element.name)> needs the attribute \"\(definition.name)\" (\(definition.kind.expectation))", element)
        }
        if !withoutMeaning.isEmpty {
            scope.report(
                .info,
                "attributes of <\(element.name)> that have no meaning without a JVM are ignored: \(withoutMeaning.joined(separator: ", "))",
                element
            )
        }
        if !notYet.isEmpty {
            scope.report(
                .warning,
                "attributes of <\(element.name)> that are not available yet are ignored: \(notYet.joined(separator: ", "))",
                element
            )
        }
    }

    private func reportUnknown(_ attribute: XMLAttribute, _ table: AttributeTable, _ also: Set<String>) {
        self.scope.report(
            .warning,
            "the attribute \"\(attribute.writtenName)\" of <\(self.element.name)> is not known and is ignored",
            at: attribute.position,
            element: self.element.name,
            attribute: attribute.name,
            suggestion: NearestName.find(attribute.name, among: table.attributes.map(\.name) + also)
        )
    }

    private func reportInvalid(_ attribute: XMLAttribute, value: String, _ definition: AttributeDefinition) {
        let found = definition.kind == .secret ? "" : ", found \"\(String(value.prefix(100)))\""
        var suggestion: String?
        if case .choice(let words) = definition.kind { suggestion = NearestName.find(value, among: words) }
        self.scope.report(
            .error,
            "the attribute \"\(attribute.writtenName)\" of <\(self.element.name)> has to be \(definition.kind.expectation)\(found)",
            at: attribute.position,
            element: self.element.name,
            attribute: attribute.name,
            suggestion: suggestion
        )
    }

    // MARK: Values

    /// Whether the attribute is there, right or wrong.
    func has(_ name: String) -> Bool { self.element.attribute(name) != nil }

    func text(_ name: String) -> String? { self.entries[name]?.value }

    /// Text that is not empty.
    func nonEmpty(_ name: String) -> String? { self.entries[name].flatMap { $0.value.isEmpty ? nil : $0.value } }

    func boolean(_ name: String) -> Bool? { self.entries[name].map { $0.value.lowercased() == "true" } }

    func integer(_ name: String) -> Int? { self.entries[name].flatMap { Int($0.value) } }

    /// A word of a choice, in lower case.
    func choice(_ name: String) -> String? { self.entries[name].map { $0.value.lowercased() } }

    func milliseconds(_ name: String) -> Duration? { self.integer(name).map { .milliseconds($0) } }

    func seconds(_ name: String) -> Duration? { self.integer(name).map { .seconds($0) } }

    /// An absolute path; `file:` in front is taken off.
    func path(_ name: String, base: String) -> String? {
        guard var path = self.entries[name]?.value, !path.isEmpty else { return nil }
        if path.hasPrefix("file:") {
            path = String(path.dropFirst(5))
            if path.hasPrefix("//") { path = String(path.dropFirst(2)) }
        }
        return FilePath.absolute(path, base: base)
    }

    /// A secret from an attribute, or from the file that another attribute names, which wins.
    func secret(_ name: String, file: String, base: String) -> SecretSource? {
        if let path = self.path(file, base: base) { return .file(path) }
        guard let entry = self.entries[name] else { return nil }
        if entry.raw.hasPrefix("${env:"), entry.raw.hasSuffix("}"), !entry.raw.dropFirst(6).dropLast().contains(where: { "${}:".contains($0) }) {
            return .environment(String(entry.raw.dropFirst(6).dropLast()))
        }
        return .literal(entry.value)
    }

    /// Says something about one attribute, at its place.
    func report(_ severity: Diagnostic.Severity, _ message: String, _ name: String, suggestion: String? = nil) {
        self.scope.report(
            severity,
            message,
            at: self.element.attribute(name)?.position ?? self.element.position,
            element: self.element.name,
            attribute: name,
            suggestion: suggestion
        )
    }
}
