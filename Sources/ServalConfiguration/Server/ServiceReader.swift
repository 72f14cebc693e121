import ServalContainer
import ServalHTTP

/// Reads `<Service>` with its executors, connectors and engine.
struct ServiceReader {
    let context: LoadingContext
    let scope: FileScope
    let portOffset: Int

    func read(_ element: XMLElement) -> ServiceDefinition? {
        let attributes = CheckedAttributes(element, table: .service, scope: self.scope)
        self.scope.checkChildren(of: element, known: ["Executor", "Connector", "Engine", "Listener"])
        for listener in element.children("Listener") where !ListenerReader.warnIfMisplaced(listener, in: element, self.scope) {
            self.scope.ignored(listener, because: "listeners of a service do nothing here")
        }
        let executors = self.readExecutors(element.children("Executor"))
        var connectors: [ConnectorDefinition] = []
        for child in element.children("Connector") {
            let reader = ConnectorReader(context: self.context, scope: self.scope, executors: executors, portOffset: self.portOffset)
            if let connector = reader.read(child) { connectors.append(connector) }
        }
        self.checkPorts(connectors, element)
        guard let engineElement = element.child("Engine") else {
            self.scope.report(.error, "<Service> has no <Engine>", element)
            return nil
        }
        if element.children("Engine").count > 1 { self.scope.report(.error, "<Service> has more than one <Engine>", element) }
        let engine = EngineReader(context: self.context, scope: self.scope, connectors: ServiceConnectors(connectors)).read(engineElement)
        var service = ServiceDefinition(engine: engine)
        service.name = attributes.nonEmpty("name") ?? service.name
        service.gracefulStopAwait = attributes.milliseconds("gracefulStopAwaitMillis") ?? .zero
        service.connectors = connectors
        return service
    }

    private func readExecutors(_ elements: [XMLElement]) -> [String: Int] {
        var executors: [String: Int] = [:]
        for element in elements {
            let attributes = CheckedAttributes(element, table: .executor, scope: self.scope)
            guard let name = attributes.nonEmpty("name") else { continue }
            if executors.updateValue(attributes.integer("maxThreads") ?? 200, forKey: name) != nil {
                self.scope.report(.error, "there are two executors with the name \"\(name)\"", element)
            }
        }
        return executors
    }

    /// Two connectors cannot have one port, unless they have different addresses.
    private func checkPorts(_ connectors: [ConnectorDefinition], _ element: XMLElement) {
        var seen: [String: String] = [:]
        for connector in connectors where connector.configuration.port > 0 {
            let key = "\(connector.configuration.address ?? "*"):\(connector.configuration.port)"
            if let first = seen.updateValue(connector.origin ?? "", forKey: key) {
                self.scope.report(
                    .error,
                    "two connectors listen on port \(connector.configuration.port): \(first) and \(connector.origin ?? "")",
                    element
                )
            }
        }
    }
}
