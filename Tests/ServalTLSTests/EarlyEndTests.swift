import Foundation
import NIOCore
import ServalTLS
import Testing

/// A client may end its side of the TCP connection with the last thing that it says.
///
/// Where its certificate is judged elsewhere meanwhile, that end is there before the verdict.
@Suite("Clients that end their side before they have been judged")
struct EarlyEndTests {
    /// Sends its certificate, a line and the end of its side in one piece; prints the answer or the reason that it is told.
    private static let client = """
        import socket, ssl, sys
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        socket.setdefaulttimeout(20)
        \(PythonClient.handshake)
        tls.write(b"facts\\n")
        if sys.argv[4] == "close_notify":
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass
        peer.sendall(outgoing.read())
        peer.shutdown(socket.SHUT_WR)
        while chunk := peer.recv(65536):
            incoming.write(chunk)
        incoming.write_eof()
        try:
            while text := tls.read(65536):
                print(text.decode())
        except ssl.SSLError as error:
            print(error.reason)
        """

    private static func answer(_ port: Int, _ pair: Certificates.Pair, _ end: String) async throws -> String {
        let folder = try TemporaryFolder()
        let script = try folder.write(Self.client, to: "client.py")
        return try await Command.run(["python3", script, "\(port)", pair.certificate, pair.key, end]).text
    }

    private static let ends = ["close_notify", "truncation"]

    @Test(arguments: Engine.allCases, ends)
    func whoIsTrustedGetsAnAnswer(engine: Engine, end: String) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        let server = try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]), allowsHalfClosure: true)
        for _ in 0..<10 {
            let text = try await Self.answer(server.port, certificates.client, end)
            #expect(text.contains("peer=1 "), "\(text)")
        }
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ends)
    func whoIsNotLearnsWhyAndIsInTheLog(engine: Engine, end: String) async throws {
        let certificates = try await Certificates.shared.value
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        let log = HandshakeLog()
        let server = try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]), handshakes: log.reporter(), allowsHalfClosure: true)
        let text = try await Self.answer(server.port, certificates.clientOfOtherAuthority, end)
        #expect(text.contains("ALERT"), "\(text)")
        let lines = try await log.reaches(1)
        #expect(lines.count == 1 && lines[0].fields["cause"] == "client-certificate-untrusted", "\(lines)")
        try await server.stop()
    }

    @Test("An end waits for the word of an OCSP responder", arguments: ends)
    func revocation(end: String) async throws {
        let certificates = try await Certificates.shared.value
        let authority = try await OCSPAuthority()
        let maker = try await AnswerMaker(signer: authority.own)
        let responder = try await TestResponder { .late(maker.answer(to: $0), .milliseconds(500)) }
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(authority.own.certificate))
        host.revocation = .hardFail(OCSPSettings())
        let server = try await TestServer(TLSEndpointConfiguration(hosts: [host]), allowsHalfClosure: true)
        let text = try await Self.answer(server.port, try await authority.issue("early", responders: [responder.url]), end)
        #expect(text.contains("peer=1 "), "\(text)")
        try await server.stop()
        try await responder.stop()
    }
}
