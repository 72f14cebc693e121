import Foundation
import ServalConfiguration
import ServalContainer
import ServalHTTP
import ServalServlet
import ServalSessions
import ServalTLS

/// Describes a definition line by line, leaving out what is as by default, so that golden tests show what a file has changed.
struct DefinitionText {
    private var lines: [String] = []

    static func describe(_ server: ServerDefinition?, _ base: TemporaryBase) -> String {
        guard let server else { return "no server" }
        var text = DefinitionText()
        text.add(0, "server shutdown \(server.shutdownAddress):\(server.shutdownPort) \(server.shutdownCommand)")
        for service in server.services {
            text.add(1, "service \(service.name)")
            for connector in service.connectors { text.describe(connector) }
            text.describe(service.engine)
        }
        return base.normalized(text.lines.joined(separator: "\n"))
    }

    private mutating func add(_ depth: Int, _ line: String) { self.lines.append(String(repeating: "  ", count: depth) + line) }

    private mutating func describe(_ connector: ConnectorDefinition) {
        let own = Self.fields(connector.configuration)
        let usual = Self.fields(ConnectorConfiguration(port: 0))
        let changed = own.filter { field in !usual.contains { $0 == field } }
        let fields = changed.map { " \($0.0)=\($0.1)" }.joined()
        self.add(2, "connector\(fields) from \(connector.origin ?? "-")")
        if let name = connector.tlsImplementation { self.add(3, "implementation \(name)") }
        guard let tls = connector.tls else { return }
        if tls.defaultHostName != "_default_" { self.add(3, "default host \(tls.defaultHostName)") }
        for host in tls.hosts {
            self.add(
                3,
                "tls \(host.hostName) clients \(host.clientAuthentication) protocols \(host.protocols.sorted().map(\.rawValue).joined(separator: ","))"
            )
            let changed = Self.fields(host).filter { field in
                !["hostName", "certificates", "clientAuthentication", "protocols", "origin"].contains(field.0)
                    && !Self.fields(TLSHostConfiguration(certificates: [])).contains { $0 == field }
            }
            for field in changed { self.add(4, "\(field.0) \(field.1)") }
            for certificate in host.certificates {
                self.add(4, "certificate \(certificate.keyType.map(\.rawValue) ?? "-") \(Self.text(certificate.source))")
            }
        }
    }

    private mutating func describe(_ engine: EngineDefinition) {
        self.add(
            2,
            "engine \(engine.name) default \(engine.defaultHost)\(engine.jvmRoute.map { " route \($0)" } ?? "") valves \(engine.valves.count)"
        )
        for host in engine.hosts {
            self.add(3, "host \(([host.name] + host.aliases).joined(separator: ",")) in \(host.applicationBase ?? "-") valves \(host.valves.count)")
            for context in host.contexts {
                self.add(
                    4,
                    "context \(context.path.isEmpty ? "/" : context.path) in \(context.documentRoot ?? "-") application \(context.application?.name ?? "-")"
                )
            }
        }
    }

    /// Passwords are shown, because these tests check that they arrive; nothing else may.
    private static func text(_ source: CertificateConfiguration.Source) -> String {
        func secret(_ source: SecretSource?) -> String {
            switch source {
            case nil: "-"
            case .literal(let text): "'\(text)'"
            case .file(let path): "file:\(path)"
            case .environment(let name): "env:\(name)"
            }
        }
        switch source {
        case .keyStore(let path, let type, let alias, let password, let keyPassword):
            return "store \(path) type \(type ?? "-") alias \(alias ?? "-") password \(secret(password)) key \(secret(keyPassword))"
        case .pem(let certificate, let key, let chain, let keyPassword):
            return "pem \(certificate) key \(key ?? "-") chain \(chain ?? "-") password \(secret(keyPassword))"
        case .token(let place, let alias, let pin):
            return "token \(place.inWords) alias \(alias ?? "-") PIN \(secret(pin))"
        case .identity: return "identity"
        }
    }

    private static func fields(_ value: Any) -> [(String, String)] { Mirror(reflecting: value).children.map { ($0.label ?? "", "\($0.value)") } }
}
