import Logging
import NIOCore
import ServalContainer
import ServalHTTP
import ServalTLS

/// A connector with what is needed to reload its certificates.
struct RunningConnector: Sendable {
    let connector: Connector
    let definition: ConnectorDefinition
    let backend: (any TLSBackend)?
    let contextReference: TLSContextReference?

    /// Reads keys and certificates; binds nothing yet.
    ///
    /// - Throws: `TLSError` with path and cause.
    init(_ definition: ConnectorDefinition, handler: any RequestHandler, eventLoopGroup: any EventLoopGroup, loggers: ServerLoggers) throws(TLSError)
    {
        self.definition = definition
        if let tls = definition.tls {
            let backend = try TLSBackends.backend(named: definition.tlsImplementation)
            let context = try backend.makeServerContext(tls, logger: loggers.tls)
            self.backend = backend
            self.contextReference = TLSContextReference(context)
            Self.log(context, of: definition, loggers)
        } else {
            self.backend = nil
            self.contextReference = nil
        }
        self.connector = Connector(
            configuration: definition.configuration,
            handler: handler,
            tls: self.contextReference,
            eventLoopGroup: eventLoopGroup,
            logger: loggers.http,
            handshakeLogger: loggers.handshake
        )
    }

    /// What log lines call the connector: `http-8080`, `https-8443`.
    var name: String { "\(self.definition.tls == nil ? "http" : "https")-\(self.connector.localPort ?? self.definition.configuration.port)" }

    /// Tomcat's lines about what its TLS hosts present.
    private static func log(_ context: any TLSServerContext, of definition: ConnectorDefinition, _ loggers: ServerLoggers) {
        // The port that the system will choose is not known yet.
        let port = definition.configuration.port == 0 ? "auto" : "\(definition.configuration.port)"
        for certificate in context.certificates { certificate.log(connector: "https-\(port)", to: loggers.certificate) }
        for line in context.summary { loggers.tls.debug("\(line)") }
    }

    /// Whether both have the same address and port, so that only one can listen.
    func wouldCollide(with other: RunningConnector) -> Bool {
        let own = self.definition.configuration
        let others = other.definition.configuration
        return own.port != 0 && own.port == others.port && own.address == others.address
    }

    /// Reads keys and certificates again; on failure the old ones stay.
    func reloadCertificates(loggers: ServerLoggers) {
        guard let backend, let contextReference, let tls = self.definition.tls else { return }
        do {
            try contextReference.reload(tls, backend: backend, logger: loggers.tls)
            loggers.tls.notice("certificates reloaded", metadata: ["serval.connector": "\(self.name)"])
            Self.log(contextReference.current, of: self.definition, loggers)
        } catch {
            loggers.tls.error(
                "certificates not reloaded, the old ones stay in use",
                metadata: ["serval.connector": "\(self.name)", "serval.cause": "\(error.origin.map { "\($0): " } ?? "")\(error)"]
            )
        }
    }
}
