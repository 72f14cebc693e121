import Foundation
import ServalTLS
import Testing

/// Handshakes of a real client with every TLS implementation.
struct HandshakeConformanceTests {
    private func server(_ engine: Engine, rsa: Bool = false, _ change: (inout TLSHostConfiguration) -> Void = { _ in }) async throws -> EngineServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await (rsa ? certificates.serverRSA : certificates.server).configuration()])
        change(&host)
        return try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]))
    }

    @Test(arguments: Engine.allCases, ["1.2", "1.3"])
    func speaksTheProtocolAndTellsAboutIt(engine: Engine, version: String) async throws {
        for isRSA in [true, false] {
            let server = try await server(engine, rsa: isRSA)
            let result = try await server.client("-tls\(version.replacing(".", with: "_"))", "-groups", "X25519:P-256")
            #expect(result.text.contains("protocol=TLSv\(version) "), "\(result.text)")
            #expect(result.text.contains("sni=- host=_default_ "))
            #expect(result.text.contains("subject=CN = localhost\(isRSA ? "-rsa" : "")\n"))
            let facts = try #require(server.journal.now.facts.first)
            #expect(!facts.isResumed)
            #expect(facts.group == "x25519")
            let family = version == "1.3" ? "TLS_" : isRSA ? "TLS_ECDHE_RSA_WITH_" : "TLS_ECDHE_ECDSA_WITH_"
            #expect(facts.cipherSuite.hasPrefix(family), "\(facts.cipherSuite)")
            #expect(facts.keySize == (facts.cipherSuite.contains("_128_") ? 128 : 256))
            #expect(facts.peerCertificates.isEmpty)
            try await server.stop()
        }
    }

    @Test(arguments: Engine.allCases)
    func aGroupThatTheClientDidNotGuessIsAskedFor(engine: Engine) async throws {
        let server = try await server(engine) { $0.groups = ["secp384r1"] }
        #expect(try await server.client("-tls1_3", "-groups", "X25519:P-384").text.contains("group=secp384r1"))
        #expect(try await server.client("-tls1_2").text.contains("group=secp384r1"))
        #expect(try await !server.client("-tls1_3", "-groups", "X25519").text.contains("protocol="))
        #expect(try await server.journal.reaches { $0.errors.last?.code == .noSharedCipher })
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1", "-tls1_1"])
    func refusesOldVersions(engine: Engine, option: String) async throws {
        let server = try await server(engine)
        let result = try await server.client(option, "-cipher", "ALL:@SECLEVEL=0")
        #expect(!result.text.contains("protocol=TLS"))
        #expect(result.text.contains("alert protocol version"), "\(result.text)")
        #expect(try await server.journal.reaches { $0.errors.first?.code == .noSharedProtocol })
        let error = try #require(server.journal.now.errors.first)
        #expect(error.message.contains("protocols is [TLSv1.2+TLSv1.3]"))
        #expect(error.cause == .noSharedProtocol && error.setting == "SSLHostConfig protocols")
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func speaksTheVersionsNamed(engine: Engine) async throws {
        let old = try await server(engine) {
            $0.protocols = [.v1, .v1_1, .v1_2]; $0.ciphers = "ALL:!aNULL"
        }
        for (option, version) in [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1"), ("-tls1_2", "TLSv1.2")] {
            #expect(try await old.client(option, "-cipher", "ALL:@SECLEVEL=0").text.contains("protocol=\(version) "))
        }
        #expect(try await !old.client("-tls1_3").text.contains("protocol="))
        try await old.stop()
        let new = try await server(engine) { $0.protocols = [.v1_3] }
        #expect(try await !new.client("-tls1_2").text.contains("protocol="))
        #expect(try await new.client("-tls1_3").text.contains("protocol=TLSv1.3"))
        try await new.stop()
    }

    @Test(
        arguments: Engine.allCases,
        [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305", "EECDH+AESGCM:EECDH+CHACHA20:!AES256",
            "ALL:!AES256:!SHA:!SHA256:!kRSA:!aNULL:!AESCCM:!ARIA:!CAMELLIA:@STRENGTH",
        ]
    )
    func understandsBothSpellingsOfCiphersAndTheLanguage(engine: Engine, ciphers: String) async throws {
        let server = try await server(engine) { $0.ciphers = ciphers }
        for offered in ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"] {
            let result = try await server.client("-tls1_2", "-cipher", offered)
            #expect(result.text.contains("protocol=TLSv1.2 cipher=TLS_ECDHE_ECDSA_WITH_"), "\(result.text)")
        }
        for refused in ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA"] {
            #expect(try await server.client("-tls1_2", "-cipher", refused).text.contains("alert handshake failure"), "\(refused)")
        }
        #expect(try await server.journal.reaches { $0.errors.last?.code == .noSharedCipher })
        #expect(server.journal.now.errors.last?.setting == "SSLHostConfig ciphers")
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func ciphersOfWhichNothingIsLeftAreAnError(engine: Engine) async throws {
        for change: (inout TLSHostConfiguration) -> Void in [
            { $0.ciphers = "no-such-cipher" }, { $0.ciphers = "AES128:!AES" }, { $0.cipherSuites = "nothing" }, { $0.groups = ["nothing"] },
        ] {
            await #expect(throws: TLSError(.noCiphers, "")) { try await server(engine, change) }
        }
        await #expect(throws: TLSError(.noProtocols, "")) { try await server(engine) { $0.protocols = [] } }
    }

    @Test(arguments: Engine.allCases)
    func agreesOnAnApplicationProtocol(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        var endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])])
        endpoint.alpnProtocols = ["h2", "http/1.1"]
        let server = try await EngineServer(engine, endpoint)
        #expect(try await server.client("-alpn", "http/1.1,h2").text.contains("alpn=h2 "))
        #expect(try await server.client("-alpn", "http/1.1").text.contains("alpn=http/1.1 "))
        #expect(try await server.client("-alpn", "spdy/3").text.contains("alpn=- "))
        #expect(try await server.client().text.contains("alpn=- "))
        try await server.stop()
    }

    /// RFC 9113 appendix A: in TLS 1.2, HTTP/2 wants ephemeral keys and authenticated encryption; with anything else a client gets HTTP/1.1.
    @Test(
        arguments: [
            ("ECDHE-RSA-AES128-GCM-SHA256", "h2"), ("ECDHE-RSA-CHACHA20-POLY1305", "h2"), ("DHE-RSA-AES256-GCM-SHA384", "h2"),
            ("ECDHE-RSA-AES128-SHA256", "http/1.1"), ("ECDHE-RSA-AES256-SHA", "http/1.1"), ("AES128-GCM-SHA256", "http/1.1"),
            ("AES256-SHA", "http/1.1"),
        ]
    )
    func agreesOnHTTP2OnlyWithGoodCiphers(cipher: String, expected: String) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.serverRSA.configuration()])
        host.ciphers = "ALL"
        var endpoint = TLSEndpointConfiguration(hosts: [host])
        endpoint.alpnProtocols = ["h2", "http/1.1"]
        let server = try await EngineServer(.openSSL, endpoint)
        let folder = try TemporaryFolder()
        for more in [["-sess_out", folder.path("s")], ["-sess_in", folder.path("s")]] {
            let text = try await server.client(["-tls1_2", "-cipher", cipher, "-alpn", "h2,http/1.1"] + more).text
            #expect(text.contains("alpn=\(expected) ") && text.contains("resumed=\(more[0] == "-sess_in") "), "\(text)")
        }
        // Who speaks nothing but HTTP/2 is told nothing.
        let alone = try await server.client("-tls1_2", "-cipher", cipher, "-alpn", "h2").text
        #expect(alone.contains("alpn=\(expected == "h2" ? "h2" : "-") "), "\(alone)")
        // Who offers TLS 1.3 gets there.
        #expect(try await server.client("-cipher", cipher, "-alpn", "h2").text.contains("alpn=h2 "))
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func picksTheCertificateByWhatTheClientOffers(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        var rsa = try await certificates.serverRSA.configuration()
        rsa.keyType = .rsa
        var ec = try await certificates.server.configuration()
        ec.keyType = .ec
        let server = try await EngineServer(engine, TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [rsa, ec])]))
        #expect(try await server.client("-sigalgs", "ECDSA+SHA256").text.contains("subject=CN = localhost\n"))
        #expect(try await server.client("-sigalgs", "RSA-PSS+SHA256").text.contains("subject=CN = localhost-rsa\n"))
        #expect(try await server.client("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256").text.contains("subject=CN = localhost-rsa\n"))
        #expect(try await server.client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256").text.contains("subject=CN = localhost\n"))
        #expect(server.context.summary.first?.contains("type [RSA]") == true)
        #expect(server.context.summary.first?.contains("type [EC]") == true)
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func refusesRenegotiation(engine: Engine) async throws {
        let server = try await server(engine)
        // Without -ign_eof a line that begins with R asks for a new handshake.
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-tls1_2"],
            input: Data("R\n".utf8)
        )
        #expect(result.text.contains("RENEGOTIATING"), "\(result.text)")
        #expect(try await server.journal.reaches { $0.inactive == 1 })
        #expect(server.journal.now.facts.count == 1)
        // swift-nio-ssl closes without the alert.
        if engine == .openSSL { #expect(result.text.contains("no renegotiation"), "\(result.text)") }
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func namesWhatIsWrongWithAnIdentity(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        func expect(_ code: TLSError.Code, _ identity: TLSIdentity) {
            #expect(throws: TLSError(code, "")) {
                try engine.makeContext(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: .identity(identity))])]))
            }
        }
        var identity = try await certificates.server.identity()
        identity.certificateChain = [try await certificates.alpha.der()]
        expect(.keyMismatch, identity)
        identity.certificateChain = [[48, 3, 1, 2, 3]]
        expect(.invalidKeyMaterial, identity)
        identity.certificateChain = []
        expect(.invalidKeyMaterial, identity)
    }
}
