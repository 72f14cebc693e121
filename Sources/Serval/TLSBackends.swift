import ServalTLS
import ServalTLSOpenSSL

/// The TLS implementations that are built in, by the names of `sslImplementationName`.
enum TLSBackends {
    /// The backend for a name; all of Tomcat's names mean the one that is there.
    ///
    /// - Throws: `TLSError` for a name that nobody knows.
    static func backend(named name: String?) throws(TLSError) -> any TLSBackend {
        guard let name, !self.knownNames.contains(name) else { return OpenSSLBackend(tokens: PKCS11Tokens()) }
        throw TLSError(
            .invalidConfiguration,
            "sslImplementationName [\(name)] is not known; known are \(self.knownNames.sorted().joined(separator: ", "))"
        )
    }

    /// Why TLS cannot be as a listener's `FIPSMode` wants it; `nil` if it can.
    static func problem(withFIPSMode mode: String?) -> String? {
        guard let mode, !OpenSSLBackend.usesFIPSProvider else { return nil }
        return "The FIPS provider must be configured as the default provider when a listener is configured with FIPS mode [\(mode)]; "
            + "OpenSSL's own configuration file decides that"
    }

    private static let knownNames: Set<String> = [
        "org.apache.tomcat.util.net.jsse.JSSEImplementation",
        "org.apache.tomcat.util.net.openssl.OpenSSLImplementation",
        "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation",
        "serval.tls.OpenSSL",
    ]
}
