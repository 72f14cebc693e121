import Foundation
import ServalTLS
import Testing

/// Which host serves whom, with every TLS implementation.
struct HostConformanceTests {
    private func endpoint(_ names: String...) async throws -> TLSEndpointConfiguration {
        let certificates = try await Certificates.shared.value
        let certificate = try await certificates.server.configuration()
        var endpoint = TLSEndpointConfiguration(hosts: names.map { TLSHostConfiguration(hostName: $0, certificates: [certificate]) })
        endpoint.hosts.append(TLSHostConfiguration(hostName: "alpha.test", certificates: [try await certificates.alpha.configuration()]))
        return endpoint
    }

    @Test(arguments: Engine.allCases)
    func presentsTheCertificateOfTheHost(engine: Engine) async throws {
        let server = try await EngineServer(engine, try await endpoint("_default_", "*.alpha.test"))
        let alpha = try await server.client("-servername", "Alpha.Test").text
        #expect(alpha.contains("subject=CN = alpha.test\n"))
        #expect(alpha.contains("sni=alpha.test host=alpha.test "))
        let wildcard = try await server.client("-servername", "x.alpha.test").text
        #expect(wildcard.contains("subject=CN = localhost\n"))
        #expect(wildcard.contains("sni=x.alpha.test host=*.alpha.test "))
        #expect(try await server.client("-servername", "elsewhere.test").text.contains("sni=elsewhere.test host=_default_ "))
        #expect(try await server.client("-noservername").text.contains("sni=- host=_default_ "))
        // Against RFC 6066, and seen all the same.
        #expect(try await server.client("-servername", "127.0.0.1").text.contains("sni=127.0.0.1 host=_default_ "))
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func eachHostSpeaksItsOwnVersions(engine: Engine) async throws {
        var endpoint = try await endpoint("_default_", "new.test")
        endpoint.hosts[0].protocols = [.v1_2]
        endpoint.hosts[1].protocols = [.v1_3]
        let server = try await EngineServer(engine, endpoint)
        #expect(try await server.client("-servername", "new.test").text.contains("protocol=TLSv1.3"))
        #expect(try await !server.client("-servername", "new.test", "-tls1_2").text.contains("protocol="))
        #expect(try await server.client("-servername", "old.test").text.contains("protocol=TLSv1.2"))
        #expect(try await !server.client("-servername", "old.test", "-tls1_3").text.contains("protocol="))
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func aReloadServesNewConnectionsAndLeavesOldOnes(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        var endpoint = try await endpoint("_default_")
        let server = try await EngineServer(engine, endpoint)
        let old = try Command.start(["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)"], line: "wait\n")
        #expect(try await server.journal.reaches { $0.waiting == 1 })
        var broken = endpoint
        broken.hosts[0].certificates = [.init(source: .pem(certificate: "/no/such.pem"))]
        #expect(throws: TLSError(.fileNotFound, "")) { try server.reload(broken) }
        #expect(try await server.client().text.contains("subject=CN = localhost\n"), "a failed reload keeps what is there")
        endpoint.hosts[0].certificates = [try await certificates.serverRSA.configuration()]
        try server.reload(endpoint)
        #expect(try await server.client().text.contains("subject=CN = localhost-rsa\n"))
        #expect(try await server.journal.reaches { $0.inactive == 2 }, "the old connection lives on")
        old.kill()
        #expect(try await server.journal.reaches { $0.inactive == 3 })
        try await server.stop()
    }
}
