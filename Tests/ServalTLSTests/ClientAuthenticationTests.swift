import NIOCore
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Client certificates: nobody gets in who should not.
struct ClientAuthenticationTests {
    private enum Mode: String, CaseIterable { case optional, required }

    private func server(_ mode: Mode, _ change: (inout TLSHostConfiguration) -> Void = { _ in }) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        let trust = TrustSource.file(certificates.authority.certificate)
        host.clientAuthentication = mode == .required ? .required(trust: trust) : .optional(trust: trust)
        change(&host)
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func letsTheRightClientIn(version: String) async throws {
        let certificates = try await Certificates.shared.value
        for mode in Mode.allCases {
            let server = try await server(mode)
            let result = try await server.client(version, "-cert", certificates.client.certificate, "-key", certificates.client.key)
            #expect(result.text.contains("peer=1 "), "\(result.text)")
            #expect(result.text.contains("Acceptable client certificate CA names\nCN = Test ca\n"))
            #expect(try await server.journal.now.facts.first?.peerCertificates == [certificates.client.der()])
            try await server.stop()
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func refusesEverybodyElse(version: String) async throws {
        let certificates = try await Certificates.shared.value
        let bad = [
            (certificates.expiredClient, "certificate has expired"), (certificates.clientOfOtherAuthority, "unable to get local issuer certificate"),
            (certificates.clientOfIntermediate, "unable to get local issuer certificate"),
        ]
        for mode in Mode.allCases {
            let server = try await server(mode)
            for (client, words) in bad {
                let result = try await server.client(version, "-cert", client.certificate, "-key", client.key)
                #expect(!result.text.contains("protocol="), "\(result.text)")
                #expect(try await server.journal.reaches { $0.errors.last?.message.contains(words) == true }, "\(server.journal.now.errors)")
                #expect(server.journal.now.errors.last?.code == .clientCertificateRejected)
            }
            #expect(server.journal.now.facts.isEmpty)
            try await server.stop()
        }
    }

    /// A server certificate is no client certificate.
    @Test func refusesACertificateForAnotherPurpose() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let request = folder.path("csr")
        let key = folder.path("key")
        try await Command.openssl(
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            key,
            "-out",
            request,
            "-subj",
            "/CN=server"
        )
        let extensions = try folder.write("extendedKeyUsage=serverAuth", to: "ext")
        try await Command.openssl(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            certificates.authority.certificate,
            "-CAkey",
            certificates.authority.key,
            "-set_serial",
            "4711",
            "-extfile",
            extensions,
            "-out",
            folder.path("crt")
        )
        let server = try await server(.optional)
        #expect(try await !server.client("-cert", folder.path("crt"), "-key", key).text.contains("protocol="))
        #expect(try await server.journal.reaches { $0.errors.last?.code == .clientCertificateRejected })
        try await server.stop()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func withoutACertificate(version: String) async throws {
        let required = try await server(.required)
        #expect(try await !required.client(version).text.contains("protocol="))
        #expect(try await required.journal.reaches { $0.errors.last?.code == .clientCertificateMissing })
        #expect(required.journal.now.facts.isEmpty)
        try await required.stop()
        let optional = try await server(.optional)
        #expect(try await optional.client(version).text.contains("peer=0 "))
        try await optional.stop()
    }

    @Test func theDepthIsLimited() async throws {
        let certificates = try await Certificates.shared.value
        let client = certificates.clientOfIntermediate
        let arguments = ("-cert", client.certificate, "-key", client.key, "-cert_chain", certificates.intermediate.certificate)
        let deep = try await server(.required)
        #expect(
            try await deep.client(arguments.0, arguments.1, arguments.2, arguments.3, arguments.4, arguments.5).text.contains("peer=2 ")
        )
        try await deep.stop()
        let shallow = try await server(.required) { $0.verificationDepth = 0 }
        #expect(
            try await !shallow.client(arguments.0, arguments.1, arguments.2, arguments.3, arguments.4, arguments.5).text.contains("protocol=")
        )
        try await shallow.stop()
    }

    @Test func refusesRevokedCertificates() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let index = try folder.write("", to: "index")
        let number = try folder.write("01\n", to: "number")
        let settings = try folder.write(
            "[ca]\ndefault_ca=x\n[x]\ndatabase=\(index)\ncrlnumber=\(number)\ndefault_md=sha256\ndefault_crl_days=2\n",
            to: "cnf"
        )
        func list(_ name: String) async throws -> String {
            try await Command.openssl(
                "ca",
                "-config",
                settings,
                "-cert",
                certificates.authority.certificate,
                "-keyfile",
                certificates.authority.key,
                "-gencrl",
                "-out",
                folder.path(name)
            )
            return folder.path(name)
        }
        let before = try await list("before.crl")
        try await Command.openssl(
            "ca",
            "-config",
            settings,
            "-cert",
            certificates.authority.certificate,
            "-keyfile",
            certificates.authority.key,
            "-revoke",
            certificates.client.certificate
        )
        let after = try await list("after.crl")
        let open = try await server(.required) { $0.revocationListFiles = [before] }
        #expect(try await open.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("peer=1 "))
        try await open.stop()
        let shut = try await server(.required) { $0.revocationListFiles = [after] }
        #expect(try await !shut.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("protocol="))
        #expect(try await shut.journal.reaches { $0.errors.last?.message.contains("certificate revoked") == true })
        try await shut.stop()
    }

    @Test func verificationWithoutTrustIsAnErrorAtStart() async throws {
        let folder = try TemporaryFolder()
        let empty = try folder.write("no certificate here\n", to: "empty.pem")
        for trust in [TrustSource.all([]), .certificates([]), .file(empty)] {
            await #expect(throws: TLSError(.noTrustAnchors, "")) { try await server(.required) { $0.clientAuthentication = .required(trust: trust) } }
        }
        await #expect(throws: TLSError(.fileNotFound, "")) {
            try await server(.optional) { $0.clientAuthentication = .optional(trust: .file(folder.path("missing"))) }
        }
        await #expect(throws: TLSError(.invalidConfiguration, "")) {
            try await server(.required) { $0.openSSLCommands = [.init(name: "VerifyMode", value: "Peer")] }
        }
    }

    @Test func trustMayComeFromADirectory() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        try await Command.openssl("x509", "-in", certificates.authority.certificate, "-text", "-out", folder.path("with-text.pem"))
        let server = try await server(.required) { $0.clientAuthentication = .required(trust: .directory(folder.root)) }
        #expect(try await server.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("peer=1 "))
        try await server.stop()
    }

    @Test func readsTomcatsWords() throws {
        for (word, meaning) in [
            ("none", CertificateVerification.none), ("FALSE", .none), ("want", .optional), ("Required", .required), ("true", .required),
            ("optionalNoCA", .optionalNoCA), ("optional_no_ca", .optionalNoCA),
        ] {
            #expect(try CertificateVerification(attribute: word) == meaning)
        }
        for word in ["", "optionalCA", "maybe"] {
            #expect(throws: TLSError(.invalidConfiguration, "")) { try CertificateVerification(attribute: word) }
        }
    }
}
