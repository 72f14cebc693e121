#if NIOSSL
import NIOSSL
import ServalTLS

/// What a connection's client has shown, and what was found about it.
struct ClientCertificates {
    /// The verified certificates in DER, those that the client sent, its own first; empty if it sent none or was refused.
    private(set) var certificates: [[UInt8]] = []
    /// Why the client was refused.
    private(set) var refusal: String?

    /// Nothing was shown.
    init() {}

    init(_ presented: [NIOSSLCertificate], _ verdict: ClientVerifier.Verdict) {
        switch verdict {
        // What else the client sent nobody has verified.
        case .trusted(let path): certificates = path.filter(presented.contains).compactMap { try? $0.toDERBytes() }
        case .refused(let words): refusal = words
        }
    }

    /// Why a finished handshake must not count; nil if nothing speaks against it.
    ///
    /// Nothing should: BoringSSL turns away whom the verification refuses. This is what holds if it, or what stands between, ever does not.
    func problem(with host: NIOSSLHostContext, _ tls: NIOSSLServerHandler, isResumed: Bool) -> TLSError? {
        guard host.verifier != nil else { return nil }
        let hasShownOne = tls.peerCertificate != nil
        guard hasShownOne || !host.requiresCertificate else {
            return TLSError(.clientCertificateMissing, "The client sent no certificate and certificateVerification is [required]")
        }
        let isVerified = !hasShownOne || (refusal == nil && !certificates.isEmpty && tls.peerValidatedCertificateChain != nil)
        guard isVerified, !isResumed else {
            return TLSError(.clientCertificateRejected, "The client's certificate was not verified on this connection")
        }
        return nil
    }
}
#endif
