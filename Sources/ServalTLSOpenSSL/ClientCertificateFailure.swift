import COpenSSL
import ServalTLS

/// The certificate for whose sake a client's chain was refused.
struct RefusedCertificate {
    /// Whose it is, which decides who has to do something.
    enum Role {
        case client
        /// Between the client's and a trusted one.
        case intermediate
        /// One that the server trusts.
        case trusted
    }

    let handle: CertificateHandle
    let depth: Int
    let role: Role

    /// What OpenSSL's verification has noted; nil if it failed for no certificate's sake.
    init?(_ io: serval_io) {
        guard let handle = CertificateHandle(io.refused) else { return nil }
        self.handle = handle
        depth = Int(io.refused_depth)
        role = io.refused_is_trusted != 0 ? .trusted : depth == 0 ? .client : .intermediate
    }

    /// Whom it is about, so that it can be found: the words are escaped, because anybody may have made it.
    var words: String {
        let digits = hexadecimal(Array(handle.serial.drop { $0 == 0 }))
        let whose =
            switch role {
            case .client: "the client's own"
            case .intermediate: "an intermediate one"
            case .trusted: "one that is trusted here"
            }
        return "[\(handle.subject)], serial number \(digits.isEmpty ? "0" : digits), depth \(depth), \(whose), issued by [\(handle.issuer)]"
    }
}

/// Why a client's certificate is not accepted, by OpenSSL's number.
enum ClientCertificateFailure {
    private typealias Meaning = (cause: TLSHandshakeFailure.Cause, advice: String, setting: String?)

    static func error(verifyResult: Int32, _ refused: RefusedCertificate?, otherwise words: String) -> TLSError {
        let reason = X509_verify_cert_error_string(Int(verifyResult)).map { String(cString: $0) } ?? words
        let meaning = timeMeaning(of: verifyResult, refused?.role ?? .client) ?? meaning(of: verifyResult)
        let which = refused.map { ": \($0.words)" } ?? ""
        return TLSError(.clientCertificateRejected, "The client's certificate was refused: \(reason)\(which); \(meaning.advice)")
            .because(meaning.cause, decidedBy: meaning.setting)
    }

    private static let trust = "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile"
    private static let lists = "SSLHostConfig certificateRevocationListFile or certificateRevocationListPath"

    /// What is to be done depends on whose time is over.
    private static func timeMeaning(of code: Int32, _ role: RefusedCertificate.Role) -> Meaning? {
        switch (code, role) {
        case (X509_V_ERR_CERT_HAS_EXPIRED, .client): (.clientCertificateExpired, "the client needs a new one", nil)
        case (X509_V_ERR_CERT_HAS_EXPIRED, .intermediate):
            (.clientCertificateExpired, "its authority needs a new one, which the client has to send with its own", nil)
        case (X509_V_ERR_CERT_HAS_EXPIRED, .trusted):
            (.trustedCertificateExpired, "put the authority's present certificate into caCertificateFile or truststoreFile", trust)
        case (X509_V_ERR_CERT_NOT_YET_VALID, .trusted):
            (.trustedCertificateExpired, "caCertificateFile or truststoreFile trusts it before its time; one of the clocks may be wrong", trust)
        case (X509_V_ERR_CERT_NOT_YET_VALID, _): (.clientCertificateNotYetValid, "one of the clocks may be wrong", nil)
        default: nil
        }
    }

    private static func meaning(of code: Int32) -> Meaning {
        switch code {
        case X509_V_ERR_CERT_REVOKED: (.clientCertificateRevoked, "its issuer says so", lists)
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA, X509_V_ERR_CERT_REJECTED:
            (
                .clientCertificateWrongPurpose, "it, or one of its issuers, is not made for this use (extendedKeyUsage clientAuth, basicConstraints)",
                nil
            )
        case X509_V_ERR_CERT_CHAIN_TOO_LONG:
            (
                .clientCertificateChainTooLong, "certificateVerificationDepth says how many certificates may lie between it and a trusted one",
                "SSLHostConfig certificateVerificationDepth"
            )
        case X509_V_ERR_PATH_LENGTH_EXCEEDED:
            (
                .clientCertificateChainTooLong,
                "an authority of the chain says itself how many may stand below it (pathLenConstraint), which no setting here changes", nil
            )
        case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION, X509_V_ERR_SUBTREE_MINMAX, X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE,
            X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
            (
                .clientCertificateRejected,
                "an authority of the chain may not issue certificates for such names (nameConstraints), which no setting here changes", nil
            )
        case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
            (.clientCertificateRejected, "it has a critical extension that OpenSSL does not know, which no setting here changes", nil)
        case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID,
            X509_V_ERR_CRL_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, X509_V_ERR_DIFFERENT_CRL_SCOPE:
            (.clientCertificateStatusUnknown, "every certificate of the chain needs a current revocation list of its issuer", lists)
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
            (.clientCertificateTooWeak, "OpenSSL's security level decides (@SECLEVEL in ciphers)", "SSLHostConfig ciphers")
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            (.clientCertificateUntrusted, "its issuer has not signed it: it is forged, or from another authority of the same name", trust)
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            (
                .clientCertificateUntrusted, "caCertificateFile or truststoreFile says who is trusted; intermediates have to come from the client",
                trust
            )
        default: (.clientCertificateRejected, "caCertificateFile or truststoreFile says who is trusted", trust)
        }
    }
}
