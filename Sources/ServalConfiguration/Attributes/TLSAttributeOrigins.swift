/// Which of Tomcat's two styles of TLS settings an attribute belongs to, and since when Tomcat has it where that is not as old as its element.
///
/// In Tomcat the style decides which implementation obeys an attribute; here all of them are obeyed.
struct TLSAttributeOrigin: Sendable, Hashable {
    enum Style: String, Sendable {
        case jsse = "JSSE"
        case openSSL = "OpenSSL"
        case both = "both"
    }

    var style = Style.both
    /// The first versions.
    var since: String?

    /// For the reference.
    var text: String { self.style.rawValue + (self.since.map { ", since \($0)" } ?? "") }

    private static let december2025 = "9.0.114, 10.1.51, 11.0.16"

    static func of(_ attribute: String, in table: AttributeTable) -> TLSAttributeOrigin? {
        switch table.element {
        case "SSLHostConfig": self.host[attribute]
        case "Certificate": self.certificate[attribute]
        case "Connector": self.connector[attribute]
        default: nil
        }
    }

    /// What a connector says about TLS; no style has these for itself.
    static let connector: [String: TLSAttributeOrigin] = [
        "SSLEnabled": .init(), "scheme": .init(), "secure": .init(), "redirectPort": .init(), "maxSavePostSize": .init(),
        "defaultSSLHostConfigName": .init(), "sniParseLimit": .init(), "sslImplementationName": .init(),
        "strictSni": .init(since: "9.0.113, 10.1.50, 11.0.15"),
    ]

    static let host: [String: TLSAttributeOrigin] = [
        "hostName": .init(),
        "caCertificateFile": .init(style: .openSSL),
        "caCertificatePath": .init(style: .openSSL),
        "certificateRevocationListFile": .init(),
        "certificateRevocationListPath": .init(style: .openSSL),
        "certificateVerification": .init(),
        "certificateVerificationDepth": .init(),
        "ciphers": .init(),
        "cipherSuites": .init(since: "January 2026"),
        "disableCompression": .init(style: .openSSL),
        "disableSessionTickets": .init(style: .openSSL),
        "groups": .init(),
        "honorCipherOrder": .init(),
        "insecureRenegotiation": .init(style: .openSSL),
        "ocspEnabled": .init(since: december2025),
        "ocspSoftFail": .init(since: december2025),
        "ocspTimeout": .init(since: december2025),
        "ocspVerify": .init(style: .openSSL, since: december2025),
        "ocspVerifyFlags": .init(style: .openSSL, since: december2025),
        "protocols": .init(),
        "revocationEnabled": .init(style: .jsse),
        "sessionCacheSize": .init(),
        "sessionTimeout": .init(),
        "sslProtocol": .init(style: .jsse),
        "trustManagerClassName": .init(style: .jsse),
        "truststoreFile": .init(style: .jsse),
        "truststorePassword": .init(style: .jsse),
        "truststoreType": .init(style: .jsse),
    ]

    static let certificate: [String: TLSAttributeOrigin] = [
        "type": .init(),
        "certificateFile": .init(style: .openSSL),
        "certificateChainFile": .init(style: .openSSL),
        "certificateKeyFile": .init(style: .openSSL),
        "certificateKeyPassword": .init(),
        "certificateKeyPasswordFile": .init(),
        "certificateKeyAlias": .init(style: .jsse),
        "certificateKeystoreFile": .init(style: .jsse),
        "certificateKeystorePassword": .init(style: .jsse),
        "certificateKeystorePasswordFile": .init(style: .jsse),
        "certificateKeystoreProvider": .init(style: .jsse),
        "certificateKeystoreType": .init(style: .jsse),
    ]
}
