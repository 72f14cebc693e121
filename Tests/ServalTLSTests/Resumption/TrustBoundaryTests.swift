import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// No session of one host is ever good for another one, nor for another configuration of the same.
@Suite("Resumption never crosses a trust boundary")
struct TrustBoundaryTests {
    /// Whom a host verifies.
    enum Verification: String, CaseIterable { case nobody, first, second }
    /// What happened between the handshake and the attempt to resume.
    enum Between: String, CaseIterable { case nothing, reload, changedTrust }
    enum Mode: String, CaseIterable, Sendable { case optional, required }

    private struct HostName: Hashable {
        var verification: Verification
        var number: Int
        var name: String { "\(verification.rawValue)-\(number).test" }
    }

    private static let hosts = Verification.allCases.flatMap { verification in [1, 2].map { HostName(verification: verification, number: $0) } }

    private func endpoint(_ resumption: MemoryClient.Resumption, _ mode: Mode, swapsTrust: Bool = false, keys: String? = nil) async throws
        -> TLSEndpointConfiguration
    {
        let certificates = try await Certificates.shared.value
        let certificate = try await certificates.server.configuration()
        var hosts = [TLSHostConfiguration(certificates: [certificate])]
        for place in Self.hosts {
            var host = TLSHostConfiguration(hostName: place.name, certificates: [certificate])
            if place.verification != .nobody {
                let isFirst = (place.verification == .first) != swapsTrust
                let trust = TrustSource.file(isFirst ? certificates.authority.certificate : certificates.otherAuthority.certificate)
                host.clientAuthentication = mode == .required ? .required(trust: trust) : .optional(trust: trust)
            } else if swapsTrust {
                host.verificationDepth = 9
                host.clientAuthentication = .optional(trust: .file(certificates.otherAuthority.certificate))
            }
            hosts.append(host)
        }
        for index in hosts.indices {
            hosts[index].disablesSessionTickets = resumption.disablesTickets
            hosts[index].ticketKeyFile = keys
        }
        return TLSEndpointConfiguration(hosts: hosts)
    }

    private func context(_ endpoint: TLSEndpointConfiguration) throws -> OpenSSLServerContext {
        try OpenSSLServerContext(endpoint, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Every pair of hosts, before and after a reload that changes nothing, and after one that changes whom the hosts trust; with and without a file of
    /// ticket keys that all hosts share.
    @Test(
        "Every pair of hosts: a session is resumed by its own host, with its own identity, or not at all",
        arguments: MemoryClient.Resumption.allCases,
        Mode.allCases
    )
    func everyPair(resumption: MemoryClient.Resumption, mode: Mode) async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let file = try folder.keyFile(["0123456789abcdef"])
        var cells = 0
        for keys in [nil, file] {
            let endpoint = try await endpoint(resumption, mode, keys: keys)
            let before = try context(endpoint)
            let contexts: [(Between, OpenSSLServerContext)] = [
                (.nothing, before), (.reload, try context(endpoint)),
                (.changedTrust, try context(try await self.endpoint(resumption, mode, swapsTrust: true, keys: keys))),
            ]
            let stranger = try MemoryClient(resumption.version)
            for from in Self.hosts {
                let pair = from.verification == .second ? certificates.clientOfOtherAuthority : certificates.client
                let known = try MemoryClient(resumption.version, pair)
                let first = try known.connect(before, to: from.name)
                let identity = from.verification == .nobody ? [] : [try await pair.der()]
                #expect(first.facts != nil && first.identity == identity && !first.isResumed, "\(from.name): \(String(describing: first.error))")
                let session = try #require(first.session)
                for (between, context) in contexts {
                    for to in Self.hosts {
                        cells += 1
                        let cell = "\(from.name) → \(to.name), \(between), \(resumption.rawValue), \(mode), file of keys: \(keys != nil)"
                        // Somebody who has the session and no certificate: it must be the session's host that lets it in, or nobody.
                        let second = try stranger.connect(context, to: to.name, with: session)
                        let mayResume = from == to && (between == .nothing || between == .reload && !resumption.disablesTickets)
                        #expect(second.isResumed == mayResume, "\(cell)")
                        #expect(second.identity == (mayResume ? identity : []), "\(cell)")
                        if mayResume {
                            #expect(second.facts?.sessionID == first.facts?.sessionID, "\(cell)")
                        } else {
                            let wantsCertificate = to.verification != .nobody && mode == .required
                            #expect((second.facts == nil) == wantsCertificate, "\(cell): \(String(describing: second.error))")
                            if wantsCertificate { #expect(second.error?.code == .clientCertificateMissing, "\(cell)") }
                        }
                    }
                }
            }
            withExtendedLifetime(contexts) {}
        }
        #expect(cells == 2 * 3 * 36)
    }
}

extension TemporaryFolder {
    /// A file of ticket keys, each made by repeating a few digits, and two more, as one byte again and again is refused.
    func keyFile(_ digits: [String], to name: String = "tickets.keys") throws -> String {
        let lines = digits.map { digits in String(repeating: digits, count: 64 / digits.count) + "5c" }
        let path = try write("# newest first\n" + lines.joined(separator: "\n") + "\n", to: name)
        try Command.makePrivate(path)
        return path
    }
}
