import ServalContainer
public import ServalKeyStore
import ServalTLS

/// Something about a server that its operator should know.
///
/// A start, `serval configtest` and `serval tls explain` find the same, because they ask the same code.
public struct ServerFinding: Sendable, Hashable, CustomStringConvertible {
    /// How bad it is.
    ///
    /// `.error`: it keeps the server from starting. `.warning`: the server starts, and clients may refuse it, or it may not be what was meant, or not for long.
    public var severity: KeyStoreFinding.Severity
    /// Whether the server does not start.
    public var keepsFromStarting: Bool
    /// Where the setting stands that it is about, `conf/server.xml:42`; nil if it comes from a program.
    public var origin: String?
    /// The connector, `https-8443`; nil for the server as a whole.
    public var connector: String?
    /// The TLS host; nil if it is not about one.
    public var hostName: String?
    /// What is the matter, in one sentence.
    public var message: String

    /// Place, connector, host and message in one line.
    public var description: String {
        var text = origin.map { "\($0): " } ?? ""
        if let connector { text += "Connector [\(connector)]: " }
        if let hostName { text += "SSLHostConfig [\(hostName)]: " }
        return text + message
    }
}

extension ServerFinding {
    /// What keeps the server from starting.
    ///
    /// - Parameter words: with the place in front if it is known.
    static func problem(_ words: String) -> ServerFinding {
        ServerFinding(severity: .error, keepsFromStarting: true, message: words)
    }

    /// What is to be said about a connector's hosts as they have been built, host by host.
    ///
    /// - Parameter warnings: what the TLS implementation said meanwhile.
    static func about(_ context: any TLSServerContext, warnings: [String], of connector: ConnectorDefinition) -> [ServerFinding] {
        warnings.map { ServerFinding(warning: $0, of: connector) }
            + context.hostDescriptions.flatMap(\.certificates).flatMap { Self.about($0, of: connector) }
    }

    /// What is to be said about a certificate.
    static func about(_ certificate: PresentedCertificate, of connector: ConnectorDefinition) -> [ServerFinding] {
        certificate.findings().map { finding in
            ServerFinding(
                // A server starts with a certificate that clients refuse: what else it serves goes on.
                severity: min(finding.severity, .warning),
                keepsFromStarting: false,
                origin: certificate.origin?.place(of: "certificateFile", "certificateKeystoreFile") ?? connector.origin,
                connector: connector.name,
                hostName: certificate.hostName,
                message: finding.message
            )
        }
    }

    /// A TLS implementation's line: `conf/server.xml:42: SSLHostConfig [name]: words`, or words alone.
    init(warning line: String, of connector: ConnectorDefinition) {
        self.init(severity: .warning, keepsFromStarting: false, origin: connector.origin, connector: connector.name, message: line)
        guard let start = line.firstRange(of: "SSLHostConfig ["), let end = line[start.upperBound...].firstRange(of: "]: ") else { return }
        let place = line[..<start.lowerBound]
        guard place.isEmpty || place.hasSuffix(": ") else { return }
        if !place.isEmpty { self.origin = String(place.dropLast(2)) }
        self.hostName = String(line[start.upperBound..<end.lowerBound])
        self.message = String(line[end.upperBound...])
    }
}

extension ConnectorDefinition {
    /// What log lines call it before it listens: `http-8080`, `https-8443`; `https-auto` if the system will choose the port.
    var name: String { "\(self.tls == nil ? "http" : "https")-\(self.configuration.port == 0 ? "auto" : "\(self.configuration.port)")" }
}
