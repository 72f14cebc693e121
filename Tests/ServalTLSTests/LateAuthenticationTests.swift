import ServalTLS
import Testing

/// Certificates asked for after the handshake (TLS 1.3 post-handshake authentication), with `openssl s_client -enable_pha`.
@Suite("Certificates asked for after the handshake")
struct LateAuthenticationTests {
    private func server(_ authentication: (TrustSource) -> ClientAuthentication, _ change: (inout TLSEndpointConfiguration) -> Void = { _ in })
        async throws -> TestServer
    {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = authentication(.file(certificates.authority.certificate))
        var endpoint = TLSEndpointConfiguration(hosts: [host])
        change(&endpoint)
        return try await TestServer(endpoint)
    }

    private func shown(_ text: String) -> Substring? { text.firstMatch(of: #/shown=([a-z:0-9]+) /#)?.1 }

    @Test func aClientThatOffersItIsAsked() async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server { .onDemand(trust: $0) }
        let pair = certificates.client
        let text = try await server.client("-tls1_3", "-enable_pha", "-cert", pair.certificate, "-key", pair.key, line: "ask\n").text
        #expect(shown(text) == "verified:1", "\(text)")
        // Nobody was asked in the handshake.
        #expect(server.journal.now.facts.map(\.clientCertificates) == [.none])
        try await server.stop()
    }

    /// The session keeps its id, and on resumption the certificate is known from the start.
    @Test func theSessionRemembersTheCertificate() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let server = try await server { .onDemand(trust: $0) }
        let pair = certificates.clientOfIntermediate
        let first = try await server.client(
            "-tls1_3",
            "-enable_pha",
            "-cert",
            pair.certificate,
            "-key",
            pair.key,
            "-cert_chain",
            certificates.intermediate.certificate,
            "-sess_out",
            folder.path("s"),
            line: "ask\n"
        ).text
        #expect(shown(first) == "verified:2", "\(first)")
        let second = try await server.client("-tls1_3", "-sess_in", folder.path("s")).text
        #expect(second.contains("resumed=true alpn=- peer=2 "), "\(second)")
        let ids = [first, second].compactMap { $0.firstMatch(of: #/ id=([0-9a-f]+) /#)?.1 }
        #expect(ids.count == 2 && ids.first == ids.last)
        try await server.stop()
    }

    @Test func aClientThatDoesNotOfferItIsNotAsked() async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server { .onDemand(trust: $0) }
        let pair = certificates.client
        let withoutOffer = try await server.client("-tls1_3", "-cert", pair.certificate, "-key", pair.key, line: "ask\n").text
        #expect(shown(withoutOffer) == "nothing", "\(withoutOffer)")
        let old = try await server.client("-tls1_2", "-cert", pair.certificate, "-key", pair.key, line: "ask\n").text
        #expect(shown(old) == "impossible", "\(old)")
        let withoutCertificate = try await server.client("-tls1_3", "-enable_pha", line: "ask\n").text
        #expect(shown(withoutCertificate) == "nothing", "\(withoutCertificate)")
        try await server.stop()
    }

    @Test func aBadCertificateEndsTheConnection() async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server { .onDemand(trust: $0) }
        let bad = [certificates.expiredClient, certificates.clientOfOtherAuthority, certificates.futureClient, certificates.clientForServers]
        for pair in bad {
            let errors = server.journal.now.errors.count
            let text = try await server.client("-tls1_3", "-enable_pha", "-cert", pair.certificate, "-key", pair.key, line: "ask\n").text
            #expect(shown(text) == nil, "\(text)")
            #expect(try await server.journal.reaches { $0.errors.count > errors && $0.errors.last?.code == .clientCertificateRejected })
        }
        try await server.stop()
    }

    @Test func hostsThatTrustNobodyCannotAsk() async throws {
        for authentication in [ClientAuthentication.none, .optionalNoCA(trust: nil)] {
            let server = try await server { _ in authentication }
            let text = try await server.client("-tls1_3", "-enable_pha", line: "ask\n").text
            #expect(shown(text) == "impossible", "\(text)")
            try await server.stop()
        }
    }

    @Test func inHTTP2NobodyIsAsked() async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server({ .onDemand(trust: $0) }) { $0.alpnProtocols = ["h2"] }
        let pair = certificates.client
        let text = try await server.client("-tls1_3", "-alpn", "h2", "-enable_pha", "-cert", pair.certificate, "-key", pair.key, line: "ask\n").text
        #expect(shown(text) == "impossible", "\(text)")
        try await server.stop()
    }
}
