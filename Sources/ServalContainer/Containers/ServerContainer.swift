public import Logging
public import ServalServlet

/// Runs what a ``ServerDefinition`` describes, except sockets: whoever opens them gives each connector its service's ``Engine`` as handler.
public final class ServerContainer: Sendable {
    /// The services in the order of the definition.
    public let services: [ServiceContainer]

    /// A server that is not started.
    ///
    /// - Throws: ``ConfigurationError`` for hosts or contexts that have the same name or path, and for a default host that does not exist.
    public init(_ definition: ServerDefinition, logger: Logger) throws(ConfigurationError) {
        var services: [ServiceContainer] = []
        for service in definition.services { services.append(try ServiceContainer(service, logger: logger)) }
        self.services = services
    }

    /// Starts the services in order.
    ///
    /// A context that fails to start is logged and answers 404; the others run.
    ///
    /// - Throws: what a valve of an engine or host throws when it starts; whatever has been started is stopped again.
    public func start() async throws {
        var started: [ServiceContainer] = []
        do {
            for service in self.services {
                try await service.engine.start()
                started.append(service)
            }
        } catch {
            for service in started.reversed() { await service.engine.stop() }
            throw error
        }
    }

    /// Stops all services at once: how long it takes is a matter of the slowest application, not of how many there are.
    ///
    /// Call it when the connectors have no more requests.
    public func stop() async {
        await withTaskGroup { group in
            for service in self.services { group.addTask { await service.engine.stop() } }
        }
    }
}

/// Runs a ``ServiceDefinition``: names the connectors to open and the engine that answers them.
public final class ServiceContainer: Sendable {
    /// The name.
    public let name: String
    /// The connectors that somebody has to open.
    public let connectors: [ConnectorDefinition]
    /// How long stopping waits for requests in progress.
    public let gracefulStopAwait: Duration
    /// Answers the connectors' requests.
    public let engine: Engine

    init(_ definition: ServiceDefinition, logger: Logger) throws(ConfigurationError) {
        self.name = definition.name
        self.connectors = definition.connectors
        self.gracefulStopAwait = definition.gracefulStopAwait
        self.engine = try Engine(definition.engine, logger: logger)
    }
}
