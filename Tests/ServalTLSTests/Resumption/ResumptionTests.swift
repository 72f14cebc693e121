import Foundation
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Resumption: the same session keeps its id, an ended one does not come back, and none crosses to another host.
struct ResumptionTests {
    struct Variant: Sendable, CustomTestStringConvertible {
        var version: String
        var disablesTickets: Bool
        var testDescription: String { "\(version) \(disablesTickets ? "without" : "with") tickets" }
    }

    static let variants = ["-tls1_2", "-tls1_3"].flatMap {
        [Variant(version: $0, disablesTickets: false), Variant(version: $0, disablesTickets: true)]
    }

    private func server(_ variant: Variant, _ change: (inout TLSEndpointConfiguration) -> Void = { _ in }) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        let certificate = try await certificates.server.configuration()
        var endpoint = TLSEndpointConfiguration(
            hosts: ["_default_", "a.test", "b.test"].map { TLSHostConfiguration(hostName: $0, certificates: [certificate]) }
        )
        for index in endpoint.hosts.indices { endpoint.hosts[index].disablesSessionTickets = variant.disablesTickets }
        change(&endpoint)
        return try await TestServer(endpoint)
    }

    private func id(in text: String) -> Substring? { text.firstMatch(of: #/id=([0-9a-f]+) /#)?.1 }

    @Test(arguments: variants)
    func theIDStaysTheSame(variant: Variant) async throws {
        let server = try await server(variant)
        let folder = try TemporaryFolder()
        let first = try await server.client(variant.version, "-sess_out", folder.path("s")).text
        #expect(first.contains("resumed=false"))
        let id = try #require(self.id(in: first))
        #expect(id.count == 64)
        // Each resumption goes on from the newest state.
        for _ in 0..<3 {
            let next = try await server.client(variant.version, "-sess_in", folder.path("s"), "-sess_out", folder.path("s")).text
            #expect(next.contains("resumed=true"), "\(next)")
            #expect(self.id(in: next) == id)
        }
        let other = try await server.client(variant.version).text
        #expect(self.id(in: other) != id)
        try await server.stop()
    }

    @Test(arguments: variants)
    func anInvalidatedSessionDoesNotComeBack(variant: Variant) async throws {
        let server = try await server(variant)
        let folder = try TemporaryFolder()
        let first = try await server.client(variant.version, "-sess_out", folder.path("s"), line: "invalidate\n").text
        #expect(first.contains("invalidated"))
        let second = try await server.client(variant.version, "-sess_in", folder.path("s")).text
        #expect(!second.contains("resumed=true"), "\(second)")
        #expect(second.contains("resumed=false"), "a full handshake takes its place: \(second)")
        try await server.stop()
    }

    @Test(arguments: variants)
    func noSessionCrossesToAnotherHost(variant: Variant) async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server(variant) {
            $0.hosts[2].clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        }
        let folder = try TemporaryFolder()
        _ = try await server.client(variant.version, "-servername", "a.test", "-sess_out", folder.path("a"))
        let same = try await server.client(variant.version, "-servername", "a.test", "-sess_in", folder.path("a")).text
        #expect(same.contains("resumed=true") && same.contains("host=a.test "))
        // To the default host, and to one that wants a certificate.
        let plain = try await server.client(variant.version, "-noservername", "-sess_in", folder.path("a")).text
        #expect(plain.contains("resumed=false"), "\(plain)")
        let guarded = try await server.client(variant.version, "-servername", "b.test", "-sess_in", folder.path("a")).text
        #expect(!guarded.contains("protocol="), "\(guarded)")
        // And from the one that wants a certificate to the others.
        let pair = certificates.client
        _ = try await server.client(
            variant.version,
            "-servername",
            "b.test",
            "-cert",
            pair.certificate,
            "-key",
            pair.key,
            "-sess_out",
            folder.path("b")
        )
        let back = try await server.client(variant.version, "-servername", "a.test", "-sess_in", folder.path("b")).text
        #expect(back.contains("resumed=false peer") || back.contains("resumed=false alpn=- peer=0"), "\(back)")
        try await server.stop()
    }

    @Test(arguments: variants)
    func theClientsChainComesBack(variant: Variant) async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server(variant) { $0.hosts[0].clientAuthentication = .required(trust: .file(certificates.authority.certificate)) }
        let folder = try TemporaryFolder()
        let client = certificates.clientOfIntermediate
        let first = try await server.client(
            variant.version,
            "-cert",
            client.certificate,
            "-key",
            client.key,
            "-cert_chain",
            certificates.intermediate.certificate,
            "-sess_out",
            folder.path("s")
        ).text
        #expect(first.contains("resumed=false alpn=- peer=2 "), "\(first)")
        let second = try await server.client(variant.version, "-sess_in", folder.path("s")).text
        #expect(second.contains("resumed=true alpn=- peer=2 "), "\(second)")
        let facts = server.journal.now.facts
        #expect(facts.first?.peerCertificates == facts.last?.peerCertificates)
        try await server.stop()
    }

    @Test(arguments: variants)
    func aSessionEndsWithItsTime(variant: Variant) async throws {
        let server = try await server(variant) { $0.hosts[0].sessionTimeout = .seconds(1) }
        let folder = try TemporaryFolder()
        _ = try await server.client(variant.version, "-sess_out", folder.path("s"))
        try await Task.sleep(for: .milliseconds(2100))
        let late = try await server.client(variant.version, "-sess_in", folder.path("s")).text
        #expect(late.contains("resumed=false"), "\(late)")
        try await server.stop()
    }

    /// A reload that changes nothing costs nobody a full handshake, as long as the state travels in tickets.
    @Test(arguments: variants)
    func aReloadKeepsTickets(variant: Variant) async throws {
        let first = try await server(variant)
        let folder = try TemporaryFolder()
        let before = try await first.client(variant.version, "-sess_out", folder.path("s")).text
        let second = try await server(variant)
        try await first.stop()
        let after = try await second.client(variant.version, "-sess_in", folder.path("s")).text
        #expect(after.contains("resumed=\(!variant.disablesTickets)"), "\(after)")
        #expect((self.id(in: after) == self.id(in: before)) == !variant.disablesTickets)
        try await second.stop()
        withExtendedLifetime(first) {}
    }

    /// What was invalidated before a reload stays so.
    @Test(arguments: variants)
    func aReloadBringsNothingBack(variant: Variant) async throws {
        let first = try await server(variant)
        let folder = try TemporaryFolder()
        _ = try await first.client(variant.version, "-sess_out", folder.path("s"), line: "invalidate\n")
        let second = try await server(variant)
        try await first.stop()
        #expect(try await second.client(variant.version, "-sess_in", folder.path("s")).text.contains("resumed=false"))
        try await second.stop()
        withExtendedLifetime(first) {}
    }

    /// Whatever is changed, nothing of before is resumed, not even when it is changed back.
    @Test(arguments: variants)
    func aChangedConfigurationEndsSessions(variant: Variant) async throws {
        let folder = try TemporaryFolder()
        var first: TestServer? = try await server(variant)
        _ = try await first?.client(variant.version, "-sess_out", folder.path("s"))
        let changes: [(String, @Sendable (inout TLSHostConfiguration) -> Void)] = [
            ("ciphers", { $0.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256" }),
            ("cipherSuites", { $0.cipherSuites = "TLS_AES_256_GCM_SHA384" }),
            ("groups", { $0.groups = ["P-256"] }),
            ("sessionTimeout", { $0.sessionTimeout = .seconds(3600) }),
            ("honorCipherOrder", { $0.honorsCipherOrder = true }),
        ]
        for (name, change) in changes {
            let second = try await server(variant) { change(&$0.hosts[0]) }
            let text = try await second.client(variant.version, "-sess_in", folder.path("s")).text
            #expect(text.contains("resumed=false"), "\(name): \(text)")
            try await second.stop()
        }
        try await first?.stop()
        first = nil
    }
}
