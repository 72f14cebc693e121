public import Logging

/// Why one TLS handshake failed, with what an operator needs to do something about it.
public struct TLSHandshakeFailure: Sendable {
    /// The kind of failure.
    public var cause: Cause
    /// What happened, in plain words, in one line.
    public var reason: String
    /// The setting that decides about it, `SSLHostConfig protocols`; nil if none does.
    public var setting: String?
    /// The client's address; nil if it is not known.
    public var clientAddress: String?
    /// The client's port.
    public var clientPort: Int?
    /// The server name that the client asked for, in lower case; nil if none or not known yet.
    public var serverName: String?
    /// The TLS host that served it; nil if the handshake did not come that far.
    public var hostName: String?
    /// The alert that was sent to the client, in the RFC's words; nil if none was.
    public var alertSent: String?
    /// The alert that the client sent.
    public var alertReceived: String?
    /// What the client offered; nil if its ClientHello could not be read.
    public var offered: TLSOffer?
    /// What the host would have accepted; nil if the handshake did not come that far.
    public var configured: TLSOffer?

    /// Makes a failure of the kind `cause`.
    public init(_ cause: Cause, reason: String) {
        self.cause = cause
        self.reason = reason
    }
}

extension TLSHandshakeFailure {
    /// An open set of kinds of failures.
    public struct Cause: Sendable, Hashable, CustomStringConvertible {
        /// A constant word without dynamic parts, fit for a metric label.
        public let name: String
        /// At which level a failure of this kind is logged.
        ///
        /// What any stranger can bring about is `debug`, which is Tomcat's `FINE`; what a client with a certificate should be told of is `info`; what only
        /// the operator of this server can mend is `warning`.
        public let level: Logger.Level

        /// Makes a kind; backends outside this package may add their own.
        public init(_ name: StaticString, level: Logger.Level = .debug) {
            self.name = name.description
            self.level = level
        }

        /// The word.
        public var description: String { name }

        /// Equal when the words are.
        public static func == (one: Cause, other: Cause) -> Bool { one.name == other.name }

        /// Hashes the word.
        public func hash(into hasher: inout Hasher) { hasher.combine(name) }

        // Negotiation.

        /// No protocol version in common.
        public static let noSharedProtocol = Cause("no-shared-protocol")
        /// No cipher in common that one of the host's certificates fits.
        public static let noSharedCipher = Cause("no-shared-cipher")
        /// No group for key exchange in common.
        public static let noSharedGroup = Cause("no-shared-group")
        /// The client accepts no signature that one of the host's keys can make.
        public static let noSharedSignatureAlgorithm = Cause("no-shared-signature-algorithm")

        // The client's first bytes.

        /// Plain HTTP.
        public static let plaintextHTTP = Cause("plaintext-http")
        /// Something that is not TLS.
        public static let notTLS = Cause("not-tls")
        /// A ClientHello longer than the limit.
        public static let clientHelloTooLarge = Cause("client-hello-too-large")
        /// A message that breaks the protocol.
        public static let invalidMessage = Cause("invalid-message")

        // The client's certificate.

        /// There was none, and one is required.
        public static let clientCertificateMissing = Cause("client-certificate-missing", level: .info)
        /// It comes from nobody who is trusted.
        public static let clientCertificateUntrusted = Cause("client-certificate-untrusted", level: .info)
        /// It has expired.
        public static let clientCertificateExpired = Cause("client-certificate-expired", level: .info)
        /// A certificate that the host trusts, and that it leads to, has expired or is not valid yet.
        public static let trustedCertificateExpired = Cause("trusted-certificate-expired", level: .warning)
        /// It is not valid yet.
        public static let clientCertificateNotYetValid = Cause("client-certificate-not-yet-valid", level: .info)
        /// It has been revoked.
        public static let clientCertificateRevoked = Cause("client-certificate-revoked", level: .info)
        /// Whether it has been revoked cannot be found out, and that counts as a refusal.
        public static let clientCertificateStatusUnknown = Cause("client-certificate-status-unknown", level: .warning)
        /// It is not meant for TLS clients.
        public static let clientCertificateWrongPurpose = Cause("client-certificate-wrong-purpose", level: .info)
        /// There are too many certificates between it and a trusted one.
        public static let clientCertificateChainTooLong = Cause("client-certificate-chain-too-long", level: .info)
        /// Its key or a signature is too weak.
        public static let clientCertificateTooWeak = Cause("client-certificate-too-weak", level: .info)
        /// It was refused for another reason.
        public static let clientCertificateRejected = Cause("client-certificate-rejected", level: .info)

