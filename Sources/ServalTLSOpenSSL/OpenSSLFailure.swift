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

    /// The oldest error of the queue, which is emptied; but a certificate that was refused stands behind what its verification stumbled over.
    private static func takeDecidingCode() -> UInt {
        let first = ERR_get_error()
        var code = first
        while code != 0 {
            if serval_error_library(code) == ERR_LIB_SSL, serval_error_reason(code) == SSL_R_CERTIFICATE_VERIFY_FAILED {
                ERR_clear_error()
                return code
            }
            code = ERR_get_error()
        }
        return first
    }

    /// Why a connection failed, from the thread's error queue, which is emptied.
    ///
    /// - Parameter refused: the certificate that a verification which failed was about.
    static func connectionError(duringHandshake: Bool, verifyResult: Int, refused: RefusedCertificate?, host: OpenSSLHostContext) -> TLSError {
        let code = takeDecidingCode()
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
            return ClientCertificateFailure.error(verifyResult: Int32(clamping: verifyResult), refused, otherwise: words)
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
