import COpenSSL
public import Logging
public import ServalTLS

/// TLS by the system's OpenSSL 3.
public struct OpenSSLBackend: TLSBackend {
    private let tokens: (any TLSTokens)?
    private let revocation: RevocationService

    /// Makes the backend.
    ///
    /// - Parameters:
    ///   - tokens: Where keys in PKCS#11 tokens come from; without it such a key is an error.
    ///   - revocation: What is known about revoked certificates; connectors that share it ask once.
    public init(tokens: (any TLSTokens)? = nil, revocation: RevocationService = RevocationService()) {
        self.tokens = tokens
        self.revocation = revocation
    }

    /// The version of the library that is loaded, for example `OpenSSL 3.0.17`.
    public var name: String {
        String(cString: OpenSSL_version(OPENSSL_VERSION)).split(separator: " ").prefix(2).joined(separator: " ")
    }

    /// Whether the algorithms come from OpenSSL's FIPS provider.
    public static var usesFIPSProvider: Bool { serval_uses_fips_provider() == 1 }

    /// Has OpenSSL keep memory for its next use instead of returning each block, for processes that do little but TLS: it takes 700 blocks for a handshake.
    ///
    /// At most 1 MiB for each thread. To be called before anything else is done with OpenSSL in the process.
    ///
    /// - Returns: Whether that was in time.
    @discardableResult
    public static func keepMemory() -> Bool { serval_keep_memory() == 1 }

    /// Builds one `SSL_CTX` for each host.
    public func makeServerContext(_ configuration: TLSEndpointConfiguration, logger: Logger) throws(TLSError) -> any TLSServerContext {
        try OpenSSLServerContext(configuration, tokens: tokens, revocation: revocation, logger: logger)
    }
}
