import Foundation
import NIOCore
import NIOPosix
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Clients that offer to be asked for a certificate after the handshake, are asked, and go on sending other things.
@Suite("Questions for a certificate that nobody answers")
struct UnansweredQuestionTests {
    /// Offers to be asked, says one line, and, once a file is there, as much as the server takes; it never reads an answer.
    private static let client = """
        import os, socket, ssl, sys, time
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version, context.post_handshake_auth = ssl.TLSVersion.TLSv1_3, True
        \(PythonClient.handshake)
        tls.write(b"first\\n")
        peer.sendall(outgoing.read())
        while not os.path.exists(sys.argv[2]):
            time.sleep(0.01)
        peer.settimeout(2)
        sent = 0
        try:
            while sent < 64 << 20:
                tls.write(b"x" * 16000)
                peer.sendall(outgoing.read())
                sent += 16000
        except OSError:
            pass
        print("sent", sent)
        while not os.path.exists(sys.argv[3]):
            time.sleep(0.01)
        """

    /// More than the channel takes from the socket at one go: four times 64 KiB, and what a record lacked before.
    private static let oneRead = 320 << 10

    @Test(arguments: [true, false])
    func aClientThatDoesNotAnswerIsNotReadOnAndOn(floodsAtOnce: Bool) async throws {
        let certificates = try await Certificates.shared.value
        let folder = try TemporaryFolder()
        let script = try folder.write(Self.client, to: "client.py")
        var host = TLSHostConfiguration(certificates: [try await certificates.server.configuration()])
        host.clientAuthentication = .onDemand(trust: .file(certificates.authority.certificate))
        var endpoint = TLSEndpointConfiguration(hosts: [host])
        // What ends the one case is how much is sent, what ends the other is time.
        endpoint.handshakeTimeout = floodsAtOnce ? .seconds(60) : .seconds(3)
        let context = try OpenSSLServerContext(endpoint, logger: Engine.silence)
        let log = HandshakeLog()
        let reporter = log.reporter()
        let record = Record(Received())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(context.makeHandler(reporter: reporter))
                    try child.pipeline.syncOperations.addHandler(Questioner(record))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        if floodsAtOnce { _ = try folder.write("", to: "flood") }
        let arguments = ["python3", script, "\(channel.localAddress?.port ?? 0)", folder.path("flood"), folder.path("end")]
        async let client = Command.run(arguments)
        try await record.reaches { $0.answer != nil }
        #expect(record.now.answer == .some(.none))
        let line = try #require(try await log.reaches(1).first)
        #expect(line.fields["cause"] == "handshake-timeout", "\(line)")
        let words = floodsAtOnce ? "sent more than 65536 bytes of other data" : "did not answer within 3.0 seconds"
        #expect(line.fields["reason"]?.contains(words) == true, "\(line)")
        if !floodsAtOnce {
            #expect(record.now.bytes == 6)
            _ = try folder.write("", to: "flood")
            // The read that was to bring the answer is still to come.
            try await record.reaches { $0.bytes > 6 }
        }
        try await Task.sleep(for: .milliseconds(500))
        // The credit, and what one read may bring on top of it.
        let early = record.now.bytes
        #expect(early <= (64 << 10) + Self.oneRead)
        try await Task.sleep(for: .milliseconds(300))
        #expect(record.now.bytes == early, "nobody has asked for more")
        // And the application gets what it asks for, a piece at a time, as ever.
        let pipeline = try #require(record.now.pipeline)
        pipeline.read()
        try await record.reaches { $0.bytes > early }
        try await Task.sleep(for: .milliseconds(300))
        #expect(record.now.bytes > early && record.now.bytes <= early + Self.oneRead)
        #expect(log.lines.count == 1)
        _ = try folder.write("", to: "end")
        let text = try await client.text
        let sent = text.firstMatch(of: #/sent ([0-9]+)/#).flatMap { Int($0.1) }
        #expect(try #require(sent, "\(text)") < 64 << 20, "the client has to wait")
        // The client may have been quicker.
        try? await pipeline.close()
        try await channel.close()
    }

    private struct Received: Sendable {
        var bytes = 0
        var answer: TLSClientCertificates?
        var pipeline: (any Channel)?
    }

    /// Reads once, asks for a certificate when something has come, and reads no more.
    private final class Questioner: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let record: Record<Received>
        private var facts: TLSConnectionFacts?

        init(_ record: Record<Received>) { self.record = record }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard let event = event as? TLSHandshakeCompletion else { return }
            facts = event.facts
            let channel = context.channel
            record.note { $0.pipeline = channel }
            context.read()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            record.note { $0.bytes += count }
            guard let request = facts?.requestClientCertificates else { return }
            facts = nil
            let record = record
            Task {
                let answer = await request()
                record.note { $0.answer = answer }
            }
        }
    }
}
