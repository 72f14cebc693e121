/// What is known about a TLS connection once its handshake is done.
///
/// One object for the connection, which does not change.
public final class TLSConnectionFacts: Sendable {
    /// The protocol version, for example `TLSv1.3`.
    public let protocolVersion: String
    /// The cipher suite by its name in the RFCs, for example `TLS_AES_128_GCM_SHA256`.
    public let cipherSuite: String
    /// The effective length of the cipher's key in bits.
    public let keySize: Int
    /// The group of the key exchange, for example `X25519`; nil if there was none or the implementation does not say.
    public let group: String?
    /// The id of the TLS session as lower-case hexadecimal digits: minted at the full handshake, the same on every connection that resumes it.
    ///
    /// Empty if the implementation has no such id (`TLSBackend.tracksSessions`).
    public let sessionID: String
    /// The server name that the client asked for (SNI), in lower case; nil if none.
    public let serverName: String?
    /// The `hostName` of the TLS host that serves the connection.
    public let hostName: String
    /// Whether the handshake resumed an earlier session.
    public let isResumed: Bool
    /// The application protocol agreed on (ALPN); nil if none.
    public let applicationProtocol: String?
    /// The certificates that the client has shown in the handshake, or in the one that is resumed.
    public let clientCertificates: TLSClientCertificates
    /// Which host serves which server name, for `admits(requestHost:)`.
    public let hostNames: TLSHostNames
    /// Makes the TLS session unusable for further connections (`SSLSessionManager.invalidateSession`); may be called from any thread, more than once.
    ///
    /// This connection goes on; close it too.
    public let invalidateSession: @Sendable () -> Void
    /// Asks the client for a certificate now (TLS 1.3 post-handshake authentication, RFC 8446 section 4.6.2); nil where that cannot be.
    ///
    /// It cannot be where the host trusts nobody, in TLS 1.2, and in HTTP/2 (RFC 8740). May be called from any thread, more than once; several calls
    /// share one answer. Gives `.none` if the client has no certificate, did not offer to be asked, does not answer in time, or sends 64 KiB of other data
    /// instead; a bad certificate ends the connection.
    public let requestClientCertificates: (@Sendable () async -> TLSClientCertificates)?

    /// Makes facts; for backends and tests.
    public init(
        protocolVersion: String,
        cipherSuite: String,
        keySize: Int,
        group: String? = nil,
        sessionID: String,
        serverName: String? = nil,
        hostName: String = TLSHostConfiguration.defaultHostName,
        isResumed: Bool = false,
        applicationProtocol: String? = nil,
        clientCertificates: TLSClientCertificates = .none,
        hostNames: TLSHostNames,
        invalidateSession: @escaping @Sendable () -> Void = {},
        requestClientCertificates: (@Sendable () async -> TLSClientCertificates)? = nil
    ) {
        self.protocolVersion = protocolVersion
        self.cipherSuite = cipherSuite
        self.keySize = keySize
        self.group = group
        self.sessionID = sessionID
        self.serverName = serverName
        self.hostName = hostName
        self.isResumed = isResumed
        self.applicationProtocol = applicationProtocol
        self.clientCertificates = clientCertificates
        self.hostNames = hostNames
        self.invalidateSession = invalidateSession
        self.requestClientCertificates = requestClientCertificates
    }

    /// The client's certificates in DER, leaf first, if they are verified; empty if there are none, or nobody has verified them.
    public var peerCertificates: [[UInt8]] { clientCertificates.verifiedChain }

    /// Whether a request for `requestHost` (without port) may come over this connection (`strictSni`): the name is the server name, or both belong to one host.
    ///
    /// Nil is a request that names no host; it belongs to the TLS host of clients that send no server name.
    public func admits(requestHost: String?) -> Bool {
        guard let requestHost else { return hostNames.position(for: nil) == hostNames.position(for: serverName) }
        let host = TLSHostNames.normalized(requestHost)
        if let serverName, TLSHostNames.normalized(serverName) == host { return true }
        return hostNames.position(for: host) == hostNames.position(for: serverName)
    }
}

/// Fired down the pipeline as an inbound user event when a handshake is done, before the first bytes.
public struct TLSHandshakeCompletion: Sendable {
    /// What is known about the connection.
    public var facts: TLSConnectionFacts

    /// Makes an event; for backends and tests.
    public init(_ facts: TLSConnectionFacts) { self.facts = facts }
}

/// Fired down the pipeline as an inbound user event when the client ended its bytes without close_notify.
///
/// Somebody on the way may have cut them off. Whoever relies on the end of the stream to know that a message is complete must treat it as incomplete;
/// HTTP messages with a length or with chunks need not.
public struct TLSTruncation: Sendable {
    /// Makes an event; for backends and tests.
    public init() {}
}

/// Triggered up the pipeline as an outbound user event by whoever gives up in the midst of an answer and is about to close the channel.
///
/// The handler of TLS then sends what it has encrypted, drops what it has not, and ends without close_notify: the client learns that what it has got is
/// not all, even if only the end of the connection would have told where the answer ends (RFC 8446 section 6.1, RFC 9112 section 9.8).
public struct TLSAbandonment: Sendable {
    /// Makes an event.
    public init() {}
}
