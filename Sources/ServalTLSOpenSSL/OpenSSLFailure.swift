import COpenSSL
import ServalTLS

/// Words for what OpenSSL reports in numbers.
enum OpenSSLFailure {
    /// The first entry of the thread's error queue in OpenSSL's words, and the queue emptied.
    static func takeReason() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        return reason(code)
    }

    private static func reason(_ code: UInt) -> String {
        if let words = ERR_reason_error_string(code) { return String(cString: words) }
        return code == 0 ? "unknown reason" : "error \(code)"
    }

    /// Why a connection failed, from the thread's error queue, which is emptied.
    static func connectionError(duringHandshake: Bool, verifyResult: Int, host: OpenSSLHostContext) -> TLSError {
        let code = ERR_get_error()
        ERR_clear_error()
        let number = serval_error_reason(code)
        let words = reason(code)
        guard serval_error_library(code) == ERR_LIB_SSL else {
            return TLSError(duringHandshake ? .handshakeFailed : .protocolViolation, "OpenSSL: \(words)")
        }
        if number >= SSL_AD_REASON_OFFSET { return clientAlert(number - SSL_AD_REASON_OFFSET, host: host) }
        switch number {
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH, SSL_R_WRONG_SSL_VERSION, SSL_R_INAPPROPRIATE_FALLBACK,
            SSL_R_UNKNOWN_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE:
            return TLSError(
                .noSharedProtocol,
                "The client offers no protocol version that the host speaks (\(words)); protocols is [\(host.protocolsInWords)]"
            ).because(.noSharedProtocol, decidedBy: "SSLHostConfig protocols")
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_CIPHERS_SPECIFIED:
            return nothingShared(.noSharedCipher, words)
        case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
            return nothingShared(.noSharedSignatureAlgorithm, words)
        case SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_GROUPS:
            return nothingShared(.noSharedGroup, words)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return TLSError(.clientCertificateMissing, "The client sent no certificate and certificateVerification is [required]")
                .because(.clientCertificateMissing, decidedBy: "SSLHostConfig certificateVerification")
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return ClientCertificateFailure.error(verifyResult: Int32(clamping: verifyResult), otherwise: words)
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_WRONG_VERSION_NUMBER, SSL_R_RECORD_LENGTH_MISMATCH:
            return TLSError(duringHandshake ? .notTLS : .protocolViolation, "The client does not speak TLS (\(words))").because(.notTLS)
        default:
            return TLSError(duringHandshake ? .handshakeFailed : .protocolViolation, "The client broke the protocol, or OpenSSL refused: \(words)")
                .because(.invalidMessage)
        }
    }

    private static func nothingShared(_ cause: TLSHandshakeFailure.Cause, _ words: String) -> TLSError {
        TLSError(.noSharedCipher, "The client offers nothing that fits the host's ciphers, cipherSuites, groups and certificates (\(words))")
            .because(cause)
    }

    // MARK: Alerts

    /// An alert in the RFC's words.
    static func name(ofAlert alert: Int32) -> String {
        switch alert {
        // OpenSSL 3.0 has no words for these.
        case SSL_AD_CERTIFICATE_REQUIRED: "certificate required"
        case SSL_AD_NO_APPLICATION_PROTOCOL: "no application protocol"
        case SSL_AD_MISSING_EXTENSION: "missing extension"
        default: String(cString: SSL_alert_desc_string_long(alert))
        }
    }

    private static func clientAlert(_ alert: Int32, host: OpenSSLHostContext) -> TLSError {
        let name = name(ofAlert: alert)
        func error(_ cause: TLSHandshakeFailure.Cause, _ hint: String, decidedBy setting: String? = nil) -> TLSError {
            TLSError(.peerAlert, "The client sent the alert [\(name)]: \(hint)").because(cause, decidedBy: setting)
        }
        switch alert {
        case SSL_AD_UNKNOWN_CA:
            return error(
                .serverCertificateUntrusted,
                "it does not trust the issuer of the host's certificate, or certificateChainFile lacks an intermediate certificate",
                decidedBy: "Certificate certificateChainFile"
            )
        case SSL_AD_CERTIFICATE_EXPIRED where host.hasExpiredCertificate:
            return error(
                .serverCertificateExpired,
                "the host's certificate, or one of its chain, has expired",
                decidedBy: "Certificate certificateFile or certificateKeystoreFile"
            )
        case SSL_AD_CERTIFICATE_EXPIRED:
            return error(.serverCertificateRefused, "it takes the host's certificate for expired, which it is not; the client's clock may be wrong")
        case SSL_AD_BAD_CERTIFICATE, SSL_AD_CERTIFICATE_UNKNOWN, SSL_AD_UNSUPPORTED_CERTIFICATE:
            return error(
                .serverCertificateRefused,
                "it does not accept the host's certificate: it does not trust it, the name in it is another one, or its kind is not known"
            )
        case SSL_AD_CERTIFICATE_REVOKED:
            return error(.serverCertificateRefused, "it takes the host's certificate for revoked")
        case SSL_AD_ACCESS_DENIED: return error(.serverCertificateRefused, "it accepts the host's certificate, and does not want to talk to it")
        case SSL_AD_PROTOCOL_VERSION:
            return error(.clientAlert, "it does not speak the version that the host chose", decidedBy: "SSLHostConfig protocols")
        case SSL_AD_HANDSHAKE_FAILURE, SSL_AD_INSUFFICIENT_SECURITY, SSL_AD_ILLEGAL_PARAMETER:
            return error(.clientAlert, "it does not accept what the host chose", decidedBy: "SSLHostConfig ciphers, cipherSuites and groups")
        case SSL_AD_NO_RENEGOTIATION: return error(.clientAlert, "it does not renegotiate")
        case SSL_AD_USER_CANCELLED: return error(.aborted, "somebody cancelled the handshake there")
        default: return error(.clientAlert, "it ended the handshake")
        }
    }
}

