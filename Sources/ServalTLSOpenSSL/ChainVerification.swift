import COpenSSL
import ServalTLS

/// What a host's trust says about a client's chain.
enum ChainVerdict {
    /// The chain leads to a trusted certificate.
    case verified
    /// Only its issuer is unknown, and the host accepts that (`optionalNoCA`).
    case unverified
    case refused
}

/// Looks at clients' chains by the rules of one host: in `optionalNoCA`'s handshakes, and whenever a session is resumed.
struct ChainVerification {
    let context: OpaquePointer
    /// Whether anybody is trusted.
    let hasTrust: Bool
    let acceptsUnknownIssuers: Bool

    /// What the host's present trust and revocation lists say; the time of day counts as well.
    func verdict(on leaf: OpaquePointer, intermediates: [[UInt8]]) -> ChainVerdict {
        if hasTrust, verify(leaf, intermediates, forgiving: false) { return .verified }
        return acceptsUnknownIssuers && verify(leaf, intermediates, forgiving: true) ? .unverified : .refused
    }

    private func verify(_ leaf: OpaquePointer, _ intermediates: [[UInt8]], forgiving: Bool) -> Bool {
        guard let store = SSL_CTX_get_cert_store(context), let check = X509_STORE_CTX_new(), let untrusted = serval_certs_new() else { return false }
        defer {
            X509_STORE_CTX_free(check)
            serval_certs_free(untrusted)
            ERR_clear_error()
        }
        for der in intermediates {
            guard let certificate = parseCertificate(der) else { return false }
            let isAdded = serval_certs_push(untrusted, certificate) == 1
            X509_free(certificate)
            guard isAdded else { return false }
        }
        guard X509_STORE_CTX_init(check, store, leaf, untrusted) == 1, X509_STORE_CTX_set_default(check, "ssl_client") == 1 else { return false }
        guard X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_CTX_get0_param(context)) == 1 else { return false }
        if forgiving { X509_STORE_CTX_set_verify_cb(check, Self.forgiveUnknownIssuer) }
        return X509_verify_cert(check) == 1
    }

    /// Goes on where nothing but the issuer is missing; the same errors as for `optional_no_ca` of Apache httpd.
    static let forgiveUnknownIssuer: @convention(c) (Int32, OpaquePointer?) -> Int32 = { isGood, check in
        guard isGood == 0 else { return 1 }
        switch X509_STORE_CTX_get_error(check) {
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            return 1
        default:
            return 0
        }
    }
}
