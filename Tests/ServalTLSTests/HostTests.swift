import ServalTLS
import Testing

/// Which host serves whom.
struct HostTests {
    private func configuration(_ names: String..., defaultName: String = "_default_") async throws -> TLSEndpointConfiguration {
        let certificates = try await Certificates.shared.value
        let certificate = try await certificates.server.configuration()
        return TLSEndpointConfiguration(
            hosts: names.map { TLSHostConfiguration(hostName: $0, certificates: [certificate]) },
            defaultHostName: defaultName
        )
    }

    @Test func findsTheExactNameThenTheWildcardThenTheDefault() async throws {
        let names = try TLSHostNames(try await configuration("_default_", "www.example.com", "*.example.com"))
        #expect(names.position(for: nil) == 0)
        #expect(names.position(for: "www.example.com") == 1)
        #expect(names.position(for: "WWW.Example.COM.") == 1)
        #expect(names.position(for: "api.example.com") == 2)
        #expect(names.position(for: "a.b.example.com") == 0, "a wildcard stands for one label")
        #expect(names.position(for: "example.com") == 0)
        #expect(names.position(for: "") == 0)
    }

    @Test func aRequestMustBelongToTheHostOfItsConnection() async throws {
        let names = try TLSHostNames(try await configuration("_default_", "www.example.com", "*.test"))
        func facts(_ serverName: String?) -> TLSConnectionFacts {
            TLSConnectionFacts(protocolVersion: "", cipherSuite: "", keySize: 0, sessionID: "", serverName: serverName, hostNames: names)
        }
        #expect(facts("www.example.com").admits(requestHost: "WWW.example.com"))
        #expect(!facts("www.example.com").admits(requestHost: "a.test"))
        #expect(facts("a.test").admits(requestHost: "b.test"))
        #expect(facts(nil).admits(requestHost: "127.0.0.1"))
        #expect(!facts(nil).admits(requestHost: "www.example.com"))
    }

    @Test func complainsAboutDuplicatesAndAMissingDefault() async throws {
        let duplicate = try await configuration("_default_", "A.example", "a.example")
        #expect(throws: TLSError(.duplicateHost, "")) { try duplicate.validate() }
        do {
            try duplicate.validate()
        } catch {
            #expect(error.message == "Multiple SSLHostConfig elements were provided for the host name [a.example]. Host names must be unique.")
        }
        await #expect(throws: TLSError(.missingDefaultHost, "")) { try await configuration("www.example.com").validate() }
        try await configuration("www.example.com", defaultName: "WWW.example.com").validate()
        for name in ["", "*", "a b", "*.*.example", "a*.example"] {
            await #expect(throws: TLSError(.invalidConfiguration, "")) { try await configuration("_default_", name).validate() }
        }
    }

    @Test func complainsAboutCertificatesWithoutDistinctTypes() async throws {
        var endpoint = try await configuration("_default_")
        endpoint.hosts[0].certificates += endpoint.hosts[0].certificates
        #expect(throws: TLSError(.invalidConfiguration, "")) { try endpoint.validate() }
        endpoint.hosts[0].certificates[0].keyType = .ec
        endpoint.hosts[0].certificates[1].keyType = .ec
        #expect(throws: TLSError(.invalidConfiguration, "")) { try endpoint.validate() }
        endpoint.hosts[0].certificates = []
        #expect(throws: TLSError(.invalidConfiguration, "")) { try endpoint.validate() }
    }
}
