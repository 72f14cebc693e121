import Foundation
import ServalTLS
import Testing

/// Certificates that clients send although they are not on the path to a trusted one: nobody has verified them.
@Suite("Certificates that do not belong to the client's chain")
struct SurplusCertificateTests {
    enum State: String, CaseIterable, Sendable {
        case ticketOfTLS12 = "-tls1_2"
        case ticketOfTLS13 = "-tls1_3"
        case cache = "-no_ticket"
    }

    private func server(_ state: State) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        host.disablesSessionTickets = state == .cache
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]))
    }

    /// Connects with the intermediate certificate and `count` others, and goes on with the session.
    private func texts(_ state: State, surplus count: Int) async throws -> [String] {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let needed = try String(contentsOfFile: certificates.intermediate.certificate, encoding: .utf8)
        let other = try String(contentsOfFile: certificates.clientOfOtherAuthority.certificate, encoding: .utf8)
        let chain = try folder.write(
            String(repeating: other, count: count / 2) + needed + String(repeating: other, count: count - count / 2),
            to: "chain.pem"
        )
        let server = try await server(state)
        let pair = certificates.clientOfIntermediate
        let version = state == .cache ? ["-tls1_2", "-no_ticket"] : [state.rawValue]
        let common = version + ["-cert", pair.certificate, "-key", pair.key, "-cert_chain", chain]
        let first = try await server.client(common + ["-sess_out", folder.path("session")]).text
        let second = try await server.client(common + ["-sess_in", folder.path("session")]).text
        try await server.stop()
        return [first, second]
    }

    @Test("Only what was verified is in the verified chain, now and when the session is resumed", arguments: State.allCases)
    func verifiedChain(state: State) async throws {
        let texts = try await texts(state, surplus: 3)
        #expect(texts[0].contains("resumed=false alpn=- peer=2 "), "\(texts[0])")
        #expect(texts[1].contains("resumed=true alpn=- peer=2 "), "\(texts[1])")
    }

    @Test("The session of a client that sends many certificates is not kept at the server")
    func longChains() async throws {
        let texts = try await texts(.cache, surplus: 60)
        #expect(texts[0].contains("resumed=false alpn=- peer=2 "), "\(texts[0])")
        #expect(texts[1].contains("resumed=false alpn=- peer=2 "), "\(texts[1])")
    }
}