extension TLSError {
    /// The same error with what the log line of a failed handshake says about it.
    func because(_ cause: TLSHandshakeFailure.Cause, decidedBy setting: String? = nil) -> TLSError {
        var error = self
        error.cause = cause
        error.setting = setting
        return error
    }
}

/// Why a client's certificate is not accepted, by OpenSSL's number.
enum ClientCertificateFailure {
    static func error(verifyResult: Int32, otherwise words: String) -> TLSError {
        let reason = X509_verify_cert_error_string(Int(verifyResult)).map { String(cString: $0) } ?? words
        let (cause, advice, setting) = meaning(of: verifyResult)
        return TLSError(.clientCertificateRejected, "The client's certificate was refused: \(reason); \(advice)").because(cause, decidedBy: setting)
    }

    private static let trust = "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile"
    private static let lists = "SSLHostConfig certificateRevocationListFile or certificateRevocationListPath"

    private static func meaning(of code: Int32) -> (TLSHandshakeFailure.Cause, advice: String, setting: String?) {
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED: (.clientCertificateExpired, "the client needs a new one", nil)
        case X509_V_ERR_CERT_NOT_YET_VALID: (.clientCertificateNotYetValid, "one of the clocks may be wrong", nil)
        case X509_V_ERR_CERT_REVOKED: (.clientCertificateRevoked, "its issuer says so", lists)
        case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA, X509_V_ERR_CERT_REJECTED:
            (
                .clientCertificateWrongPurpose, "it, or one of its issuers, is not made for this use (extendedKeyUsage clientAuth, basicConstraints)",
                nil
            )
        case X509_V_ERR_CERT_CHAIN_TOO_LONG, X509_V_ERR_PATH_LENGTH_EXCEEDED:
            (
                .clientCertificateChainTooLong, "certificateVerificationDepth says how many certificates may lie between it and a trusted one",
                "SSLHostConfig certificateVerificationDepth"
            )
        case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_CRL_NOT_YET_VALID,
            X509_V_ERR_CRL_SIGNATURE_FAILURE, X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, X509_V_ERR_DIFFERENT_CRL_SCOPE:
            (.clientCertificateStatusUnknown, "every certificate of the chain needs a current revocation list of its issuer", lists)
        case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
            (.clientCertificateTooWeak, "OpenSSL's security level decides (@SECLEVEL in ciphers)", "SSLHostConfig ciphers")
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
            X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
            X509_V_ERR_CERT_SIGNATURE_FAILURE:
            (
                .clientCertificateUntrusted, "caCertificateFile or truststoreFile says who is trusted; intermediates have to come from the client",
                trust
            )
        default: (.clientCertificateRejected, "caCertificateFile or truststoreFile says who is trusted", trust)
        }
    }
}
