import Foundation
import ServalTLS
import Testing

/// Resumption with every TLS implementation: it happens, and never across a border.
struct ResumptionConformanceTests {
    private func endpoint(_ change: (inout TLSEndpointConfiguration) -> Void = { _ in }) async throws -> TLSEndpointConfiguration {
        let certificates = try await Certificates.shared.value
        let certificate = try await certificates.server.configuration()
        var endpoint = TLSEndpointConfiguration(
            hosts: ["_default_", "a.test", "b.test", "c.test"].map { TLSHostConfiguration(hostName: $0, certificates: [certificate]) }
        )
        change(&endpoint)
        return endpoint
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func resumesWhereItBegan(engine: Engine, version: String) async throws {
        let server = try await EngineServer(engine, try await endpoint())
        let folder = try TemporaryFolder()
        let first = try await server.client(version, "-servername", "a.test", "-sess_out", folder.path("s")).text
        #expect(first.contains("resumed=false"), "\(first)")
        for _ in 0..<2 {
            let next = try await server.client(
                version,
                "-servername",
                "a.test",
                "-sess_in",
                folder.path("s"),
                "-sess_out",
                folder.path("s")
            ).text
            #expect(next.contains("resumed=true") && next.contains("host=a.test "), "\(next)")
        }
        try await server.stop()
    }

    /// Every pair of hosts, with and without client authentication, of this authority and of another.
    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func noSessionCrossesToAnotherHost(engine: Engine, version: String) async throws {
        let certificates = try await Certificates.shared.value
        let endpoint = try await endpoint {
            $0.hosts[2].clientAuthentication = .required(trust: .file(certificates.authority.certificate))
            $0.hosts[3].clientAuthentication = .required(trust: .file(certificates.otherAuthority.certificate))
        }
        let server = try await EngineServer(engine, endpoint)
        let folder = try TemporaryFolder()
        let clients: [(name: String, pair: Certificates.Pair?)] = [
            ("a.test", nil), ("d.test", nil), ("b.test", certificates.client), ("c.test", certificates.clientOfOtherAuthority),
        ]
        for (name, pair) in clients {
            let credentials = pair.map { ["-cert", $0.certificate, "-key", $0.key] } ?? []
            let first = try await server.client([version, "-servername", name, "-sess_out", folder.path(name)] + credentials).text
            #expect(first.contains("resumed=false"), "\(name): \(first)")
        }
        for from in clients.map(\.name) {
            for (to, pair) in clients where to != from {
                let text = try await server.client(version, "-servername", to, "-sess_in", folder.path(from)).text
                #expect(!text.contains("resumed=true"), "\(from) to \(to): \(text)")
                // Without a certificate nobody gets into the hosts that want one.
                #expect(text.contains("protocol=") == (pair == nil), "\(from) to \(to): \(text)")
                #expect(!text.contains("protocol=") || text.contains("peer=0 "), "\(from) to \(to): \(text)")
            }
        }
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func anEndedSessionDoesNotComeBack(engine: Engine, version: String) async throws {
        let server = try await EngineServer(engine, try await endpoint { $0.hosts[1].sessionTimeout = .seconds(1) })
        let folder = try TemporaryFolder()
        #expect(try await server.client(version, "-sess_out", folder.path("s"), line: "invalidate\n").text.contains("invalidated"))
        #expect(try await server.client(version, "-sess_in", folder.path("s")).text.contains("resumed=false"))
        _ = try await server.client(version, "-servername", "a.test", "-sess_out", folder.path("a"))
        _ = try await server.client(version, "-sess_out", folder.path("s"))
        try await Task.sleep(for: .milliseconds(2100))
        #expect(try await server.client(version, "-servername", "a.test", "-sess_in", folder.path("a")).text.contains("resumed=false"))
        // Other settings, another host.
        try server.reload(try await endpoint { $0.hosts[0].ciphers = "ECDHE+AESGCM" })
        #expect(try await server.client(version, "-sess_in", folder.path("s")).text.contains("resumed=false"))
        try await server.stop()
    }

    /// Trust that is taken back counts at once, for those too who have a session.
    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func aSessionDoesNotOutliveItsTrust(engine: Engine, version: String) async throws {
        let certificates = try await Certificates.shared.value
        func endpoint(_ trusted: Certificates.Pair) async throws -> TLSEndpointConfiguration {
            try await self.endpoint { $0.hosts[0].clientAuthentication = .required(trust: .file(trusted.certificate)) }
        }
        let server = try await EngineServer(engine, try await endpoint(certificates.authority))
        let folder = try TemporaryFolder()
        let pair = certificates.client
        let first = try await server.client(version, "-cert", pair.certificate, "-key", pair.key, "-sess_out", folder.path("s")).text
        #expect(first.contains("peer=1 "), "\(first)")
        try server.reload(try await endpoint(certificates.otherAuthority))
        let next = try await server.client(version, "-cert", pair.certificate, "-key", pair.key, "-sess_in", folder.path("s")).text
        #expect(!next.contains("protocol="), "\(next)")
        try await server.stop()
    }
}
