import COpenSSL
import Logging
import NIOCore
import ServalTLS
import Synchronization

/// Decides for one host whether clients with certain certificates are let in, as far as revocation goes.
final class RevocationChecker: Sendable {
    /// A chain that OpenSSL has verified, leaf first, anchor last.
    struct Chain: Sendable {
        var certificates: [CertificateHandle]
        /// By position: 0 if a current list says that the certificate is not revoked, else OpenSSL's error about lists.
        var listErrors: [Int32]
    }

    /// What becomes of a client.
    enum Verdict: Sendable {
        case accepted
        /// The error for the log, and OpenSSL's code, which decides the alert.
        case refused(TLSError, code: Int32)
    }

    /// The verdict, or what it takes to come to one.
    enum Judgement {
        case decided(Verdict)
        case open(EventLoopFuture<Verdict>)
    }

    let policy: RevocationPolicy
    let lists: [TLSRevocationFacts.RevocationList]
    private let service: RevocationService
    private let hostName: String
    private let logger: Logger
    /// When each responder was last complained about, in seconds since 1970.
    private let complaints = Mutex<[String: Int]>([:])

    init(
        _ policy: RevocationPolicy,
        lists: [TLSRevocationFacts.RevocationList],
        service: RevocationService,
        hostName: String,
        logger: Logger
    ) {
        self.policy = policy
        self.lists = lists
        self.service = service
        self.hostName = hostName
        self.logger = logger
    }

    /// Whether there is anybody to ask, so that handshakes may have to wait.
    var asks: Bool { policy != .off }

    // MARK: Decisions

    /// Decides, if need be after asking; the future is of `loop`.
    func judge(_ chain: Chain, on loop: any EventLoop) -> Judgement {
        let findings = findings(chain)
        let unknown = findings.indices.filter { findings[$0].status == nil }
        guard !unknown.isEmpty, let settings = policy.settings else { return .decided(verdict(findings)) }
        let queries = unknown.map { index in
            service.status(findings[index].query, responders: findings[index].responders, timeout: settings.timeout, on: loop)
        }
        return .open(
            EventLoopFuture.whenAllSucceed(queries, on: loop).map { statuses in
                var findings = findings
                for (index, status) in zip(unknown, statuses) { findings[index].status = status }
                return self.verdict(findings)
            }
        )
    }

    /// Decides from what is known; nobody is asked, and what is not known is no proof.
    func judgeNow(_ chain: Chain) -> Verdict {
        var findings = findings(chain)
        for index in findings.indices where findings[index].status == nil {
            findings[index].status = .unproven(.init("nothing is known about it, and there was no time to ask", label: "not-asked"))
        }
        return verdict(findings)
    }

    /// Whether a session with this chain may be resumed: only while everything that the full handshake would ask about is known, so that one that has
    /// to ask comes instead as soon as it is not.
    func stillAccepts(_ chain: Chain) -> Bool {
        let findings = findings(chain)
        guard findings.allSatisfy({ $0.status != nil }) else { return false }
        if case .accepted = verdict(findings, isQuiet: true) { return true }
        return false
    }

    private struct Finding: Sendable {
        var query: OCSPQuery
        var responders: [ResponderAddress]
        /// Nil if somebody has to be asked.
        var status: CertificateStatus?
    }

    /// What is known about each certificate that no list answers for.
    private func findings(_ chain: Chain) -> [Finding] {
        guard let settings = policy.settings, chain.certificates.count > 1 else { return [] }
        return (0..<chain.certificates.count - 1).compactMap { position in
            guard chain.listErrors[position] != 0 else { return nil }
            let query = OCSPQuery(
                certificate: chain.certificates[position],
                issuer: chain.certificates[position + 1],
                verifyFlags: settings.verifyFlags
            )
            let urls = query.certificate.responderURLs
            let responders = urls.compactMap(ResponderAddress.init)
            guard !responders.isEmpty else {
                let words = urls.isEmpty ? "it names no OCSP responder" : "its OCSP responder [\(urls.joined(separator: " "))] is no http URL"
                return Finding(query: query, responders: [], status: .unproven(.init(words, label: "no-responder")))
            }
            return Finding(query: query, responders: responders, status: service.known(service.key(query)))
        }
    }

