/// Databases that `<Resource type="javax.sql.DataSource">` describes, by their JNDI names.
struct DataSources: Sendable {
    private var sources: [String: [String: String]] = [:]
    private var links: [String: String] = [:]

    /// The names of all.
    var names: [String] { (Array(self.sources.keys) + Array(self.links.keys)).sorted() }

    /// What a resource says, as attributes of `<Store>`; `nil` if there is none.
    subscript(name: String) -> [String: String]? {
        let name = Self.bareName(name)
        return self.sources[name] ?? self.links[name].flatMap { self.sources[$0] }
    }

    /// Takes the resources and links inside an element.
    mutating func add(_ element: XMLElement, _ scope: FileScope) {
        for child in element.children where Self.isDataSource(child, scope) {
            guard let name = Self.value("name", child, scope).map(Self.bareName) else { continue }
            if child.name == "ResourceLink" {
                self.links[name] = Self.value("global", child, scope).map(Self.bareName)
                continue
            }
            var source: [String: String] = [:]
            for (attribute, own) in [
                ("url", "connectionURL"), ("username", "connectionName"), ("user", "connectionName"), ("password", "connectionPassword"),
                ("driverClassName", "driverName"),
            ] {
                source[own] = source[own] ?? Self.value(attribute, child, scope)
            }
            self.sources[name] = source
        }
    }

    /// Takes what another has; the other's are stronger.
    mutating func add(_ other: Self) {
        self.sources.merge(other.sources) { $1 }
        self.links.merge(other.links) { $1 }
    }

    /// Whether an element is a database, or a link to one.
    static func isDataSource(_ element: XMLElement, _ scope: FileScope) -> Bool {
        guard element.name == "Resource" || element.name == "ResourceLink" else { return false }
        return self.value("type", element, scope)?.hasSuffix(".sql.DataSource") ?? false
    }

    /// Programs look a resource up below `java:comp/env`.
    private static func bareName(_ name: String) -> String {
        name.hasPrefix("java:comp/env/") ? String(name.dropFirst("java:comp/env/".count)) : name
    }

    private static func value(_ name: String, _ element: XMLElement, _ scope: FileScope) -> String? {
        element.attribute(name).map { scope.resolve($0.value, at: $0.position).trimmingWhitespace() }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
