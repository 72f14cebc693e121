import Foundation
import Logging
import ServalTLS
import ServalTLSOpenSSL
import Synchronization
import Testing

/// OCSP answers that the server presents about its own certificates.
struct StaplingTests {
    private func configuration(
        _ authority: OCSPAuthority,
        _ pairs: [Certificates.Pair],
        directory: String? = nil,
        _ change: (inout TLSHostConfiguration) -> Void = { _ in }
    ) -> TLSEndpointConfiguration {
        let types: [CertificateConfiguration.KeyType?] = pairs.count == 1 ? [nil] : [.ec, .rsa]
        let certificates = zip(pairs, types).map { pair, type in
            CertificateConfiguration(source: .pem(certificate: pair.certificate, key: pair.key, chain: authority.own.certificate), keyType: type)
        }
        var host = TLSHostConfiguration(certificates: certificates)
        change(&host)
        var endpoint = TLSEndpointConfiguration(hosts: [host])
        endpoint.stapleDirectory = directory
        return endpoint
    }

    /// What `openssl s_client -status` says about the stapled answer.
    private func status(_ server: TestServer, _ more: String...) async throws -> String {
        try await server.client(["-status"] + more).text
    }

    private static let mustStaple = ["extendedKeyUsage=serverAuth", "tlsfeature=status_request"]

    @Test("The first handshake has an answer of openssl ocsp, which a strict client accepts", arguments: ["-tls1_2", "-tls1_3"])
    func firstHandshake(version: String) async throws {
        let authority = try await OCSPAuthority()
        let responder = try authority.responder(signer: nil, "-nmin", "10")
        defer { responder.stop() }
        let pair = try await authority.issue("server", responders: [responder.url])
        try await authority.refresh(responder)
        let server = try await TestServer(configuration(authority, [pair]))
        let text = try await status(server, version)
        #expect(text.contains("OCSP Response Status: successful (0x0)") && text.contains("Cert Status: good"), "\(text)")
        // Who does not ask gets none.
        #expect(try await !server.client([version]).text.contains("OCSP Response Status"))
        let facts = try #require(server.context.revocationFacts.first?.staples.first)
        #expect(facts.subject == "CN=server" && facts.responder == responder.url && facts.lastFailure == nil)
        let life = try #require(facts.nextUpdate) - (try #require(facts.thisUpdate))
        #expect(life == 600)
        try await server.stop()
    }

