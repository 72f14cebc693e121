import Logging
import ServalContainer
import ServalTLS

/// The TLS hosts of one connector as a start builds them, and everything that is to be said about them.
struct TLSCheck {
    let backend: any TLSBackend
    let context: any TLSServerContext
    let findings: [ServerFinding]

    /// The same without a start: no network is used, and a folder for OCSP answers only if there is one.
    static func withoutStart(_ tls: TLSEndpointConfiguration, of connector: ConnectorDefinition, loggers: ServerLoggers) throws(TLSError) -> TLSCheck
    {
        var tls = tls
        if let directory = tls.stapleDirectory, (try? directoryEntries(directory)) == nil { tls.stapleDirectory = nil }
        tls.asksResponders = false
        return try TLSCheck(tls, of: connector, loggers: loggers)
    }

    /// Reads keys and certificates, and asks OCSP responders for what is to be stapled unless the configuration says that nobody is asked.
    ///
    /// - Throws: why the connector cannot start.
    init(_ tls: TLSEndpointConfiguration, of connector: ConnectorDefinition, loggers: ServerLoggers) throws(TLSError) {
        self.backend = try TLSBackends.backend(named: connector.tlsImplementation)
        let collected = CollectedWarnings(loggers.tls)
        self.context = try self.backend.makeServerContext(tls, logger: collected.logger)
        self.findings = ServerFinding.about(self.context, warnings: collected.end(), of: connector)
    }
}
