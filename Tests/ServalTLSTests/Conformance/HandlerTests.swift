import Foundation
import NIOCore
import NIOEmbedded
import ServalTLS
import Testing

/// The handler without a network: hostile first bytes, and what is left when connections end early.
struct HandlerTests {
    /// A channel with the handler, and what came out of it.
    private final class Fixture {
        let context: any TLSServerContext
        let channel = EmbeddedChannel()
        let journal = Journal()

        /// To be made after the last `await`: an `EmbeddedChannel` belongs to one thread.
        init(_ context: any TLSServerContext) { self.context = context }

        func connect(_ channel: EmbeddedChannel) throws {
            try channel.pipeline.syncOperations.addHandler(context.makeHandler())
            try channel.pipeline.syncOperations.addHandler(LineApplication(journal))
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        }
    }

    private func makeContext(
        _ engine: Engine,
        _ change: (inout TLSEndpointConfiguration) -> Void = { _ in }
    ) async throws -> any TLSServerContext {
        let certificates = try await Certificates.shared.value
        var endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [try await certificates.server.configuration()])])
        change(&endpoint)
        return try engine.makeContext(endpoint)
    }

    private func output(_ channel: EmbeddedChannel) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { bytes += buffer.readableBytesView }
        return bytes
    }

    /// Whether `bytes` are exactly one TLS record with a fatal alert.
    private func isOneFatalAlert(_ bytes: [UInt8]) -> Bool { bytes.count == 7 && bytes[0] == 21 && bytes[5] == 2 }

    static let garbage: [[UInt8]] = [
        [22, 3, 1, 0xff, 0xff, 1], [22, 9, 9, 0, 4, 1, 0, 0, 0], [22, 3, 1, 0, 4, 2, 0, 0, 0],
        [22, 3, 1, 0, 5, 1, 0, 0, 1, 9], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [23, 3, 3, 0, 4, 1, 2, 3, 4],
        [255, 254, 253, 252, 251, 250, 1, 2, 3, 4, 5, 6],
        [0x80, 0x2e, 1, 0, 2] + [UInt8](repeating: 0, count: 64),
    ]

    @Test(arguments: Engine.allCases, garbage)
    func answersGarbageWithAnAlertAndCloses(engine: Engine, bytes: [UInt8]) async throws {
        let fixture = Fixture(try await makeContext(engine))
        try fixture.connect(fixture.channel)
        try fixture.channel.writeInbound(ByteBuffer(bytes: bytes))
        let answer = try output(fixture.channel)
        #expect(isOneFatalAlert(answer) || answer.isEmpty, "\(answer)")
        #expect(!fixture.channel.isActive)
        #expect(fixture.journal.now.errors.count == 1)
        #expect(fixture.context.connectionCount == 0)
    }

    @Test(arguments: Engine.allCases)
    func aBrokenClientHelloGetsAnAlert(engine: Engine) async throws {
        let fixture = Fixture(try await makeContext(engine))
        try fixture.connect(fixture.channel)
        var hello = ClientHello.bytes(serverName: "localhost")
        hello[60] ^= 0xff
        hello[48] = 0xff
        try fixture.channel.writeInbound(ByteBuffer(bytes: hello))
        #expect(isOneFatalAlert(try output(fixture.channel)))
        #expect(!fixture.channel.isActive)
        #expect(fixture.context.connectionCount == 0)
    }

    @Test(arguments: Engine.allCases, ["GET / HTTP/1.1\r\n", "POST", "h", "OPTIONS * HTTP/1.1\r\n\r\n"])
    func plainTextIsReportedAndPassedThrough(engine: Engine, text: String) async throws {
        let fixture = Fixture(try await makeContext(engine))
        try fixture.connect(fixture.channel)
        try fixture.channel.writeInbound(ByteBuffer(string: text))
        let answer = String(decoding: try output(fixture.channel), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 400 "))
        #expect(!fixture.channel.isActive)
        #expect(fixture.journal.now.errors.map(\.code) == [.plaintextHTTP])
        #expect(fixture.context.connectionCount == 0)
    }

    @Test(arguments: Engine.allCases)
    func aClientHelloBeyondTheLimitIsRefused(engine: Engine) async throws {
        let narrow = try await makeContext(engine) { $0.sniParseLimit = 1024 }
        let roomy = try await makeContext(engine)
        let fixture = Fixture(narrow)
        try fixture.connect(fixture.channel)
        let hello = ClientHello.bytes(serverName: "localhost", padding: 2000)
        try fixture.channel.writeInbound(ByteBuffer(bytes: hello.prefix(600)))
        #expect(isOneFatalAlert(try output(fixture.channel)), "refused as soon as its length is known")
        #expect(fixture.journal.now.errors.map(\.code) == [.clientHelloTooLarge])
        #expect(!fixture.channel.isActive)
        let wide = Fixture(roomy)
        try wide.connect(wide.channel)
        try wide.channel.writeInbound(ByteBuffer(bytes: hello))
        #expect(try output(wide.channel).first == 22)
        _ = try? wide.channel.finish()
    }

    @Test(arguments: Engine.allCases)
    func aClientHelloMayComeInManyRecords(engine: Engine) async throws {
        let fixture = Fixture(try await makeContext(engine))
        try fixture.connect(fixture.channel)
        let message = Array(ClientHello.bytes(serverName: "localhost").dropFirst(5))
        for start in stride(from: 0, to: message.count, by: 40) {
            let piece = message[start..<min(start + 40, message.count)]
            try fixture.channel.writeInbound(ByteBuffer(bytes: [22, 3, 1, 0, UInt8(piece.count)] + piece))
        }
        #expect(try output(fixture.channel).first == 22)
        #expect(fixture.channel.isActive)
        _ = try? fixture.channel.finish()
        #expect(fixture.context.connectionCount == 0)
    }

    @Test(arguments: Engine.allCases)
    func theHandshakeHasATimeLimit(engine: Engine) async throws {
        let context = try await makeContext(engine) { $0.handshakeTimeout = .seconds(7) }
        for bytes in [[], [22, 3], ClientHello.bytes(serverName: "localhost")] {
            let fixture = Fixture(context)
            try fixture.connect(fixture.channel)
            if !bytes.isEmpty { try fixture.channel.writeInbound(ByteBuffer(bytes: bytes)) }
            fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(6))
            #expect(fixture.channel.isActive)
            fixture.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
            #expect(!fixture.channel.isActive)
            #expect(fixture.journal.now.errors.map(\.code) == [.handshakeTimeout])
            #expect(fixture.context.connectionCount == 0)
        }
    }

    @Test(arguments: Engine.allCases)
    func writesOfAConnectionThatEndsFail(engine: Engine) async throws {
        let fixture = Fixture(try await makeContext(engine))
        try fixture.connect(fixture.channel)
        try fixture.channel.writeInbound(ByteBuffer(bytes: ClientHello.bytes(serverName: "localhost")))
        let promise = fixture.channel.eventLoop.makePromise(of: Void.self)
        fixture.channel.write(ByteBuffer(string: "never sent"), promise: promise)
        fixture.channel.flush()
        _ = try? fixture.channel.finish()
        #expect(throws: ChannelError.ioOnClosedChannel) { try promise.futureResult.wait() }
        #expect(fixture.context.connectionCount == 0)
    }

    /// Every cut of a ClientHello, in one channel after another.
    @Test(arguments: Engine.allCases)
    func noCutOfAClientHelloBreaksAnything(engine: Engine) async throws {
        let fixture = Fixture(try await makeContext(engine))
        let hello = ClientHello.bytes(serverName: "localhost")
        for length in 1..<hello.count {
            let channel = EmbeddedChannel()
            try fixture.connect(channel)
            try channel.writeInbound(ByteBuffer(bytes: hello.prefix(length)))
            #expect(channel.isActive)
            _ = try? channel.finish()
        }
        for (position, bit) in zip(0..<hello.count, (0...7).cycled()) {
            let channel = EmbeddedChannel()
            try fixture.connect(channel)
            var changed = hello
            changed[position] ^= 1 << bit
            try channel.writeInbound(ByteBuffer(bytes: changed))
            _ = try? channel.finish()
        }
        #expect(fixture.context.connectionCount == 0)
    }

    @Test(arguments: Engine.allCases)
    func abortedHandshakesLeaveNothing(engine: Engine) async throws {
        let fixture = Fixture(try await makeContext(engine))
        let hello = ByteBuffer(bytes: ClientHello.bytes(serverName: "localhost"))
        func abort(_ count: Int) throws {
            for index in 0..<count {
                let channel = EmbeddedChannel()
                try fixture.connect(channel)
                try channel.writeInbound(hello)
                switch index % 4 {
                case 0: try channel.writeInbound(ByteBuffer(bytes: [20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 20] + [UInt8](repeating: 7, count: 20)))
                case 1: channel.close(promise: nil)
                case 2: channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
                default: break
                }
                _ = try? channel.finish()
                // Closing leaves the removal of the handlers to the loop.
                channel.embeddedEventLoop.run()
            }
        }
        try abort(300)
        // A leaked `SSL` in this state is more than 20 KiB, so 10,000 of them would be 200 MB, each time. Other tests run at the same time and take some.
        var growth = Int.max
        for _ in 0..<3 where growth >= 150_000_000 {
            let before = residentBytes()
            try abort(10_000)
            growth = residentBytes() - before
        }
        #expect(fixture.context.connectionCount == 0)
        #expect(growth < 150_000_000)
    }

    private func residentBytes() -> Int {
        let words = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * 4096
    }
}

extension Sequence {
    /// The elements again and again.
    fileprivate func cycled() -> some Sequence<Element> {
        let elements = Array(self)
        return (0...).lazy.map { elements[$0 % elements.count] }
    }
}
