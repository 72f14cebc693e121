/// Whether a host asks clients for a certificate, and whom it trusts then (`certificateVerification`).
///
/// There is no way to verify without saying whom to trust, and no way to name somebody trusted without verifying.
public enum ClientAuthentication: Sendable, Hashable {
    /// Does not ask (`none`).
    case none
    /// Asks; a client without a certificate is served, one with a bad certificate is not (`optional`).
    case optional(trust: TrustSource)
    /// Serves only clients with a good certificate (`required`).
    case required(trust: TrustSource)

    /// Whom this trusts; nil if it does not ask.
    public var trust: TrustSource? {
        switch self {
        case .none: nil
        case .optional(let trust), .required(let trust): trust
        }
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
    /// Without a verified certificate there is no connection.
    case required

    /// Reads Tomcat's words, new and old (`certificateVerification`, `clientAuth`, `SSLVerifyClient`), without case.
    ///
    /// - Throws: `.invalidConfiguration` for any other word, and for `optionalNoCA`, which would accept certificates that nobody has verified.
    public init(attribute: String) throws(TLSError) {
        switch attribute.lowercased() {
        case "none", "no", "false": self = .none
        case "optional", "want": self = .optional
        case "required", "require", "yes", "true": self = .required
        case "optionalnoca", "optional_no_ca":
            throw TLSError(
                .invalidConfiguration,
                "The certificate verification value [\(attribute)] would accept certificates that nobody has verified; use [optional] with a caCertificateFile or truststoreFile"
            )
        default:
            throw TLSError(.invalidConfiguration, "The certificate verification value [\(attribute)] is not recognised")
        }
    }
}
