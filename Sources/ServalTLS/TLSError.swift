/// What is wrong with a TLS configuration, or why a TLS connection failed.
///
/// Two errors are equal when their codes are. `message` is one line in plain words, without secrets; it may name files, hosts and attributes, so it does
/// not belong into a metric label: that is what `code.name` is for.
public struct TLSError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error; compare with the static members.
    public var code: Code
    /// What happened, which setting or file decides it, and the cause, in one line.
    public var message: String
    /// Where the setting stands that it is about, `conf/server.xml:42`; nil if that is not known, or for connections.
    public var origin: String?
    /// For a handshake, the kind of failure as logs and counters have it.
    public var cause: TLSHandshakeFailure.Cause?
    /// For a handshake, the setting that decides about it, `SSLHostConfig protocols`.
    public var setting: String?

    /// Makes an error of the kind `code`.
    public init(_ code: Code, _ message: String, origin: String? = nil) {
        self.code = code
        self.message = message
        self.origin = origin
    }

    /// The words for people.
    public var description: String { message }

    /// Whether the codes are equal.
    public static func == (one: TLSError, other: TLSError) -> Bool { one.code == other.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension TLSError {
    /// An open set of kinds of errors.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// A constant word without dynamic parts, fit for a metric label.
        public let name: String

        /// Makes a kind; backends outside this package may add their own.
        public init(_ name: StaticString) { self.name = name.description }

        /// The words for people.
        public var description: String { name }

        // Configuration.

        /// A setting has a value that cannot be used.
        public static let invalidConfiguration = Code("invalid-configuration")
        /// Two TLS hosts of one connector have the same name.
        public static let duplicateHost = Code("duplicate-host")
        /// No TLS host has the name that is to serve clients without, or with an unknown, server name.
        public static let missingDefaultHost = Code("missing-default-host")
        /// A file that the configuration names does not exist or cannot be read.
        public static let fileNotFound = Code("file-not-found")
        /// A key store, PEM file or certificate cannot be parsed.
        public static let invalidKeyMaterial = Code("invalid-key-material")
        /// A password is wrong or missing.
        public static let wrongPassword = Code("wrong-password")
        /// The configured alias is not a key entry, or there is none.
        public static let aliasNotFound = Code("alias-not-found")
        /// The private key does not belong to the certificate.
        public static let keyMismatch = Code("key-mismatch")
        /// A certificate has expired, or is not valid yet, where one that is valid stands already.
        public static let certificateNotValid = Code("certificate-not-valid")
        /// A token does not do what its key is needed for: it is missing, hangs, or refuses.
        public static let keyUnavailable = Code("key-unavailable")
        /// Client authentication is on and nobody is trusted.
        public static let noTrustAnchors = Code("no-trust-anchors")
        /// None of the configured protocol versions is available.
        public static let noProtocols = Code("no-protocols")
        /// None of the configured ciphers, cipher suites or groups is available.
        public static let noCiphers = Code("no-ciphers")
        /// A password file or environment variable cannot be read.
        public static let secretUnavailable = Code("secret-unavailable")
        /// The TLS implementation refused for a reason of its own.
        public static let backend = Code("backend")

        // Connections.

        /// The client spoke plain HTTP to a TLS port.
        public static let plaintextHTTP = Code("plaintext-http")
        /// The client's first bytes are not TLS.
        public static let notTLS = Code("not-tls")
        /// The ClientHello is longer than the limit.
        public static let clientHelloTooLarge = Code("client-hello-too-large")
        /// The handshake took longer than the limit.
        public static let handshakeTimeout = Code("handshake-timeout")
        /// The client went away during the handshake.
        public static let handshakeAborted = Code("handshake-aborted")
        /// Client and host have no protocol version in common.
        public static let noSharedProtocol = Code("no-shared-protocol")
        /// Client and host have no cipher, group or signature algorithm in common.
        public static let noSharedCipher = Code("no-shared-cipher")
        /// The host requires a client certificate and none was sent.
        public static let clientCertificateMissing = Code("client-certificate-missing")
        /// The client's certificate was refused.
        public static let clientCertificateRejected = Code("client-certificate-rejected")
        /// A certificate demands a stapled OCSP answer, and there is none.
        public static let stapleMissing = Code("staple-missing")
        /// The client sent a fatal alert.
        public static let peerAlert = Code("peer-alert")
        /// The handshake failed for another reason.
        public static let handshakeFailed = Code("handshake-failed")
        /// The client broke the protocol after the handshake.
        public static let protocolViolation = Code("protocol-violation")
        /// The resumed TLS session had been invalidated.
        public static let sessionRevoked = Code("session-revoked")

        /// The cause that a handshake's failure has if nothing closer is known.
        package var cause: TLSHandshakeFailure.Cause {
            switch self {
            case .plaintextHTTP: .plaintextHTTP
            case .notTLS: .notTLS
            case .clientHelloTooLarge: .clientHelloTooLarge
            case .handshakeTimeout: .timeout
            case .handshakeAborted: .aborted
            case .noSharedProtocol: .noSharedProtocol
            case .noSharedCipher: .noSharedCipher
            case .clientCertificateMissing: .clientCertificateMissing
            case .clientCertificateRejected: .clientCertificateRejected
            case .peerAlert: .clientAlert
            case .sessionRevoked: .sessionRevoked
            case .keyUnavailable: .keyUnavailable
            case .protocolViolation: .invalidMessage
            default: .other
            }
        }
    }
}
