#if NIOSSL
import Logging
import NIOSSL
import ServalTLS
import Synchronization

/// One TLS host: its certificates with a `NIOSSLContext` each.
///
/// The keys of session tickets belong to a context and are random, so nothing is resumed across hosts, certificates or reloads. swift-nio-ssl sets neither
/// how long sessions last nor ends one; contexts are replaced for that. It does not say either whose certificate a resumed session was made with, so a host
/// that asks for certificates gets a context for each connection: there every handshake is a full one, and every client is verified.
final class NIOSSLHostContext: Sendable {
    let hostName: String
    let summary: String
    let protocolsInWords: String
    /// Present if clients are asked for certificates.
    let verifier: ClientVerifier?
    /// Whether a client without a certificate is turned away.
    let requiresCertificate: Bool
    /// What a client may choose from, for the log.
    let offer: TLSOffer
    /// What people are told of the host.
    let description: TLSHostDescription
    private let certificates: [HostCertificate]
    private let configurations: [TLSConfiguration]
    private let sessionLifetime: Duration
    private let contexts: Mutex<[Generation]>

    /// A context and when it was made.
    private struct Generation {
        var context: NIOSSLContext
        var begun: ContinuousClock.Instant
    }

    init(_ host: TLSHostConfiguration, alpnProtocols: [String], tokens: (any TLSTokens)?, logger: Logger) throws(TLSError) {
        do throws(TLSError) {
            let certificates = try Self.loadCertificates(of: host, tokens: tokens)
            let settings = try HostSettings(host, alpnProtocols: alpnProtocols, hasTokenKeys: certificates.contains(where: \.isInToken))
            self.certificates = certificates
            verifier = if let trust = host.clientAuthentication.trust { try ClientVerifier(trust, depth: host.verificationDepth) } else { nil }
            requiresCertificate = if case .required = host.clientAuthentication { true } else { false }
            var configuration = settings.configuration
            if let verifier { configuration.trustRoots = .certificates(verifier.trusted) }
            configurations = certificates.map { certificate in
                configuration.certificateChain = certificate.chain
                configuration.privateKey = certificate.key
                return configuration
            }
            var description = TLSHostDescription(
                host,
                certificates: certificates.compactMap { $0.presented(by: host) },
                cipherSuites: settings.cipherNames(for: certificates),
                trustedCount: verifier?.trusted.count ?? 0
            )
            description.groups = settings.groups
            self.description = description
            offer = TLSOffer(
                versions: host.protocols.sorted().map(\.rawValue),
                cipherSuites: settings.cipherNames(for: certificates),
                groups: settings.groups.isEmpty ? ["BoringSSL's own"] : settings.groups,
                signatureAlgorithms: certificates.map(\.typeName)
            )
            sessionLifetime = settings.sessionLifetime
            contexts = Mutex([])
            hostName = host.hostName
            protocolsInWords = host.protocols.sorted().map(\.rawValue).joined(separator: "+")
            let clients = verifier == nil ? "none" : requiresCertificate ? "required" : "optional"
            summary =
                "TLS virtual host [\(host.hostName)], \(certificates.map(\.inWords).joined(separator: ", ")), protocols [\(protocolsInWords)], certificateVerification [\(clients)]"
            let made = try configurations.map { (configuration) throws(TLSError) in try Self.makeGeneration(configuration) }
            contexts.withLock { $0 = made }
            for line in settings.warnings + certificates.flatMap(\.warnings) {
                logger.warning("\(host.origin.map { "\($0): " } ?? "")SSLHostConfig [\(host.hostName)]: \(line)")
            }
        } catch {
            throw TLSError(
                error.code,
                "SSLHostConfig [\(host.hostName)]: \(error.message)",
                origin: error.origin ?? host.origin?.description
            )
        }
    }

    private static func loadCertificates(of host: TLSHostConfiguration, tokens: (any TLSTokens)?) throws(TLSError) -> [HostCertificate] {
        var certificates: [HostCertificate] = []
        for configuration in host.certificates {
            do throws(TLSError) {
                let certificate = try HostCertificate(configuration, tokens: tokens)
                if let other = certificates.first(where: { $0.typeName == certificate.typeName }) {
                    throw TLSError(
                        .invalidConfiguration,
                        "Two certificates have keys of the type [\(other.typeName)], of which a client could be shown only one: \(other.place) and \(certificate.place)"
                    )
                }
                certificates.append(certificate)
            } catch {
                let place = configuration.origin?.place(of: configuration.source.attributes(for: error.code))
                throw TLSError(error.code, error.message, origin: error.origin ?? place)
            }
        }
        return certificates
    }

    /// The context for a connection of a client that offers `offer`.
    ///
    /// Takes an uncontended lock; makes a context, which takes well under a millisecond, where clients show certificates and when sessions have had their time.
    func context(for offer: ClientHelloReader.Offer?) throws(TLSError) -> NIOSSLContext {
        let position = HostCertificate.position(for: offer, among: certificates)
        if verifier != nil { return try Self.makeGeneration(configurations[position]).context }
        let now = ContinuousClock.now
        let present = contexts.withLock { $0[position] }
        guard now - present.begun > sessionLifetime else { return present.context }
        let next = try Self.makeGeneration(configurations[position])
        contexts.withLock { $0[position] = next }
        return next.context
    }

    /// Whether the choice among the host's certificates needs the whole ClientHello.
    var hasChoice: Bool { certificates.count > 1 }

    /// Makes all sessions of the host unusable for further connections: one alone cannot be ended.
    func endSessions() {
        guard verifier == nil, let made = try? configurations.map({ try Self.makeGeneration($0) }) else { return }
        contexts.withLock { $0 = made }
    }

    private static func makeGeneration(_ configuration: TLSConfiguration) throws(TLSError) -> Generation {
        do {
            return Generation(context: try NIOSSLContext(configuration: configuration), begun: .now)
        } catch {
            throw TLSError(.backend, "BoringSSL does not accept the settings: \(NIOSSLFailure.words(for: error))")
        }
    }
}
#endif
