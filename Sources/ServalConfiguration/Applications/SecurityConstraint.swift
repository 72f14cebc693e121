/// A `<security-constraint>` of `web.xml`.
///
/// Source: Servlet 6.1 §13.8.
struct SecurityConstraint: Sendable, Hashable {
    /// A `<web-resource-collection>`.
    struct Collection: Sendable, Hashable {
        var patterns: [String] = []
        /// Upper case; empty means all but ``omittedMethods``.
        var methods: Set<String> = []
        var omittedMethods: Set<String> = []

        func covers(_ method: String) -> Bool { self.methods.isEmpty ? !self.omittedMethods.contains(method) : self.methods.contains(method) }
    }

    /// Who may: `nil` without `<auth-constraint>`, which is everybody; an empty set is nobody.
    var roles: Set<String>?
    /// `CONFIDENTIAL` or `INTEGRAL`.
    var requiresSecureConnection = false
    var collections: [Collection] = []
}

/// What an application's constraints say about a request.
struct SecurityConstraints: Sendable {
    /// What is to be done.
    enum Decision: Sendable, Hashable {
        case allow
        /// Nobody may.
        case forbid
        /// Only users with one of these roles.
        case signIn(roles: Set<String>)
        /// Only over a secure connection.
        case requireSecureConnection
    }

    let constraints: [SecurityConstraint]
    let deniesUncoveredMethods: Bool

    /// Whether everybody who has signed in has one of these roles.
    ///
    /// `**` is everybody; `*` is every role of the application, and where nobody has roles that is everybody, too. Source: Servlet 6.1 §13.8.1.
    static func admitsEverybody(_ roles: Set<String>) -> Bool { roles.contains("**") || roles.contains("*") }

    /// Decides as Servlet 6.1 §13.8 has it.
    ///
    /// The best pattern for the path is looked for first (exact, longest path, extension, default); all constraints with this pattern count together.
    func decision(path: String, method: String, isSecure: Bool) -> Decision {
        guard let pattern = self.bestPattern(for: path) else { return .allow }
        var covering: [SecurityConstraint] = []
        for constraint in self.constraints {
            let covers = constraint.collections.contains { $0.patterns.contains(pattern) && $0.covers(method) }
            if covers { covering.append(constraint) }
        }
        guard !covering.isEmpty else { return self.deniesUncoveredMethods ? .forbid : .allow }
        if !isSecure, covering.allSatisfy(\.requiresSecureConnection) { return .requireSecureConnection }
        if covering.contains(where: { $0.roles?.isEmpty == true }) { return .forbid }
        if covering.contains(where: { $0.roles == nil }) { return .allow }
        return .signIn(roles: covering.reduce(into: []) { $0.formUnion($1.roles ?? []) })
    }

    private func bestPattern(for path: String) -> String? {
        let patterns = self.constraints.flatMap { $0.collections.flatMap(\.patterns) }
        if patterns.contains(path) && path != "/" { return path }
        if path == "/", patterns.contains("") { return "" }
        var best: String?
        for pattern in patterns where pattern.hasPrefix("/") && pattern.hasSuffix("/*") {
            let prefix = pattern.dropLast(2)
            let matches =
                path.utf8.elementsEqual(prefix.utf8)
                || path.utf8.starts(with: prefix.utf8) && path.utf8.dropFirst(prefix.utf8.count).first == UInt8(ascii: "/")
            if matches, pattern.utf8.count > best?.utf8.count ?? -1 { best = pattern }
        }
        if let best { return best }
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        if let dot = name.lastIndex(of: "."), let found = patterns.first(where: { $0.hasPrefix("*.") && $0.dropFirst() == name[dot...] }) {
            return found
        }
        return patterns.contains("/") ? "/" : nil
    }
}

/// Reads `<security-constraint>`.
struct SecurityConstraintReader {
    let scope: FileScope

    func read(_ element: XMLElement) -> SecurityConstraint? {
        self.scope.checkChildren(
            of: element,
            known: ["display-name", "description", "web-resource-collection", "auth-constraint", "user-data-constraint"]
        )
        var constraint = SecurityConstraint()
        for child in element.children("web-resource-collection") {
            var collection = SecurityConstraint.Collection()
            collection.patterns = child.children("url-pattern").compactMap { self.scope.urlPattern($0) }
            collection.methods = Set(child.children("http-method").map { self.text($0).uppercased() })
            collection.omittedMethods = Set(child.children("http-method-omission").map { self.text($0).uppercased() })
            if !collection.methods.isEmpty, !collection.omittedMethods.isEmpty {
                self.scope.report(.error, "<web-resource-collection> has <http-method> and <http-method-omission>; it can have one of them", child)
            }
            constraint.collections.append(collection)
        }
        if constraint.collections.allSatisfy(\.patterns.isEmpty) {
            self.scope.report(.error, "<security-constraint> has no <url-pattern> that it could be about", element)
        }
        if let child = element.child("auth-constraint") { constraint.roles = Set(child.children("role-name").map { self.text($0) }) }
        if let guarantee = element.child("user-data-constraint")?.child("transport-guarantee") {
            switch self.text(guarantee).uppercased() {
            case "NONE": break
            case "CONFIDENTIAL", "INTEGRAL": constraint.requiresSecureConnection = true
            default:
                self.scope.report(
                    .error,
                    "<transport-guarantee> has to be one of NONE, INTEGRAL, CONFIDENTIAL, found \"\(self.text(guarantee))\"",
                    guarantee,
                    suggestion: NearestName.find(self.text(guarantee), among: ["NONE", "INTEGRAL", "CONFIDENTIAL"])
                )
                constraint.requiresSecureConnection = true
            }
        }
        return constraint
    }

    private func text(_ element: XMLElement) -> String { self.scope.resolve(element.trimmedText, at: element.position) }
}
