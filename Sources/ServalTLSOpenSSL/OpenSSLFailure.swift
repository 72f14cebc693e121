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
        if number >= SSL_AD_REASON_OFFSET {
            let alert = String(cString: SSL_alert_desc_string_long(number - SSL_AD_REASON_OFFSET))
            return TLSError(.peerAlert, "The client sent the alert [\(alert)]\(hint(forAlert: number - SSL_AD_REASON_OFFSET))")
        }
        switch number {
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_VERSION_TOO_HIGH, SSL_R_WRONG_SSL_VERSION, SSL_R_INAPPROPRIATE_FALLBACK,
            SSL_R_UNKNOWN_PROTOCOL, SSL_R_NO_PROTOCOLS_AVAILABLE:
            return TLSError(
                .noSharedProtocol,
                "The client offers no protocol version that the host speaks (\(words)); protocols is [\(host.protocolsInWords)]"
            )
        case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_CIPHERS_SPECIFIED, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
            SSL_R_NO_SUITABLE_KEY_SHARE, SSL_R_NO_SUITABLE_GROUPS, SSL_R_NO_SHARED_GROUPS:
            return TLSError(
                .noSharedCipher,
                "The client offers nothing that fits the host's ciphers, cipherSuites, groups and certificates (\(words))"
            )
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return TLSError(.clientCertificateMissing, "The client sent no certificate and certificateVerification is [required]")
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            let cause = X509_verify_cert_error_string(verifyResult).map { String(cString: $0) } ?? words
            return TLSError(
                .clientCertificateRejected,
                "The client's certificate was refused: \(cause); caCertificateFile or truststoreFile says who is trusted"
            )
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST, SSL_R_WRONG_VERSION_NUMBER, SSL_R_RECORD_LENGTH_MISMATCH:
            return TLSError(duringHandshake ? .notTLS : .protocolViolation, "The client does not speak TLS (\(words))")
        default:
            return TLSError(duringHandshake ? .handshakeFailed : .protocolViolation, "OpenSSL: \(words)")
        }
    }

    private static func hint(forAlert alert: Int32) -> String {
        switch alert {
        case SSL_AD_UNKNOWN_CA: ": it does not trust the issuer of the host's certificate, or certificateChainFile lacks an intermediate certificate"
        case SSL_AD_CERTIFICATE_EXPIRED: ": the host's certificate, or one of its chain, has expired"
        case SSL_AD_BAD_CERTIFICATE, SSL_AD_CERTIFICATE_UNKNOWN: ": it does not accept the host's certificate"
        case SSL_AD_PROTOCOL_VERSION: ": it does not speak the version that the host chose"
        default: ""
        }
    }
}
