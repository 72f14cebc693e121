import COpenSSL
import ServalTLS

/// One connection's verification of the client's certificate, which may have to wait for a responder.
///
/// OpenSSL runs such a handshake on a stack of its own (see `ExternalSigning`), and only C stands on it while it waits. Belongs to its connection's event
/// loop.
final class RevocationPause {
    let checker: RevocationChecker
    private let pending: UnsafeMutablePointer<serval_revocation>
    private var refusal: TLSError?
    /// Whether somebody judges certificates that come after the handshake.
    var isLate = false
    private var lateChain: RevocationChecker.Chain?

    /// Nil when memory is short.
    init?(_ ssl: OpaquePointer, _ checker: RevocationChecker) {
        self.checker = checker
        pending = .allocate(capacity: 1)
        pending.initialize(to: serval_revocation())
        pending.pointee.refused = -1
        pending.pointee.has_lists = checker.lists.isEmpty ? 0 : 1
        pending.pointee.asks = checker.asks ? 1 : 0
        pending.pointee.refuses_unverified = checker.policy.isHard ? 1 : 0
        // Without a reference: an SSL, which alone calls it, never outlives its connection, which holds this.
        pending.pointee.owner = Unmanaged.passUnretained(self).toOpaque()
        pending.pointee.decide_now = { pending in
            guard let owner = pending?.pointee.owner else { return }
            Unmanaged<RevocationPause>.fromOpaque(owner).takeUnretainedValue().decideNow()
        }
        guard serval_set_revocation(ssl, pending) == 1 else { return nil }
    }

    deinit {
        serval_revocation_clear(pending)
        pending.deallocate()
    }

    /// Whether the handshake may have to be left.
    var asks: Bool { checker.asks }

    /// Whether the handshake has been left for a verdict.
    var isWaiting: Bool { pending.pointee.state == SERVAL_STATUS_WAITING }

    /// The chain that the verdict is about.
    var chain: RevocationChecker.Chain { Self.chain(pending) }

    func decide(_ verdict: RevocationChecker.Verdict) {
        guard isWaiting else { return }
        switch verdict {
        case .accepted:
            pending.pointee.verdict = X509_V_OK
        case .refused(let error, let code):
            refusal = error
            pending.pointee.verdict = code
        }
        pending.pointee.state = Int32(SERVAL_STATUS_DECIDED)
    }

    /// After the handshake there is nothing that could be left: where somebody takes care of it, the verdict comes after OpenSSL has taken the certificate,
    /// and before anybody sees it.
    private func decideNow() {
        guard isLate else { return decide(checker.judgeNow(chain)) }
        lateChain = chain
        decide(.accepted)
    }

    /// The chain that the client has shown after the handshake, and that nobody has judged yet.
    func takeLateChain() -> RevocationChecker.Chain? {
        defer { lateChain = nil }
        return lateChain
    }

    /// Why the certificate was refused, if revocation was the reason.
    func failure(verifyResult: Int) -> TLSError? {
        if let refusal { return refusal }
        if pending.pointee.verdict == X509_V_ERR_OCSP_VERIFY_FAILED {
            return TLSError(
                .clientCertificateRejected,
                "The client's certificate was refused: its chain does not verify, so nobody can be asked whether it has been revoked; ocspSoftFail is [false]"
            )
            .because(.clientCertificateStatusUnknown, decidedBy: "SSLHostConfig ocspSoftFail")
        }
        let position = Int(pending.pointee.refused)
        let chain = chain
        guard chain.certificates.indices.contains(position) else { return nil }
        return checker.refusalByList(chain.certificates[position], code: Int32(verifyResult))
    }

    private static func chain(_ pending: UnsafeMutablePointer<serval_revocation>) -> RevocationChecker.Chain {
        let certificates = (0..<serval_cert_count(pending.pointee.chain)).compactMap { CertificateHandle(serval_cert_at(pending.pointee.chain, $0)) }
        let errors = withUnsafeBytes(of: pending.pointee.list_errors) { Array($0.bindMemory(to: Int32.self).prefix(certificates.count)) }
        return RevocationChecker.Chain(certificates: certificates, listErrors: errors)
    }

    // MARK: Outside handshakes

    /// Verifies a chain that `check` has been made ready for; nil if it does not verify, as far as the lists go.
    static func verifiedChain(_ check: OpaquePointer, _ checker: RevocationChecker) -> RevocationChecker.Chain? {
        let pending = UnsafeMutablePointer<serval_revocation>.allocate(capacity: 1)
        pending.initialize(to: serval_revocation())
        pending.pointee.has_lists = checker.lists.isEmpty ? 0 : 1
        pending.pointee.asks = checker.asks ? 1 : 0
        defer {
            serval_revocation_clear(pending)
            pending.deallocate()
        }
        guard serval_verify(check, pending) == SERVAL_VERIFIED else { return nil }
        return chain(pending)
    }
}
