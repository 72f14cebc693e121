import COpenSSL
import ServalTLS

/// Where the issuer of one of the server's own certificates is looked for: whoever wants to know about a certificate has to name its issuer's key.
///
/// Finding it trusts nobody; an answer counts if the key that signed the certificate answers for it, wherever its certificate has been found.
struct IssuerSearch {
    /// The certificates that are sent with it, in any order.
    let chain: [CertificateHandle]
    /// Whom the host trusts.
    let trust: TrustSource?

    /// First the chain, then the host's trust store, then the system's authorities; the later ones are read only if need be.
    func issuer(of certificate: CertificateHandle) -> CertificateHandle? {
        if let issuer = chain.first(where: certificate.isIssued) { return issuer }
        return trustedIssuer(of: certificate) ?? systemIssuer(of: certificate)
    }

    /// Only the host's trust store.
    func trustedIssuer(of certificate: CertificateHandle) -> CertificateHandle? {
        // What is wrong with the trust store is told where it is needed.
        let trusted = (try? trust?.loadCertificates()) ?? []
        return trusted.lazy.compactMap { CertificateHandle(der: $0) }.first(where: certificate.isIssued)
    }

    private func systemIssuer(of certificate: CertificateHandle) -> CertificateHandle? {
        guard let store = X509_STORE_new(), let check = X509_STORE_CTX_new() else { return nil }
        defer {
            X509_STORE_CTX_free(check)
            X509_STORE_free(store)
            ERR_clear_error()
        }
        var found: OpaquePointer?
        guard X509_STORE_set_default_paths(store) == 1, X509_STORE_CTX_init(check, store, certificate.pointer, nil) == 1,
            X509_STORE_CTX_get1_issuer(&found, check, certificate.pointer) == 1, let found
        else { return nil }
        defer { X509_free(found) }
        return CertificateHandle(found).flatMap { certificate.isIssued(by: $0) ? $0 : nil }
    }
}
