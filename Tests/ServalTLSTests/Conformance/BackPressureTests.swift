import Foundation
import NIOCore
import NIOPosix
import ServalTLS
import Testing

/// A handler that does not ask for bytes does not get them.
struct BackPressureTests {
    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func readsOnlyWhenAsked(engine: Engine, version: String) async throws {
        let certificates = try await Certificates.shared.value
        let endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])])
        let context = try engine.makeContext(endpoint)
        let record = Record(Received())
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    try child.pipeline.syncOperations.addHandler(context.makeHandler())
                    try child.pipeline.syncOperations.addHandler(ReluctantReader(record))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let count = 3 << 20
        let port = channel.localAddress?.port ?? 0
        async let client = Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-quiet", version],
            input: TestBytes.data(count)
        )
        // Nobody has asked for anything, and yet the handshake gets done.
        try await record.reaches { $0.pipeline != nil }
        try await Task.sleep(for: .milliseconds(300))
        // What came together with the end of the handshake has been read already; it cannot be more than one receive buffer.
        let early = record.now.bytes
        #expect(early <= 64 << 10)
        let reader = try #require(record.now.pipeline)
        // One read brings something, even if it takes several pieces of ciphertext, and no more than one receive buffer.
        reader.read()
        try await record.reaches { $0.bytes > early }
        try await Task.sleep(for: .milliseconds(300))
        #expect(record.now.bytes > early)
        #expect(record.now.bytes <= early + (256 << 10))
        // And all of it comes in the end.
        record.note { $0.isEager = true }
        reader.read()
        try await record.reaches { $0.bytes == count }
        #expect(record.now.bytes == count)
        try await reader.close()
        _ = try await client
        try await channel.close()
    }

    /// What the reader has got.
    private struct Received: Sendable {
        var bytes = 0
        var isEager = false
        var pipeline: (any Channel)?
    }

    private final class ReluctantReader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let record: Record<Received>

        init(_ record: Record<Received>) { self.record = record }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard event is TLSHandshakeCompletion else { return }
            let channel = context.channel
            record.note { $0.pipeline = channel }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            record.note { $0.bytes += count }
        }

        func channelReadComplete(context: ChannelHandlerContext) {
            if record.now.isEager { context.read() }
        }
    }
}
