public import ServalHTTP
public import ServalTLS

/// What a server consists of: `<Server>` of `server.xml`, or the same in Swift.
///
/// Values only; ``ServerContainer`` runs it.
public struct ServerDefinition: Sendable {
    /// The port of the shutdown command; -1 (the default when embedding) turns it off.
    ///
    /// `server.xml`'s default is 8005.
    public var shutdownPort = -1
    /// The address of the shutdown port.
    ///
    /// Default `localhost`.
    public var shutdownAddress = "localhost"
    /// The text that shuts the server down.
    ///
    /// Default `SHUTDOWN`.
    public var shutdownCommand = "SHUTDOWN"
    /// The services.
    public var services: [ServiceDefinition] = []
    /// When certificates that are about to expire are loaded again (`TLSCertificateReloadListener`); `nil` for never.
    public var certificateReload: CertificateReloadDefinition?
    /// The `FIPSMode` of a listener (`on`, `require`, `enter`): the server starts only if OpenSSL uses its FIPS provider.
    ///
    /// `nil` for `off`.
    public var fipsMode: String?

    /// A server without services.
    public init() {}
}

/// When certificates that are about to expire are loaded again: `<Listener className="…TLSCertificateReloadListener"/>`.
public struct CertificateReloadDefinition: Sendable, Hashable {
    /// How often certificates are looked at (`checkPeriod`).
    ///
    /// Default one day.
    public var checkPeriod: Duration = .seconds(86400)
    /// A certificate that expires in this many days or fewer is loaded again.
    ///
    /// Default 14.
    public var daysBefore = 14

    /// Tomcat's defaults.
    public init() {}
}

/// Connectors and the engine that answers them: `<Service>`.
public struct ServiceDefinition: Sendable {
    /// The name.
    ///
    /// Default `Catalina`.
    public var name = "Catalina"
    /// The connectors.
    public var connectors: [ConnectorDefinition] = []
    /// The engine.
    public var engine: EngineDefinition
    /// How long a stopping service waits for requests in progress; at least as long as the server's own drain time.
    public var gracefulStopAwait: Duration = .zero

    /// A service.
    public init(engine: EngineDefinition) { self.engine = engine }
}

/// A connector with its TLS hosts: `<Connector>`.
public struct ConnectorDefinition: Sendable {
    /// Sockets, limits and time-outs.
    public var configuration: ConnectorConfiguration
    /// The TLS hosts; `nil` for plain HTTP.
    public var tls: TLSEndpointConfiguration?
    /// The name of the TLS backend (`sslImplementationName`); `nil` for the default.
    public var tlsImplementation: String?
    /// Where the connector stands in its file, `conf/server.xml:42`, for messages.
    public var origin: String?

    /// A connector.
    public init(configuration: ConnectorConfiguration, tls: TLSEndpointConfiguration? = nil) {
        self.configuration = configuration
        self.tls = tls
    }
}

/// The engine of a service: `<Engine>`.
public struct EngineDefinition: Sendable {
    /// The name.
    ///
    /// Default `Catalina`.
    public var name = "Catalina"
    /// The host for requests that name no known host.
    ///
    /// Default `localhost`.
    public var defaultHost = "localhost"
    /// What is appended to session ids for sticky load balancing.
    ///
    /// Default none.
    public var jvmRoute: String?
    /// The interval of background work such as session expiry.
    ///
    /// Default 10 s.
    public var backgroundProcessorDelay: Duration = .seconds(10)
    /// The engine's valves, in order.
    public var valves: [any Valve] = []
    /// The virtual hosts.
    public var hosts: [HostDefinition] = []

    /// An engine without hosts.
    public init() {}
}

/// A virtual host: `<Host>`.
public struct HostDefinition: Sendable {
    /// The name, in lower case; `*.example.com` matches one label.
    public var name: String
    /// Further names.
    public var aliases: [String] = []
    /// The folder of its applications, absolute; `nil` for none.
    public var applicationBase: String?
    /// The host's valves, in order.
    public var valves: [any Valve] = []
    /// What the host's own error pages tell: `ErrorReportValve`'s `showReport`.
    ///
    /// Default `false`: nothing internal is shown, unlike Tomcat.
    public var showsErrorReport = false
    /// `ErrorReportValve`'s `showServerInfo`.
    ///
    /// Default `false`, unlike Tomcat.
    public var showsServerInfo = false
    /// The contexts.
    public var contexts: [ContextDefinition] = []

    /// A host without contexts.
    public init(name: String) { self.name = name }
}
