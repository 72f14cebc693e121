import COpenSSL
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Every mode of `certificateVerification` against every kind of client: what is not good is never taken for good.
@Suite("Client certificates, every mode and every kind of client")
struct ClientCertificateModeTests {
    enum Mode: String, CaseIterable, Sendable { case none, onDemand, optional, optionalNoCA, optionalNoCAWithoutTrust, required }

    enum Kind: String, CaseIterable, Sendable {
        case nothing, good, otherAuthority, expired, notYetValid, otherPurpose, revoked, tooDeep
    }

    enum Result: Equatable {
        case refused
        case nothing
        case verified
        case unverified
    }

    private func expected(_ mode: Mode, _ kind: Kind) -> Result {
        switch (mode, kind) {
        case (.none, _), (.onDemand, _): .nothing
        case (.required, .nothing): .refused
        case (_, .nothing): .nothing
        case (.optionalNoCAWithoutTrust, .good), (.optionalNoCAWithoutTrust, .otherAuthority): .unverified
        case (_, .good): .verified
        case (.optionalNoCA, .otherAuthority): .unverified
        default: .refused
        }
    }

    private func context(_ mode: Mode, _ kind: Kind) async throws -> OpenSSLServerContext {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        let trust = TrustSource.file(certificates.authority.certificate)
        host.clientAuthentication =
            switch mode {
            case .none: .none
            case .onDemand: .onDemand(trust: trust)
            case .optional: .optional(trust: trust)
            case .optionalNoCA: .optionalNoCA(trust: trust)
            case .optionalNoCAWithoutTrust: .optionalNoCA(trust: nil)
            case .required: .required(trust: trust)
            }
        if kind == .revoked { host.revocationListFiles = [certificates.revocationList] }
        if kind == .tooDeep { host.verificationDepth = 0 }
        return try OpenSSLServerContext(
            TLSEndpointConfiguration(hosts: [host]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func client(_ kind: Kind, _ version: Int32) async throws -> (MemoryClient, [UInt8]?) {
        let certificates = try await Certificates.shared.value
        let pair: Certificates.Pair? =
            switch kind {
            case .nothing: nil
            case .good: certificates.client
            case .otherAuthority: certificates.clientOfOtherAuthority
            case .expired: certificates.expiredClient
            case .notYetValid: certificates.futureClient
            case .otherPurpose: certificates.clientForServers
            case .revoked: certificates.revokedClient
            case .tooDeep: certificates.clientOfIntermediate
            }
        return (try MemoryClient(version, pair, chain: kind == .tooDeep ? certificates.intermediate : nil), try await pair?.der())
    }

    @Test("Only who is verified counts as verified, and a resumed session is what it was", arguments: Mode.allCases, Kind.allCases)
    func matrix(mode: Mode, kind: Kind) async throws {
        for version in [TLS1_2_VERSION, TLS1_3_VERSION] {
            let context = try await context(mode, kind)
            let (client, leaf) = try await client(kind, version)
            let first = try client.connect(context, to: "localhost")
            let second = try first.session.map { try client.connect(context, to: "localhost", with: $0) }
            for outcome in [first, second].compactMap({ $0 }) {
                let result: Result
                switch outcome.facts?.clientCertificates {
                case nil: result = .refused
                case .some(.none): result = .nothing
                case .verified(let chain): result = chain.first == leaf ? .verified : .refused
                case .unverified(let chain): result = chain.first == leaf ? .unverified : .refused
                }
                #expect(result == expected(mode, kind), "\(mode) \(kind) \(version): \(String(describing: outcome.error))")
                #expect(result == .verified || outcome.identity.isEmpty)
            }
            if expected(mode, kind) == .refused {
                // Without any authority, nobody could have signed a revocation list; OpenSSL ends that differently.
                let codes: [TLSError.Code] =
                    switch (mode, kind) {
                    case (_, .nothing): [.clientCertificateMissing]
                    case (.optionalNoCAWithoutTrust, .revoked): [.clientCertificateRejected, .handshakeFailed]
                    default: [.clientCertificateRejected]
                    }
                #expect(first.error.map { codes.contains($0.code) } == true, "\(mode) \(kind) \(version): \(String(describing: first.error))")
            } else {
                #expect(second?.isResumed == true, "\(mode) \(kind) \(version)")
            }
        }
    }

    @Test("A certificate of which nobody knows the issuer has a type of its own")
    func typesDiffer() {
        #expect(TLSClientCertificates.unverified([[1]]).verifiedChain == [])
        #expect(TLSClientCertificates.verified([[1]]).verifiedChain == [[1]])
        #expect(TLSClientCertificates.none.verifiedChain == [])
    }
}
