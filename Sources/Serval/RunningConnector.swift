import Logging
import NIOCore
import ServalContainer
import ServalHTTP
import ServalTLS

/// A connector with its certificates.
struct RunningConnector: Sendable {
    let connector: Connector
    let definition: ConnectorDefinition
    /// Nil for plain HTTP.
    let certificates: ConnectorCertificates?

    /// Reads keys and certificates; binds nothing yet.
    ///
    /// - Throws: `TLSError` with path and cause.
    init(
        _ definition: ConnectorDefinition,
        handler: any RequestHandler,
        certificateReload: CertificateReloadDefinition?,
        eventLoopGroup: any EventLoopGroup,
        loggers: ServerLoggers
    ) throws(TLSError) {
        self.definition = definition
        if let tls = definition.tls {
            self.certificates = try ConnectorCertificates(tls, of: definition, daysBefore: certificateReload?.daysBefore, loggers: loggers)
        } else {
            self.certificates = nil
        }
        self.connector = Connector(
            configuration: definition.configuration,
            handler: handler,
            tls: self.certificates?.context,
            eventLoopGroup: eventLoopGroup,
            logger: loggers.http,
            handshakeLogger: loggers.handshake,
            handshakeObserver: { TLSMetrics.shared.count($0) }
        )
    }

    /// What log lines call the connector: `http-8080`, `https-8443`.
    var name: String { "\(self.definition.tls == nil ? "http" : "https")-\(self.connector.localPort ?? self.definition.configuration.port)" }

    /// Whether both have the same address and port, so that only one can listen.
    func wouldCollide(with other: RunningConnector) -> Bool {
        let own = self.definition.configuration
        let others = other.definition.configuration
        return own.port != 0 && own.port == others.port && own.address == others.address
    }

    /// Reads keys and certificates again; on failure the old ones stay.
    ///
    /// Nil for plain HTTP.
    func reloadCertificates(_ trigger: CertificateReload.Trigger) -> CertificateReload? {
        self.certificates?.reload(trigger, connector: self.name)
    }

    /// Reads keys and certificates again if their files have changed; nil if they have not.
    func lookForChanges() -> CertificateReload? {
        guard let certificates, certificates.watchInterval != nil else { return nil }
        return certificates.look(connector: self.name)
    }

    /// Reads keys and certificates again if one of the certificates expires soon; nil if none does.
    func renewCertificates() -> CertificateReload? { self.certificates?.renew(connector: self.name) }
}
