import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Synchronization
import Testing

/// Values before anything listens.
struct ConfigurationTests {
    @Test(arguments: [
        ("all", "TLSv1.2+TLSv1.3", 0), ("TLSv1+TLSv1.1+TLSv1.2", "TLSv1+TLSv1.1+TLSv1.2", 0), ("TLSv1.2,TLSv1.3", "TLSv1.2+TLSv1.3", 1),
        ("all,-TLSv1.3", "TLSv1.2", 0), ("all-TLSv1.2", "TLSv1.3", 0), ("+TLSv1.3", "TLSv1.3", 0), ("tlsv1.2", "TLSv1.2", 0),
        ("SSLv2Hello,SSLv3,TLSv1.2", "TLSv1.2", 4), ("TLSv1.2 TLSv1.3", "TLSv1.2+TLSv1.3", 1), ("TLSv9, TLSv1.3", "TLSv1.3", 2),
        ("-all +TLSv1.3", "TLSv1.3", 0),
    ])
    func readsProtocols(text: String, expected: String, warnings: Int) throws {
        let list = try TLSProtocolVersion.parse(text)
        #expect(list.versions.sorted().map(\.rawValue).joined(separator: "+") == expected)
        #expect(list.warnings.count == warnings, "\(list.warnings)")
    }

    @Test(arguments: ["", "SSLv3", "all-all", "-TLSv1.2", ",,+-"])
    func refusesProtocolsThatLeaveNothing(text: String) {
        #expect(throws: TLSError(.noProtocols, "")) { try TLSProtocolVersion.parse(text) }
        do { _ = try TLSProtocolVersion.parse(text) } catch {
            #expect(error.message == "None of the [protocols] specified are supported by the SSL engine : [\(text)]")
        }
    }

    @Test func secretsStaySecret() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("first line\r\nsecond\n", to: "password")
        #expect(try SecretSource.file(file).resolve() == "first line")
        #expect(try SecretSource.literal("hush").resolve() == "hush")
        #expect(throws: TLSError(.secretUnavailable, "")) { try SecretSource.environment("SERVAL_NO_SUCH_VARIABLE").resolve() }
        #expect(throws: TLSError(.secretUnavailable, "")) { try SecretSource.file(folder.path("missing")).resolve() }
        let source = CertificateConfiguration.Source.keyStore(path: "/a", password: .literal("hush"))
        var dumped = ""
        dump(source, to: &dumped)
        dump(TLSIdentity(privateKeyPKCS8: [77, 78, 79], certificateChain: []), to: &dumped)
        for text in ["\(source)", String(reflecting: source), dumped] {
            #expect(!text.contains("hush"), "\(text)")
            #expect(!text.contains("78"), "\(text)")
        }
    }

    @Test func warnsAboutCiphersInTheWrongPlace() async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.ciphers = "TLS_AES_128_GCM_SHA256:HIGH:!no-such-cipher"
        host.cipherSuites = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256"
        let log = WarningLog()
        _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: log.logger)
        #expect(log.lines.filter { !$0.hasPrefix("OCSP") }.count == 3, "\(log.lines)")
        #expect(log.lines.contains { $0.contains("[TLS_AES_128_GCM_SHA256] in ciphers is for TLS 1.3") })
        host.ciphers = "no-such-cipher"
        #expect(throws: TLSError(.noCiphers, "")) { try makeContext(host) }
        host.ciphers = "HIGH"
        host.cipherSuites = "nothing"
        #expect(throws: TLSError(.noCiphers, "")) { try makeContext(host) }
        host.cipherSuites = TLSHostConfiguration.defaultCipherSuites
        host.groups = ["nothing"]
        #expect(throws: TLSError(.noCiphers, "")) { try makeContext(host) }
    }

    @Test func namesWhatIsWrongWithAnIdentity() async throws {
        let certificates = try await Certificates.shared.value
        var mixed = try await certificates.server.identity()
        mixed.certificateChain = [try await certificates.alpha.der()]
        #expect(throws: TLSError(.keyMismatch, "")) { try makeContext(.identity(mixed)) }
        mixed.certificateChain = [[48, 3, 1, 2, 3]]
        #expect(throws: TLSError(.invalidKeyMaterial, "")) { try makeContext(.identity(mixed)) }
        mixed.certificateChain = []
        #expect(throws: TLSError(.invalidKeyMaterial, "")) { try makeContext(.identity(mixed)) }
    }

    @Test func acceptsOpenSSLsOwnCommands() async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.openSSLCommands = [.init(name: "MinProtocol", value: "TLSv1.3"), .init(name: "Options", value: "PrioritizeChaCha")]
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]))
        #expect(try await !server.client("-tls1_2").text.contains("protocol="))
        try await server.stop()
        host.openSSLCommands = [.init(name: "NoSuchCommand", value: "x")]
        #expect(throws: TLSError(.invalidConfiguration, "")) { try makeContext(host) }
    }

    @Test func aFailedReloadKeepsWhatIsThere() async throws {
        let certificates = try await Certificates.shared.value
        let backend = OpenSSLBackend()
        let quiet = WarningLog().logger
        let host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        let reference = TLSContextReference(try backend.makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: quiet))
        let first = try #require(reference.current as? OpenSSLServerContext)
        #expect(throws: TLSError(.missingDefaultHost, "")) {
            try reference.reload(TLSEndpointConfiguration(hosts: []), backend: backend, logger: quiet)
        }
        #expect(reference.current as? OpenSSLServerContext === first)
        try reference.reload(TLSEndpointConfiguration(hosts: [host]), backend: backend, logger: quiet)
        #expect(reference.current as? OpenSSLServerContext !== first)
        #expect(backend.name.hasPrefix("OpenSSL 3."))
    }

    private func makeContext(_ host: TLSHostConfiguration) throws(TLSError) {
        _ = try OpenSSLBackend().makeServerContext(TLSEndpointConfiguration(hosts: [host]), logger: WarningLog().logger)
    }

    private func makeContext(_ source: CertificateConfiguration.Source) throws(TLSError) {
        try makeContext(TLSHostConfiguration(certificates: [CertificateConfiguration(source: source)]))
    }
}

/// Collects what is logged.
final class WarningLog: Sendable {
    private let collected = Mutex<[String]>([])

    var lines: [String] { collected.withLock { $0 } }

    var logger: Logger { Logger(label: "test", factory: { _ in Handler(log: self) }) }

    private struct Handler: LogHandler {
        let log: WarningLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { log.collected.withLock { $0.append("\(event.message)") } }
    }
}
