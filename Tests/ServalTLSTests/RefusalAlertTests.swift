import Foundation
import ServalTLS
import Testing

/// In TLS 1.3 a client is done with the handshake before the server has looked at its certificate; it learns of the refusal while it sends its request.
@Suite("Alerts of refused handshakes")
struct RefusalAlertTests {
    /// Goes on sending after it was refused; prints what it learns.
    private static let client = """
        import select, socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        \(PythonClient.handshake)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        early, pieces, pause = int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
        # With the last message of the handshake comes what the client has to say.
        tls.write(b"x" * early)
        peer.sendall(outgoing.read())
        # The refusal is here; the client has not looked yet.
        select.select([peer], [], [], 20)
        sent = 0
        try:
            for _ in range(pieces):
                tls.write(b"y" * 1000)
                peer.sendall(outgoing.read())
                sent += 1
                time.sleep(pause)
        except OSError as error:
            print("cut off", type(error).__name__)
        try:
            while True:
                chunk = peer.recv(65536)
                if not chunk:
                    print("end")
                    break
                incoming.write(chunk)
                try:
                    tls.read(1)
                except ssl.SSLWantReadError:
                    pass
        except OSError as error:
            print(getattr(error, "reason", None) or type(error).__name__)
        print("sent", sent)
        """

    private func run(_ engine: Engine, _ arguments: String...) async throws -> String {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let script = try folder.write(Self.client, to: "client.py")
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .required(trust: .file(certificates.authority.certificate))
        let server = try await EngineServer(engine, TLSEndpointConfiguration(hosts: [host]))
        let result = try await Command.run(["python3", script, "\(server.port)"] + arguments)
        try await server.stop()
        return result.text
    }

    @Test("A client that goes on with its request learns why it is refused", arguments: Engine.allCases, ["10", "100000"])
    func theAlertArrives(engine: Engine, early: String) async throws {
        let text = try await run(engine, early, "5", "0.05")
        #expect(text.contains("CERTIFICATE_REQUIRED"), "\(text)")
        #expect(text.contains("sent 5") && !text.contains("cut off"), "\(text)")
    }

    @Test("A client that goes on and on is cut off", arguments: Engine.allCases, [("100000", "0"), ("200", "0.1")])
    func notForEver(engine: Engine, sending: (pieces: String, pause: String)) async throws {
        let text = try await run(engine, "10", sending.pieces, sending.pause)
        #expect(text.contains("cut off"), "\(text)")
    }
}
