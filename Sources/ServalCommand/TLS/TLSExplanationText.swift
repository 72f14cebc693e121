import FoundationEssentials
import Serval
import ServalKeyStore
import ServalTLS

/// How explanations look: lines for people, JSON for programs.
enum TLSExplanationText {
    /// Several lines, with a line end after the last.
    static func text(_ explanation: TLSExplanation) -> String {
        var lines: [(name: String, value: String)] = [
            ("server name", explanation.serverName ?? "none"),
            ("TLS host", "\(explanation.host.hostName): \(explanation.reason)"),
        ]
        if explanation.hostNames.count > 1 { lines.append(("all TLS hosts", explanation.hostNames.joined(separator: ", "))) }
        for certificate in explanation.host.certificates {
            lines.append(("certificate", "\(certificate.fields.publicKeyDescription), subject [\(certificate.fields.subject)]"))
            lines.append(("", "for \(certificate.names.isEmpty ? "no names" : certificate.names.joined(separator: ", "))"))
            lines.append(("", "valid until \(ISOTime.text(certificate.notAfter)), serial number \(certificate.serialNumber)"))
            lines.append(("", "issued by [\(certificate.fields.issuer)], \(certificate.chain.count - 1) more in the chain"))
            lines.append(("", "SHA-256 \(certificate.fingerprint)"))
            lines.append(("", "from \(certificate.source)"))
        }
        lines.append(("protocols", explanation.host.protocols.joined(separator: ", ")))
        for (index, suite) in explanation.host.cipherSuites.enumerated() { lines.append((index == 0 ? "cipher suites" : "", suite)) }
        let groups = explanation.host.groups
        lines.append(("groups", groups.isEmpty ? "as the TLS implementation chooses" : groups.joined(separator: ", ")))
        lines.append(("client certificate", explanation.host.clientAuthentication))
        lines += explanation.host.settings.map { ($0.name, $0.value) }
        lines.append(("Host header", hostHeader(explanation)))
        let width = (lines.map(\.name.count).max() ?? 0) + 2
        var text = "\(explanation.connector)\(explanation.origin.map { " (\($0))" } ?? ""), \(explanation.implementation)\n"
        for line in lines { text += "  " + line.name + String(repeating: " ", count: width - line.name.count) + line.value + "\n" }
        for finding in explanation.findings { text += "  \(finding.severity.rawValue): \(finding.message)\n" }
        return text
    }

    private static func hostHeader(_ explanation: TLSExplanation) -> String {
        guard explanation.isStrict else { return "any (strictSni=\"false\")" }
        let own = explanation.serverName.map { "\($0), and " } ?? ""
        return "\(own)names that the TLS host \(explanation.host.hostName) serves; others are refused (strictSni)"
    }

    /// An array with an object for each connector.
    static func json(_ explanations: [TLSExplanation]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(explanations.map(Document.init)) else { return "[]" }
        return String(decoding: data, as: UTF8.self)
    }

    private struct Document: Encodable {
        var connector: String
        var origin: String?
        var implementation: String
        var serverName: String?
        var hostName: String
        var reason: String
        var hostNames: [String]
        var certificates: [Certificate]
        var protocols: [String]
        var cipherSuites: [String]
        var groups: [String]
        var clientAuthentication: String
        var settings: [String: String]
        var strictSni: Bool
        var findings: [Finding]

        init(_ explanation: TLSExplanation) {
            self.connector = explanation.connector
            self.origin = explanation.origin
            self.implementation = explanation.implementation
            self.serverName = explanation.serverName
            self.hostName = explanation.host.hostName
            self.reason = explanation.reason
            self.hostNames = explanation.hostNames
            self.certificates = explanation.host.certificates.map(Certificate.init)
            self.protocols = explanation.host.protocols
            self.cipherSuites = explanation.host.cipherSuites
            self.groups = explanation.host.groups
            self.clientAuthentication = explanation.host.clientAuthentication
            self.settings = Dictionary(explanation.host.settings.map { ($0.name, $0.value) }) { $0 + ", " + $1 }
            self.strictSni = explanation.isStrict
            self.findings = explanation.findings.map { Finding(severity: $0.severity.rawValue, message: $0.message) }
        }
    }

    private struct Certificate: Encodable {
        var subject: String
        var issuer: String
        var serialNumber: String
        var notBefore: String
        var notAfter: String
        var names: [String]
        var key: String
        var sha256: String
        var source: String
        var chainLength: Int

        init(_ certificate: PresentedCertificate) {
            self.subject = certificate.fields.subject.description
            self.issuer = certificate.fields.issuer.description
            self.serialNumber = certificate.serialNumber
            self.notBefore = ISOTime.text(certificate.fields.notBefore)
            self.notAfter = ISOTime.text(certificate.notAfter)
            self.names = certificate.names
            self.key = certificate.fields.publicKeyDescription
            self.sha256 = certificate.fingerprint
            self.source = certificate.source
            self.chainLength = certificate.chain.count
        }
    }

    private struct Finding: Encodable {
        var severity: String
        var message: String
    }
}
