import Logging
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Key stores and PEM files as operators have them, and what is said when something is wrong with them.
struct KeyMaterialTests {
    @Test(arguments: ["PKCS12", "JKS"])
    func servesFromAKeyStore(type: String) async throws {
        let store = try await KeyStoreFile(type: type)
        for keyType in [nil, type] {
            let server = try await TestServer(
                store.endpoint(.keyStore(path: store.path, type: keyType, alias: "Tomcat", password: .literal("changeit")))
            )
            #expect(try await server.client().text.contains("subject=CN = store.test\n"))
            #expect(server.context.summary.first?.contains("keystore [\(store.path)] using alias [Tomcat]") == true)
            try await server.stop()
        }
        let first = try await TestServer(store.endpoint(.keyStore(path: store.path, password: .literal("changeit"))))
        #expect(try await first.client().text.contains("subject=CN = store.test\n"))
        try await first.stop()
    }

    @Test func namesWhatIsWrongWithAKeyStore() async throws {
        let jks = try await KeyStoreFile(type: "JKS")
        let pkcs12 = try await KeyStoreFile(type: "PKCS12")
        expect(.wrongPassword, ["Keystore was tampered with, or password was incorrect", jks.path]) {
            .keyStore(path: jks.path, type: "JKS", password: .literal("CHANGEIT"))
        }
        expect(.wrongPassword, ["keystore password was incorrect", pkcs12.path]) { .keyStore(path: pkcs12.path, password: .literal("wrong!")) }
        expect(.aliasNotFound, ["Failed to load keystore type [PKCS12]", "Alias name [nobody]", pkcs12.path]) {
            .keyStore(path: pkcs12.path, alias: "nobody", password: .literal("changeit"))
        }
        expect(.aliasNotFound, ["Alias name [nobody] does not identify a key entry", jks.path]) {
            .keyStore(path: jks.path, alias: "nobody", password: .literal("changeit"))
        }
        expect(.fileNotFound, ["Failed to load keystore with path [/no/such/.keystore] due to [Configured file", "does not exist"]) {
            .keyStore(path: "/no/such/.keystore", password: .literal("changeit"))
        }
        expect(.secretUnavailable, ["/no/such/password"]) { .keyStore(path: jks.path, password: .file("/no/such/password")) }
        let folder = try TemporaryFolder()
        let text = try folder.write("this is no key store", to: "text.jks")
        expect(.invalidKeyMaterial, ["Failed to load keystore type [PKCS12] with path [\(text)] due to"]) {
            .keyStore(path: text, type: "PKCS12", password: .literal("changeit"))
        }
        expect(.invalidKeyMaterial, ["Failed to load keystore with path [\(text)] due to"]) { .keyStore(path: text, password: .literal("changeit")) }
    }

    @Test func servesFromPEMFiles() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let pair = certificates.server
        let encrypted = folder.path("encrypted.key")
        try await Command.openssl("pkcs8", "-topk8", "-in", pair.key, "-out", encrypted, "-passout", "pass:secret")
        let sources: [CertificateConfiguration.Source] = [
            .pem(certificate: pair.certificate, key: pair.key),
            .pem(certificate: pair.certificate, key: pair.key, chain: certificates.authority.certificate),
            .pem(certificate: pair.certificate, key: encrypted, keyPassword: .literal("secret")),
        ]
        for source in sources {
            let server = try await TestServer(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [.init(source: source)])]))
            let shown = try await server.client("-showcerts").text
            #expect(shown.contains("subject=CN = localhost\n"), "\(shown)")
            if case .pem(_, _, .some, _) = source { #expect(shown.contains(" 1 s:CN = Test ca\n"), "\(shown)") }
            try await server.stop()
        }
        expect(.wrongPassword, [encrypted]) { .pem(certificate: pair.certificate, key: encrypted, keyPassword: .literal("wrong")) }
        expect(.keyMismatch, [pair.certificate]) { .pem(certificate: pair.certificate, key: certificates.alpha.key) }
        expect(.fileNotFound, ["Configured file [/no/such.pem] does not exist"]) { .pem(certificate: "/no/such.pem") }
        expect(.fileNotFound, ["Configured file [/no/such.key] does not exist"]) { .pem(certificate: pair.certificate, key: "/no/such.key") }
    }

    @Test func trustsWhatATrustStoreTrusts() async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let store = folder.path("trust.p12")
        let made = try await Command.run([
            "keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", certificates.authority.certificate, "-keystore", store, "-storetype",
            "PKCS12",
            "-storepass", "changeit",
        ])
        try #require(made.status == 0, "\(made.text)")
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .keyStore(path: store, password: .literal("changeit")))
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
        #expect(try await server.client("-cert", certificates.client.certificate, "-key", certificates.client.key).text.contains("peer=1 "))
        #expect(try await !server.client().text.contains("protocol="))
        try await server.stop()
    }

    private func expect(_ code: TLSError.Code, _ words: [String], _ source: () -> CertificateConfiguration.Source) {
        let endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [CertificateConfiguration(source: source())])])
        do {
            _ = try OpenSSLBackend().makeServerContext(endpoint, logger: WarningLog().logger)
            Issue.record("nothing was wrong with \(source())")
        } catch {
            #expect(error.code == code, "\(error)")
            for part in words { #expect(error.message.contains(part), "\(error)") }
            #expect(!error.message.contains("\n"))
        }
    }
}

/// A key store made by the JDK.
private struct KeyStoreFile {
    let folder: TemporaryFolder
    var path: String { folder.path("store") }

    init(type: String) async throws {
        folder = try TemporaryFolder()
        let result = try await Command.run([
            "keytool", "-genkeypair", "-alias", "tomcat", "-keyalg", "RSA", "-dname", "CN=store.test", "-keystore", path, "-storetype", type,
            "-storepass",
            "changeit", "-keypass", "changeit",
        ])
        guard result.status == 0 else { throw Command.Failure(words: result.text) }
    }

    func endpoint(_ source: CertificateConfiguration.Source) -> TLSEndpointConfiguration {
        TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [CertificateConfiguration(source: source)])])
    }
}
