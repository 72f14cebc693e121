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
        self.readListeners(element.children("Listener"))
        for resources in element.children("GlobalNamingResources") {
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

    private func readListeners(_ elements: [XMLElement]) {
        var accepted: [String] = []
        for element in elements {
            guard let attribute = element.attribute("className") else {
                self.scope.report(.error, "<Listener> needs the attribute \"className\"", element)
                continue
            }
            let name = self.scope.resolve(attribute.value, at: attribute.position)
            guard KnownClassNames.listeners.contains(name) else {
                self.scope.report(
                    .warning,
                    "the listener \"\(name)\" is not known and is ignored",
                    at: attribute.position,
                    element: element.name,
                    attribute: attribute.name,
                    suggestion: NearestName.find(name, among: KnownClassNames.listeners)
                )
                continue
            }
            let shortName = name.split(separator: ".").last.map(String.init) ?? name
            self.checkListener(shortName, element)
            accepted.append(shortName)
        }
        if let first = elements.first, !accepted.isEmpty {
            self.scope.report(.info, "listeners are accepted and do nothing here: \(accepted.joined(separator: ", "))", first)
        }
    }

    /// Listeners that ask for something that would matter.
    private func checkListener(_ name: String, _ element: XMLElement) {
        func value(_ attribute: String) -> String? {
            element.attribute(attribute).map { self.scope.resolve($0.value, at: $0.position).lowercased() }
        }
        switch name {
        case "AprLifecycleListener", "OpenSSLLifecycleListener":
            if let mode = value("FIPSMode"), mode != "off" {
                self.scope.report(
                    .error,
                    "FIPSMode \"\(mode)\" is not available; set up OpenSSL's FIPS provider for the whole system instead",
                    element
                )
            }
            if let engine = value("SSLEngine"), engine != "on", engine != "off" {
                self.scope.report(.warning, "the OpenSSL engine \"\(engine)\" is not used; OpenSSL's own configuration decides on providers", element)
            }
            if value("useAprConnector") != nil {
                self.scope.report(.warning, "useAprConnector is ignored: there is one transport for all connectors", element)
            }
        case "SecurityListener":
            self.scope.report(.warning, "SecurityListener is not available yet: users and umask are not checked", element)
        case "TLSCertificateReloadListener":
            self.scope.report(.warning, "TLSCertificateReloadListener is not available yet; SIGHUP reloads certificates", element)
        default: break
        }
    }
}
