public import Logging
import ServalKeyStore

/// One certificate that a TLS host presents, as it was loaded; for logs and tools.
public struct TLSCertificateSummary: Sendable, Hashable {
    /// The host's name.
    public var hostName: String
    /// What the key is (`RSA`, `EC`), whatever `type` says.
    public var keyType: String
    /// Where it came from, with the alias that was chosen: `keystore [/conf/.keystore] using alias [tomcat]`.
    public var source: String
    /// Which clients' authorities the host trusts, in words; nil if it asks for no certificates.
    public var trust: String?
    /// The certificates in DER, leaf first.
    public var certificateChain: [[UInt8]]
    /// Where the configuration says so.
    public var origin: ConfigurationOrigin?

    /// Makes a summary.
    public init(
        hostName: String,
        keyType: String,
        source: String,
        trust: String? = nil,
        certificateChain: [[UInt8]],
        origin: ConfigurationOrigin? = nil
    ) {
        self.hostName = hostName
        self.keyType = keyType
        self.source = source
        self.trust = trust
        self.certificateChain = certificateChain
        self.origin = origin
    }

    /// Writes Tomcat's line about the certificate at the level info, and its chain's SHA-256 fingerprints at debug.
    ///
    /// For the logger `serval.tls.certificate`, which is Tomcat's `org.apache.tomcat.util.net.NioEndpoint.certificate`.
    public func log(connector: String, to logger: Logger) {
        logger.info(
            "Connector [\(connector)], TLS virtual host [\(hostName)], certificate type [\(keyType)] configured from \(source) with trust store [\(trust ?? "none")]"
        )
        guard logger.logLevel <= .debug else { return }
        for (position, der) in certificateChain.enumerated() {
            let certificate = CertificateData(der: der)
            logger.debug(
                "certificate fingerprint",
                metadata: [
                    "connector": "\(connector)", "host": "\(hostName)", "position": "\(position)",
                    "subject": "\(certificate.subjectDescription)", "sha256": "\(Self.hexadecimal(certificate.sha256Fingerprint))",
                ]
            )
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF")
        return bytes.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined(separator: ":")
    }
}
