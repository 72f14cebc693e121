import ServalContainer

/// Reads `conf/server.xml`.
struct ServerReader {
    let context: LoadingContext
    let scope: FileScope

    func read(_ element: XMLElement) -> ServerDefinition {
        var server = ServerDefinition()
        let attributes = CheckedAttributes(element, table: .server, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["Listener", "GlobalNamingResources", "Service"])
        let portOffset = attributes.integer("portOffset") ?? 0
        server.shutdownPort = Self.shifted(attributes.integer("port") ?? 8005, by: portOffset)
        server.shutdownAddress = attributes.nonEmpty("address") ?? server.shutdownAddress
        if let command = attributes.text("shutdown") {
            if command.isEmpty, server.shutdownPort > 0 {
                attributes.report(.error, "the attribute \"shutdown\" of <Server> must not be empty while the shutdown port is open", "shutdown")
            }
            server.shutdownCommand = command
        }
        ListenerReader(scope: self.scope).read(element.children("Listener"), into: &server)
        for resources in element.children("GlobalNamingResources") {
            // Databases are for the stores of sessions.
            guard resources.children.contains(where: { !DataSources.isDataSource($0, self.scope) }) else { continue }
            self.scope.ignored(resources, because: "JNDI resources have no meaning without a JVM, and users are not read from it yet")
        }
        var names: Set<String> = []
        for child in element.children("Service") {
            guard let service = ServiceReader(context: self.context, scope: self.scope, portOffset: portOffset).read(child) else { continue }
            if !names.insert(service.name).inserted { self.scope.report(.error, "there are two services with the name \"\(service.name)\"", child) }
            server.services.append(service)
        }
        if element.children("Service").isEmpty { self.scope.report(.error, "<Server> has no <Service>", element) }
        return server
    }

    static func shifted(_ port: Int, by offset: Int) -> Int { port > 0 ? port + offset : port }
}
