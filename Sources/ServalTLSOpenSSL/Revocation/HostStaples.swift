import COpenSSL
import Logging
import NIOCore
import NIOPosix
import ServalTLS

/// The OCSP answers that one host presents, one for each of its certificates that names a responder.
struct HostStaples: Sendable {
    private struct Entry: Sendable {
        var certificate: CertificateHandle
        var staple: OCSPStaple
        var isDemanded: Bool
    }

    private var entries: [Entry] = []

    var isEmpty: Bool { entries.isEmpty }

    var facts: [TLSRevocationFacts.Staple] { entries.map(\.staple.facts) }

    /// Looks after the answer for a certificate, if it can have one.
    ///
    /// - Parameters:
    ///   - issuers: Where its issuer is looked for.
    ///   - warn: Gets one line if there is something to be said.
    /// - Throws: `.stapleMissing` if the certificate demands an answer (RFC 7633) that it cannot get.
    mutating func add(
        _ certificate: CertificateHandle,
        issuers: IssuerSearch,
        isOn: Bool,
        directory: String?,
        service: RevocationService,
        logger: Logger,
        warn: (String) -> Void
    ) throws(TLSError) {
        let isDemanded = certificate.demandsStaple
        let urls = certificate.responderURLs
        let responders = urls.compactMap(ResponderAddress.init)
        var obstacle: String?
        var issuer: CertificateHandle?
        if isOn, !responders.isEmpty { issuer = issuers.issuer(of: certificate) }
        if !isOn {
            obstacle = "serval.ocspStapling is [false]"
        } else if urls.isEmpty {
            // How many an authority wants it today, and nothing that an operator could change.
            logger.debug("OCSP stapling: [\(certificate.subject)] names no OCSP responder, so there is nothing to staple")
            obstacle = "it names no OCSP responder"
        } else if responders.isEmpty {
            obstacle = "its OCSP responder [\(urls.joined(separator: " "))] is no http URL"
            warn("No OCSP answer can be stapled to [\(certificate.subject)]: \(obstacle ?? "")")
        } else if issuer == nil {
            obstacle =
                "its issuer [\(certificate.issuer)] is neither in certificateChainFile, nor behind it in certificateFile or its key store entry, nor in "
                + "the trust store of the host, nor among the system's authorities; append the issuer's certificate to certificateChainFile"
            warn("No OCSP answer can be stapled to [\(certificate.subject)]: \(obstacle ?? "")")
        }
        guard obstacle == nil, let issuer else {
            guard !isDemanded else {
                throw TLSError(
                    .stapleMissing,
                    "The certificate [\(certificate.subject)] demands a stapled OCSP answer (must-staple), and \(obstacle ?? "")"
                )
            }
            return
        }
        let staple = service.staple(of: certificate.digest) {
            OCSPStaple(
                OCSPQuery(certificate: certificate, issuer: issuer),
                responders: responders,
                store: directory.map(StapleStore.init(directory:)),
                logger: logger,
                note: service.note
            )
        }
        entries.append(Entry(certificate: certificate, staple: staple, isDemanded: isDemanded))
    }

    /// Presents the answer for the certificate that OpenSSL has chosen, if there is one.
    func present(to ssl: OpaquePointer) -> Int32 {
        guard let chosen = SSL_get_certificate(ssl), let entry = entries.first(where: { $0.certificate.pointer == chosen }),
            let answer = entry.staple.answer, serval_set_staple(ssl, answer, answer.count) == 1
        else { return SSL_TLSEXT_ERR_NOACK }
        return SSL_TLSEXT_ERR_OK
    }

    /// Tells of certificates about which only a responder could say whether they can be served.
    static func tellOfUnchecked(_ hosts: [(name: String, staples: HostStaples)], _ logger: Logger) {
        for host in hosts {
            for entry in host.staples.entries where entry.isDemanded && entry.staple.answer == nil {
                logger.warning(
                    "SSLHostConfig [\(host.name)]: The certificate [\(entry.staple.subject)] demands a stapled OCSP answer (must-staple), without which the server does not start; this check does not use the network to ask for one"
                )
            }
        }
    }

    /// Waits until each certificate has its answer, or the time for that is over.
    ///
    /// Blocks, but for event loops, where fetching goes on behind the scenes.
    /// - Throws: `.stapleMissing` for a certificate that demands an answer and has none.
    static func prepare(_ hosts: [(name: String, staples: HostStaples)]) throws(TLSError) {
        let fetches = hosts.flatMap { $0.staples.entries.map { $0.staple.start() } }
        if !fetches.isEmpty, MultiThreadedEventLoopGroup.currentEventLoop == nil {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let done = loop.makePromise(of: Void.self)
            let limit = loop.scheduleTask(in: OCSPStaple.timeout) { done.succeed() }
            EventLoopFuture.whenAllComplete(fetches, on: loop).whenComplete { _ in
                limit.cancel()
                done.succeed()
            }
            // It never fails.
            try? done.futureResult.wait()
        }
        for host in hosts {
            for entry in host.staples.entries where entry.isDemanded && entry.staple.answer == nil {
                throw TLSError(
                    .stapleMissing,
                    "SSLHostConfig [\(host.name)]: The certificate [\(entry.staple.subject)] demands a stapled OCSP answer (must-staple), and there is none: "
                        + entry.staple.lastFailure
                )
            }
        }
    }
}
