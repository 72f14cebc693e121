import ServalContainer
import ServalServlet

/// Reads the `<Valve>`s of an engine, a host or a context.
struct ValveReader {
    let context: LoadingContext
    let scope: FileScope

    /// What the valves of one container come to.
    struct Result {
        var valves: [any Valve] = []
        /// `showReport` and `showServerInfo` of an ErrorReportValve, which is not a valve here but a setting of the host.
        var showsErrorReport: Bool?
        var showsServerInfo: Bool?
    }

    static let errorReportValve = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.ErrorReportValve",
        summary: "What the host's own error pages tell.",
        attributes: [
            AttributeDefinition("className", .className, isRequired: true),
            AttributeDefinition("showReport", .boolean, default: "false", note: "true in Tomcat; nothing internal is shown here"),
            AttributeDefinition("showServerInfo", .boolean, default: "false", note: "true in Tomcat"),
        ]
    )

    func read(_ elements: [XMLElement]) -> Result {
        var result = Result()
        for element in elements { self.read(element, into: &result) }
        return result
    }

    private func read(_ element: XMLElement, into result: inout Result) {
        guard let attribute = element.attribute("className") else {
            self.scope.report(.error, "<Valve> needs the attribute \"className\"", element)
            return
        }
        let name = self.scope.resolve(attribute.value, at: attribute.position).trimmingWhitespace()
        func report(_ severity: Diagnostic.Severity, _ message: String, suggestion: String? = nil) {
            self.scope.report(severity, message, at: attribute.position, element: element.name, attribute: attribute.name, suggestion: suggestion)
        }
        if let registration = self.context.registry.valves[name] {
            if let valve = self.make(registration, element) { result.valves.append(valve) }
        } else if name == Self.errorReportValve.className {
            let attributes = CheckedAttributes(element, table: Self.errorReportValve, scope: self.scope)
            result.showsErrorReport = attributes.boolean("showReport") ?? false
            result.showsServerInfo = attributes.boolean("showServerInfo") ?? false
        } else if name == AttributeTable.sslAuthenticator.className {
            report(.error, "the valve \"\(name)\" works only inside <Context>, as in Tomcat")
        } else if KnownClassNames.protectiveValves.contains(name) {
            report(.error, "the valve \"\(name)\" is not available yet, and it cannot be left out, because it decides who is let in")
        } else if KnownClassNames.harmlessValves.contains(name) {
            report(.warning, "the valve \"\(name)\" is not available yet and is left out")
        } else {
            let names = Set(self.context.registry.valves.keys).union(KnownClassNames.harmlessValves).union(KnownClassNames.protectiveValves)
                .union([Self.errorReportValve.className ?? ""])
            report(.error, "the valve \"\(name)\" is not registered", suggestion: NearestName.find(name, among: names.sorted()))
        }
    }

    private func make(_ registration: ComponentRegistry.ValveRegistration, _ element: XMLElement) -> (any Valve)? {
        let errorsBefore = self.scope.log.errorCount
        var values: [String: String] = [:]
        if let table = registration.table {
            for (name, entry) in CheckedAttributes(element, table: table, scope: self.scope, also: ["className"]).entries {
                values[name] = entry.value
            }
        } else {
            for attribute in element.attributes { values[attribute.name] = self.scope.resolve(attribute.value, at: attribute.position) }
        }
        values["className"] = nil
        if values["cookieName"] == nil, registration.table?.className == SessionValveRegistrations.singleSignOn.className {
            values["cookieName"] = SystemProperties(self.context.properties).singleSignOnCookieName
        }
        guard self.scope.log.errorCount == errorsBefore else { return nil }
        do {
            return try registration.make(ComponentAttributes(values, base: self.context.base))
        } catch {
            self.scope.report(.error, "the valve \"\(element.attribute("className")?.value ?? "")\" cannot be made: \(error)", element)
            return nil
        }
    }
}
