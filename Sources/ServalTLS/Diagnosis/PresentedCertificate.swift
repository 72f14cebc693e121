public import Logging
public import ServalKeyStore

/// A certificate that a TLS host presents to clients, with what its operator wants to know of it.
public struct PresentedCertificate: Sendable, Hashable {
    /// The `hostName` of the TLS host.
    public var hostName: String
    /// What the key is (`RSA`, `EC`), whatever `type` says.
    public var keyType: String
    /// The alias in the key store or token; empty for PEM files.
    public var alias: String
    /// Where it was read from, in words, with the alias that was chosen: `keystore [/conf/.keystore] using alias [tomcat]`.
    public var source: String
    /// Which clients' authorities the host trusts, in words; nil if it asks for no certificates.
    public var trust: String?
    /// The certificate and what is sent after it, leaf first.
    public let chain: [CertificateData]
    /// The leaf's fields.
    public let fields: CertificateFields
    /// The earliest end of validity in the whole chain, in seconds since 1970: after it clients refuse the certificate.
    public let chainNotAfter: Int64
    /// Whether a root has issued the certificate itself, so that nothing is missing between the two.
    package var isOfKnownRoot = false
    /// Where the configuration says so.
    public var origin: ConfigurationOrigin?

    /// Describes a chain whose leaf can be read; nil otherwise.
    public init?(
        hostName: String,
        keyType: String,
        alias: String? = nil,
        source: String,
        trust: String? = nil,
        chain: [[UInt8]],
        origin: ConfigurationOrigin? = nil
    ) {
        self.chain = chain.map { CertificateData(der: $0) }
        guard let fields = try? self.chain.first?.fields() else { return nil }
        self.fields = fields
        // Asked for again and again while the server runs.
        chainNotAfter = self.chain.compactMap { try? $0.fields().notAfter }.min() ?? fields.notAfter
        self.hostName = hostName
        self.keyType = keyType
        self.alias = alias ?? ""
        self.source = source
        self.trust = trust
        self.origin = origin
    }

    /// The serial number in hexadecimal digits.
    public var serialNumber: String { fields.serialNumberDescription }
    /// The end of the leaf's validity, in seconds since 1970.
    public var notAfter: Int64 { fields.notAfter }
    /// The DNS names and addresses that the certificate is for.
    public var names: [String] { CertificateTraits(fields).alternativeNames }
    /// The SHA-256 fingerprint, as `keytool` and browsers show it.
    public var fingerprint: String { FingerprintText.hexadecimal(chain[0].sha256Fingerprint) }

    /// Whether the leaf is within its validity at `time`, in seconds since 1970.
    public func isValid(at time: Int64) -> Bool { fields.notBefore <= time && time <= fields.notAfter }
}

extension PresentedCertificate: CustomStringConvertible {
    /// One line for logs: host, subject, serial number, end and source.
    public var description: String {
        "host [\(hostName)], subject [\(fields.subject)], serial number \(serialNumber), valid until \(ISOTime.text(notAfter)), from \(source)"
    }
}

extension PresentedCertificate {
    /// What clients will not like about it, and what its operator should know, the worst first.
    ///
    /// Whether the issuer's root is one that clients trust is not judged. No file is read.
    ///
    /// - Parameter time: in seconds since 1970.
    public func findings(at time: Int64 = KeyStore.millisecondsNow() / 1000) -> [Finding] {
        let all = KeyStoreLint(time: time).findings(inChain: chain)
        let isSelfSigned = chain.count == 1 && fields.isSelfIssued
        let checks = isOfKnownRoot ? all.filter { $0.code != .chainIncomplete } : all
        var findings = checks.filter { !Self.notForServers.contains($0.code) && !(isSelfSigned && $0.code == .caLeaf) }.map { check in
            // Names are not what decides for all clients: programs are often told to look at none.
            Finding(severity: check.code == .missingSAN ? min(check.severity, .warning) : check.severity, message: check.message)
        }
        if hostName != TLSHostConfiguration.defaultHostName, !covers(hostName) {
            let names = names.isEmpty ? "no names" : names.joined(separator: ", ")
            findings.append(
                Finding(severity: .warning, message: "The certificate is not for the host [\(hostName)] but for \(names): clients will refuse it.")
            )
        }
        return findings
    }

    /// Something about a certificate in one sentence.
    public struct Finding: Sendable, Hashable {
        /// How bad it is.
        public var severity: KeyStoreFinding.Severity
        /// What is the matter.
        public var message: String

        /// Makes a finding.
        public init(severity: KeyStoreFinding.Severity, message: String) {
            self.severity = severity
            self.message = message
        }
    }

    /// Writes Tomcat's line about the certificate at the level info, and its chain's SHA-256 fingerprints at debug.
    ///
    /// For the logger `serval.tls.certificate`, which is Tomcat's `org.apache.tomcat.util.net.NioEndpoint.certificate`.
    public func log(connector: String, to logger: Logger) {
        logger.info(
            "Connector [\(connector)], TLS virtual host [\(hostName)], certificate type [\(keyType)] configured from \(source) with trust store [\(trust ?? "none")]"
        )
        guard logger.logLevel <= .debug else { return }
        for (position, certificate) in chain.enumerated() {
            logger.debug(
                "certificate fingerprint",
                metadata: [
                    "connector": "\(connector)", "host": "\(hostName)", "position": "\(position)",
                    "subject": "\(certificate.subjectDescription)", "sha256": "\(FingerprintText.hexadecimal(certificate.sha256Fingerprint))",
                ]
            )
        }
    }

    private static let notForServers: Set<KeyStoreFinding.Code> = [.unknownRoot, .longValidity, .selfSigned]

    /// Whether the certificate is for `host`: one of its names is the same, or covers it with `*` for the first label.
    public func covers(_ host: String) -> Bool {
        let traits = CertificateTraits(fields)
        return traits.covers(host) || traits.dnsNames.contains { $0.lowercased() == host.lowercased() }
    }
}
