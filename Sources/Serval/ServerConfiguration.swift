public import ServalContainer
public import ServalHTTP
public import ServalTLS

/// What a server that is embedded in an application consists of.
///
/// One service, one engine, one host; for more, or for Tomcat's files, make it from a ``ServerDefinition``.
public struct ServerConfiguration: Sendable {
    /// A socket that the server listens on.
    public struct Connector: Sendable {
        /// Sockets, limits and time-outs.
        public var configuration: ConnectorConfiguration
        /// The TLS hosts; empty for plain HTTP.
        public var tlsHosts: [TLSHostConfiguration]
        /// How often key and certificate files are looked at, to load them again when they have changed; `nil` = never.
        ///
        /// Default 10 s.
        public var certificateWatchInterval: Duration? = .seconds(10)
        /// The TLS implementation by a name of `sslImplementationName`.
        ///
        /// Default `nil`: OpenSSL.
        public var tlsImplementation: String?

        /// Plain HTTP on all addresses.
        ///
        /// Port 0 chooses a free one.
        public static func http(port: Int, address: String? = nil) -> Self { .init(port: port, address: address, tlsHosts: []) }

        /// HTTPS on all addresses; one host must be named `_default_`, the default name.
        public static func https(port: Int, address: String? = nil, hosts: [TLSHostConfiguration]) -> Self {
            .init(port: port, address: address, tlsHosts: hosts)
        }

        private init(port: Int, address: String?, tlsHosts: [TLSHostConfiguration]) {
            self.configuration = ConnectorConfiguration(port: port)
            self.configuration.address = address
            self.tlsHosts = tlsHosts
        }
    }

    /// The connectors.
    public var connectors: [Connector] = []
    /// The engine's valves, in order.
    public var valves: [any Valve] = []
    /// What is appended to session ids for sticky load balancing.
    ///
    /// Default none.
    public var jvmRoute: String?

    /// Where OCSP answers about the server's own certificates are kept over restarts; the folder is made if the one above it exists.
    ///
    /// Default `nil`: in memory only, because a library should not write where nobody has told it to. Then each start asks the authority's responder, and
    /// a certificate with must-staple cannot be served while it does not answer. A server that runs from a base directory uses `work/ocsp`.
    public var stapleDirectory: String?
    /// When certificates that are about to expire are loaded again, whether or not their files have changed (`TLSCertificateReloadListener`).
    ///
    /// Default `nil`: never; files are watched, see ``Connector/certificateWatchInterval``.
    public var certificateReload: CertificateReloadDefinition?

    /// A configuration without connectors.
    public init() {}

    /// The same as a definition, with `applications` mounted at their paths.
    func definition(applications: [WebApplication]) -> ServerDefinition {
        var host = HostDefinition(name: "localhost")
        let hasSecureConnector = self.connectors.contains { !$0.tlsHosts.isEmpty || $0.configuration.secure }
        host.contexts = applications.map { application in
            var context = ContextDefinition(path: application.path)
            context.application = application
            context.hasSecureConnector = hasSecureConnector
            return context
        }
        var engine = EngineDefinition()
        engine.valves = self.valves
        engine.jvmRoute = self.jvmRoute
        engine.hosts = [host]
        var service = ServiceDefinition(engine: engine)
        service.connectors = self.connectors.map { connector in
            guard !connector.tlsHosts.isEmpty else { return ConnectorDefinition(configuration: connector.configuration) }
            var tls = TLSEndpointConfiguration(hosts: connector.tlsHosts)
            tls.fileWatchInterval = connector.certificateWatchInterval
            tls.stapleDirectory = self.stapleDirectory
            if connector.configuration.http2 != nil { tls.alpnProtocols.insert("h2", at: 0) }
            var definition = ConnectorDefinition(configuration: connector.configuration, tls: tls)
            definition.tlsImplementation = connector.tlsImplementation
            return definition
        }
        var server = ServerDefinition()
        server.services = [service]
        server.certificateReload = self.certificateReload
        return server
    }
}
