import Synchronization

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
    private let peer: PeerCertificates
    private let invalidate: @Sendable () async -> Void

    /// The facts of a connection; made by the connector, and by tests.
    public init(
        protocolVersion: String,
        cipherSuite: String,
        keySize: Int,
        serverName: String? = nil,
        isResumed: Bool = false,
        sessionID: SessionID? = nil,
        peerCertificates: [PeerCertificate] = [],
        invalidate: @escaping @Sendable () async -> Void = {}
    ) {
        self.init(
            protocolVersion: protocolVersion,
            cipherSuite: cipherSuite,
            keySize: keySize,
            serverName: serverName,
            isResumed: isResumed,
            sessionID: sessionID,
            peer: PeerCertificates(peerCertificates.isEmpty ? .none : .verified(peerCertificates)),
            invalidate: invalidate
        )
    }

    package init(
        protocolVersion: String,
        cipherSuite: String,
        keySize: Int,
        serverName: String?,
        isResumed: Bool,
        sessionID: SessionID?,
        peer: PeerCertificates,
        invalidate: @escaping @Sendable () async -> Void
    ) {
        self.protocolVersion = protocolVersion
        self.cipherSuite = cipherSuite
        self.keySize = keySize
        self.serverName = serverName
        self.isResumed = isResumed
        self.sessionID = sessionID
        self.peer = peer
        self.invalidate = invalidate
    }

    /// The client's chain, leaf first, only if it was verified by this host's configuration; empty where there is none.
    public var peerCertificates: [PeerCertificate] {
        if case .verified(let chain) = self.peer.now { return chain }
        return []
    }

    /// The client's chain where nobody known has issued it (`certificateVerification="optionalNoCA"`); nil where there is none, or where it is verified.
    public var unverifiedPeerCertificates: UnverifiedCertificates? {
        if case .unverified(let certificates) = self.peer.now { return certificates }
        return nil
    }

    /// Asks the client for a certificate, unless it has shown one: TLS 1.3's authentication after the handshake (RFC 8446 §4.6.2).
    ///
    /// Waits for the client, at most as long as a handshake may take; the rest of the connection goes on, so the request's body should be read first. From
    /// then on every request of the connection has the certificate. A bad certificate ends the connection.
    ///
    /// - Returns: the verified chain, leaf first; empty if the client has none or cannot be asked: in TLS 1.2, in HTTP/2, where it did not offer it, and where
    ///   the TLS host has neither `caCertificateFile` nor `truststoreFile`.
    public func requestPeerCertificates() async -> [PeerCertificate] {
        if self.peerCertificates.isEmpty { await self.peer.request() }
        return self.peerCertificates
    }

    /// Whether ``requestPeerCertificates()`` can ask the client at all.
    package var canRequestPeerCertificates: Bool { self.peer.canRequest }

    /// Ends the TLS session: it cannot be resumed any more.
    ///
    /// The connection lives on until it is closed; answer with `Connection: close`, too. Holds for this process, and across a reload of its certificates. Other
    /// nodes that share a `serval.sessionTicketKeyFile` do not hear of it: there the session ends when its tickets do (`sessionTimeout`).
    ///
    /// Source: Tomcat's `SSLSessionManager.invalidateSession()`.
    public func invalidateSession() async { await self.invalidate() }
}

/// Certificates of which nobody known has said whose they are: the client has the key, and whatever else they say is its own claim.
///
/// A type of its own, so that code which asks for certificates that are verified never gets these.
public struct UnverifiedCertificates: Sendable, Hashable {
    /// The certificates, leaf first, as the client sent them.
    public let chain: [PeerCertificate]

    /// Certificates that nobody has verified.
    public init(_ chain: [PeerCertificate]) { self.chain = chain }
}

/// Ends the TLS session of a request's connection.
///
/// The value of the attribute `jakarta.servlet.request.ssl_session_mgr`. Source: Tomcat's `SSLSessionManager`.
public struct TLSSessionManager: Sendable {
    private let info: TLSConnectionInfo

    init(_ info: TLSConnectionInfo) { self.info = info }

    /// Ends the TLS session; see ``TLSConnectionInfo/invalidateSession()``.
    public func invalidateSession() async { await self.info.invalidateSession() }
}

/// What a connection's client has shown, now or when it was asked later; all requests of the connection share it.
package final class PeerCertificates: Sendable {
    package enum Shown: Sendable {
        case none
        case verified([PeerCertificate])
        case unverified(UnverifiedCertificates)
    }

    private let shown: Mutex<Shown>
    private let ask: (@Sendable () async -> Shown)?

    package init(_ shown: Shown, ask: (@Sendable () async -> Shown)? = nil) {
        self.shown = Mutex(shown)
        self.ask = ask
    }

    var now: Shown { self.shown.withLock { $0 } }
    var canRequest: Bool { self.ask != nil }

    func request() async {
        guard let answer = await self.ask?() else { return }
        switch answer {
        case .none: break
        case .verified, .unverified: self.shown.withLock { $0 = answer }
        }
    }
}
