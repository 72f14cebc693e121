import Foundation
import NIOCore
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Responders in every way of asking for certificates: later, without known issuers, and for sessions that the server keeps.
struct RevocationModeTests {
    private func server(
        _ authority: OCSPAuthority,
        _ policy: RevocationPolicy = .hardFail(OCSPSettings()),
        _ authentication: (TrustSource) -> ClientAuthentication,
        _ change: (inout TLSHostConfiguration) -> Void = { _ in }
    ) async throws -> TestServer {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = authentication(.file(authority.own.certificate))
        host.revocation = policy
        change(&host)
        return try await TestServer(TLSEndpointConfiguration(hosts: [host]))
    }

    @Test("A certificate that is asked for after the handshake is seen by nobody before a responder has spoken")
    func onDemand() async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .late(maker.answer(to: $0), .milliseconds(300)) }
        let client = try await authority.issue("client", responders: [responder.url])
        let arguments = ["-tls1_3", "-enable_pha", "-cert", client.certificate, "-key", client.key]
        let open = try await server(authority) { .onDemand(trust: $0) }
        let text = try await open.client(arguments, line: "ask\n").text
        #expect(text.contains("verified:1"), "\(open.journal.now.errors) \(text)")
        #expect(responder.requests.count == 1)
        try await open.stop()

        var bad = maker
        bad.status = .revoked
        responder.behave { _ in .hangUp }
        let silent = try await server(authority) { .onDemand(trust: $0) }
        #expect(try await !silent.client(arguments, line: "ask\n").text.contains("verified:"))
        #expect(try await silent.journal.reaches { $0.errors.last?.cause == .clientCertificateStatusUnknown }, "\(silent.journal.now.errors)")
        try await silent.stop()
        responder.behave { [bad] in .answer(bad.answer(to: $0)) }
        let shut = try await server(authority, .softFail(OCSPSettings())) { .onDemand(trust: $0) }
        #expect(try await !shut.client(arguments, line: "ask\n").text.contains("verified:"))
        #expect(try await shut.journal.reaches { $0.errors.last?.cause == .clientCertificateRevoked }, "\(shut.journal.now.errors)")
        try await shut.stop()
        try await responder.stop()
    }

    @Test("optionalNoCA: nobody is asked about a chain that leads nowhere; hard lets nobody in with one")
    func unknownIssuers() async throws {
        let authority = try await OCSPAuthority()
        let stranger = try await OCSPAuthority("stranger")
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .answer(maker.answer(to: $0)) }
        let unknown = try await stranger.issue("unknown", responders: [responder.url])
        let known = try await authority.issue("known", responders: [responder.url])
        func arguments(_ pair: Certificates.Pair) -> [String] { ["-cert", pair.certificate, "-key", pair.key] }
        let soft = try await server(authority, .softFail(OCSPSettings())) { .optionalNoCA(trust: $0) }
        #expect(try await soft.client(arguments(unknown)).text.contains("protocol="), "\(soft.journal.now.errors)")
        #expect(responder.requests.isEmpty)
        #expect(try await soft.client(arguments(known)).text.contains("peer=1 "), "\(soft.journal.now.errors)")
        #expect(responder.requests.count == 1)
        try await soft.stop()
        let hard = try await server(authority) { .optionalNoCA(trust: $0) }
        #expect(try await !hard.client(arguments(unknown)).text.contains("protocol="))
        #expect(try await hard.journal.reaches { $0.errors.last?.cause == .clientCertificateStatusUnknown }, "\(hard.journal.now.errors)")
        #expect(responder.requests.count == 1)
        #expect(try await hard.client(arguments(known)).text.contains("peer=1 "), "\(hard.journal.now.errors)")
        try await hard.stop()
        try await responder.stop()
    }

    @Test("A session that the server keeps is not resumed while a responder would have to be asked; the full handshake asks")
    func stateAtTheServer() async throws {
        let authority = try await OCSPAuthority()
        var maker = try await AnswerMaker(signer: authority.own)
        // Counts only because clocks differ, so it is not kept.
        (maker.thisUpdate, maker.nextUpdate) = (-120, -60)
        let responder = try await TestResponder { [maker] in .answer(maker.answer(to: $0)) }
        let client = try await authority.issue("client", responders: [responder.url])
        let server = try await server(authority, .hardFail(OCSPSettings()), { .required(trust: $0) }) { $0.disablesSessionTickets = true }
        let session = authority.folder.path("session")
        let arguments = ["-tls1_2", "-cert", client.certificate, "-key", client.key]
        #expect(try await server.client(arguments + ["-sess_out", session]).text.contains("resumed=false"))
        #expect(try await server.client(arguments + ["-sess_in", session]).text.contains("resumed=false"), "\(server.journal.now.errors)")
        #expect(responder.requests.count == 2)
        maker.status = .revoked
        responder.behave { [maker] in .answer(maker.answer(to: $0)) }
        #expect(try await !server.client(arguments + ["-sess_in", session]).text.contains("protocol="))
        #expect(try await server.journal.reaches { $0.errors.last?.cause == .clientCertificateRevoked }, "\(server.journal.now.errors)")
        try await server.stop()
        try await responder.stop()
    }
}
