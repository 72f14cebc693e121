/// Whether a host asks clients for a certificate, and whom it trusts then (`certificateVerification`).
///
/// There is no way to verify without saying whom to trust, and no way to name somebody trusted without verifying.
public enum ClientAuthentication: Sendable, Hashable {
    /// Does not ask (`none`).
    case none
    /// Does not ask in the handshake (`none` beside a `caCertificateFile` or `truststoreFile`); an application may ask later (`CLIENT-CERT`), and `trust`
    /// decides then.
    case onDemand(trust: TrustSource)
    /// Asks; a client without a certificate is served, one with a bad certificate is not (`optional`).
    case optional(trust: TrustSource)
    /// Asks, and serves clients whose certificate nobody known has issued as well (`optionalNoCA`).
    ///
    /// Such a certificate proves that the client has its key, and nothing about who the client is: it is never told as
    /// ``TLSClientCertificates/verified(_:)``. One that has expired, is revoked or is for another purpose is refused all the same.
    case optionalNoCA(trust: TrustSource?)
    /// Serves only clients with a good certificate (`required`).
    case required(trust: TrustSource)

    /// Whom this trusts; nil if it asks nobody, or trusts nobody.
    public var trust: TrustSource? {
        switch self {
        case .none: nil
        case .onDemand(let trust), .optional(let trust), .required(let trust): trust
        case .optionalNoCA(let trust): trust
        }
    }

    /// Tomcat's word for it in `certificateVerification`.
    public var attribute: String {
        switch self {
        case .none, .onDemand: "none"
        case .optional: "optional"
        case .optionalNoCA: "optionalNoCA"
        case .required: "required"
        }
    }
}

/// The certificates that a client has shown, in DER, leaf first, as it sent them.
///
/// Two kinds, so that nobody takes one for the other by mistake.
public enum TLSClientCertificates: Sendable, Hashable {
    /// The client has shown none.
    case none
    /// The chain leads to somebody whom the host trusts.
    case verified([[UInt8]])
    /// Nobody known has issued them (`optionalNoCA`): the client has the key, and whatever else they say is its own claim.
    case unverified([[UInt8]])

    /// The certificates if they are verified; otherwise none.
    public var verifiedChain: [[UInt8]] {
        if case .verified(let chain) = self { return chain }
        return []
    }
}

/// The authorities whose client certificates are accepted; the system's are never among them unless named here.
public enum TrustSource: Sendable, Hashable {
    /// A file of PEM certificates (`caCertificateFile`).
    case file(String)
    /// A directory of PEM files (`caCertificatePath`); all files in it are read when the context is made, at most 10,000.
    case directory(String)
    /// The trusted certificates of a key store (`truststoreFile`, `truststoreType`, `truststorePassword`).
    case keyStore(path: String, type: String? = nil, password: SecretSource? = nil)
    /// Certificates in DER, for applications and tests.
    case certificates([[UInt8]])
    /// All of several sources together.
    indirect case all([TrustSource])
}

/// The words of the attribute `certificateVerification`.
public enum CertificateVerification: String, Sendable, Hashable, CaseIterable {
    /// No certificate is asked for.
    case none
    /// A certificate is asked for and verified if there is one.
    case optional
    /// A certificate is asked for, and accepted if only its issuer is unknown.
    case optionalNoCA
    /// Without a verified certificate there is no connection.
    case required

    /// Reads Tomcat's words, new and old (`certificateVerification`, `clientAuth`, `SSLVerifyClient`), without case.
    ///
    /// - Throws: `.invalidConfiguration` for any other word.
    public init(attribute: String) throws(TLSError) {
        switch attribute.lowercased() {
        case "none", "no", "false": self = .none
        case "optional", "want": self = .optional
        case "required", "require", "yes", "true": self = .required
        case "optionalnoca", "optional_no_ca": self = .optionalNoCA
        default:
            throw TLSError(.invalidConfiguration, "The certificate verification value [\(attribute)] is not recognised")
        }
    }
}
