import ServalContainer
import ServalSessions

/// Reads `<Engine>`.
struct EngineReader {
    let context: LoadingContext
    let scope: FileScope
    let connectors: ServiceConnectors

    func read(_ element: XMLElement) -> EngineDefinition {
        var engine = EngineDefinition()
        let attributes = CheckedAttributes(element, table: .engine, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["Host", "Valve", "Realm", "Cluster", "Listener"])
        self.scope.readUnusedContainerParts(of: element)
        engine.name = attributes.nonEmpty("name") ?? engine.name
        engine.defaultHost = (attributes.nonEmpty("defaultHost") ?? engine.defaultHost).lowercased()
        engine.jvmRoute = self.jvmRoute(attributes)
        if let delay = attributes.integer("backgroundProcessorDelay") {
            if delay <= 0 {
                attributes.report(.warning, "without background runs sessions never expire; 10 seconds are taken instead", "backgroundProcessorDelay")
            } else {
                engine.backgroundProcessorDelay = .seconds(delay)
            }
        }
        let valves = ValveReader(context: self.context, scope: self.scope).read(element.children("Valve"))
        engine.valves = valves.valves
        for child in element.children("Host") {
            let connectors = self.connectors.with(engine.valves)
            let reader = HostReader(context: self.context, scope: self.scope, engineName: engine.name, connectors: connectors)
            guard var host = reader.read(child) else { continue }
            if let shows = valves.showsErrorReport, child.children("Valve").isEmpty { host.showsErrorReport = shows }
            engine.hosts.append(host)
        }
        self.checkNames(engine, element, attributes)
        return engine
    }

    private func jvmRoute(_ attributes: CheckedAttributes) -> String? {
        guard let route = attributes.nonEmpty("jvmRoute") ?? self.context.properties.value(of: "jvmRoute"), !route.isEmpty else { return nil }
        do {
            _ = try StandardSessionIDGenerator(route: route)
            return route
        } catch {
            attributes.report(.error, error.message, "jvmRoute")
            return nil
        }
    }

    private func checkNames(_ engine: EngineDefinition, _ element: XMLElement, _ attributes: CheckedAttributes) {
        var names: Set<String> = []
        for host in engine.hosts {
            for name in [host.name] + host.aliases where !names.insert(name).inserted {
                self.scope.report(.error, "two hosts of the engine have the name \"\(name)\"", element)
            }
        }
        if engine.hosts.isEmpty { self.scope.report(.error, "<Engine> has no <Host>", element) }
        if !engine.hosts.isEmpty, !names.contains(engine.defaultHost) {
            attributes.report(
                .error,
                "there is no host \"\(engine.defaultHost)\" for the requests that name no other host",
                "defaultHost",
                suggestion: NearestName.find(engine.defaultHost, among: names.sorted())
            )
        }
    }
}

extension FileScope {
    /// What engines, hosts and contexts may have and Serval does not use.
    func readUnusedContainerParts(of element: XMLElement) {
        for child in element.children {
            switch child.name {
            case "Realm":
                self.ignored(child, because: "users cannot sign in yet; what web.xml restricts to roles answers 403")
            case "Cluster":
                self.ignored(child, because: "sessions are not copied between servers", severity: .warning)
            case "Listener":
                if ListenerReader.warnIfMisplaced(child, in: element, self) { continue }
                self.ignored(child, because: "listeners of containers do nothing here")
            case "Resource" where DataSources.isDataSource(child, self), "ResourceLink" where DataSources.isDataSource(child, self): break
            case "Loader", "Resources", "JarScanner", "WatchedResource", "Environment", "Resource", "ResourceLink", "Transaction", "ResourceEnvRef",
                "Ejb",
                "LocalEjb", "ServiceRef", "MessageDestinationRef", "InstanceListener", "WrapperLifecycle", "WrapperListener":
                self.ignored(child, because: "it has no meaning without a JVM")
            default: break
            }
        }
    }

    static let unusedContextParts: Set<String> = [
        "Realm", "Cluster", "Listener", "Loader", "Resources", "JarScanner", "WatchedResource", "Environment", "Resource", "ResourceLink",
        "Transaction",
        "ResourceEnvRef", "Ejb", "LocalEjb", "ServiceRef", "MessageDestinationRef", "InstanceListener", "WrapperLifecycle", "WrapperListener",
    ]
}
