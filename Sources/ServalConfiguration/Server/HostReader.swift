import ServalContainer
import ServalTLS

/// Reads `<Host>` and finds its applications.
struct HostReader {
    let context: LoadingContext
    let scope: FileScope
    let engineName: String
    let connectors: ServiceConnectors

    func read(_ element: XMLElement) -> HostDefinition? {
        let attributes = CheckedAttributes(element, table: .host, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["Alias", "Context", "Valve", "Realm", "Cluster", "Listener"])
        self.scope.readUnusedContainerParts(of: element)
        guard let name = attributes.nonEmpty("name")?.lowercased() else { return nil }
        var host = HostDefinition(name: name)
        for alias in element.children("Alias") {
            let text = self.scope.resolve(alias.trimmedText, at: alias.position).lowercased()
            if text.isEmpty {
                self.scope.report(.error, "<Alias> has to contain a host name", alias)
            } else if text != name, !host.aliases.contains(text) {
                host.aliases.append(text)
            }
        }
        let valves = ValveReader(context: self.context, scope: self.scope).read(element.children("Valve"))
        host.valves = valves.valves
        host.showsErrorReport = valves.showsErrorReport ?? host.showsErrorReport
        host.showsServerInfo = valves.showsServerInfo ?? host.showsServerInfo
        let applicationBase = FilePath.absolute(attributes.nonEmpty("appBase") ?? "webapps", base: self.context.base)
        host.applicationBase = applicationBase
        let deployment = Deployment(
            context: self.context,
            scope: self.scope,
            applicationBase: applicationBase,
            descriptorBase: attributes.path("xmlBase", base: self.context.base)
                ?? FilePath.absolute("conf/\(self.engineName)/\(name)", base: self.context.base),
            deploysXML: attributes.boolean("deployXML") ?? true,
            ignores: self.deployIgnore(attributes),
            findsApplications: attributes.boolean("deployOnStartup") ?? true || attributes.boolean("autoDeploy") ?? true,
            connectors: self.connectors.with(host.valves),
            sessions: SessionPlace(engine: self.engineName, host: name, base: self.context.base)
        )
        host.contexts = deployment.contexts(declared: element.children("Context"))
        return host
    }

    private func deployIgnore(_ attributes: CheckedAttributes) -> Regex<AnyRegexOutput>? {
        guard let pattern = attributes.nonEmpty("deployIgnore") else { return nil }
        do {
            return try Regex(pattern)
        } catch {
            attributes.report(.error, "deployIgnore is not a regular expression", "deployIgnore")
            return nil
        }
    }
}
