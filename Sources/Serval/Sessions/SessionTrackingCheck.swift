import ServalContainer
import ServalServlet
import ServalSessions
import ServalTLS

/// Finds applications that track sessions by the TLS session where a connector's TLS implementation has no lasting id for it.
///
/// Such an application would begin a new session with every connection.
enum SessionTrackingCheck {
    /// What `web.xml` says, before anything runs.
    static func problems(of service: ServiceDefinition) -> [String] {
        let paths = service.engine.hosts.flatMap(\.contexts).filter { $0.descriptor.trackingModes?.contains(.ssl) == true }.map(\.path)
        return paths.flatMap { problems(of: $0, service.connectors) }
    }

    /// What the applications have decided when they started.
    static func problems(of service: ServiceContainer) -> [String] {
        let running = service.engine.hosts.flatMap(\.contexts)
        let paths = running.filter { $0.servletContext?.sessionTrackingModes.contains(.ssl) == true }.map(\.path)
        return paths.flatMap { problems(of: $0, service.connectors) }
    }

    private static func problems(of path: String, _ connectors: [ConnectorDefinition]) -> [String] {
        connectors.compactMap { connector in
            guard connector.tls != nil, let backend = try? TLSBackends.backend(named: connector.tlsImplementation), !backend.tracksSessions else {
                return nil
            }
            let place = connector.origin.map { "\($0): " } ?? ""
            return
                "\(place)the application \(path.isEmpty ? "/" : path) has the tracking-mode [SSL], for which the TLS implementation \(backend.name) has no session id; use OpenSSL (sslImplementationName), or cookies"
        }
    }
}
