import Foundation
import NIOCore
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Clients as they are: of OpenSSL and of the JDK, with every kind of key, odd names, long and broken-up messages.
struct CompatibilityTests {
    private static let notAlone: [String: [String]] = ["RSA": ["RSA"], "EC": ["EC"], "both": ["RSA", "EC"]]

    private func host(_ kinds: [String]) async throws -> TLSHostConfiguration {
        let certificates = try await Certificates.shared.value
        var configurations: [CertificateConfiguration] = []
        for kind in kinds {
            var configuration = try await (kind == "RSA" ? certificates.serverRSA : certificates.server).configuration()
            configuration.keyType = kind == "RSA" ? .rsa : .ec
            configurations.append(configuration)
        }
        return TLSHostConfiguration(certificates: configurations)
    }

    // MARK: Keys

    /// What a client takes, and the kind of key that it is shown by a host that has both.
    static let clients: [(arguments: [String], takes: Set<String>)] = [
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], ["RSA"]), (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], ["EC"]),
        (["-tls1_2", "-cipher", "DHE-RSA-AES256-SHA256"], ["RSA"]), (["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], ["RSA"]),
        (["-tls1_2", "-sigalgs", "ECDSA+SHA256", "-cipher", "ECDHE+AESGCM"], ["EC"]), (["-tls1_2", "-cipher", "AES128-SHA"], []),
        (["-tls1_3", "-sigalgs", "ECDSA+SHA256"], ["EC"]), (["-tls1_3", "-sigalgs", "RSA-PSS+SHA384"], ["RSA"]),
        (["-tls1_3", "-sigalgs", "ed25519"], []),
    ]

    @Test(arguments: ["RSA", "EC", "both"])
    func everyClientGetsACertificateThatItTakes(kinds: String) async throws {
        let present = Self.notAlone[kinds] ?? []
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [try await host(present)]))
        for (arguments, takes) in Self.clients {
            let result = try await Command.run(
                ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-ign_eof"] + arguments,
                input: Data("facts\n".utf8)
            )
            let expected = present.first { takes.contains($0) }
            #expect(result.text.contains("protocol=") == (expected != nil), "\(kinds) \(arguments): \(result.text)")
            if let expected {
                #expect(result.text.contains("subject=CN = localhost\(expected == "RSA" ? "-rsa" : "")\n"), "\(kinds) \(arguments)")
            }
        }
        try await server.stop()
    }

    /// The JDK's client, by the one of its programs that shows a server's certificate.
    @Test(arguments: [
        (["-Djdk.tls.client.protocols=TLSv1.2"], "both", true), (["-Djdk.tls.client.protocols=TLSv1.3"], "both", true),
        (["-Djdk.tls.client.protocols=TLSv1.2", "-Djdk.tls.namedGroups=secp256r1"], "EC", true),
        (["-Djdk.tls.client.cipherSuites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], "RSA", true),
        (["-Djdk.tls.client.cipherSuites=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], "EC", false),
        (["-Djdk.tls.client.cipherSuites=TLS_RSA_WITH_AES_128_CBC_SHA"], "RSA", false), (["-Djdk.tls.namedGroups=ffdhe2048"], "RSA", true),
    ])
    func theJDKsClient(options: [String], kinds: String, isServed: Bool) async throws {
        let log = HandshakeLog()
        let server = try await TestServer(
            TLSEndpointConfiguration(hosts: [try await host(Self.notAlone[kinds] ?? [])]),
            handshakes: log.reporter()
        )
        let result = try await Command.run(
            ["keytool"] + options.map { "-J\($0)" } + ["-J-Duser.language=en", "-printcert", "-sslserver", "127.0.0.1:\(server.port)"]
        )
        #expect(result.text.contains("Owner: CN=localhost") == isServed, "\(result.text)")
        if !isServed { #expect(try await log.reaches(1).first?.fields["cause"] == "no-shared-cipher", "\(log.lines)") }
        try await server.stop()
    }

    // MARK: Versions

    @Test(arguments: [
        ("all", true, true), ("TLSv1.2", true, false), ("+TLSv1.3", false, true), ("all,-TLSv1.3", true, false), ("TLSv1.2+TLSv1.3", true, true),
        ("SSLv2Hello,TLSv1.2", true, false), ("TLSv1.2 , TLSv1.3", true, true), ("all-TLSv1.2", false, true),
    ])
    func protocolLists(text: String, speaks12: Bool, speaks13: Bool) async throws {
        var host = try await host(["EC"])
        host.protocols = try TLSProtocolVersion.parse(text).versions
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
        #expect(try await server.client("-tls1_2").text.contains("protocol=TLSv1.2") == speaks12)
        #expect(try await server.client("-tls1_3").text.contains("protocol=TLSv1.3") == speaks13)
        try await server.stop()
    }

    // MARK: Names

    @Test(arguments: [
        (["-noservername"], "-", "_default_"), (["-servername", "WWW.EXAMPLE.COM"], "www.example.com", "www.example.com"),
        (["-servername", "www.example.com."], "www.example.com.", "www.example.com"), (["-servername", "nobody.test"], "nobody.test", "_default_"),
        (["-servername", "127.0.0.1"], "127.0.0.1", "_default_"), (["-servername", "[::1]"], "[::1]", "_default_"),
        (["-servername", "A.b.Wild.Test"], "a.b.wild.test", "_default_"), (["-servername", "B.Wild.Test"], "b.wild.test", "*.wild.test"),
        (["-servername", "*.wild.test"], "*.wild.test", "*.wild.test"), (["-servername", "_default_"], "_default_", "_default_"),
    ])
    func namesOfAllKinds(arguments: [String], name: String, host: String) async throws {
        var hosts: [TLSHostConfiguration] = []
        for name in ["_default_", "www.example.com", "*.wild.test"] {
            var host = try await self.host(["EC"])
            host.hostName = name
            hosts.append(host)
        }
        let server = try await TestServer(TLSEndpointConfiguration(hosts: hosts))
        for version in ["-tls1_2", "-tls1_3"] {
            let result = try await server.client(version, arguments[0], arguments.last ?? "")
            #expect(result.text.contains("sni=\(name) host=\(host) "), "\(result.text)")
        }
        try await server.stop()
    }

    // MARK: Messages

    /// Byte for byte, with a ClientHello of the JDK's kind and of OpenSSL's.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aClientHelloInSingleBytes(version: String) async throws {
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [try await host(["EC"])]), before: { Fragmenter() })
        #expect(try await server.client(version, "-servername", "www.example.com", "-alpn", "h2,http/1.1").text.contains("sni=www.example.com "))
        try await server.stop()
    }

    /// A ticket carries the client's certificates, so the ClientHello of a client with a long chain is longer than a record can be.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func aClientHelloOf17KilobytesAtResumption(version: String) async throws {
        let certificates = try await Certificates.shared.value
        let filling = String(repeating: "x", count: 7900)
        let intermediate = try await certificates.issue(
            "large-intermediate\(version)",
            by: certificates.authority,
            extensions: "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n1.2.3.4.5=ASN1:UTF8String:\(filling)"
        )
        let client = try await certificates.issue(
            "large-client\(version)",
            by: intermediate,
            extensions: "extendedKeyUsage=clientAuth\n1.2.3.4.5=ASN1:UTF8String:\(filling)"
        )
        var host = try await host(["EC"])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
        let folder = try TemporaryFolder()
        let session = folder.path("session")
        let first = try await server.client(
            version,
            "-cert",
            client.certificate,
            "-key",
            client.key,
            "-cert_chain",
            intermediate.certificate,
            "-sess_out",
            session
        )
        #expect(first.text.contains("peer=2 "), "\(first.text)")
        let second = try await server.client(version, "-sess_in", session, "-trace")
        #expect(second.text.contains("resumed=true ") && second.text.contains("peer=2 "), "\(second.text.suffix(2000))")
        let length = second.text.firstMatch(of: #/ClientHello, Length=(\d+)/#).flatMap { Int($0.1) } ?? 0
        #expect(length > 17_000, "\(length)")
        try await server.stop()
    }
}
