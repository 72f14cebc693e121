import Foundation
import Logging
import NIOCore
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Handshakes of a real client.
struct HandshakeTests {
    private func configuration(_ change: (inout TLSHostConfiguration) -> Void = { _ in }) async throws -> TLSEndpointConfiguration {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        change(&host)
        return TLSEndpointConfiguration(hosts: [host])
    }

    @Test("H18: the order of ciphers may be the server's", arguments: ["1.2", "1.3"])
    func speaksTheProtocol(version: String) async throws {
        let server = try await TestServer(try await configuration())
        let result = try await server.client("-tls\(version.replacing(".", with: "_"))")
        #expect(result.text.contains("protocol=TLSv\(version) "), "\(result.text)")
        #expect(result.text.contains("bits=256 sni=- host=_default_ "))
        let facts = try #require(server.journal.now.facts.first)
        #expect(facts.sessionID.count == 64)
        #expect(!facts.isResumed)
        #expect(facts.cipherSuite.hasPrefix("TLS_"))
        #expect(facts.group?.isEmpty == false)
        try await server.stop()
    }

    @Test(arguments: ["-tls1", "-tls1_1"])
    func refusesOldVersions(option: String) async throws {
        let server = try await TestServer(try await configuration())
        let result = try await server.client(option, "-cipher", "ALL:@SECLEVEL=0")
        #expect(!result.text.contains("protocol=TLS"))
        #expect(result.text.contains("alert protocol version"), "\(result.text)")
        #expect(try await server.journal.reaches { $0.errors.first?.code == .noSharedProtocol })
        let error = try #require(server.journal.now.errors.first)
        #expect(error.message.contains("protocols is [TLSv1.2+TLSv1.3]"))
        try await server.stop()
    }

    @Test(arguments: [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2")])
    func speaksOldVersionsWhenAsked(option: String, version: String) async throws {
        let server = try await TestServer(
            try await configuration {
                $0.protocols = [.v1, .v1_1, .v1_2]; $0.ciphers = "ALL:!aNULL"
            }
        )
        let result = try await server.client(option, "-cipher", "ALL:@SECLEVEL=0")
        #expect(result.text.contains("protocol=\(version) "), "\(result.text)")
        let tooNew = try await server.client("-tls1_3")
        #expect(!tooNew.text.contains("protocol="))
        try await server.stop()
    }

    @Test func speaksOnlyTheVersionsNamed() async throws {
        let server = try await TestServer(try await configuration { $0.protocols = [.v1_3] })
        #expect(try await !server.client("-tls1_2").text.contains("protocol="))
        #expect(try await server.client("-tls1_3").text.contains("protocol=TLSv1.3"))
        try await server.stop()
    }

    @Test func choosesTheCipherByItsRFCName() async throws {
        let server = try await TestServer(
            try await configuration { $0.ciphers = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" }
        )
        let result = try await server.client("-tls1_2")
        #expect(result.text.contains("ECDHE_ECDSA_WITH_"), "\(result.text)")
        let refused = try await server.client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
        #expect(refused.text.contains("alert handshake failure"))
        #expect(try await server.journal.reaches { $0.errors.last?.code == .noSharedCipher })
        #expect(server.journal.now.errors.last?.message.contains("the client offers none of the host's ciphers for TLS 1.2") == true)
        try await server.stop()
    }

    @Test(arguments: [true, false])
    func honorsTheOrderOfCiphers(honors: Bool) async throws {
        let server = try await TestServer(
            try await configuration {
                $0.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
                $0.honorsCipherOrder = honors
            }
        )
        let result = try await server.client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
        #expect(result.text.contains(honors ? "_AES_256_GCM_SHA384 bits=256" : "_AES_128_GCM_SHA256 bits=128"), "\(result.text)")
        try await server.stop()
    }

    @Test func usesTheGroupsNamed() async throws {
        let server = try await TestServer(try await configuration { $0.groups = ["no-such-group", "secp384r1"] })
        #expect(try await server.client("-tls1_3").text.contains("group=secp384r1"))
        #expect(try await !server.client("-tls1_3", "-groups", "X25519").text.contains("protocol="))
        try await server.stop()
    }

    @Test func agreesOnAnApplicationProtocol() async throws {
        var configuration = try await configuration()
        configuration.alpnProtocols = ["h2", "http/1.1"]
        let server = try await TestServer(configuration)
        #expect(try await server.client("-alpn", "http/1.1,h2").text.contains("alpn=h2 "))
        #expect(try await server.client("-alpn", "http/1.1").text.contains("alpn=http/1.1 "))
        #expect(try await server.client("-alpn", "spdy/3").text.contains("alpn=- "))
        #expect(try await server.client().text.contains("alpn=- "))
        try await server.stop()
    }

    @Test func picksTheCertificateByTheClientsAlgorithms() async throws {
        let certificates = try await Certificates.shared.value
        var rsa = try await certificates.serverRSA.configuration()
        rsa.keyType = .rsa
        var ec = try await certificates.server.configuration()
        ec.keyType = .ec
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [rsa, ec])]))
        #expect(try await server.client("-sigalgs", "ECDSA+SHA256").text.contains("subject=CN = localhost\n"))
        #expect(try await server.client("-sigalgs", "RSA-PSS+SHA256").text.contains("subject=CN = localhost-rsa\n"))
        #expect(try await server.client("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256").text.contains("subject=CN = localhost-rsa\n"))
        #expect(server.context.summary.first?.contains("type [RSA]") == true)
        try await server.stop()
    }

    @Test("H15 H16: DH is as strong as the key")
    func dhIsAsStrongAsTheKey() async throws {
        let certificates = try await Certificates.shared.value
        let server = try await TestServer(
            TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.serverRSA.configuration()])])
        )
        let result = try await server.client("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256")
        #expect(result.text.contains("Server Temp Key: DH, 2048 bits"), "\(result.text)")
        try await server.stop()
    }

    @Test func refusesRenegotiation() async throws {
        let server = try await TestServer(try await configuration())
        // Without -ign_eof a line that begins with R asks for a new handshake.
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-tls1_2"],
            input: Data("R\n".utf8)
        )
        #expect(result.text.contains("no renegotiation"), "\(result.text)")
        #expect(server.journal.now.facts.count == 1)
        try await server.stop()
    }
}
