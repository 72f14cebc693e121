#if NIOSSL
import CryptoExtras
import FoundationEssentials
import NIOSSL
import ServalTLS
import SwiftASN1
import X509

/// Judges the certificates that clients show; for each connection, off the event loop.
///
/// swift-nio-ssl calls it instead of BoringSSL's own check, which does not say what chain it found and takes trust roots for granted. What cannot be read, or
/// judged, is refused.
struct ClientVerifier: Sendable {
    /// What was found about a client.
    enum Verdict: Sendable {
        case trusted([NIOSSLCertificate])
        case refused(String)
    }

    /// The trusted certificates, for the names that the client gets to see.
    let trusted: [NIOSSLCertificate]
    private let anchors: [Certificate]
    private let store: CertificateStore
    private let depth: Int

    /// More than honest clients send; what a path through them can cost grows with their number.
    private static let longestList = 20

    /// - Throws: `.noTrustAnchors` and what is wrong with the files.
    init(_ trust: TrustSource, depth: Int) throws(TLSError) {
        var (anchors, trusted): ([Certificate], [NIOSSLCertificate]) = ([], [])
        for der in try trust.loadCertificates() {
            do {
                anchors.append(try Certificate(derEncoded: der))
                trusted.append(try NIOSSLCertificate(bytes: der, format: .der))
            } catch {
                throw TLSError(.invalidKeyMaterial, "A trusted certificate in \(trust.inWords) cannot be read: \(NIOSSLFailure.words(for: error))")
            }
        }
        guard !anchors.isEmpty else {
            throw TLSError(
                .noTrustAnchors,
                "certificateVerification needs at least one trusted certificate, and there is none in \(trust.inWords)"
            )
        }
        self.anchors = anchors
        self.trusted = trusted
        self.store = CertificateStore(anchors)
        self.depth = depth
    }

    /// Judges a chain as the client sent it, its own certificate first.
    func judge(_ presented: [NIOSSLCertificate]) async -> Verdict {
        guard presented.count <= Self.longestList else { return .refused("it sent \(presented.count) certificates") }
        var certificates: [Certificate] = []
        for certificate in presented {
            guard let der = try? certificate.toDERBytes(), let parsed = try? Certificate(derEncoded: der),
                (try? ClientCertificateNames(der: der)) != nil
            else {
                return .refused("a certificate cannot be read, perhaps because its algorithms are not known")
            }
            certificates.append(parsed)
        }
        guard let leaf = certificates.first else { return .refused("it sent no certificate") }
        if let problem = ClientCertificatePolicy.problem(ofValidityOf: leaf) { return .refused(problem) }
        // As with Java's trust stores, whatever is trusted is an anchor, a client's own certificate too.
        if anchors.contains(leaf) {
            if let problem = ClientCertificatePolicy(depth: depth).problem(of: [leaf]) { return .refused(problem) }
            return .trusted([presented[0]])
        }
        var verifier = Verifier(rootCertificates: store) {
            RFC5280Policy()
            ClientCertificatePolicy(depth: depth)
        }
        switch await verifier.validate(leaf: leaf, intermediates: CertificateStore(certificates.dropFirst())) {
        case .validCertificate(let chain):
            return .trusted(chain.compactMap { position(of: $0, in: certificates).map { presented[$0] } ?? anchor($0) })
        case .couldNotValidate(let failures):
            // The words that OpenSSL has for the commonest case.
            return .refused(failures.first.map { "\($0.policyFailureReason)" } ?? "unable to get local issuer certificate")
        }
    }

    private func position(of certificate: Certificate, in presented: [Certificate]) -> Int? { presented.firstIndex(of: certificate) }

    private func anchor(_ certificate: Certificate) -> NIOSSLCertificate? { anchors.firstIndex(of: certificate).map { trusted[$0] } }
}

/// What a client's chain must meet beyond RFC 5280: its depth, its purpose, and the strength of its signatures.
struct ClientCertificatePolicy: VerifierPolicy {
    let depth: Int

    var verifyingCriticalExtensions: [ASN1ObjectIdentifier] { [.X509ExtensionID.extendedKeyUsage, .X509ExtensionID.keyUsage] }

    func chainMeetsPolicyRequirements(chain: UnverifiedCertificateChain) async -> PolicyEvaluationResult {
        guard let problem = problem(of: Array(chain)) else { return .meetsPolicy }
        return .failsToMeetPolicy(reason: problem)
    }

    /// What is wrong with a chain whose last certificate is trusted; nil if nothing is.
    func problem(of chain: [Certificate]) -> String? {
        // OpenSSL counts what stands between the client's certificate and the trusted one.
        guard chain.count - 2 <= depth else { return "certificate chain too long: certificateVerificationDepth is [\(depth)]" }
        for (position, certificate) in chain.enumerated() {
            if let problem = Self.problem(ofValidityOf: certificate) { return problem }
            do {
                if let purposes = try certificate.extensions.extendedKeyUsage, !purposes.contains(.clientAuth), !purposes.contains(.any) {
                    return "unsuitable certificate purpose: extendedKeyUsage has no clientAuth"
                }
                if let usage = try certificate.extensions.keyUsage {
                    let isRight = position == 0 ? usage.digitalSignature || usage.keyAgreement : usage.keyCertSign
                    guard isRight else { return "unsuitable certificate purpose: keyUsage" }
                }
            } catch {
                return "an extension of a certificate cannot be read"
            }
            if let key = _RSA.Signing.PublicKey(certificate.publicKey), key.keySizeInBits < 2048 {
                return "certificate key too weak: RSA with \(key.keySizeInBits) bits"
            }
            // Nobody relies on the signature of what is trusted itself.
            if position < chain.count - 1, certificate.signatureAlgorithm == .sha1WithRSAEncryption {
                return "certificate signature digest algorithm too weak: SHA-1"
            }
        }
        return nil
    }

    static func problem(ofValidityOf certificate: Certificate) -> String? {
        let now = Date.now
        if certificate.notValidAfter < now { return "certificate has expired" }
        if certificate.notValidBefore > now { return "certificate is not yet valid" }
        return nil
    }
}
#endif
