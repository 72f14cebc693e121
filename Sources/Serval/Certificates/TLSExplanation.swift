public import Logging
public import ServalContainer
import ServalKeyStore
public import ServalTLS

/// What a client that asks for a server name gets from one TLS connector, and why.
public struct TLSExplanation: Sendable {
    /// The connector, `https-8443`.
    public var connector: String
    /// Where it stands in its file; nil if it comes from a program.
    public var origin: String?
    /// The TLS implementation.
    public var implementation: String
    /// The server name that was asked about; nil for a client that sends none.
    public var serverName: String?
    /// Why this host serves it, in words.
    public var reason: String
    /// How the host speaks.
    public var host: TLSHostDescription
    /// The names of all TLS hosts of the connector.
    public var hostNames: [String]
    /// Whether requests for hosts of another TLS host are refused (`strictSni`).
    public var isStrict: Bool
    /// What clients will not like about the certificates, and what else a start would say about the host, the worst first.
    public var findings: [PresentedCertificate.Finding]
}

extension Server {
    /// Explains what a client of each TLS connector would get, without starting anything.
    ///
    /// Reads key stores and certificates as a start would; uses no network, so that of OCSP answers only those are known that an earlier start has kept on
    /// disk.
    ///
    /// - Parameters:
    ///   - serverName: what the client asks for (SNI); nil for one that sends none. Clients send names only, so an IP address is taken as none.
    ///   - port: only the connector with this port; nil for all.
    /// - Returns: an explanation for each TLS connector, or why it would not start; before them, what else would keep the server from starting.
    public static func explainTLS(
        of definition: ServerDefinition,
        serverName: String?,
        port: Int? = nil,
        logger: Logger? = nil
    ) -> [Result<TLSExplanation, ServerStartError>] {
        let loggers = ServerLoggers(logger)
        var results: [Result<TLSExplanation, ServerStartError>] = []
        let problems = self.problems(besideTLS: definition, loggers).map(\.description)
        if !problems.isEmpty { results.append(.failure(ServerStartError(problems: problems))) }
        for connector in definition.services.flatMap(\.connectors) {
            guard let tls = connector.tls, port == nil || connector.configuration.port == port else { continue }
            do throws(TLSError) {
                let check = try TLSCheck.withoutStart(tls, of: connector, loggers: loggers)
                results.append(.success(TLSExplanation(connector, check, serverName: serverName)))
            } catch {
                results.append(.failure(ServerStartError(problems: [Self.problem(error, of: connector)])))
            }
        }
        return results
    }
}

extension TLSExplanation {
    fileprivate init(_ connector: ConnectorDefinition, _ check: TLSCheck, serverName: String?) {
        self.connector = connector.name
        self.origin = connector.origin
        self.implementation = check.backend.name
        let context = check.context
        let isAddress = serverName.map(HostName.isAddress) ?? false
        self.serverName = isAddress ? nil : serverName
        let hosts = context.hostDescriptions
        let (position, choice) = context.hostNames.choice(for: self.serverName)
        self.host = hosts[position]
        self.hostNames = hosts.map(\.hostName)
        self.isStrict = connector.configuration.strictSNI
        let host = self.host.hostName
        let findings = check.findings.filter { $0.hostName == nil || $0.hostName == host }
        self.findings = findings.map { .init(severity: $0.severity, message: $0.message) }.sorted { $0.severity > $1.severity }
        switch choice {
        case .exactName: self.reason = "an SSLHostConfig has this hostName"
        case .wildcard: self.reason = "no SSLHostConfig has this hostName, and the wildcard covers it"
        case .noServerName where isAddress:
            self.reason = "clients send no server name for an IP address; this is the default (defaultSSLHostConfigName)"
        case .noServerName: self.reason = "the client sends no server name; this is the default (defaultSSLHostConfigName)"
        case .unknownName: self.reason = "no SSLHostConfig has this hostName; this is the default (defaultSSLHostConfigName)"
        }
        // The default host stands for any name, so its certificate has to be judged by the name asked for.
        guard let serverName = self.serverName else { return }
        for certificate in self.host.certificates where self.host.hostName == TLSHostConfiguration.defaultHostName || choice == .wildcard {
            guard !certificate.covers(serverName) else { continue }
            let names = certificate.names.isEmpty ? "no names" : certificate.names.joined(separator: ", ")
            self.findings.insert(
                .init(severity: .warning, message: "The certificate is not for [\(serverName)] but for \(names): clients will refuse it."),
                at: 0
            )
        }
    }
}
