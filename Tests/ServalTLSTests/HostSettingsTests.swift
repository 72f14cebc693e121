import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Attributes of `SSLHostConfig` and `Certificate`: what they do on the wire, and what is said when they cannot.
struct HostSettingsTests {
    private func makeContext(_ host: TLSHostConfiguration, _ log: WarningLog = WarningLog()) throws(TLSError) -> any TLSServerContext {
        try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
    }

    private func host(_ change: (inout TLSHostConfiguration) throws -> Void = { _ in }) async throws -> TLSHostConfiguration {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.origin = ConfigurationOrigin(file: "conf/server.xml", line: 10, attributeLines: ["ciphers": 11, "groups": 12, "protocols": 13])
        try change(&host)
        return host
    }

    /// Names of all three kinds for the same groups.
    @Test(arguments: [
        ("secp384r1", "secp384r1", "P-384"), ("P-384", "secp384r1", "P-384"), ("x25519", "x25519", "X25519"), ("X25519", "x25519", "X25519"),
        ("prime256v1", "secp256r1", "P-256"), ("SECP521R1", "secp521r1", "P-521"), ("ffdhe2048", "ffdhe2048", "ffdhe2048"),
        ("nonsense,x25519", "x25519", "X25519"), ("?X25519Kyber768Draft00,?secp384r1", "secp384r1", "P-384"),
    ])
    func groups(text: String, expected: String, client: String) async throws {
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [try await host { $0.groups = text.components(separatedBy: ",") }]))
        let result = try await server.client("-tls1_3", "-groups", client)
        #expect(result.text.lowercased().contains("group=\(expected)"), "\(result.text)")
        #expect(try await !server.client("-tls1_3", "-groups", client == "X448" ? "P-256" : "X448").text.contains("protocol="))
        try await server.stop()
    }

    /// Post-quantum groups where OpenSSL has them (3.5), and words about it where not.
    @Test func postQuantumGroups() async throws {
        let quiet = WarningLog()
        let optional = try makeContext(try await host { $0.groups = ["?X25519MLKEM768", "?X25519Kyber768Draft00", "x25519"] }, quiet)
        #expect(!quiet.lines.contains { $0.contains("group") }, "\(quiet.lines)")
        // What is there is what is told.
        #expect(optional.hostDescriptions[0].groups.filter { $0 != "X25519MLKEM768" } == ["x25519"])
        let log = WarningLog()
        let context = try makeContext(try await host { $0.groups = ["X25519MLKEM768", "x25519", "nonsense"] }, log)
        let version = OpenSSLBackend().name.split(whereSeparator: { " .".contains($0) }).dropFirst().compactMap { Int($0) }
        let hasThem = version.count > 1 && (version[0] > 3 || version[0] == 3 && version[1] >= 5)
        #expect(log.lines.contains { $0.contains("[X25519MLKEM768] is not supported by OpenSSL 3.") && $0.contains("need OpenSSL 3.5") } != hasThem)
        #expect(
            log.lines.contains("conf/server.xml:12: SSLHostConfig [_default_]: Unknown TLS group [nonsense] was specified and will not be enabled")
        )
        _ = context
    }

    @Test func problemsNameThePlaceOfTheAttribute() async throws {
        let cases: [(TLSError.Code, String, String, (inout TLSHostConfiguration) -> Void)] = [
            (.noCiphers, "conf/server.xml:11", "None of the [ciphers] specified", { $0.ciphers = "nothing" }),
            (.noCiphers, "conf/server.xml:11", "None of the [ciphers] specified", { $0.ciphers = "AES128-SHA:!RSA" }),
            (.noCiphers, "conf/server.xml:10", "None of the [cipherSuites] specified", { $0.cipherSuites = "HIGH" }),
            (.noCiphers, "conf/server.xml:12", "None of the [groups] specified", { $0.groups = ["nothing", ""] }),
            (
                .invalidConfiguration, "conf/server.xml:20", "The OpenSSLConfCmd [Nonsense] failed",
                {
                    var command = TLSHostConfiguration.OpenSSLCommand(name: "Nonsense", value: "1")
                    command.origin = ConfigurationOrigin(file: "conf/server.xml", line: 20)
                    $0.openSSLCommands = [command]
                }
            ),
            (
                .invalidConfiguration, "conf/server.xml:10", "The OpenSSLConfCmd [VerifyMode] is not allowed",
                { $0.openSSLCommands = [.init(name: "VerifyMode", value: "Peer")] }
            ),
            (
                .fileNotFound, "conf/server.xml:10", "Configured file [/nowhere/ca.pem] does not exist",
                { $0.clientAuthentication = .required(trust: .file("/nowhere/ca.pem")) }
            ),
        ]
        for (code, place, words, change) in cases {
            let host = try await host(change)
            do throws(TLSError) {
                _ = try makeContext(host)
                Issue.record("\(words)")
            } catch {
                #expect(error.code == code)
                #expect(error.origin == place, "\(error)")
                #expect(error.message.hasPrefix("SSLHostConfig [_default_]: ") && error.message.contains(words), "\(error)")
            }
        }
    }

    /// Whatever `ciphers` says: TLS 1.3 needs none of them.
    @Test func withOnlyTLS13TheOtherCiphersDoNotMatter() async throws {
        let server = try await TestServer(
            TLSEndpointConfiguration(hosts: [
                try await host {
                    $0.protocols = [.v1_3]
                    $0.ciphers = "nothing"
                }
            ])
        )
        #expect(try await server.client().text.contains("protocol=TLSv1.3"))
        try await server.stop()
    }

    @Test func problemsWithCertificatesNameTheirPlace() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let nonsense = try folder.write("nonsense", to: "nonsense.p12")
        let store = folder.path("store.p12")
        try await Command.openssl(
            "pkcs12",
            "-export",
            "-in",
            certificates.server.certificate,
            "-inkey",
            certificates.server.key,
            "-out",
            store,
            "-name",
            "tomcat",
            "-passout",
            "pass:changeit"
        )
        let lines = ["certificateKeystoreFile": 31, "certificateKeystorePassword": 32, "certificateKeyAlias": 33]
        let cases: [(CertificateConfiguration.Source, TLSError.Code, Int, String)] = [
            (.keyStore(path: nonsense), .invalidKeyMaterial, 31, "Failed to load keystore with path ["),
            (.keyStore(path: folder.path("missing")), .fileNotFound, 31, "does not exist"),
            (.keyStore(path: store, password: .literal("wrong")), .wrongPassword, 32, "Failed to load keystore type [PKCS12]"),
            (
                .keyStore(path: store, alias: "jetty", password: .literal("changeit")), .aliasNotFound, 33,
                "Alias name [jetty] does not identify a key entry"
            ),
            (.pem(certificate: nonsense), .invalidKeyMaterial, 34, "PEM files"),
        ]
        for (source, code, line, words) in cases {
            var certificate = CertificateConfiguration(source: source)
            certificate.origin = ConfigurationOrigin(
                file: "conf/server.xml",
                line: 30,
                attributeLines: line == 34 ? ["certificateFile": 34] : lines
            )
            do throws(TLSError) {
                let host = TLSHostConfiguration(hostName: "www.example.com", certificates: [certificate])
                _ = try OpenSSLBackend().makeServerContext(
                    TLSEndpointConfiguration(hosts: [host], defaultHostName: "www.example.com"),
                    logger: WarningLog().logger
                )
                Issue.record("\(words)")
            } catch {
                #expect(error.code == code, "\(error)")
                #expect(error.origin == "conf/server.xml:\(line)", "\(error)")
                #expect(error.message.hasPrefix("SSLHostConfig [www.example.com]: ") && error.message.contains(words), "\(error)")
            }
        }
    }

    @Test func whatIsPresentedIsLogged() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let store = folder.path("store.p12")
        try await Command.openssl(
            "pkcs12",
            "-export",
            "-in",
            certificates.serverRSA.certificate,
            "-inkey",
            certificates.serverRSA.key,
            "-out",
            store,
            "-name",
            "tomcat",
            "-passout",
            "pass:changeit"
        )
        var host = TLSHostConfiguration(
            hostName: "www.example.com",
            certificates: [
                CertificateConfiguration(source: .keyStore(path: store, password: .literal("changeit")), keyType: .rsa),
                CertificateConfiguration(source: .pem(certificate: certificates.server.certificate, key: certificates.server.key), keyType: .ec),
            ]
        )
        host.clientAuthentication = .optional(trust: .file(certificates.authority.certificate))
        let context = try OpenSSLBackend().makeServerContext(
            TLSEndpointConfiguration(hosts: [host], defaultHostName: "www.example.com"),
            logger: WarningLog().logger
        )
        let log = WarningLog()
        for certificate in context.hostDescriptions.flatMap(\.certificates) { certificate.log(connector: "https-8443", to: log.logger) }
        let trust = "with trust store [file [\(certificates.authority.certificate)]]"
        let start = "Connector [https-8443], TLS virtual host [www.example.com], certificate type"
        #expect(log.lines.contains("\(start) [RSA] configured from keystore [\(store)] using alias [tomcat] \(trust)"), "\(log.lines)")
        #expect(
            log.lines.contains(
                "\(start) [EC] configured from key [\(certificates.server.key)], certificate [\(certificates.server.certificate)] and certificate chain [none] \(trust)"
            )
        )
        #expect(log.lines.filter { $0 == "certificate fingerprint" }.count == 2)
        var info = log.logger
        info.logLevel = .info
        for certificate in context.hostDescriptions.flatMap(\.certificates) { certificate.log(connector: "https-8443", to: info) }
        #expect(log.lines.count == 6, "fingerprints only at the level debug")
    }

    @Test func typesAndKeysHaveToFit() async throws {
        let certificates = try await Certificates.shared.value
        let log = WarningLog()
        var misnamed = try await certificates.server.configuration()
        misnamed.keyType = .rsa
        misnamed.origin = ConfigurationOrigin(file: "conf/server.xml", line: 30, attributeLines: ["type": 31])
        _ = try makeContext(TLSHostConfiguration(certificates: [misnamed]), log)
        #expect(
            log.lines.filter { !$0.hasPrefix("OCSP") } == [
                "conf/server.xml:31: SSLHostConfig [_default_]: The Certificate with type [RSA] has a key of type [EC] (memory)"
            ]
        )
        var other = try await certificates.alpha.configuration()
        other.keyType = .ec
        #expect(throws: TLSError(.invalidConfiguration, "")) { try makeContext(TLSHostConfiguration(certificates: [misnamed, other])) }
        do {
            _ = try makeContext(TLSHostConfiguration(certificates: [misnamed, other]))
        } catch {
            #expect(error.message.contains("Two certificates have keys of the type [EC]"))
        }
        other.keyType = nil
        do {
            _ = try makeContext(TLSHostConfiguration(certificates: [misnamed, other]))
        } catch {
            #expect(error.message.contains("Multiple certificates were specified and at least one is missing the required attribute type"))
        }
    }

    // MARK: Diffie-Hellman

    private static let cipher = "DHE-RSA-AES128-GCM-SHA256"

    private func dhServer(_ parameters: String?, command: Bool = false, log: WarningLog = WarningLog()) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        var text = try String(contentsOfFile: certificates.serverRSA.certificate, encoding: .utf8)
        if let parameters, !command { text += parameters }
        let file = try folder.write(text, to: "with-parameters.pem")
        var host = TLSHostConfiguration(certificates: [CertificateConfiguration(source: .pem(certificate: file, key: certificates.serverRSA.key))])
        if let parameters, command { host.openSSLCommands = [.init(name: "DHParameters", value: try folder.write(parameters, to: "dh.pem"))] }
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
    }

    private func parameters(_ options: String...) async throws -> String {
        // Named groups take no time to make.
        let result = try await Command.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH"] + options)
        #expect(result.status == 0, "\(result.text)")
        return result.text
    }

    @Test("H19: DH parameters beside the certificate are used")
    func parametersBesideTheCertificateAreUsed() async throws {
        let parameters = try await parameters("-pkeyopt", "group:modp_3072")
        #expect(parameters.contains("BEGIN DH PARAMETERS"))
        for command in [false, true] {
            let server = try await dhServer(parameters, command: command)
            let result = try await server.client("-tls1_2", "-cipher", Self.cipher)
            #expect(result.text.contains("Server Temp Key: DH, 3072 bits"), "\(result.text)")
            try await server.stop()
        }
    }

    @Test func weakParametersAreLeftOutWithAWarning() async throws {
        // As old clients could bear.
        let weak = String(decoding: try await Command.openssl("dhparam", "512"), as: UTF8.self)
        let log = WarningLog()
        let server = try await dhServer(weak, log: log)
        #expect(log.lines.contains { $0.contains("The DH PARAMETERS are ignored") }, "\(log.lines)")
        let result = try await server.client("-tls1_2", "-cipher", Self.cipher)
        #expect(result.text.contains("Server Temp Key: DH, 2048 bits"), "\(result.text)")
        try await server.stop()
    }

    // MARK: Never

    /// Compression and renegotiation stay off, whatever OpenSSL's own commands say.
    @Test func someThingsCannotBeTurnedOn() async throws {
        let server = try await TestServer(
            TLSEndpointConfiguration(hosts: [
                try await host { $0.openSSLCommands = [.init(name: "Options", value: "Compression,UnsafeLegacyRenegotiation,ClientRenegotiation")] }
            ])
        )
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-tls1_2", "-comp"],
            input: Data("R\n".utf8)
        )
        #expect(result.text.contains("no renegotiation"), "\(result.text)")
        #expect(result.text.contains("Compression: NONE"))
        try await server.stop()
    }

    @Test func anonymousCiphersAreSpokenOf() async throws {
        let log = WarningLog()
        _ = try makeContext(try await host { $0.ciphers = "ALL:@SECLEVEL=0" }, log)
        #expect(log.lines.contains { $0.contains("conf/server.xml:11: ") && $0.contains("security level to 0") }, "\(log.lines)")
        #expect(log.lines.contains { $0.contains("without authentication or without encryption") && $0.contains("ADH-AES128-SHA") })
    }
}
