#if NIOSSL
public import Logging
public import ServalTLS

/// TLS by swift-nio-ssl, which has BoringSSL inside; there with the package trait `NIOSSL`.
///
/// What it cannot do is refused when a context is made, by an error that names host and attribute; docs/tls-backends.md lists it.
public struct NIOSSLBackend: TLSBackend {
    private let tokens: (any TLSTokens)?

    /// Makes the backend.
    ///
    /// - Parameter tokens: Where keys in PKCS#11 tokens come from; without it such a key is an error.
    public init(tokens: (any TLSTokens)? = nil) { self.tokens = tokens }

    /// `swift-nio-ssl (BoringSSL)`: the library does not tell its version.
    public var name: String { "swift-nio-ssl (BoringSSL)" }

    /// `false`: what BoringSSL calls a session's id differs from connection to connection.
    public var tracksSessions: Bool { false }

    /// Reads keys and certificates, and builds one `NIOSSLContext` for each certificate of each host.
    public func makeServerContext(_ configuration: TLSEndpointConfiguration, logger: Logger) throws(TLSError) -> any TLSServerContext {
        try NIOSSLServerContext(configuration, tokens: tokens, logger: logger)
    }
}
#endif
