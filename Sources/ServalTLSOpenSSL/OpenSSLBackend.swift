import COpenSSL
public import Logging
public import ServalTLS

/// TLS by the system's OpenSSL 3.
public struct OpenSSLBackend: TLSBackend {
    /// Makes the backend; it has no state.
    public init() {}

    /// The version of the library that is loaded, for example `OpenSSL 3.0.17`.
    public var name: String {
        String(cString: OpenSSL_version(OPENSSL_VERSION)).split(separator: " ").prefix(2).joined(separator: " ")
    }

    /// Builds one `SSL_CTX` for each host.
    public func makeServerContext(_ configuration: TLSEndpointConfiguration, logger: Logger) throws(TLSError) -> any TLSServerContext {
        try OpenSSLServerContext(configuration, logger: logger)
    }
}
