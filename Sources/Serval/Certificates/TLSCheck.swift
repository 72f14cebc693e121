import Logging
import ServalContainer
import ServalTLS

/// The TLS hosts of one connector as a start builds them, and everything that is to be said about them.
struct TLSCheck {
    let backend: any TLSBackend
    let context: any TLSServerContext
    let findings: [ServerFinding]

    /// Reads keys and certificates; opens no sockets, but asks OCSP responders for what is to be stapled.
    ///
    /// - Throws: why the connector cannot start.
    init(_ tls: TLSEndpointConfiguration, of connector: ConnectorDefinition, loggers: ServerLoggers) throws(TLSError) {
        self.backend = try TLSBackends.backend(named: connector.tlsImplementation)
        let collected = CollectedWarnings(loggers.tls)
        self.context = try self.backend.makeServerContext(tls, logger: collected.logger)
        self.findings = ServerFinding.about(self.context, warnings: collected.end(), of: connector)
    }
}
