import Logging
import NIOCore
import NIOPosix

/// Waits for the shutdown command on the server's shutdown port.
///
/// Source: Tomcat's `<Server port="8005" shutdown="SHUTDOWN">`.
///
/// Listens on the loopback interface by default. A command that is not the right one is logged without its text and the connection is closed.
final class ShutdownListener: Sendable {
    private let channel: any Channel

    /// Starts to listen.
    ///
    /// - Parameter onShutdown: called when the command has come.
    init(
        port: Int,
        address: String,
        command: String,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        onShutdown: @escaping @Sendable () -> Void
    ) async throws {
        self.channel = try await ServerBootstrap(group: eventLoopGroup)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        ShutdownCommandHandler(command: command, logger: logger, onShutdown: onShutdown)
                    )
                }
            }
            .bind(host: address, port: port).get()
    }

    /// Stops listening.
    func stop() async { try? await self.channel.close() }
}

/// Reads one line, at most as long as the command, and compares.
private final class ShutdownCommandHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let command: [UInt8]
    private let logger: Logger
    private let onShutdown: @Sendable () -> Void
    private var received: [UInt8] = []

    init(command: String, logger: Logger, onShutdown: @escaping @Sendable () -> Void) {
        self.command = Array(command.utf8)
        self.logger = logger
        self.onShutdown = onShutdown
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(10)) { channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let room = max(0, self.command.count + 2 - self.received.count)
        self.received += self.unwrapInboundIn(data).readableBytesView.prefix(room)
        let line = self.received.prefix { $0 >= 0x20 }
        if line.count == self.command.count, line.elementsEqual(self.command) {
            context.close(promise: nil)
            self.onShutdown()
        } else if line.count < self.received.count || self.received.count >= self.command.count {
            self.logger.warning("an invalid shutdown command was received")
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
