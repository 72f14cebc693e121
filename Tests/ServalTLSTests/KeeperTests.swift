import Logging
import NIOCore
import NIOEmbedded
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// Connections whose event loop decides when they send, and looks after the time of their handshakes.
struct KeeperTests {
    private final class Keeper: TLSConnectionKeeper {
        var gathered: [any GatheredConnection] = []

        func gather(_ connection: any GatheredConnection) { gathered.append(connection) }

        func flush() {
            let connections = gathered
            gathered = []
            for connection in connections { connection.flushOwed() }
        }
    }

    private struct Fixture {
        let keeper = Keeper()
        let channel = EmbeddedChannel()
        let journal = Journal()
        let handler: any KeptTLSHandler

        /// To be made after the last `await`: an `EmbeddedChannel` belongs to one thread.
        init(_ context: any TLSServerContext) throws {
            handler = try #require(context.makeHandler(reporter: nil, keeper: keeper))
            try channel.pipeline.syncOperations.addHandler(handler)
            try channel.pipeline.syncOperations.addHandler(LineApplication(journal))
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        }

        func output() throws -> [UInt8] {
            var bytes: [UInt8] = []
            while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
            return bytes
        }
    }

    private func makeContext() async throws -> OpenSSLServerContext {
        let certificates = try await Certificates.shared.value
        var endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])])
        endpoint.handshakeTimeout = .seconds(7)
        return try OpenSSLServerContext(endpoint, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test func whatAReadGivesRiseToIsSentWhenTheKeeperSaysSo() async throws {
        let fixture = try Fixture(try await makeContext())
        let hello = ClientHello.bytes(serverName: "localhost")
        try fixture.channel.writeInbound(ByteBuffer(bytes: hello.prefix(20)))
        #expect(fixture.keeper.gathered.isEmpty)
        try fixture.channel.writeInbound(ByteBuffer(bytes: hello.dropFirst(20)))
        #expect(fixture.keeper.gathered.count == 1)
        #expect(try fixture.output() == [])
        fixture.keeper.flush()
        #expect(try fixture.output().first == 22)
        // Nothing is owed any more.
        fixture.handler.flushOwed()
        #expect(try fixture.output() == [])
        _ = try? fixture.channel.finish()
    }

    @Test func twoReadsBeforeTheKeeperComesAreGatheredOnce() async throws {
        let fixture = try Fixture(try await makeContext())
        try fixture.channel.writeInbound(ByteBuffer(bytes: ClientHello.bytes(serverName: "localhost")))
        // Not what belongs here: an alert answers it.
        fixture.channel.pipeline.fireChannelRead(ByteBuffer(bytes: [22, 3, 3, 0, 4, 2, 0, 0, 0]))
        fixture.channel.pipeline.fireChannelReadComplete()
        #expect(fixture.keeper.gathered.count <= 1)
        #expect(fixture.journal.now.errors.count == 1)
        // An end takes along what has waited.
        let bytes = try fixture.output()
        #expect(bytes.first == 22)
        #expect(!fixture.channel.isActive)
        fixture.keeper.flush()
        #expect(try fixture.output() == [])
    }

    @Test func theTimeOfAHandshakeIsTheKeepersBusiness() async throws {
        let context = try await makeContext()
        for bytes in [[], [22, 3], ClientHello.bytes(serverName: "localhost")] {
            let fixture = try Fixture(context)
            if !bytes.isEmpty { try fixture.channel.writeInbound(ByteBuffer(bytes: bytes)) }
            // There is no timer.
            fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
            fixture.handler.checkHandshakeTime(now: .now() + .seconds(5))
            #expect(fixture.channel.isActive)
            fixture.handler.checkHandshakeTime(now: .now() + .seconds(8))
            #expect(!fixture.channel.isActive)
            #expect(fixture.journal.now.errors.map(\.code) == [.handshakeTimeout])
            fixture.handler.checkHandshakeTime(now: .now() + .seconds(9))
            #expect(fixture.journal.now.errors.count == 1)
        }
        #expect(context.connectionCount == 0)
    }
}
