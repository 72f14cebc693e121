import Foundation
import NIOCore
import ServalTLS
import ServalTLSOpenSSL
import Synchronization
import Testing

/// When responders are asked about client certificates, how often, and what waits meanwhile.
struct RevocationTimingTests {
    private func server(
        _ authority: OCSPAuthority,
        _ policy: RevocationPolicy = .hardFail(OCSPSettings()),
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

    private func text(_ server: TestServer, _ pair: Certificates.Pair, _ more: [String] = []) async throws -> String {
        try await server.client(["-cert", pair.certificate, "-key", pair.key] + more).text
    }

    @Test("A responder that is slow, or sends byte by byte, has ocspTimeout for everything")
    func slowResponders() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        let settings = OCSPSettings(timeout: .milliseconds(200))
        for reply in [TestResponder.Reply.silence, .drip] {
            responder.behave { _ in reply }
            let soft = try await server(authority, .softFail(settings))
            #expect(try await text(soft, client).contains("peer=1 "))
            try await soft.stop()
            let hard = try await server(authority, .hardFail(settings))
            #expect(try await text(hard, client).contains("SSL alert number 46"))
            #expect(
                try await hard.journal.reaches { $0.errors.last?.message.contains("ocspTimeout is [200] ms") == true },
                "\(hard.journal.now.errors)"
            )
            try await hard.stop()
        }
        try await responder.stop()
    }

    @Test("The time that a responder takes is not the client's")
    func handshakeTimeLimit() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(authority.own.certificate))
        host.revocation = .softFail(OCSPSettings(timeout: .seconds(5)))
        var endpoint = TLSEndpointConfiguration(hosts: [host])
        endpoint.handshakeTimeout = .seconds(4)
        let server = try await TestServer(endpoint)
        #expect(try await text(server, client).contains("peer=1 "), "\(server.journal.now.errors)")
        try await server.stop()
        try await responder.stop()
    }

    @Test("Several responders are asked in their order, and a hanging one leaves the next its share")
    func severalResponders() async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let gone = try TestResponder.goneURL()
        let hanging = try await TestResponder()
        let confused = try await TestResponder { _ in .answer(AnswerMaker.error(2)) }
        let right = try await TestResponder { .answer(maker.answer(to: $0)) }
        let client = try await authority.issue("client", responders: [gone, hanging.url, confused.url, right.url])
        let server = try await server(authority, .hardFail(OCSPSettings(timeout: .seconds(3))))
        #expect(try await text(server, client).contains("peer=1 "))
        #expect([hanging, confused, right].map(\.requests.count) == [1, 1, 1])
        try await server.stop()
        let other = try await authority.issue("other", responders: [right.url, confused.url])
        let again = try await self.server(authority)
        #expect(try await text(again, other).contains("peer=1 "))
        #expect(confused.requests.count == 1)
        try await again.stop()
        for responder in [hanging, confused, right] { try await responder.stop() }
    }

    @Test("Connections at the same time share one query, and the answer is kept, also over a reload")
    func oneQuery() async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .late(maker.answer(to: $0), .milliseconds(800)) }
        let client = try await authority.issue("client", responders: [responder.url])
        let recorder = EventRecorder()
        let service = RevocationService(onEvent: { recorder.note($0) })
        let server = try await server(authority, service: service)
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 { group.addTask { try await text(server, client) } }
            for try await text in group { #expect(text.contains("peer=1 "), "\(text)") }
        }
        #expect(responder.requests.count == 1)
        #expect(recorder.events == [.query(outcome: "good")])
        try await server.stop()
        let reloaded = try await self.server(authority, service: service)
        #expect(try await text(reloaded, client).contains("peer=1 "))
        #expect(responder.requests.count == 1)
        try await reloaded.stop()
        try await responder.stop()
    }

    @Test("A handshake that waits for a responder keeps no other waiting")
    func othersGoOn() async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let slow = try await TestResponder { .late(maker.answer(to: $0), .seconds(2)) }
        let quick = try await TestResponder { .answer(maker.answer(to: $0)) }
        let waiting = try await authority.issue("waiting", responders: [slow.url])
        let passing = try await authority.issue("passing", responders: [quick.url])
        let server = try await server(authority)
        let order = EventOrder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let answer = try await text(server, waiting)
                    #expect(answer.contains("peer=1 "))
                    order.note("slow")
                }
            }
            for _ in 0..<500 where slow.requests.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
            for _ in 0..<4 {
                #expect(try await text(server, passing).contains("peer=1 "))
                order.note("quick")
            }
            try await group.waitForAll()
        }
        #expect(order.names.prefix(2) == ["quick", "quick"], "\(order.names)")
        try await server.stop()
        for responder in [slow, quick] { try await responder.stop() }
    }

    /// The certificate, its signature and Finished come in one piece, of which the first part is what the verdict is about.
    @Test("A verdict that is there at once loses nothing that the client has sent", arguments: ["-tls1_2", "-tls1_3"])
    func verdictAtOnce(version: String) async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        // More than the service asks at a time, so it answers before it is waited for.
        let server = try await server(authority, .softFail(OCSPSettings()), service: RevocationService(queryLimit: 0))
        let text = try await text(server, client, [version])
        #expect(text.contains("peer=1 "), "\(server.journal.now.errors)")
        #expect(responder.requests.isEmpty)
        try await server.stop()
        try await responder.stop()
    }

    @Test("A client that leaves while its handshake waits leaves nothing behind")
    func clientLeaves() async throws {
        let authority = try await OCSPAuthority()
        let responder = try await TestResponder()
        let client = try await authority.issue("client", responders: [responder.url])
        let server = try await server(authority, .hardFail(OCSPSettings(timeout: .seconds(1))))
        let arguments = ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-cert", client.certificate, "-key", client.key]
        let running = try Command.start(arguments, line: "facts\n")
        for _ in 0..<1000 where responder.requests.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        #expect(responder.requests.count == 1)
        running.kill()
        #expect(try await server.journal.reaches { $0.errors.count == 1 && $0.inactive == 1 })
        for _ in 0..<1000 where server.context.connectionCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
        #expect(server.context.connectionCount == 0)
        try await server.stop()
        try await responder.stop()
    }

    @Test("Nobody is asked about a chain that does not verify")
    func noQueriesForStrangers() async throws {
        let authority = try await OCSPAuthority()
        let stranger = try await OCSPAuthority("stranger")
        let responder = try await TestResponder()
        let client = try await stranger.issue("client", responders: [responder.url])
        for policy in [RevocationPolicy.softFail(OCSPSettings()), .hardFail(OCSPSettings())] {
            let server = try await server(authority, policy)
            #expect(try await text(server, client).contains("SSL alert number 48"))
            #expect(try await server.journal.reaches { $0.errors.last?.code == .clientCertificateRejected })
            try await server.stop()
        }
        #expect(responder.requests.isEmpty)
        try await responder.stop()
    }

    @Test("Every certificate but the trusted one is looked at", arguments: [AnswerMaker.Status.good, .revoked])
    func intermediates(status: AnswerMaker.Status) async throws {
        let root = try await OCSPAuthority("root")
        let upper = try await TestResponder()
        let lower = try await TestResponder()
        let middle = try await OCSPAuthority("middle", issuedBy: root, responders: [upper.url])
        let client = try await middle.issue("client", responders: [lower.url])
        var above = try await AnswerMaker(signer: root.own)
        above.status = status
        let below = try await AnswerMaker(signer: middle.own)
        upper.behave { [above] in .answer(above.answer(to: $0)) }
        lower.behave { .answer(below.answer(to: $0)) }
        let server = try await server(root)
        let text = try await text(server, client, ["-cert_chain", middle.own.certificate])
        if case .good = status {
            #expect(text.contains("peer=2 "), "\(server.journal.now.errors)")
        } else {
            #expect(text.contains("SSL alert number 44"))
            #expect(try await server.journal.reaches { $0.errors.last?.message.contains("CN=middle") == true })
        }
        #expect([upper, lower].map(\.requests.count) == [1, 1])
        try await server.stop()
        for responder in [upper, lower] { try await responder.stop() }
    }

    // MARK: Resumption

    @Test("A session is resumed only while its certificate is known to be good", arguments: ["-tls1_2", "-tls1_3"])
    func resumption(version: String) async throws {
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .answer(maker.answer(to: $0)) }
        let client = try await authority.issue("client", responders: [responder.url])
        let server = try await server(authority)
        let session = authority.folder.path("session")
        #expect(try await text(server, client, [version, "-sess_out", session]).contains("resumed=false"))
        #expect(try await text(server, client, [version, "-sess_in", session]).contains("resumed=true"))
        #expect(responder.requests.count == 1)
        try await server.stop()

        // An answer that counts only because clocks differ is not kept, so each connection asks.
        var brief = maker
        (brief.thisUpdate, brief.nextUpdate) = (-120, -60)
        responder.behave { [brief] in .answer(brief.answer(to: $0)) }
        let fresh = try await self.server(authority)
        #expect(try await text(fresh, client, [version, "-sess_out", session]).contains("resumed=false"))
        #expect(try await text(fresh, client, [version, "-sess_in", session]).contains("resumed=false"))
        #expect(responder.requests.count == 3)
        brief.status = .revoked
        responder.behave { [brief] in .answer(brief.answer(to: $0)) }
        #expect(try await text(fresh, client, [version, "-sess_in", session]).contains("SSL alert number 44"))
        try await fresh.stop()
        try await responder.stop()
    }
}

/// What a service counted.
final class EventRecorder: Sendable {
    private let content = Mutex<[TLSRevocationEvent]>([])

    var events: [TLSRevocationEvent] { content.withLock { $0 } }

    func note(_ event: TLSRevocationEvent) { content.withLock { $0.append(event) } }
}

/// What came first.
final class EventOrder: Sendable {
    private let content = Mutex<[String]>([])

    var names: [String] { content.withLock { $0 } }

    func note(_ name: String) { content.withLock { $0.append(name) } }
}
