import Foundation
import Logging
import Serval
import ServalContainer
import ServalHTTP
import ServalKeyStore
import ServalPKCS11
import ServalServlet
import ServalTLS
import Synchronization
import Testing

@Suite("TLS with keys in tokens")
struct TokenTLSTests {
    /// The values of `sslImplementationName` for what is built in.
    #if NIOSSL
        static let implementations = ["serval.tls.OpenSSL", "serval.tls.NIOSSL"]
    #else
        static let implementations = ["serval.tls.OpenSSL"]
    #endif

    /// A key of the token with a certificate for localhost.
    private func makeEntry(_ token: SoftToken, _ algorithm: PrivateKey.Algorithm, alias: String) throws {
        let token = try token.open()
        let key = try token.generateKeyPair(algorithm, alias: alias)
        try token.importCertificateChain([makeCertificate(key, name: "localhost")], for: key, alias: alias)
    }

    private func place(_ token: SoftToken) -> TLSTokenPlace { .uri("pkcs11:token=\(token.rawValue)?module-path=\(SoftToken.modulePath)") }

    private func host(_ place: TLSTokenPlace, _ aliases: [String], name: String = "_default_") -> TLSHostConfiguration {
        TLSHostConfiguration(
            hostName: name,
            certificates: aliases.map {
                CertificateConfiguration(
                    source: .token(place, alias: $0, pin: .literal(SoftToken.userPIN)),
                    keyType: aliases.count == 1 ? nil : $0.hasPrefix("rsa") ? .rsa : .ec
                )
            }
        )
    }

    @Test("Every kind of signature that TLS 1.2 and 1.3 ask for is made in the token", arguments: implementations)
    func handshakes(implementation: String) async throws {
        let aliases = ["rsaKey", "ecKey"].map { "\($0)-\(implementation)" }
        try makeEntry(.tls, .rsa(bits: 2048), alias: aliases[0])
        try makeEntry(.tls, .ec(curve: .p256), alias: aliases[1])
        try await withServer([host(place(.tls), aliases)], implementation) { port, _ in
            for (arguments, signature) in [
                ("-tls1_2 -sigalgs RSA+SHA256", "RSA"), ("-tls1_2 -sigalgs RSA-PSS+SHA256", "RSA-PSS"), ("-tls1_2 -sigalgs ECDSA+SHA256", "ECDSA"),
                ("-tls1_3 -sigalgs RSA-PSS+SHA384", "RSA-PSS"), ("-tls1_3 -sigalgs ECDSA+SHA256", "ECDSA"),
            ] {
                let result = try await openssl(port, arguments)
                #expect(result.contains("Peer signature type: \(signature)\n"), "\(arguments): \(result)")
            }
            let answers = try await withThrowingTaskGroup(of: Int32.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await Program.runElsewhere(["curl", "-sk", "--max-time", "20", "-o", "/dev/null", "https://127.0.0.1:\(port)/"]).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers == Array(repeating: 0, count: 8))
        }
    }

