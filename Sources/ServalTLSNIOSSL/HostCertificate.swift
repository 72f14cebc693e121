#if NIOSSL
import NIOSSL
import ServalKeyStore
import ServalTLS
import SwiftASN1
import X509

/// A certificate of a host with its key in the form that swift-nio-ssl takes, and which clients can use it.
struct HostCertificate: Sendable {
    let chain: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource
    /// Where it is, in Tomcat's words.
    let place: String
    let warnings: [String]
    let isInToken: Bool
    private let configuration: CertificateConfiguration
    private let alias: String?
    private let derChain: [[UInt8]]
    private let kind: Kind

    /// What the key is: `RSA`, `EC`.
    var typeName: String { kind.name }

    /// One part of the host's line in the log.
    var inWords: String { "certificate type [\(kind.name)] configured from \(place)" }

    /// For logs and tools; nil if the leaf cannot be read.
    func presented(by host: TLSHostConfiguration) -> PresentedCertificate? {
        PresentedCertificate(
            hostName: host.hostName,
            keyType: kind.name,
            alias: alias,
            source: place,
            trust: host.clientAuthentication.trust?.inWords,
            chain: derChain,
            origin: configuration.origin ?? host.origin
        )
    }

    /// - Throws: what is wrong with file, key or certificate; the caller adds the host.
    init(_ configuration: CertificateConfiguration, tokens: (any TLSTokens)?) throws(TLSError) {
        let place = configuration.source.inWords
        let identity = try TLSIdentity.load(configuration.source, tokens: tokens)
        guard let leaf = identity.certificateChain.first else {
            throw TLSError(.invalidKeyMaterial, "\(place) has no certificate")
        }
        let privateKey = try Self.privateKey(of: identity, place)
        kind = try Kind(privateKey.algorithm, place)
        var certificates: [NIOSSLCertificate] = []
        for der in identity.certificateChain {
            do {
                certificates.append(try NIOSSLCertificate(bytes: der, format: .der))
            } catch {
                throw TLSError(.invalidKeyMaterial, "A certificate of \(place) cannot be read: \(NIOSSLFailure.words(for: error))")
            }
        }
        let certificate = CertificateData(der: leaf)
        guard privateKey.matches(certificate) else {
            throw TLSError(.keyMismatch, "The private key does not belong to the certificate (\(place))")
        }
        if (try? certificate.parsed().extensions[oid: [1, 3, 6, 1, 5, 5, 7, 1, 24]]) != nil {
            throw TLSError(
                .invalidConfiguration,
                "The certificate says that it is only good with a stapled OCSP response (must-staple), which this TLS implementation cannot send (\(place)); use OpenSSL"
            )
        }
        chain = certificates.map { .certificate($0) }
        isInToken = privateKey.external != nil
        key = try Self.nioKey(privateKey, place)
        self.place = configuration.source.description(alias: identity.alias)
        self.configuration = configuration
        alias = identity.alias
        derChain = identity.certificateChain
        var warnings = Self.warnings(about: configuration, kind, place)
        if identity.dhParameters != nil {
            warnings.append("The DH PARAMETERS of \(place) are not used: there is no finite-field Diffie-Hellman with this TLS implementation")
        }
        self.warnings = warnings
    }

    private static func privateKey(of identity: TLSIdentity, _ place: String) throws(TLSError) -> PrivateKey {
        if let external = identity.externalKey { return PrivateKey(external: external) }
        do throws(KeyStoreError) {
            return try PrivateKey(pkcs8: identity.privateKeyPKCS8)
        } catch {
            throw TLSError(.invalidKeyMaterial, "\(place) has a private key that cannot be read: \(error.message)")
        }
    }

    private static func nioKey(_ key: PrivateKey, _ place: String) throws(TLSError) -> NIOSSLPrivateKeySource {
        if let external = key.external { return .privateKey(NIOSSLPrivateKey(customPrivateKey: try TokenKey(external))) }
        do {
            return .privateKey(try NIOSSLPrivateKey(bytes: key.plainPKCS8, format: .der))
        } catch {
            throw TLSError(.invalidKeyMaterial, "\(place) has a private key that BoringSSL cannot read: \(NIOSSLFailure.words(for: error))")
        }
    }

    private static func warnings(
        about configuration: CertificateConfiguration,
        _ kind: Kind,
        _ place: String
    ) -> [String] {
        var warnings: [String] = []
        if let wanted = configuration.keyType, wanted.rawValue != kind.name {
            warnings.append("The Certificate with type [\(wanted.rawValue)] has a key of type [\(kind.name)] (\(place))")
        }
        return warnings
    }
}

extension HostCertificate {
    /// Whether a cipher suite for TLS 1.2 can be spoken with the key.
    func fits(_ suite: CipherSuite) -> Bool { (suite.authentication == .rsa) == (kind == .rsa) }
}

// MARK: Choice by the ClientHello

extension HostCertificate {
    /// The one among several that suits what the client offers best; the first if none does, whose failure then says why.
    static func position(for offer: ClientHelloReader.Offer?, among certificates: [HostCertificate]) -> Int {
        guard certificates.count > 1, let offer else { return 0 }
        // The client's order counts; clients older than TLS 1.2 name no algorithms.
        for algorithm in offer.signatureAlgorithms {
            if let position = certificates.firstIndex(where: { $0.kind.signs(algorithm) && $0.kind.fits(offer) }) { return position }
        }
        return certificates.firstIndex { $0.kind.fits(offer) } ?? 0
    }

    private enum Kind: Sendable, Equatable {
        case rsa
        case ec(PrivateKey.Curve)
        case ed25519

        init(_ algorithm: PrivateKey.Algorithm, _ place: String) throws(TLSError) {
            switch algorithm {
            case .rsa: self = .rsa
            case .ec(let curve) where curve != .secp256k1: self = .ec(curve)
            case .ed25519: self = .ed25519
            default:
                throw TLSError(
                    .invalidConfiguration,
                    "The Certificate's key is \(algorithm), and this TLS implementation has only RSA, EC (P-256, P-384, P-521) and Ed25519 (\(place)); use OpenSSL"
                )
            }
        }

        var name: String {
            switch self {
            case .rsa: "RSA"
            case .ec: "EC"
            case .ed25519: "ED25519"
            }
        }

        /// Whether a signature of this kind (RFC 8446 section 4.2.3) can be made with such a key.
        func signs(_ algorithm: UInt16) -> Bool {
            switch self {
            case .rsa: [0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806, 0x0201].contains(algorithm)
            case .ec(.p256): algorithm == 0x0403
            case .ec(.p384): algorithm == 0x0503
            case .ec: algorithm == 0x0603
            case .ed25519: algorithm == 0x0807
            }
        }

        /// Whether the client offers a cipher suite for such a key.
        func fits(_ offer: ClientHelloReader.Offer) -> Bool {
            if offer.versions.contains(0x0304) { return true }
            return offer.cipherSuites.contains { number in
                guard let suite = CipherSuite.forTLS12.first(where: { $0.number == number }) else { return false }
                return (suite.authentication == .rsa) == (self == .rsa)
            }
        }
    }
}
#endif
