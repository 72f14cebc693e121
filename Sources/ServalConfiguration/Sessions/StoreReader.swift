import ServalServlet
import ServalSessions

/// Reads `<Store>`.
struct StoreReader {
    let context: LoadingContext
    let scope: FileScope

    /// A store that an application makes when it starts.
    struct Result: Sendable {
        var values: [String: String]
        var secretFile: String
        var encrypts: Bool
        var make: SessionStoreFactory

        func store(at place: SessionPlace, name: ContextName) throws -> any SessionStore {
            let workDirectory = place.workDirectory(of: name)
            return try self.make(
                SessionStoreSettings(
                    attributes: ComponentAttributes(self.values, base: workDirectory),
                    namespace: place.namespace(of: name),
                    workDirectory: workDirectory,
                    base: place.base
                )
            )
        }
    }

    /// The store; `nil` with a line in the log if there is none.
    ///
    /// - Parameter manager: the attributes of its `<Manager>`, which may hold `serval.secretFile` and `serval.encrypt`; the store's own are stronger.
    func read(_ element: XMLElement, in manager: CheckedAttributes) -> Result? {
        let errorsBefore = self.scope.log.errorCount
        let source = self.dataSource(of: element)
        guard self.scope.log.errorCount == errorsBefore, let registration = self.registration(for: element, source) else { return nil }
        var table = registration.table
        let own = Set(table.attributes.map(\.name))
        table.attributes += AttributeTable.store.attributes.filter { !own.contains($0.name) }
        let attributes = CheckedAttributes(element, table: table, scope: self.scope, also: ["className"])
        guard self.scope.log.errorCount == errorsBefore else { return nil }
        var values = attributes.entries.mapValues(\.value)
        values["className"] = nil
        if let source { values.merge(source) { own, _ in own } }
        self.check(values, registration, attributes)
        let holder = attributes.has("serval.secretFile") ? attributes : manager
        let secretFile = ManagerReader.secretFile(holder, base: self.context.base)
        guard self.scope.log.errorCount == errorsBefore else { return nil }
        return Result(
            values: values,
            secretFile: secretFile,
            encrypts: attributes.boolean("serval.encrypt") ?? manager.boolean("serval.encrypt") ?? false,
            make: registration.make
        )
    }

    /// Finds out what is wrong with the values before an application starts with them.
    private func check(_ values: [String: String], _ registration: SessionStoreRegistration, _ attributes: CheckedAttributes) {
        guard let check = registration.check else { return }
        let work = self.context.base + "/work"
        let settings = SessionStoreSettings(
            attributes: ComponentAttributes(values, base: work),
            namespace: "",
            workDirectory: work,
            base: self.context.base
        )
        let place = attributes.has("connectionURL") ? "connectionURL" : "dataSourceName"
        do {
            for warning in try check(settings) { attributes.report(.warning, warning, place) }
        } catch {
            let message = (error as? SessionError)?.message ?? (error as? ConfigurationError)?.message ?? "\(error)"
            let isOfPassword = message.contains("serval.connectionPasswordFile")
            attributes.report(.error, message, isOfPassword ? "serval.connectionPasswordFile" : place)
        }
    }

    /// What the resource that `dataSourceName` names says, as attributes of `<Store>`.
    private func dataSource(of element: XMLElement) -> [String: String]? {
        guard let attribute = element.attribute("dataSourceName"), let name = self.value("dataSourceName", element) else { return nil }
        if let source = self.context.dataSources[name] { return source }
        guard self.value("connectionURL", element) == nil else { return nil }
        self.scope.report(
            .error,
            "there is no <Resource name=\"\(name)\" type=\"javax.sql.DataSource\" url=\"…\"/> in <GlobalNamingResources> or in this <Context>",
            at: attribute.position,
            suggestion: NearestName.find(name, among: self.context.dataSources.names)
        )
        return nil
    }

    private func registration(for element: XMLElement, _ source: [String: String]?) -> SessionStoreRegistration? {
        let registry = self.context.registry
        let className = self.value("className", element)
        if let className, let registration = registry.sessionStores[className] { return registration }
        if className == nil || className.map(KnownClassNames.databaseStores.contains) == true {
            guard let url = self.value("connectionURL", element) ?? source?["connectionURL"] else {
                self.scope.report(.error, "<Store> needs the attribute \"\(className == nil ? "className" : "connectionURL")\"", element)
                return nil
            }
            let scheme = Self.scheme(of: url)
            if let registration = registry.sessionStoresByScheme[scheme] { return registration }
            if KnownClassNames.databaseSchemes.contains(scheme) {
                self.warnOfAbsence("of the kind \"\(scheme):\"", element)
                return nil
            }
            let known = registry.sessionStoresByScheme.keys.sorted()
            self.scope.report(
                .error,
                "there is no store of sessions for the connectionURL of the kind \"\(scheme):\"; known are: \(known.joined(separator: ", "))",
                element,
                suggestion: NearestName.find(scheme, among: known)
            )
            return nil
        }
        if className == KnownClassNames.fileStore {
            self.warnOfAbsence("in files", element)
            return nil
        }
        let names = Set(registry.sessionStores.keys).union(KnownClassNames.databaseStores).union([KnownClassNames.fileStore])
        self.scope.report(
            .error,
            "the store of sessions \"\(className ?? "")\" is not registered",
            element,
            suggestion: NearestName.find(className ?? "", among: names.sorted())
        )
        return nil
    }

    private func warnOfAbsence(_ kind: String, _ element: XMLElement) {
        self.scope.report(.warning, "a store of sessions \(kind) is not part of this server: sessions stay in memory and end with it", element)
    }

    /// `jdbc:mysql` of `jdbc:mysql://…`, `redis` of `redis://…`; never more, because passwords may follow.
    static func scheme(of url: String) -> String {
        let parts = url.lowercased().split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return "" }
        return parts[0] == "jdbc" ? "jdbc:\(parts[1])" : String(parts[0])
    }

    private func value(_ name: String, _ element: XMLElement) -> String? {
        guard let attribute = element.attribute(name) else { return nil }
        let value = self.scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace()
        return value.isEmpty ? nil : value
    }
}
