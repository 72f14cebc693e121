/// `<Listener>`s of `<Server>` that have attributes with a meaning.
extension AttributeTable {
    /// `AprLifecycleListener`.
    public static let aprLifecycleListener = openSSLListener(
        "org.apache.catalina.core.AprLifecycleListener",
        [AttributeDefinition("useAprConnector", .boolean, default: "false", note: "Tomcat 8.5 and 9; there is one transport for all connectors")]
    )

    /// `OpenSSLLifecycleListener`.
    public static let openSSLLifecycleListener = openSSLListener("org.apache.catalina.core.OpenSSLLifecycleListener", [])

    private static func openSSLListener(_ className: String, _ others: [AttributeDefinition]) -> AttributeTable {
        AttributeTable(
            element: "Listener",
            className: className,
            summary: "Sets up OpenSSL in Tomcat. Here OpenSSL is always there; the listener's wishes are checked. Only inside <Server>.",
            attributes: [
                AttributeDefinition(
                    "FIPSMode",
                    .choice(["off", "on", "require", "enter"]),
                    default: "off",
                    note: "anything but off: the server starts only if OpenSSL's own configuration makes the FIPS provider the default one"
                ),
                AttributeDefinition("SSLEngine", .text, default: "on", note: "off and names of engines have no effect, and a warning says so"),
                AttributeDefinition("SSLRandomSeed", .text, default: "builtin", note: "the system's generator is used whatever it says"),
                AttributeDefinition("useOpenSSL", .boolean, default: "true", note: "false has no effect"),
            ] + others
        )
    }

    /// `TLSCertificateReloadListener`.
    public static let certificateReloadListener = AttributeTable(
        element: "Listener",
        className: "org.apache.catalina.security.TLSCertificateReloadListener",
        summary: "Loads the certificates of TLS hosts again when they are about to expire. Only inside <Server>.",
        attributes: [
            AttributeDefinition("checkPeriod", .integer(1...Int(Int32.max), unit: "seconds"), default: "86400"),
            AttributeDefinition("daysBefore", .integer(0...Int(Int32.max), unit: "days"), default: "14"),
        ]
    )
}
