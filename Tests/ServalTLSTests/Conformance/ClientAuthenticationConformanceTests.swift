import Foundation
import ServalTLS
import Testing

/// Client certificates with every TLS implementation: nobody gets in who should not.
struct ClientAuthenticationConformanceTests {
    enum Mode: String, CaseIterable, Sendable { case optional, required }

    private func server(
        _ engine: Engine,
        _ mode: Mode,
        trust: TrustSource? = nil,
        _ change: (inout TLSHostConfiguration) -> Void = { _ in }
    ) async throws -> EngineServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        let trust = trust ?? TrustSource.file(certificates.authority.certificate)
        host.clientAuthentication = mode == .required ? .required(trust: trust) : .optional(trust: trust)
        change(&host)
        return try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]))
    }

    @Test(arguments: Engine.allCases, Mode.allCases)
    func letsTheRightClientIn(engine: Engine, mode: Mode) async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server(engine, mode)
        for version in ["-tls1_2", "-tls1_3"] {
            let result = try await server.client(version, "-cert", certificates.client.certificate, "-key", certificates.client.key)
            #expect(result.text.contains("peer=1 "), "\(result.text)")
            #expect(result.text.contains("Acceptable client certificate CA names\nCN = Test ca\n"))
            #expect(try await server.journal.now.facts.last?.peerCertificates == [certificates.client.der()])
        }
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, Mode.allCases)
    func refusesEverybodyElse(engine: Engine, mode: Mode) async throws {
        let certificates = try await Certificates.shared.value
        let server = try await server(engine, mode)
        let bad = [
            (certificates.expiredClient, "certificate has expired"), (certificates.clientOfOtherAuthority, "unable to get local issuer certificate"),
            (certificates.clientOfIntermediate, "unable to get local issuer certificate"),
        ]
        for version in ["-tls1_2", "-tls1_3"] {
            for (client, words) in bad {
                let result = try await server.client(version, "-cert", client.certificate, "-key", client.key)
                #expect(!result.text.contains("protocol="), "\(result.text)")
                #expect(try await server.journal.reaches { $0.errors.last?.message.contains(words) == true }, "\(server.journal.now.errors)")
                #expect(server.journal.now.errors.last?.code == .clientCertificateRejected)
            }
        }
        #expect(server.journal.now.facts.isEmpty)
        let causes = server.journal.now.errors.map(\.cause)
        #expect(causes.prefix(3) == [.clientCertificateExpired, .clientCertificateUntrusted, .clientCertificateUntrusted])
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func aFailedHandshakeIsOneLineWithItsCause(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        let log = HandshakeLog()
        let server = try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter())
        let stranger = certificates.clientOfOtherAuthority
        _ = try await server.client("-servername", "a.test", "-cert", stranger.certificate, "-key", stranger.key)
        let line = try #require(try await log.reaches(1).first)
        #expect(line.fields["cause"] == "client-certificate-untrusted")
        #expect(line.fields["setting"] == "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile")
        #expect(line.fields["sni"] == "a.test" && line.fields["host"] == "_default_" && line.fields["client"] == "127.0.0.1")
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func withoutACertificate(engine: Engine, version: String) async throws {
        let required = try await server(engine, .required)
        #expect(try await !required.client(version).text.contains("protocol="))
        #expect(try await required.journal.reaches { $0.errors.last?.code == .clientCertificateMissing })
        #expect(required.journal.now.facts.isEmpty)
        try await required.stop()
        let optional = try await server(engine, .optional)
        #expect(try await optional.client(version).text.contains("peer=0 "))
        try await optional.stop()
    }

    @Test(arguments: Engine.allCases, ["serverAuth", "clientAuth", "none", "keyEncipherment"])
    func thePurposeCounts(engine: Engine, purpose: String) async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let extensions =
            switch purpose {
            case "none": "subjectAltName=DNS:client"
            case "keyEncipherment": "keyUsage=critical,keyEncipherment"
            default: "keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,\(purpose)"
            }
        let pair = try await certificates.issue("client", in: folder, extensions: extensions)
        let server = try await server(engine, .optional)
        let isRight = purpose == "clientAuth" || purpose == "none"
        let result = try await server.client("-cert", pair.certificate, "-key", pair.key)
        #expect(result.text.contains("peer=1 ") == isRight, "\(result.text)")
        if !isRight { #expect(try await server.journal.reaches { $0.errors.last?.code == .clientCertificateRejected }) }
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func theDepthIsLimited(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        let client = certificates.clientOfIntermediate
        let arguments = ["-cert", client.certificate, "-key", client.key, "-cert_chain", certificates.intermediate.certificate]
        let deep = try await server(engine, .required)
        #expect(try await deep.client(arguments).text.contains("peer=2 "))
        try await deep.stop()
        let shallow = try await server(engine, .required) { $0.verificationDepth = 0 }
        #expect(try await !shallow.client(arguments).text.contains("protocol="))
        #expect(try await shallow.journal.reaches { $0.errors.last?.code == .clientCertificateRejected })
        // Straight below the trusted one there is nothing between.
        #expect(try await shallow.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("peer=1 "))
        try await shallow.stop()
    }

    /// As in Java's trust stores, whatever is in it is trusted: an intermediate authority, and a client's own certificate.
    @Test(arguments: Engine.allCases)
    func whatIsTrustedNeedsNoIssuer(engine: Engine) async throws {
        let certificates = try await Certificates.shared.value
        let client = certificates.clientOfIntermediate
        for pair in [certificates.intermediate, client] {
            let server = try await server(engine, .required, trust: .file(pair.certificate))
            #expect(try await server.client("-cert", client.certificate, "-key", client.key).text.contains("peer=1 "), "\(pair)")
            #expect(try await !server.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("protocol="))
            try await server.stop()
        }
    }

    @Test(arguments: Engine.allCases)
    func verificationWithoutTrustIsAnErrorAtStart(engine: Engine) async throws {
        let folder = try TemporaryFolder()
        let empty = try folder.write("no certificate here\n", to: "empty.pem")
        for trust in [TrustSource.all([]), .certificates([]), .file(empty)] {
            for mode in Mode.allCases {
                await #expect(throws: TLSError(.noTrustAnchors, "")) { try await server(engine, mode, trust: trust) }
            }
        }
        await #expect(throws: TLSError(.fileNotFound, "")) { try await server(engine, .optional, trust: .file(folder.path("missing"))) }
    }
}

extension Certificates {
    /// A certificate of the first authority with `extensions`.
    func issue(_ name: String, in folder: TemporaryFolder, extensions: String) async throws -> Pair {
        let pair = Pair(certificate: folder.path("\(name).crt"), key: folder.path("\(name).key"))
        let request = folder.path("\(name).csr")
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", pair.key]
        let made = try await Command.run(["openssl", "req", "-new"] + key + ["-out", request, "-subj", "/CN=\(name)"])
        let signer = ["-CA", authority.certificate, "-CAkey", authority.key, "-set_serial", "4711"]
        let file = try folder.write(extensions, to: "\(name).ext")
        let signed = try await Command.run(["openssl", "x509", "-req", "-in", request] + signer + ["-extfile", file, "-out", pair.certificate])
        guard made.status == 0, signed.status == 0 else { throw Command.Failure(words: made.text + signed.text) }
        return pair
    }
}
