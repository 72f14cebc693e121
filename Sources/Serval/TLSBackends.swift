import ServalContainer
import ServalTLS
import ServalTLSOpenSSL

#if NIOSSL
    import ServalTLSNIOSSL
#endif

/// The TLS implementations that are built in, by the names of `sslImplementationName`.
enum TLSBackends {
    /// The backend for a name; without a name OpenSSL.
    ///
    /// Without the package trait `NIOSSL` all of Tomcat's names mean OpenSSL; with it, JSSE's means swift-nio-ssl.
    ///
    /// - Throws: `TLSError` for a name that nobody knows, and for swift-nio-ssl's own name if it is not built in.
    static func backend(named name: String?) throws(TLSError) -> any TLSBackend {
        guard let name, !self.openSSLNames.contains(name) else { return OpenSSLBackend(tokens: PKCS11Tokens(), revocation: self.revocation) }
        #if NIOSSL
            if name == self.ownNIOSSLName || name == self.jsseName { return NIOSSLBackend(tokens: PKCS11Tokens()) }
        #else
            if name == self.jsseName { return OpenSSLBackend(tokens: PKCS11Tokens(), revocation: self.revocation) }
            if name == self.ownNIOSSLName {
                throw TLSError(
                    .invalidConfiguration,
                    "sslImplementationName [\(name)] is not built in; build Serval with swift build --traits NIOSSL, or use OpenSSL"
                )
            }
        #endif
        let known = self.openSSLNames.union([self.jsseName, self.ownNIOSSLName])
        throw TLSError(
            .invalidConfiguration,
            "sslImplementationName [\(name)] is not known; known are \(known.sorted().joined(separator: ", "))"
        )
    }

    /// Why TLS cannot be as a listener's `FIPSMode` wants it; `nil` if it can.
    static func problem(withFIPSMode mode: String?, of services: [ServiceDefinition]) -> String? {
        guard let mode else { return nil }
        for connector in services.flatMap(\.connectors) where connector.tls != nil {
            if let backend = try? self.backend(named: connector.tlsImplementation), !(backend is OpenSSLBackend) {
                return "The FIPS mode [\(mode)] of a listener cannot be followed by the TLS implementation \(backend.name); "
                    + "use OpenSSL (sslImplementationName)"
            }
        }
        guard !OpenSSLBackend.usesFIPSProvider else { return nil }
        return "The FIPS provider must be configured as the default provider when a listener is configured with FIPS mode [\(mode)]; "
            + "OpenSSL's own configuration file decides that"
    }

    /// One for the whole process, so that answers outlive reloads.
    private static let revocation = RevocationService { TLSMetrics.shared.count($0) }

    private static let jsseName = "org.apache.tomcat.util.net.jsse.JSSEImplementation"
    private static let ownNIOSSLName = "serval.tls.NIOSSL"
    private static let openSSLNames: Set<String> = [
        "org.apache.tomcat.util.net.openssl.OpenSSLImplementation",
        "org.apache.tomcat.util.net.openssl.panama.OpenSSLImplementation",
        "serval.tls.OpenSSL",
    ]
}