    private func verdict(_ findings: [Finding], isQuiet: Bool = false) -> Verdict {
        for finding in findings {
            guard case .revoked(let words)? = finding.status else { continue }
            if !isQuiet { service.note(.refusedRevoked) }
            let message =
                "The client's certificate was refused: certificate revoked: [\(finding.query.certificate.subject)]: \(words); ocspEnabled is [true]"
            let error = TLSError(.clientCertificateRejected, message).because(.clientCertificateRevoked, decidedBy: "SSLHostConfig ocspEnabled")
            return .refused(error, code: X509_V_ERR_CERT_REVOKED)
        }
        var hasProof = true
        for finding in findings {
            guard case .unproven(let missing)? = finding.status else { continue }
            hasProof = false
            var words = "[\(finding.query.certificate.subject)]: \(missing.words)"
            if missing.label == "timeout", let timeout = policy.settings?.timeout {
                words += " (ocspTimeout is [\(Int(timeout / .milliseconds(1)))] ms)"
            }
            words += listWords(finding.query.certificate)
            if policy.isHard {
                if !isQuiet { service.note(.refusedWithoutProof) }
                let message = "There is no proof that the client's certificate has not been revoked: \(words); ocspSoftFail is [false]"
                let error = TLSError(.clientCertificateRejected, message)
                    .because(.clientCertificateStatusUnknown, decidedBy: "SSLHostConfig ocspSoftFail")
                return .refused(error, code: X509_V_ERR_OCSP_CERT_UNKNOWN)
            }
            if !isQuiet { complain(words, finding, missing) }
        }
        if !hasProof, !isQuiet { service.note(.letInWithoutProof) }
        return .accepted
    }

    /// Says once in a minute for each responder that clients are let in without proof.
    private func complain(_ words: String, _ finding: Finding, _ missing: CertificateStatus.MissingProof) {
        let place = finding.responders.first?.description ?? "none"
        let now = currentSecond()
        let isNew = complaints.withLock { complaints in
            if complaints.count > 1000 { complaints = [:] }
            if let last = complaints[place], now - last < 60 { return false }
            complaints[place] = now
            return true
        }
        // A certificate without a responder is how the authority wants it, and no news.
        let level: Logger.Level = isNew && missing.label != "no-responder" ? .warning : .debug
        logger.log(
            level: level,
            "SSLHostConfig [\(hostName)]: a client is let in without proof that its certificate has not been revoked: \(words); ocspSoftFail is [true]"
        )
    }

    // MARK: Lists

    /// What is wrong with the list that should have been the proof.
    private func listWords(_ certificate: CertificateHandle) -> String {
        guard !lists.isEmpty else { return "" }
        return "; \(listProblem(issuer: certificate.issuer))"
    }

    private func listProblem(issuer: String) -> String {
        let own = lists.filter { $0.issuer == issuer }
        guard let list = own.max(by: { ($0.nextUpdate ?? .max) < ($1.nextUpdate ?? .max) }) else {
            return "there is no revocation list of [\(issuer)] (certificateRevocationListFile)"
        }
        let now = currentSecond()
        if let end = list.nextUpdate, end < now {
            return "the revocation list of [\(issuer)] in [\(list.path)] is out of date since \(UTCTime.words(end)) (certificateRevocationListFile)"
        }
        if list.thisUpdate > now {
            return "the revocation list of [\(issuer)] in [\(list.path)] is valid from \(UTCTime.words(list.thisUpdate)) only"
        }
        return "the revocation list of [\(issuer)] in [\(list.path)] cannot be used (certificateRevocationListFile)"
    }

    private static let listSetting = "SSLHostConfig certificateRevocationListFile or certificateRevocationListPath"

    /// The error for a certificate that the lists have refused.
    func refusalByList(_ certificate: CertificateHandle, code: Int32) -> TLSError {
        guard code == X509_V_ERR_CERT_REVOKED else {
            let words = X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
            return TLSError(
                .clientCertificateRejected,
                "The client's certificate was refused: \(words): [\(certificate.subject)]: \(listProblem(issuer: certificate.issuer))"
            )
            .because(.clientCertificateStatusUnknown, decidedBy: Self.listSetting)
        }
        service.note(.refusedRevoked)
        let path = lists.first { $0.issuer == certificate.issuer }?.path ?? ""
        return TLSError(
            .clientCertificateRejected,
            "The client's certificate was refused: certificate revoked: [\(certificate.subject)] is in the revocation list [\(path)]"
        )
        .because(.clientCertificateRevoked, decidedBy: Self.listSetting)
    }
}
