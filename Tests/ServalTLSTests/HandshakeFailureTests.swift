import Foundation
import Logging
import NIOCore
import NIOEmbedded
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// The line about a handshake that fails: cause, setting, what was offered, alerts.
struct HandshakeFailureTests {
    /// One way to fail.
    struct Case: Sendable, CustomStringConvertible {
        var description: String
        var client: @Sendable (Certificates) -> [String]
        var cause: TLSHandshakeFailure.Cause
        var setting: String?
        var words: String
        var fields: [String: String] = [:]
        var presents: @Sendable (Certificates) -> Certificates.Pair = { $0.server }
        var host: @Sendable (inout TLSHostConfiguration, Certificates) -> Void = { _, _ in }
    }

    private static let required: @Sendable (inout TLSHostConfiguration, Certificates) -> Void = { host, certificates in
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
    }

    private static func with(_ pair: @escaping @Sendable (Certificates) -> Certificates.Pair) -> @Sendable (Certificates) -> [String] {
        { ["-cert", pair($0).certificate, "-key", pair($0).key] }
    }

    static let cases: [Case] = [
        Case(
            description: "an old version",
            client: { _ in ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"] },
            cause: .noSharedProtocol,
            setting: "SSLHostConfig protocols",
            words: "none of the host's protocol versions",
            fields: ["offered.versions": "TLSv1.1", "configured.versions": "TLSv1.2,TLSv1.3", "alert.sent": "protocol version"]
        ),
        Case(
            description: "a cipher for TLS 1.2",
            client: { _ in ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"] },
            cause: .noSharedCipher,
            setting: "SSLHostConfig ciphers",
            words: "none of the host's ciphers for TLS 1.2",
            fields: ["offered.ciphers": "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "alert.sent": "handshake failure"],
            host: { host, _ in host.ciphers = "ECDHE+CHACHA20" }
        ),
        Case(
            description: "a cipher for TLS 1.3",
            client: { _ in ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"] },
            cause: .noSharedCipher,
            setting: "SSLHostConfig cipherSuites",
            words: "none of the host's cipherSuites",
            fields: ["offered.ciphers": "TLS_AES_128_CCM_SHA256"]
        ),
        Case(
            description: "ciphers for another key",
            client: { _ in ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"] },
            cause: .noSharedCipher,
            setting: "Certificate type",
            words: "need a certificate with a key of type [RSA], and the host has [EC]"
        ),
        Case(
            description: "a group, TLS 1.3",
            client: { _ in ["-tls1_3", "-groups", "X25519"] },
            cause: .noSharedGroup,
            setting: "SSLHostConfig groups",
            words: "none of the host's groups",
            fields: ["offered.groups": "x25519", "configured.groups": "secp384r1"],
            host: { host, _ in host.groups = ["P-384"] }
        ),
        Case(
            description: "a group, TLS 1.2",
            client: { _ in ["-tls1_2", "-groups", "X25519", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"] },
            cause: .noSharedGroup,
            setting: "SSLHostConfig groups",
            words: "none of the host's groups",
            presents: { $0.serverRSA },
            host: { host, _ in
                host.groups = ["P-384"]
                host.ciphers = "ECDHE+AESGCM"
            }
        ),
        Case(
            description: "signatures, TLS 1.3",
            client: { _ in ["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"] },
            cause: .noSharedSignatureAlgorithm,
            setting: "Certificate type",
            words: "no signature that a key of type [EC] can make",
            fields: ["offered.signatures": "rsa_pss_rsae_sha256", "configured.signatures": "EC"]
        ),
        Case(
            description: "no client certificate",
            client: { _ in [] },
            cause: .clientCertificateMissing,
            setting: "SSLHostConfig certificateVerification",
            words: "certificateVerification is [required]",
            fields: ["alert.sent": "certificate required"],
            host: required
        ),
        Case(
            description: "no client certificate, TLS 1.2",
            client: { _ in ["-tls1_2"] },
            cause: .clientCertificateMissing,
            setting: "SSLHostConfig certificateVerification",
            words: "certificateVerification is [required]",
            fields: ["alert.sent": "handshake failure"],
            host: required
        ),
        Case(
            description: "a stranger",
            client: with(\.clientOfOtherAuthority),
            cause: .clientCertificateUntrusted,
            setting: "SSLHostConfig caCertificateFile, caCertificatePath or truststoreFile",
            words: "unable to get local issuer certificate",
            fields: ["alert.sent": "unknown CA"],
            host: required
        ),
        Case(
            description: "an expired client certificate",
            client: with(\.expiredClient),
            cause: .clientCertificateExpired,
            words: "the client needs a new one",
            fields: ["alert.sent": "certificate expired"],
            host: required
        ),
        Case(
            description: "a client certificate of the future",
            client: with(\.futureClient),
            cause: .clientCertificateNotYetValid,
            words: "one of the clocks may be wrong",
            host: required
        ),
        Case(
            description: "a server's certificate",
            client: with(\.clientForServers),
            cause: .clientCertificateWrongPurpose,
            words: "extendedKeyUsage clientAuth",
            host: required
        ),
        Case(
            description: "too many certificates",
            client: { certificates in with(\.clientOfIntermediate)(certificates) + ["-cert_chain", certificates.intermediate.certificate] },
            cause: .clientCertificateChainTooLong,
            setting: "SSLHostConfig certificateVerificationDepth",
            words: "certificateVerificationDepth says",
            host: { host, certificates in
                required(&host, certificates)
                host.verificationDepth = 0
            }
        ),
        Case(
            description: "no revocation list of the issuer",
            client: with(\.clientOfOtherAuthority),
            cause: .clientCertificateStatusUnknown,
            setting: "SSLHostConfig certificateRevocationListFile or certificateRevocationListPath",
            words: "unable to get certificate CRL",
            host: { host, certificates in
                // Without a list of any of them the host would be refused.
                host.clientAuthentication = .required(
                    trust: .all([.file(certificates.otherAuthority.certificate), .file(certificates.authority.certificate)])
                )
                host.revocationListFiles = [certificates.revocationList]
            }
        ),
        Case(
            description: "a revoked client certificate",
            client: with(\.revokedClient),
            cause: .clientCertificateRevoked,
            setting: "SSLHostConfig certificateRevocationListFile or certificateRevocationListPath",
            words: "certificate revoked",
            fields: ["alert.sent": "certificate revoked"],
            host: { host, certificates in
                required(&host, certificates)
                host.revocationListFiles = [certificates.revocationList]
            }
        ),
        Case(
            description: "a client that does not trust",
            client: { ["-CAfile", $0.otherAuthority.certificate, "-verify_return_error"] },
            cause: .serverCertificateUntrusted,
            setting: "Certificate certificateChainFile",
            words: "it does not trust the issuer of the host's certificate",
            fields: ["alert.received": "unknown CA"]
        ),
        Case(
            description: "a client that wants another name",
            client: { ["-CAfile", $0.authority.certificate, "-verify_return_error", "-verify_hostname", "other.example"] },
            cause: .serverCertificateRefused,
            words: "the name in it is another one",
            fields: ["alert.received": "bad certificate"]
        ),
        Case(
            description: "a server certificate that has expired",
            client: { ["-CAfile", $0.authority.certificate, "-verify_return_error"] },
            cause: .serverCertificateExpired,
            setting: "Certificate certificateFile or certificateKeystoreFile",
            words: "has expired",
            fields: ["alert.received": "certificate expired"],
            presents: { $0.expiredServer }
        ),
    ]

    @Test(arguments: cases)
    func saysWhy(example: Case) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await example.presents(certificates).configuration()])
        example.host(&host, certificates)
        let log = HandshakeLog()
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter())
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-ign_eof", "-servername", "WWW.Example.com"]
                + example.client(certificates),
            input: Data("facts\n".utf8)
        )
        #expect(!result.text.contains("protocol="), "\(result.text)")
        let line = try #require(try await log.reaches(1).first)
        #expect(log.lines.count == 1, "one line for each connection")
        #expect(line.message == "handshake failed")
        #expect(line.level == example.cause.level)
        #expect(line.fields["cause"] == example.cause.name, "\(line.fields)")
        #expect(line.fields["setting"] == example.setting, "\(line.fields)")
        #expect(line.fields["reason"]?.contains(example.words) == true, "\(line.fields)")
        #expect(line.fields["client"] == "127.0.0.1")
        #expect(line.fields["port"].flatMap { Int($0) } ?? 0 > 0)
        #expect(line.fields["connector"] == "https-8443")
        #expect(line.fields["sni"] == "www.example.com")
        #expect(line.fields["host"] == "_default_")
        for (name, value) in example.fields { #expect(line.fields[name] == value, "\(name): \(line.fields)") }
        guard case .failed(example.cause, hostName: "_default_")? = log.counted.first else {
            Issue.record("\(log.counted)")
            return
        }
        try await server.stop()
    }

    @Test func successIsCountedAndNotLogged() async throws {
        let certificates = try await Certificates.shared.value
        let log = HandshakeLog()
        let server = try await TestServer(
            TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])]),
            handshakes: log.reporter()
        )
        #expect(try await server.client().text.contains("protocol="))
        guard case .completed(let facts)? = log.counted.first else {
            Issue.record("\(log.counted)")
            return
        }
        #expect(facts.protocolVersion == "TLSv1.3")
        #expect(log.lines.isEmpty)
        try await server.stop()
    }

    // MARK: Before a host is chosen

    private func makeContext() async throws -> OpenSSLServerContext {
        let certificates = try await Certificates.shared.value
        var endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])])
        endpoint.sniParseLimit = 1024
        endpoint.handshakeTimeout = .seconds(7)
        return try OpenSSLServerContext(endpoint, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    private func connect(_ channel: EmbeddedChannel, _ context: OpenSSLServerContext, _ reporter: TLSHandshakeReporter) throws {
        try channel.pipeline.syncOperations.addHandler(context.makeHandler(reporter: reporter))
        try channel.pipeline.syncOperations.addHandler(LineApplication(Journal()))
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.7", port: 4711)).wait()
    }

    /// What is done after the bytes.
    enum Ending: Sendable { case nothing, wait, close, halfClose }

    static let beginnings: [(bytes: [UInt8], ending: Ending, cause: TLSHandshakeFailure.Cause, setting: String?, words: String)] = [
        (Array("GET / HTTP/1.1\r\n".utf8), .nothing, .plaintextHTTP, nil, "requires TLS"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], .nothing, .notTLS, nil, "does not speak TLS"),
        ([22, 3, 1, 0xff, 0xff, 1], .nothing, .invalidMessage, nil, "broke the protocol"),
        (
            ClientHello.bytes(serverName: "localhost", padding: 2000), .nothing, .clientHelloTooLarge, "Connector sniParseLimit",
            "longer than sniParseLimit [1024]"
        ),
        ([], .wait, .timeout, "Connector connectionTimeout", "the client sent nothing"),
        ([22, 3, 1, 1], .wait, .timeout, "Connector connectionTimeout", "ClientHello is not complete"),
        (ClientHello.bytes(serverName: "localhost"), .wait, .timeout, "Connector connectionTimeout", "7.0 seconds: the client did not answer"),
        ([22, 3, 1, 1], .close, .aborted, nil, "before its ClientHello was complete"),
        ([22, 3, 1, 1], .halfClose, .aborted, nil, "before its ClientHello was complete"),
        (ClientHello.bytes(serverName: "localhost"), .close, .aborted, nil, "after it had been shown the host's certificate"),
        (ClientHello.bytes(serverName: "localhost"), .halfClose, .aborted, nil, "after it had been shown the host's certificate"),
    ]

    @Test(arguments: beginnings.indices)
    func saysWhyForFirstBytes(index: Int) async throws {
        let (bytes, ending, cause, setting, words) = Self.beginnings[index]
        let context = try await makeContext()
        let log = HandshakeLog()
        let channel = EmbeddedChannel()
        try connect(channel, context, log.reporter())
        if !bytes.isEmpty { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
        switch ending {
        case .nothing: break
        case .wait: channel.embeddedEventLoop.advanceTime(by: .seconds(8))
        case .close: channel.pipeline.fireChannelInactive()
        case .halfClose: channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
        _ = try? channel.finish()
        #expect(log.lines.count == 1)
        let line = try #require(log.lines.first)
        #expect(line.level == .debug)
        #expect(line.fields["cause"] == cause.name, "\(line.fields)")
        #expect(line.fields["setting"] == setting, "\(line.fields)")
        #expect(line.fields["reason"]?.contains(words) == true, "\(line.fields)")
        #expect(log.counted.count == 1)
    }

    /// Probes that say nothing and go are no failures.
    @Test func aConnectionWithoutBytesIsNoFailure() async throws {
        let context = try await makeContext()
        let log = HandshakeLog()
        let channel = EmbeddedChannel()
        try connect(channel, context, log.reporter())
        channel.pipeline.fireChannelInactive()
        _ = try? channel.finish()
        #expect(log.lines.isEmpty && log.counted.isEmpty)
    }

    // MARK: Many of them

    @Test func ofEachCauseOnlySomeAreShown() async throws {
        let context = try await makeContext()
        let log = HandshakeLog()
        let reporter = log.reporter()
        let loop = EmbeddedEventLoop()
        func fail(_ bytes: [UInt8], _ count: Int) throws {
            for _ in 0..<count {
                let channel = EmbeddedChannel(loop: loop)
                try connect(channel, context, reporter)
                try channel.writeInbound(ByteBuffer(bytes: bytes))
            }
        }
        let http = Array("GET / HTTP/1.1\r\n".utf8)
        try fail(http, 50)
        try fail([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 3)
        #expect(log.lines.count == 23, "20 of one cause, and all of the other")
        #expect(log.counted.count == 53, "all are counted")
        loop.advanceTime(by: .seconds(10))
        let summary = try #require(log.lines.last)
        #expect(summary.message == "more handshakes failed than are shown one by one")
        #expect(summary.fields == ["connector": "https-8443", "cause": "plaintext-http", "left-out": "30"])
        #expect(summary.level == .debug)
        try fail(http, 22)
        #expect(log.lines.count == 44, "a new interval has begun")
        reporter.flush()
        #expect(log.lines.last?.fields["left-out"] == "2")
        reporter.flush()
        #expect(log.lines.count == 45)
        loop.advanceTime(by: .seconds(60))
        #expect(log.lines.count == 45, "told once")
    }

    /// Nobody pays for lines that nobody reads.
    @Test func levelsDecideWhatIsWritten() async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        Self.required(&host, certificates)
        let log = HandshakeLog()
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter(.info))
        _ = try await server.client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        _ = try await server.client("-cert", certificates.expiredClient.certificate, "-key", certificates.expiredClient.key)
        #expect(try await log.reaches(1).map { $0.fields["cause"] } == ["client-certificate-expired"])
        #expect(log.counted.count == 2)
        try await server.stop()
    }
}
