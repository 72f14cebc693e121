import ServalContainer
import ServalHTTP
import ServalTLS

/// What an application's configuration has to know of the connectors of its service.
struct ServiceConnectors: Sendable {
    /// Whether requests can come over TLS that ends here, or at a proxy in front (`secure="true"`).
    var hasSecure = false
    /// Whether some TLS host trusts somebody, so that clients can sign in with certificates.
    var verifyClients = false
    /// Whether a proxy may tell who clients are (`SSLValve`).
    var hasSSLValve = false
    /// Whether sessions are to be stored with each request (`PersistentValve`).
    var hasPersistentValve = false

    init() {}

    init(_ connectors: [ConnectorDefinition]) {
        self.hasSecure = connectors.contains { $0.tls != nil || $0.configuration.secure }
        self.verifyClients = connectors.contains { $0.tls?.hosts.contains { $0.clientAuthentication.trust != nil } ?? false }
    }

    /// With what the valves of a container add.
    func with(_ valves: [any Valve]) -> ServiceConnectors {
        var copy = self
        copy.hasSSLValve = copy.hasSSLValve || valves.contains { $0 is SSLValve }
        copy.hasPersistentValve = copy.hasPersistentValve || valves.contains { $0 is PersistentValve }
        return copy
    }
}
