public import X509

/// What TLS tells about the connection that carries a request.
public struct TLSConnectionInfo: Sendable {
    /// The id of a TLS session.
    ///
    /// Printed in hexadecimal, as Tomcat's `ssl_session_id`.
    public struct SessionID: Sendable, Hashable, CustomStringConvertible {
        /// Lower-case hexadecimal digits.
        public let hexString: String
        /// The hexadecimal digits.
        public var description: String { self.hexString }
        /// An id from its hexadecimal digits.
        public init(hexString: String) { self.hexString = hexString }
    }

    /// The protocol's name as OpenSSL and Tomcat spell it, `TLSv1.3`.
    public var protocolVersion: String
    /// The IANA name of the cipher suite, `TLS_AES_128_GCM_SHA256`.
    public var cipherSuite: String
    /// The strength of the symmetric key, in bits.
    public var keySize: Int
    /// The server name that the client sent (SNI), in lower case.
    public var serverName: String?
    /// Whether the handshake resumed an earlier session.
    public var isResumed: Bool
    /// Stable across resumptions of one TLS session, in TLS 1.2 and TLS 1.3 alike.
    public var sessionID: SessionID?
    /// The client's chain, leaf first, only if it was verified by this host's configuration; empty where there is none.
    public var peerCertificates: [Certificate]
    private let invalidate: @Sendable () async -> Void

    /// The facts of a connection; made by the connector, and by tests.
    public init(
        protocolVersion: String,
        cipherSuite: String,
        keySize: Int,
        serverName: String? = nil,
        isResumed: Bool = false,
        sessionID: SessionID? = nil,
        peerCertificates: [Certificate] = [],
        invalidate: @escaping @Sendable () async -> Void = {}
    ) {
        self.protocolVersion = protocolVersion
        self.cipherSuite = cipherSuite
        self.keySize = keySize
        self.serverName = serverName
        self.isResumed = isResumed
        self.sessionID = sessionID
        self.peerCertificates = peerCertificates
        self.invalidate = invalidate
    }

    /// Ends the TLS session: it cannot be resumed any more.
    ///
    /// The connection lives on until it is closed.
    ///
    /// Source: Tomcat's `SSLSessionManager.invalidateSession()`.
    public func invalidateSession() async { await self.invalidate() }
}