    @Test("Each of a host's certificates has its own answer, and delegated responders may sign it")
    func severalCertificates() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let delegate = try await authority.issue("delegate", responders: [], extensions: ["extendedKeyUsage=OCSPSigning"])
        let maker = try await AnswerMaker(signer: delegate, includesCertificate: true)
        responder.behave { .answer(maker.answer(to: $0)) }
        let pairs = [
            try await authority.issue("ec", responders: [responder.url]),
            try await authority.issue("rsa", responders: [responder.url], key: ["rsa:2048"]),
        ]
        let server = try await TestServer(configuration(authority, pairs))
        #expect(responder.requests.count == 2)
        for (algorithm, pair) in zip(["ECDSA+SHA256", "RSA-PSS+SHA256"], pairs) {
            let text = try await status(server, "-sigalgs", algorithm)
            let serial = try await String(decoding: Command.openssl("x509", "-noout", "-serial", "-in", pair.certificate), as: UTF8.self)
                .replacing("serial=", with: "").trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(text.contains("Cert Status: good") && text.contains("Serial Number: \(serial)"), "\(serial) \(text)")
        }
        try await server.stop()
        try await responder.stop()
    }

    @Test("A certificate without a responder is no news")
    func silence() async throws {
        let authority = try await OCSPAuthority()
        let pair = try await authority.issue("server", responders: [])
        let lines = LogLines()
        let server = try await TestServer(configuration(authority, [pair]), logger: lines.logger)
        #expect(try await status(server).contains("OCSP response: no response sent"))
        #expect(server.context.revocationFacts.first?.staples == [])
        #expect(
            lines.all.filter { $0.contains("OCSP") } == ["debug OCSP stapling: [CN=server] names no OCSP responder, so there is nothing to staple"]
        )
        try await server.stop()
    }

    @Test("The issuer may be in the host's trust store instead of the chain; one that only has its name is not taken for it")
    func issuerInTheTrustStore() async throws {
        let authority = try await OCSPAuthority()
        let namesake = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .answer(maker.answer(to: $0)) }
        let pair = try await authority.issue("server", responders: [responder.url])
        func configuration(_ trusted: [OCSPAuthority]) -> TLSEndpointConfiguration {
            var host = TLSHostConfiguration(certificates: [.init(source: .pem(certificate: pair.certificate, key: pair.key))])
            host.clientAuthentication = .optional(trust: .all(trusted.map { .file($0.own.certificate) }))
            return TLSEndpointConfiguration(hosts: [host])
        }
        let server = try await TestServer(configuration([namesake, authority]))
        #expect(try await status(server).contains("Cert Status: good"))
        // It is looked for, and not sent.
        #expect(try await server.client("-showcerts").text.components(separatedBy: "-----BEGIN CERTIFICATE").count == 2)
        try await server.stop()
        let lines = LogLines()
        let without = try await TestServer(configuration([namesake]), logger: lines.logger)
        #expect(try await status(without).contains("OCSP response: no response sent"))
        #expect(
            lines.all.contains {
                $0.hasPrefix("warning ") && $0.contains("No OCSP answer can be stapled to [CN=server]: its issuer [CN=Test ca] is neither in")
                    && $0.contains("append the issuer's certificate to certificateChainFile")
            },
            "\(lines.all)"
        )
        #expect(responder.requests.count == 1)
        try await without.stop()
        try await responder.stop()
    }

    @Test("serval.ocspStapling=\"false\" asks nobody")
    func switchedOff() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let pair = try await authority.issue("server", responders: [responder.url])
        let server = try await TestServer(configuration(authority, [pair]) { $0.staplesOCSP = false })
        #expect(try await status(server).contains("OCSP response: no response sent"))
        #expect(responder.requests.isEmpty)
        try await server.stop()
        try await responder.stop()
    }

    @Test("Without an answer an ordinary certificate goes live, and the log says why there is none")
    func responderDown() async throws {
        let authority = try await OCSPAuthority()
        let gone = try TestResponder.goneURL()
        let pair = try await authority.issue("server", responders: [gone])
        let lines = LogLines()
        let server = try await TestServer(configuration(authority, [pair]), logger: lines.logger)
        #expect(try await status(server).contains("OCSP response: no response sent"))
        #expect(
            lines.all.contains { $0.hasPrefix("warning OCSP stapling: [CN=server]: \(gone) cannot be reached") && $0.contains("next attempt in") }
        )
        #expect(server.context.revocationFacts.first?.staples.first?.lastFailure?.contains("Connection refused") == true)
        try await server.stop()
    }

    @Test("An answer that says revoked, or that nobody entitled signed, is not presented")
    func badAnswers() async throws {
        let authority = try await OCSPAuthority()
        let stranger = try await OCSPAuthority("stranger")
        let responder = try await TestResponder()
        let pair = try await authority.issue("server", responders: [responder.url])
        var revoked = try await AnswerMaker(signer: authority.own)
        revoked.status = .revoked
        var stale = try await AnswerMaker(signer: authority.own)
        (stale.thisUpdate, stale.nextUpdate) = (-7200, -3600)
        let cases = [
            (revoked, "replace it"), (stale, "out of date"),
            (try await AnswerMaker(signer: stranger.own, includesCertificate: true), "nobody entitled"),
        ]
        for (maker, words) in cases {
            responder.behave { .answer(maker.answer(to: $0)) }
            let lines = LogLines()
            let server = try await TestServer(configuration(authority, [pair]), logger: lines.logger)
            #expect(try await status(server).contains("OCSP response: no response sent"))
            #expect(lines.all.contains { $0.hasPrefix("warning") && $0.contains(words) }, "\(lines.all)")
            try await server.stop()
        }
        try await responder.stop()
    }

    @Test("Must-staple: without an answer the certificate does not go live, with one it does")
    func mustStaple() async throws {
        let authority = try await OCSPAuthority()
        let gone = try TestResponder.goneURL()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .answer(maker.answer(to: $0)) }
        let refused = [
            (try await authority.issue("down", responders: [gone], extensions: Self.mustStaple), true, "Connection refused"),
            (try await authority.issue("none", responders: [], extensions: Self.mustStaple), true, "names no OCSP responder"),
            (try await authority.issue("off", responders: [responder.url], extensions: Self.mustStaple), false, "serval.ocspStapling is [false]"),
        ]
        for (pair, isOn, words) in refused {
            do {
                let server = try await TestServer(configuration(authority, [pair]) { $0.staplesOCSP = isOn })
                Issue.record("it went live")
                try await server.stop()
            } catch let error as TLSError {
                #expect(error.code == .stapleMissing)
                #expect(error.message.contains("must-staple") && error.message.contains(words), "\(error)")
            }
        }
        let pair = try await authority.issue("server", responders: [responder.url], extensions: Self.mustStaple)
        let server = try await TestServer(configuration(authority, [pair]))
        #expect(try await status(server).contains("Cert Status: good"))
        // A reload to one that cannot have an answer keeps the old.
        let reference = TLSContextReference(server.context)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        #expect(throws: TLSError(.stapleMissing, "")) {
            try reference.reload(configuration(authority, [refused[0].0]), backend: OpenSSLBackend(), logger: logger)
        }
        #expect(reference.current as? OpenSSLServerContext === server.context)
        try await server.stop()
        try await responder.stop()
    }

    @Test("An answer outlives a restart, is verified again, and a spoiled file is not believed")
    func onDisk() async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .answer(maker.answer(to: $0)) }
        let pair = try await authority.issue("server", responders: [responder.url], extensions: Self.mustStaple)
        let folder = try TemporaryFolder()
        let directory = folder.path("work/ocsp")
        let first = try await TestServer(configuration(authority, [pair], directory: directory))
        try await first.stop()
        var files: [String] = []
        for _ in 0..<1000 {
            files = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).filter { $0.hasSuffix(".der") }
            if !files.isEmpty { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        let file = directory + "/" + (try #require(files.first))
        #expect(files.count == 1 && files[0].count == 68)
        responder.behave { _ in .silence }
        let second = try await TestServer(configuration(authority, [pair], directory: directory))
        #expect(try await status(second).contains("Cert Status: good"))
        #expect(responder.requests.count == 1)
        try await second.stop()

        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        responder.behave { _ in .hangUp }
        await #expect(throws: TLSError(.stapleMissing, "")) { try await TestServer(configuration(authority, [pair], directory: directory)) }
        #expect(responder.requests.count == 2)
        try await responder.stop()
    }

    @Test("A reload of the same certificate asks nobody, and answers are replaced in their time")
    func refresh() async throws {
        let authority = try await OCSPAuthority()
        var maker = try await AnswerMaker(signer: authority.own)
        // Its life is nearly over, so the next attempt comes after the shortest pause.
        (maker.thisUpdate, maker.nextUpdate) = (-60, 8)
        let responder = try await TestResponder { [maker] in .answer(maker.answer(to: $0)) }
        let pair = try await authority.issue("server", responders: [responder.url])
        let service = RevocationService()
        let server = try await TestServer(configuration(authority, [pair]), revocation: service)
        let reloaded = try await TestServer(configuration(authority, [pair]), revocation: service)
        #expect(responder.requests.count == 1)
        let before = try #require(server.context.revocationFacts.first?.staples.first?.nextUpdate)
        for _ in 0..<1500 where responder.requests.count < 2 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(responder.requests.count == 2)
        for _ in 0..<500 where reloaded.context.revocationFacts.first?.staples.first?.nextUpdate == before {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try #require(reloaded.context.revocationFacts.first?.staples.first?.nextUpdate) > before)
        for server in [server, reloaded] { try await server.stop() }
        try await responder.stop()
    }
}

/// What was logged, each line with its level in front.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test", factory: { _ in Handler(lines: self) })
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.lines.withLock { $0.append("\(event.level) \(event.message)") } }
    }
}