        // What the client says.

        /// The client does not trust the host's certificate.
        public static let serverCertificateUntrusted = Cause("server-certificate-untrusted")
        /// The client refuses the host's certificate because it has expired, which is true.
        public static let serverCertificateExpired = Cause("server-certificate-expired", level: .warning)
        /// The client refuses the host's certificate for another reason.
        public static let serverCertificateRefused = Cause("server-certificate-refused")
        /// The client ended the handshake with another alert.
        public static let clientAlert = Cause("client-alert")

        // The rest.

        /// The handshake was done, and a request asked for a host that belongs to another TLS host (`strictSni`).
        public static let requestForOtherHost = Cause("request-for-other-host", level: .info)

        /// It took too long.
        public static let timeout = Cause("handshake-timeout")
        /// The client went away.
        public static let aborted = Cause("handshake-aborted")
        /// The resumed session had been invalidated.
        public static let sessionRevoked = Cause("session-revoked")
        /// The host's private key, which is elsewhere, did not sign.
        public static let keyUnavailable = Cause("key-unavailable", level: .warning)
        /// Something else.
        public static let other = Cause("other")
    }
}

/// What a client offers, or a host accepts, in a handshake.
public struct TLSOffer: Sendable, Hashable {
    /// Protocol versions, `TLSv1.2`.
    public var versions: [String]
    /// Cipher suites by the RFCs' names; `0x…` for those that the implementation does not know.
    public var cipherSuites: [String]
    /// Groups by IANA's names.
    public var groups: [String]
    /// Signature algorithms by the RFCs' names; for a host the kinds of its certificates' keys.
    public var signatureAlgorithms: [String]
    /// Application protocols (ALPN).
    public var applicationProtocols: [String]

    /// Makes an offer.
    public init(
        versions: [String] = [],
        cipherSuites: [String] = [],
        groups: [String] = [],
        signatureAlgorithms: [String] = [],
        applicationProtocols: [String] = []
    ) {
        self.versions = versions
        self.cipherSuites = cipherSuites
        self.groups = groups
        self.signatureAlgorithms = signatureAlgorithms
        self.applicationProtocols = applicationProtocols
    }
}

extension TLSHandshakeFailure {
    /// The line's fields; lists are cut, and absent things are left out.
    var metadata: Logger.Metadata {
        var fields: Logger.Metadata = ["cause": "\(cause)", "reason": "\(reason)"]
        fields["client"] = clientAddress.map { "\($0)" }
        fields["port"] = clientPort.map { "\($0)" }
        fields["sni"] = serverName.map { "\($0)" }
        fields["host"] = hostName.map { "\($0)" }
        fields["setting"] = setting.map { "\($0)" }
        fields["alert.sent"] = alertSent.map { "\($0)" }
        fields["alert.received"] = alertReceived.map { "\($0)" }
        add(offered, "offered", ciphers: 24, to: &fields)
        // The whole list is in the configuration.
        add(configured, "configured", ciphers: 8, to: &fields)
        return fields
    }

    private func add(_ offer: TLSOffer?, _ prefix: String, ciphers: Int, to fields: inout Logger.Metadata) {
        guard let offer else { return }
        func add(_ name: String, _ list: [String], limit: Int) {
            guard !list.isEmpty else { return }
            let rest = list.count > limit ? "+\(list.count - limit)" : ""
            fields["\(prefix).\(name)"] = "\(list.prefix(limit).joined(separator: ","))\(rest)"
        }
        add("versions", offer.versions, limit: 8)
        // The lists themselves explain only what has to do with them.
        guard isAboutNegotiation else { return }
        add("ciphers", offer.cipherSuites, limit: ciphers)
        add("groups", offer.groups, limit: 12)
        add("signatures", offer.signatureAlgorithms, limit: 12)
    }

    private var isAboutNegotiation: Bool {
        switch cause {
        case .noSharedProtocol, .noSharedCipher, .noSharedGroup, .noSharedSignatureAlgorithm, .clientAlert: true
        default: false
        }
    }
}
