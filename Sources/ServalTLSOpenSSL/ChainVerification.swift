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
    /// Decides about what has been revoked; nil if nobody asks and there are no lists.
    let revocation: RevocationChecker?

    /// What the host's present trust and revocation lists say; the time of day counts as well.
    ///
    /// - Parameter withAnswers: Whether responders' answers count, too, those that are at hand.
    func verdict(on leaf: OpaquePointer, intermediates: [[UInt8]], withAnswers: Bool = false) -> ChainVerdict {
        if hasTrust, let chain = verifiedChain(leaf, intermediates) {
            guard withAnswers, let revocation, revocation.asks else { return .verified }
            return revocation.stillAccepts(chain) ? .verified : .refused
        }
        // Nobody can be asked about a chain that leads nowhere.
        guard acceptsUnknownIssuers, revocation?.policy.isHard != true else { return .refused }
        return verify(
            leaf,
            intermediates,
            { check in
                X509_STORE_CTX_set_verify_cb(check, Self.forgiveUnknownIssuer)
                return X509_verify_cert(check) == 1 ? true : nil
            }
        ) != nil ? .unverified : .refused
    }

    /// The chain to a trusted certificate, if there is one, with what the lists say about each certificate.
    func verifiedChain(_ leaf: OpaquePointer, _ intermediates: [[UInt8]]) -> RevocationChecker.Chain? {
        verify(leaf, intermediates) { check in
            if let revocation { return RevocationPause.verifiedChain(check, revocation) }
            return X509_verify_cert(check) == 1 ? RevocationChecker.Chain(certificates: [], listErrors: []) : nil
        }
    }

    private func verify<Finding>(_ leaf: OpaquePointer, _ intermediates: [[UInt8]], _ look: (OpaquePointer) -> Finding?) -> Finding? {
        guard let store = SSL_CTX_get_cert_store(context), let check = X509_STORE_CTX_new(), let untrusted = serval_certs_new() else { return nil }
        defer {
            X509_STORE_CTX_free(check)
            serval_certs_free(untrusted)
            ERR_clear_error()
        }
        for der in intermediates {
            guard let certificate = parseCertificate(der) else { return nil }
            let isAdded = serval_certs_push(untrusted, certificate) == 1
            X509_free(certificate)
            guard isAdded else { return nil }
        }
        guard X509_STORE_CTX_init(check, store, leaf, untrusted) == 1, X509_STORE_CTX_set_default(check, "ssl_client") == 1 else { return nil }
        guard X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_CTX_get0_param(context)) == 1 else { return nil }
        return look(check)
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
