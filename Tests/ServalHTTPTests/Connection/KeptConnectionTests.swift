import Logging
import NIOCore
import ServalServlet
import ServalTLS
import Testing

@testable import ServalHTTP

/// What a connector does for TLS handlers that leave it to their event loop.
@Suite("Kept TLS connections")
struct KeptConnectionTests {
    /// Passes everything through after the end of a handshake that comes with the first bytes; sends only when its keeper says so.
    private final class KeptHandler: ChannelDuplexHandler, KeptTLSHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = IOData
        private let keeper: any TLSConnectionKeeper
        private let facts: TLSConnectionFacts
        private let end: NIODeadline
        private var isSecured = false
        private var context: ChannelHandlerContext?

        init(_ keeper: any TLSConnectionKeeper, _ facts: TLSConnectionFacts, time: TimeAmount) {
            self.keeper = keeper
            self.facts = facts
            self.end = .now() + time
        }

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if !self.isSecured { context.fireUserInboundEventTriggered(TLSHandshakeCompletion(self.facts)) }
            self.isSecured = true
            context.fireChannelRead(data)
        }

        func flush(context: ChannelHandlerContext) { self.keeper.gather(self) }

        func flushOwed() { self.context?.flush() }

        func checkHandshakeTime(now: NIODeadline) {
            if now >= self.end { self.context?.close(promise: nil) }
        }
    }

    private struct KeptContext: TLSServerContext {
        let hostNames: TLSHostNames
        let time: TimeAmount
        var summary: [String] { [] }
        var hostDescriptions: [TLSHostDescription] { [] }

        func makeHandler(reporter: TLSHandshakeReporter?) -> any ChannelHandler { FailingHandler() }

        func makeHandler(reporter: TLSHandshakeReporter?, keeper: any TLSConnectionKeeper) -> (any KeptTLSHandler)? {
            let facts = TLSConnectionFacts(protocolVersion: "TLSv1.3", cipherSuite: "", keySize: 128, sessionID: "0a", hostNames: self.hostNames)
            return KeptHandler(keeper, facts, time: self.time)
        }
    }

    /// Is not to be asked for.
    private final class FailingHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        func handlerAdded(context: ChannelHandlerContext) { context.close(promise: nil) }
    }

    private func withKeptConnector(time: TimeAmount, _ body: @escaping @Sendable (Int) throws -> Void) async throws {
        var configuration = ConnectorConfiguration(port: 0)
        configuration.address = "127.0.0.1"
        configuration.connectionTimeout = .seconds(20)
        configuration.keepAliveTimeout = .seconds(60)
        let names = try TLSHostNames(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [])]))
        let connector = Connector(
            configuration: configuration,
            handler: ClosureHandler(application),
            tls: TLSContextReference(KeptContext(hostNames: names, time: time)),
            eventLoopGroup: testGroup,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await connector.start()
        let port = try #require(connector.localPort)
        do {
            try await blocking { try body(port) }
        } catch {
            await connector.stop(gracePeriod: .zero)
            throw error
        }
        await connector.stop(gracePeriod: .zero)
    }

    @Test("get their answers sent, pipelined ones as well")
    func answers() async throws {
        try await self.withKeptConnector(time: .seconds(60)) { port in
            let client = try RawClient(port: port)
            for _ in 0..<3 { #expect(try client.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").text == "Hello, world!") }
            try client.send(String(repeating: "GET /yield HTTP/1.1\r\nHost: h\r\n\r\n", count: 3))
            for _ in 0..<3 { #expect(try client.reply().text == "yielded") }
            #expect(try client.exchange("GET /bytes?n=300000 HTTP/1.1\r\nHost: h\r\n\r\n").body.count == 300_000)
        }
    }

    @Test("are asked for the time of their handshakes, and after them no more")
    func handshakeTime() async throws {
        try await self.withKeptConnector(time: .milliseconds(100)) { port in
            let secured = try RawClient(port: port)
            #expect(try secured.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
            let start = ContinuousClock.now
            #expect(try RawClient(port: port).isAtEnd())
            // Before the connector's own time-out for the first request.
            #expect(start.duration(to: .now) < .seconds(20))
            #expect(try secured.exchange("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
        }
    }
}
