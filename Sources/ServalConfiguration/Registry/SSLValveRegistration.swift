import Logging
import ServalContainer
import ServalServlet

/// How `<Valve className="org.apache.catalina.valves.SSLValve">` becomes one.
enum SSLValveRegistration {
    static let table = AttributeTable(
        element: "Valve",
        className: "org.apache.catalina.valves.SSLValve",
        summary: "Takes what a proxy in front says about TLS from header fields. They count only from trusted proxies, which have to remove what "
            + "clients send under these names.",
        attributes: [
            AttributeDefinition("sslClientCertHeader", .text, default: "ssl_client_cert", note: "PEM, in one line or folded"),
            AttributeDefinition("sslClientEscapedCertHeader", .text, default: "ssl_client_escaped_cert", note: "encoded as in URLs; wins"),
            AttributeDefinition("sslSecureProtocolHeader", .text, default: "ssl_secure_protocol"),
            AttributeDefinition("sslCipherHeader", .text, default: "ssl_cipher"),
            AttributeDefinition("sslSessionIdHeader", .text, default: "ssl_session_id", note: "tracks sessions on a connector with secure=\"true\""),
            AttributeDefinition("sslCipherUserKeySizeHeader", .text, default: "ssl_cipher_usekeysize"),
            AttributeDefinition(
                "serval.trustedProxies",
                .text,
                default: "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 100.64.0.0/10, 127.0.0.0/8, ::1/128, fe80::/10, fc00::/7",
                note: "Serval's own: from which addresses the fields count; Tomcat believes everybody"
            ),
        ] + AttributeDefinition.unused("asyncSupported")
    )

    static func make(_ attributes: ComponentAttributes) throws -> any Valve {
        var configuration = SSLValve.Configuration()
        configuration.clientCertificateHeader = attributes["sslClientCertHeader"] ?? configuration.clientCertificateHeader
        configuration.escapedClientCertificateHeader = attributes["sslClientEscapedCertHeader"] ?? configuration.escapedClientCertificateHeader
        configuration.secureProtocolHeader = attributes["sslSecureProtocolHeader"] ?? configuration.secureProtocolHeader
        configuration.cipherHeader = attributes["sslCipherHeader"] ?? configuration.cipherHeader
        configuration.sessionIDHeader = attributes["sslSessionIdHeader"] ?? configuration.sessionIDHeader
        configuration.cipherKeySizeHeader = attributes["sslCipherUserKeySizeHeader"] ?? configuration.cipherKeySizeHeader
        configuration.trustedProxies = attributes["serval.trustedProxies"] ?? configuration.trustedProxies
        return try SSLValve(configuration, logger: Logger(label: "serval.valves"))
    }
}
