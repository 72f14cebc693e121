#if NIOSSL
import NIOSSL
import ServalKeyStore
import ServalTLS

/// Words and kinds for what swift-nio-ssl reports.
enum NIOSSLFailure {
    /// Why a connection failed.
    ///
    /// - Parameter refusal: what the host's own verification said about the client's certificate.
    static func connectionError(_ error: any Error, duringHandshake: Bool, refusal: String?, host: NIOSSLHostContext) -> TLSError {
        var found = classified(error, duringHandshake: duringHandshake, refusal: refusal, host: host)
        switch reason(of: error) {
        case "NO_SHARED_GROUP", "WRONG_CURVE": found.cause = .noSharedGroup
        case "NO_COMMON_SIGNATURE_ALGORITHMS": found.cause = .noSharedSignatureAlgorithm
        default: break
        }
        guard found.setting == nil else { return found }
        switch found.cause ?? found.code.cause {
        case .noSharedProtocol: found.setting = "SSLHostConfig protocols"
        case .noSharedCipher: found.setting = "SSLHostConfig ciphers"
        case .noSharedGroup: found.setting = "SSLHostConfig groups"
        case .noSharedSignatureAlgorithm: found.setting = "Certificate type"
        case .clientCertificateMissing: found.setting = "SSLHostConfig certificateVerification"
        default: break
        }
        return found
    }

    private static func classified(_ error: any Error, duringHandshake: Bool, refusal: String?, host: NIOSSLHostContext) -> TLSError {
        if let error = error as? TLSError { return error }
        if let error = error as? KeyStoreError { return TLSError(.keyUnavailable, "The private key did not sign: \(error.message)") }
        if let refusal { return refused(refusal) }
        let reason = reason(of: error) ?? ""
        let words = reason.isEmpty ? words(for: error) : inWords(reason)
        switch reason {
        case "UNSUPPORTED_PROTOCOL", "WRONG_SSL_VERSION", "INAPPROPRIATE_FALLBACK", "NO_SUPPORTED_VERSIONS_ENABLED", "UNKNOWN_SSL_VERSION":
            return TLSError(
                .noSharedProtocol,
                "The client offers no protocol version that the host speaks (\(words)); protocols is [\(host.protocolsInWords)]"
            )
        case "NO_SHARED_CIPHER", "NO_CIPHERS_SPECIFIED", "NO_COMMON_SIGNATURE_ALGORITHMS", "NO_SHARED_GROUP", "NO_CIPHER_MATCH", "WRONG_CURVE":
            return TLSError(
                .noSharedCipher,
                "The client offers nothing that fits the host's ciphers, cipherSuites, groups and certificates (\(words))"
            )
        case "PEER_DID_NOT_RETURN_A_CERTIFICATE":
            return TLSError(.clientCertificateMissing, "The client sent no certificate and certificateVerification is [required]")
        case "CERTIFICATE_VERIFY_FAILED", "KEY_USAGE_BIT_INCORRECT", "CANNOT_PARSE_LEAF_CERT", "UNKNOWN_CERTIFICATE_TYPE", "ECC_CERT_NOT_FOR_SIGNING":
            return TLSError(.clientCertificateRejected, "The client's certificate was refused (\(words))")
        case "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "WRONG_VERSION_NUMBER", "INVALID_SSL_RECORD", "SSL_SESSION_ID_TOO_LONG":
            return TLSError(duringHandshake ? .notTLS : .protocolViolation, "The client does not speak TLS (\(words))")
        case _ where reason.contains("_ALERT_"):
            return TLSError(.peerAlert, "The client sent the alert [\(alert(reason))]\(hint(for: reason))")
        default:
            return TLSError(duringHandshake ? .handshakeFailed : .protocolViolation, "BoringSSL: \(words)")
        }
    }

    private static let trust = "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile"

    /// The client's certificate was refused by the host's own verification.
    private static func refused(_ words: String) -> TLSError {
        var error = TLSError(
            .clientCertificateRejected,
            "The client's certificate was refused: \(words); caCertificateFile or truststoreFile says who is trusted"
        )
        let causes: [(String, TLSHandshakeFailure.Cause, String?)] = [
            ("unable to get local issuer", .clientCertificateUntrusted, trust),
            ("certificate has expired", .clientCertificateExpired, nil),
            ("certificate is not yet valid", .clientCertificateNotYetValid, nil),
            ("unsuitable certificate purpose", .clientCertificateWrongPurpose, nil),
            ("certificate chain too long", .clientCertificateChainTooLong, "SSLHostConfig certificateVerificationDepth"),
            ("certificate key too weak", .clientCertificateTooWeak, nil),
            ("certificate signature digest", .clientCertificateTooWeak, nil),
        ]
        let found = causes.first { words.hasPrefix($0.0) }
        error.cause = found?.1 ?? .clientCertificateRejected
        error.setting = found == nil ? trust : found?.2
        return error
    }

    /// An error of swift-nio-ssl in one line without places in source files.
    static func words(for error: any Error) -> String {
        if let reason = reason(of: error) { return inWords(reason) }
        return "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    /// BoringSSL's name for the first thing that went wrong, such as `NO_SHARED_CIPHER`.
    private static func reason(of error: any Error) -> String? {
        let failure: BoringSSLError
        switch error {
        case NIOSSLError.handshakeFailed(let inner), NIOSSLError.shutdownFailed(let inner): failure = inner
        case let inner as BoringSSLError: failure = inner
        default: return nil
        }
        switch failure {
        case .sslError(let stack), .unknownError(let stack): return stack.first.flatMap { reason(in: "\($0)") }
        default: return nil
        }
    }

    /// `Error: NUMBER error:NUMBER:LIBRARY:FUNCTION:REASON at FILE:LINE`: the description is all that is public.
    private static func reason(in description: String) -> String? {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 5 else { return nil }
        return parts[5].split(separator: " ").first.map(String.init)
    }

    private static func inWords(_ reason: String) -> String { reason.lowercased().replacing("_", with: " ") }

    /// `SSLV3_ALERT_CERTIFICATE_EXPIRED` → `certificate expired`.
    private static func alert(_ reason: String) -> String {
        inWords(String(reason.split(separator: "_").drop { $0 != "ALERT" }.dropFirst().joined(separator: "_")))
    }

    private static func hint(for reason: String) -> String {
        if reason.hasSuffix("UNKNOWN_CA") {
            return ": it does not trust the issuer of the host's certificate, or certificateChainFile lacks an intermediate certificate"
        }
        if reason.hasSuffix("CERTIFICATE_EXPIRED") { return ": the host's certificate, or one of its chain, has expired" }
        if reason.hasSuffix("BAD_CERTIFICATE") || reason.hasSuffix("CERTIFICATE_UNKNOWN") { return ": it does not accept the host's certificate" }
        if reason.hasSuffix("PROTOCOL_VERSION") { return ": it does not speak the version that the host chose" }
        return ""
    }
}
#endif