    @Test("An alias in another case, a wrong PIN and a missing token are told at the start")
    func startErrors() throws {
        try makeEntry(.tlsEC, .ec(curve: .p256), alias: "Tomcat")
        #expect(problem(host(place(.tlsEC), ["Tomcat"])) == nil)
        #expect(problem(host(place(.tlsEC), ["tomcat"]))?.contains("Alias name [tomcat] does not identify a key entry") == true)
        #expect(
            problem(host(.uri("pkcs11:token=nobody?module-path=\(SoftToken.modulePath)"), ["Tomcat"]))?.contains("has no token with label [nobody]")
                == true
        )
        #expect(problem(host(.uri("pkcs11:?module-path=/no/module.so"), ["Tomcat"]))?.contains("cannot be loaded") == true)
        var wrong = host(place(.wrongPIN), ["x"])
        wrong.certificates[0].source = .token(place(.wrongPIN), alias: "x", pin: .literal("999999"))
        let words = problem(wrong)
        #expect(words?.contains("The PIN of token [wrongPIN] is ") == true)
        #expect(words?.contains("999999") == false)
    }

    @Test("While a token hangs others are served, and the handshake that waits fails with the token's name in the log", arguments: implementations)
    func hangingToken(implementation: String) async throws {
        var limits = PKCS11Token.Limits()
        limits.timeout = .seconds(5)
        let module = try OddModule(limits: limits, pin: "1234")
        let alias = "other-\(implementation)"
        try makeEntry(.tlsEC, .ec(curve: .p256), alias: alias)
        // The odd token is open already, with its short limits.
        let identity = try module.token.identity(alias: "Odd")
        let external = try #require(identity.privateKey.external)
        var odd = host(place(.tlsEC), [alias], name: "odd.example.org")
        odd.certificates = [
            CertificateConfiguration(source: .identity(TLSIdentity(externalKey: external, certificateChain: identity.chain.map(\.der))))
        ]
        try await withServer([host(place(.tlsEC), [alias]), odd], implementation) { port, log in
            try module.behave("hang")
            let start = ContinuousClock.now
            async let waiting = Task.detached {
                try await Program.runElsewhere([
                    "curl", "-sk", "--max-time", "20", "--resolve", "odd.example.org:\(port):127.0.0.1", "https://odd.example.org:\(port)/",
                ])
                .status
            }.value
            while try !module.calls().contains("C_Sign"), ContinuousClock.now - start < .seconds(10) { try await Task.sleep(for: .milliseconds(10)) }
            for _ in 0..<3 {
                #expect(
                    try await Program.runElsewhere(["curl", "-sk", "--max-time", "20", "-o", "/dev/null", "https://127.0.0.1:\(port)/"]).status == 0
                )
            }
            // The handshake that waits is not over yet.
            #expect(!log.text.contains("gave no answer"))
            #expect(try await waiting != 0)
            // The client hears of it a moment before the log.
            let words = "token [odd token] gave no answer within 5 s"
            for _ in 0..<500 where !log.text.contains(words) { try await Task.sleep(for: .milliseconds(10)) }
            #expect(log.text.contains(words))
            try module.behave("ok")
        }
    }

    private func problem(_ host: TLSHostConfiguration) -> String? {
        var service = ServiceDefinition(engine: EngineDefinition())
        service.connectors = [ConnectorDefinition(configuration: ConnectorConfiguration(port: 0), tls: TLSEndpointConfiguration(hosts: [host]))]
        var server = ServerDefinition()
        server.services = [service]
        return Server.problems(of: server).first { $0.contains("SSLHostConfig") || $0.contains("PKCS11") || $0.contains("Alias") }
    }

    /// `openssl s_client` on a connection that it ends at once.
    private func openssl(_ port: Int, _ arguments: String) async throws -> String {
        let words = ["timeout", "20", "openssl", "s_client", "-connect", "127.0.0.1:\(port)"] + arguments.split(separator: " ").map(String.init)
        return try await Program.runElsewhere(words, input: "Q\n").output
    }

    private func withServer(
        _ hosts: [TLSHostConfiguration],
        _ implementation: String,
        _ body: @escaping @Sendable (Int, LogText) async throws -> Void
    ) async throws {
        let log = LogText()
        var connector = ConnectorDefinition(configuration: ConnectorConfiguration(port: 0), tls: TLSEndpointConfiguration(hosts: hosts))
        connector.configuration.address = "127.0.0.1"
        connector.tlsImplementation = implementation
        var service = ServiceDefinition(engine: EngineDefinition())
        service.connectors = [connector]
        var definition = ServerDefinition()
        definition.services = [service]
        let ready = AsyncStream<Int>.makeStream()
        let server = Server(
            definition: definition,
            logger: Logger(label: "test") { _ in LogText.Handler(text: log) },
            onReady: { server in
                ready.continuation.yield(server.localPorts.first ?? 0)
            }
        )
        let running = Task { try await server.run() }
        defer { running.cancel() }
        var ports = ready.stream.makeAsyncIterator()
        let port = try #require(await ports.next())
        try await body(port, log)
        running.cancel()
        _ = await running.result
    }
}

/// What a server logs.
private final class LogText: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    struct Handler: LogHandler {
        let text: LogText
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            text.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
