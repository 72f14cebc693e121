import Foundation
import NIOCore
import NIOHTTP1
import ServalTLS
import ServalTLSOpenSSL
import Synchronization
import Testing

/// Client certificates and responders: what a server with `ocspEnabled` does about each kind of answer.
struct ClientRevocationTests {
    private static let soft = RevocationPolicy.softFail(OCSPSettings())
    private static let hard = RevocationPolicy.hardFail(OCSPSettings())

    private func server(
        _ authority: OCSPAuthority,
        _ policy: RevocationPolicy,
        service: RevocationService = RevocationService(),
        _ change: (inout TLSHostConfiguration) -> Void = { _ in }
    ) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(authority.own.certificate))
        host.revocation = policy
        change(&host)
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]), revocation: service)
    }

    /// The client is let in.
    private func expectIn(
        _ server: TestServer,
        _ pair: Certificates.Pair,
        _ more: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let text = try await server.client(["-cert", pair.certificate, "-key", pair.key] + more).text
        #expect(text.contains("protocol="), "\(server.journal.now.errors) \(text)", sourceLocation: sourceLocation)
    }

    /// The client is refused, with this alert, for this reason.
    private func expectOut(
        _ server: TestServer,
        _ pair: Certificates.Pair,
        _ more: [String] = [],
        cause: TLSHandshakeFailure.Cause,
        alert: Int,
        words: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = server.journal.now.errors.count
        let text = try await server.client(["-cert", pair.certificate, "-key", pair.key] + more).text
        #expect(!text.contains("protocol="), "\(text)", sourceLocation: sourceLocation)
        #expect(text.contains("SSL alert number \(alert)"), "\(text)", sourceLocation: sourceLocation)
        #expect(try await server.journal.reaches { $0.errors.count > before }, sourceLocation: sourceLocation)
        let error = server.journal.now.errors.last
        #expect(error?.cause == cause, "\(error?.message ?? "none")", sourceLocation: sourceLocation)
        for word in words { #expect(error?.message.contains(word) == true, "[\(word)] \(error?.message ?? "none")", sourceLocation: sourceLocation) }
    }

    // MARK: The responder of OpenSSL

    @Test("G03 G05 G25: good gets in, revoked gets alert 44; one request for each", arguments: ["-tls1_2", "-tls1_3"], [Self.soft, Self.hard])
    func goodAndRevoked(version: String, policy: RevocationPolicy) async throws {
        let authority = try await OCSPAuthority()
        let responder = try authority.responder()
        defer { responder.stop() }
        let good = try await authority.issue("good", responders: [responder.url])
        let bad = try await authority.issue("bad", responders: [responder.url])
        try await authority.revoke(bad)
        try await authority.refresh(responder)
        let recorder = EventRecorder()
        let server = try await server(authority, policy, service: RevocationService(onEvent: { recorder.note($0) }))
        try await expectIn(server, good, [version])
        try await expectOut(
            server,
            bad,
            [version],
            cause: .clientCertificateRevoked,
            alert: 44,
            words: ["certificate revoked", "CN=bad", responder.url, "keyCompromise", "ocspEnabled"]
        )
        #expect(recorder.events == [.query(outcome: "good"), .query(outcome: "revoked"), .refusedRevoked])
        try await server.stop()
    }

    @Test("G26: with the responder down soft lets in, hard refuses")
    func responderDown() async throws {
        let authority = try await OCSPAuthority()
        let gone = try TestResponder.goneURL()
        let client = try await authority.issue("client", responders: [gone])
        let soft = try await server(authority, Self.soft)
        try await expectIn(soft, client)
        try await soft.stop()
        let hard = try await server(authority, Self.hard)
        try await expectOut(
            hard,
            client,
            cause: .clientCertificateStatusUnknown,
            alert: 46,
            words: [gone, "cannot be reached", "Connection refused", "ocspSoftFail is [false]"]
        )
        try await hard.stop()
    }

    @Test("G06: without a responder in the certificate nobody is asked; hard refuses")
    func noResponder() async throws {
        let authority = try await OCSPAuthority()
        let client = try await authority.issue("client", responders: [])
        let encrypted = try await authority.issue("encrypted", responders: ["https://127.0.0.1:1/"])
        let soft = try await server(authority, Self.soft)
        for pair in [client, encrypted] { try await expectIn(soft, pair) }
        try await soft.stop()
        let hard = try await server(authority, Self.hard)
        try await expectOut(hard, client, cause: .clientCertificateStatusUnknown, alert: 46, words: ["names no OCSP responder", "ocspSoftFail"])
        try await expectOut(hard, encrypted, cause: .clientCertificateStatusUnknown, alert: 46, words: ["https://127.0.0.1:1/", "no http URL"])
        try await hard.stop()
    }

    // MARK: Answers that prove nothing

    private struct BadAnswer: Sendable {
        var name: String
        var words: String
        var reply: @Sendable ([UInt8]) -> TestResponder.Reply
    }

    private func badAnswers(_ authority: OCSPAuthority) async throws -> [BadAnswer] {
        let right = try await AnswerMaker(signer: authority.own)
        let stranger = try await OCSPAuthority("stranger")
        let server = try await authority.issue("no-responder", responders: [])
        let foreign = try await stranger.issue("foreign", responders: [], extensions: ["extendedKeyUsage=OCSPSigning"])
        func changed(_ change: (inout AnswerMaker) -> Void) -> @Sendable ([UInt8]) -> TestResponder.Reply {
            var maker = right
            change(&maker)
            return { [maker] in .answer(maker.answer(to: $0)) }
        }
        func signed(_ signer: Certificates.Pair) async throws -> @Sendable ([UInt8]) -> TestResponder.Reply {
            let maker = try await AnswerMaker(signer: signer, includesCertificate: true)
            return { .answer(maker.answer(to: $0)) }
        }
        return [
            BadAnswer(name: "unknown", words: "does not know the certificate", reply: changed { $0.status = .unknown }),
            BadAnswer(name: "tryLater", words: "[trylater]", reply: { _ in .answer(AnswerMaker.error(3)) }),
            BadAnswer(name: "internalError", words: "[internalerror]", reply: { _ in .answer(AnswerMaker.error(2)) }),
            BadAnswer(name: "unauthorized", words: "[unauthorized]", reply: { _ in .answer(AnswerMaker.error(6)) }),
            BadAnswer(name: "stale", words: "out of date: nextUpdate was", reply: changed { ($0.thisUpdate, $0.nextUpdate) = (-7200, -3600) }),
            BadAnswer(name: "stale without nextUpdate", words: "no nextUpdate", reply: changed { ($0.thisUpdate, $0.nextUpdate) = (-7200, nil) }),
            BadAnswer(name: "of the future", words: "of the future", reply: changed { ($0.thisUpdate, $0.nextUpdate) = (3600, 7200) }),
            BadAnswer(
                name: "stale without nonce",
                words: "out of date",
                reply: changed { ($0.thisUpdate, $0.nextUpdate, $0.nonce) = (-7200, -3600, .none) }
            ),
            BadAnswer(name: "wrong nonce", words: "nonce", reply: changed { $0.nonce = .wrong }),
            BadAnswer(name: "another certificate", words: "about another certificate", reply: changed { $0.serial = [0x12, 0x34] }),
            BadAnswer(name: "spoiled signature", words: "nobody entitled has signed", reply: changed { $0.spoilsSignature = true }),
            BadAnswer(name: "other authority", words: "nobody entitled has signed", reply: try await signed(stranger.own)),
            BadAnswer(name: "responder of another authority", words: "nobody entitled has signed", reply: try await signed(foreign)),
            BadAnswer(name: "a certificate that is no responder's", words: "nobody entitled has signed", reply: try await signed(server)),
            BadAnswer(name: "too large", words: "more than 65536 bytes", reply: changed { $0.padding = 70_000 }),
            BadAnswer(name: "too large without saying so", words: "more than 65536 bytes", reply: { _ in .flood(200_000) }),
            BadAnswer(name: "no answer at all", words: "cannot be parsed", reply: { _ in .answer([1, 2, 3]) }),
            BadAnswer(name: "empty", words: "cannot be parsed", reply: { _ in .answer([]) }),
            BadAnswer(name: "with more behind it", words: "cannot be parsed", reply: { .answer(right.answer(to: $0) + [0]) }),
            BadAnswer(name: "HTTP error", words: "HTTP status 500", reply: { _ in .status(.internalServerError, [:]) }),
            BadAnswer(name: "redirection", words: "redirects (302)", reply: { _ in .status(.found, ["Location": "http://127.0.0.1:1/"]) }),
            BadAnswer(name: "hang-up", words: "closed the connection", reply: { _ in .hangUp }),
        ]
    }

    @Test("What is no proof lets nobody in when soft fail is off, and everybody when it is on")
    func badAnswers() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        for bad in try await badAnswers(authority) {
            responder.behave(bad.reply)
            let soft = try await server(authority, Self.soft)
            try await expectIn(soft, client)
            try await soft.stop()
            let hard = try await server(authority, Self.hard)
            try await expectOut(hard, client, cause: .clientCertificateStatusUnknown, alert: 46, words: [bad.words, responder.url])
            try await hard.stop()
        }
        // And the right one is one.
        let maker = try await AnswerMaker(signer: authority.own)
        responder.behave { .answer(maker.answer(to: $0)) }
        let hard = try await server(authority, Self.hard)
        try await expectIn(hard, client)
        try await hard.stop()
        try await responder.stop()
    }

    /// Tomcat Native took answers without completing the checks of who had signed them and whether they were fresh.
    @Test("CVE-2026-24734: an answer that says good, from somebody who may not say so, is no answer")
    func cve202624734() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        try await authority.revoke(client)
        let stranger = try await OCSPAuthority("stranger")
        let certificates = try await Certificates.shared.value
        var forgeries = [
            try await AnswerMaker(signer: stranger.own, includesCertificate: true),
            // Somebody whom the server trusts for something else.
            try await AnswerMaker(signer: certificates.authority, includesCertificate: true),
            // The client itself.
            try await AnswerMaker(signer: client, includesCertificate: true),
            try await AnswerMaker(signer: client),
        ]
        var old = try await AnswerMaker(signer: authority.own)
        (old.thisUpdate, old.nextUpdate, old.nonce) = (-864_000, -86_400, .none)
        forgeries.append(old)
        let hard = TrustSource.all([.file(authority.own.certificate), .file(certificates.authority.certificate), .file(stranger.own.certificate)])
        for forgery in forgeries {
            responder.behave { .answer(forgery.answer(to: $0)) }
            let server = try await self.server(authority, Self.hard) { $0.clientAuthentication = .required(trust: hard) }
            try await expectOut(server, client, cause: .clientCertificateStatusUnknown, alert: 46)
            try await server.stop()
        }
        // No flag for verification opens that door.
        for flags in [0x4, 0x10, 0x100, 0x110, 0x1000, -1] {
            await #expect(throws: TLSError(.invalidConfiguration, "")) {
                try await self.server(authority, .softFail(OCSPSettings(verifyFlags: flags)))
            }
        }
        // OCSP_TRUSTOTHER is harmless here: who is trusted is the issuer alone.
        let server = try await self.server(authority, .hardFail(OCSPSettings(verifyFlags: 0x200)))
        responder.behave { [forgery = forgeries[0]] in .answer(forgery.answer(to: $0)) }
        try await expectOut(server, client, cause: .clientCertificateStatusUnknown, alert: 46)
        try await server.stop()
        try await responder.stop()
    }

    @Test("A responder that the issuer has certified for it may answer; a revoked certificate stays out")
    func delegatedResponder() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let delegate = try await authority.issue("delegate", responders: [], extensions: ["extendedKeyUsage=OCSPSigning", "noCheck=ignored"])
        let client = try await authority.issue("client", responders: [responder.url])
        var maker = try await AnswerMaker(signer: delegate, includesCertificate: true)
        responder.behave { [maker] in .answer(maker.answer(to: $0)) }
        let server = try await server(authority, Self.hard)
        try await expectIn(server, client)
        try await server.stop()
        maker.status = .revoked
        responder.behave { [maker] in .answer(maker.answer(to: $0)) }
        let again = try await self.server(authority, Self.soft)
        try await expectOut(again, client, cause: .clientCertificateRevoked, alert: 44)
        try await again.stop()
        try await responder.stop()
    }

    @Test("A prepared answer without nonce counts within its time, and requests carry one")
    func nonce() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        var maker = try await AnswerMaker(signer: authority.own)
        maker.nonce = .none
        responder.behave { [maker] in .answer(maker.answer(to: $0)) }
        let server = try await server(authority, Self.hard)
        try await expectIn(server, client)
        let nonceIdentifier: [UInt8] = [0x2B, 6, 1, 5, 5, 7, 0x30, 1, 2]
        let request = try #require(responder.requests.first)
        #expect(Data(request).range(of: Data(nonceIdentifier)) != nil)
        let head = try #require(responder.seen.heads.first)
        #expect(head.method == .POST && head.uri == "/ocsp" && head.headers["Host"] == ["127.0.0.1:\(responder.port)"])
        #expect(head.headers["Content-Type"] == ["application/ocsp-request"])
        try await server.stop()
        try await responder.stop()
    }
}
