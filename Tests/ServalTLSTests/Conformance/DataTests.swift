import Foundation
import NIOCore
import ServalTLS
import Testing

/// Bytes in both directions, and the ends of connections.
struct DataTests {
    private func server(
        _ engine: Engine,
        before: (@Sendable () -> any ChannelHandler & Sendable)? = nil,
        allowsHalfClosure: Bool = false,
        rsa: Bool = false
    ) async throws -> EngineServer {
        let certificates = try await Certificates.shared.value
        let certificate = try await (rsa ? certificates.serverRSA : certificates.server).configuration()
        let endpoint = TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [certificate])])
        return try await EngineServer(engine, endpoint, before: before, allowsHalfClosure: allowsHalfClosure)
    }

    static let ciphers = [
        ["-tls1_3"], ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-SHA"],
        ["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"],
    ]

    @Test(arguments: Engine.allCases, ciphers)
    func sendsALargeBody(engine: Engine, options: [String]) async throws {
        let server = try await server(engine, rsa: true)
        let count = 4 << 20
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-quiet", "-no_ign_eof", "-ign_eof"] + options,
            input: Data("bytes \(count)\n".utf8)
        )
        // What `-quiet` still says about the certificate comes first.
        let isRight = result.output.suffix(count) == TestBytes.data(count)
        #expect(isRight, "\(result.output.count) bytes, status \(result.status)")
        #expect(server.journal.now.errors.isEmpty)
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ciphers)
    func receivesALargeBody(engine: Engine, options: [String]) async throws {
        let server = try await server(engine, rsa: true)
        let body = TestBytes.data(3 << 20)
        let result = try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)", "-quiet"] + options,
            input: Data("compare \(body.count)\n".utf8) + body
        )
        #expect(result.text.contains("the same\n"), "\(result.text.suffix(200))")
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func manySmallWritesAreOneRecord(engine: Engine, version: String) async throws {
        let server = try await server(engine)
        let result = try await server.client(version, "-msg", line: "small 100\n")
        let expected = (0..<100).map { "piece \($0);" }.joined()
        #expect(result.text.contains(expected))
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func understandsAClientThatSendsSingleBytes(engine: Engine, version: String) async throws {
        let server = try await server(engine, before: { Fragmenter() })
        let result = try await server.client(version, "-servername", "localhost", "-alpn", "http/1.1")
        #expect(result.text.contains("sni=localhost "), "\(result.text)")
        #expect(result.text.contains("alpn=http/1.1 "))
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, ["-tls1_2", "-tls1_3"])
    func saysCloseNotify(engine: Engine, version: String) async throws {
        let server = try await server(engine)
        let result = try await server.client(version, "-msg")
        #expect(result.text.contains(#/<<< TLS 1\.[23], Alert[^\n]*\n *01 00\n/#), "\(result.text)")
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, [true, false])
    func hearsCloseNotify(engine: Engine, allowsHalfClosure: Bool) async throws {
        let server = try await server(engine, allowsHalfClosure: allowsHalfClosure)
        _ = try await Command.run(["openssl", "s_client", "-connect", "127.0.0.1:\(server.port)"], input: Data("wait\n".utf8))
        #expect(try await server.journal.reaches { $0.inactive == 1 })
        let journal = server.journal.now
        #expect(journal.inputClosures == (allowsHalfClosure ? 1 : 0))
        #expect(journal.truncations == 0)
        #expect(journal.errors.isEmpty)
        #expect(server.context.connectionCount == 0)
        try await server.stop()
    }

    @Test(arguments: Engine.allCases, [true, false])
    func noticesAnEndWithoutCloseNotify(engine: Engine, allowsHalfClosure: Bool) async throws {
        let server = try await server(engine, allowsHalfClosure: allowsHalfClosure)
        let client = try Command.start(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:\(server.port)"], line: "wait\n")
        // It has read all there is when it sends something, so its end is no reset.
        #expect(try await server.journal.reaches { $0.waiting == 1 })
        client.kill()
        #expect(try await server.journal.reaches { $0.inactive == 1 })
        #expect(server.journal.now.truncations == 1)
        #expect(server.journal.now.errors.isEmpty)
        #expect(server.context.connectionCount == 0)
        try await server.stop()
    }

    /// The answer fits into no socket's buffer, so the close has to wait, and then not for ever.
    @Test(arguments: Engine.allCases)
    func aCloseDoesNotWaitForAClientThatHasStoppedReading(engine: Engine) async throws {
        let server = try await server(engine)
        let client = try Command.start(
            ["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:\(server.port)"],
            line: "later \(40 << 20)\n"
        )
        #expect(try await server.journal.reaches { $0.waiting == 1 })
        client.stop()
        var isOver = try await server.journal.reaches { $0.inactive == 1 }
        if !isOver { isOver = try await server.journal.reaches { $0.inactive == 1 } }
        #expect(isOver)
        #expect(server.context.connectionCount == 0)
        client.kill()
        try await server.stop()
    }

    @Test(arguments: Engine.allCases)
    func answersPlainHTTPInPlainHTTP(engine: Engine) async throws {
        let server = try await server(engine)
        let result = try await Command.run(["curl", "-s", "-i", "--max-time", "20", "http://127.0.0.1:\(server.port)/"])
        #expect(result.text.hasPrefix("HTTP/1.1 400"), "\(result.text)")
        #expect(result.text.contains("requires TLS"))
        #expect(server.journal.now.errors.map(\.code) == [.plaintextHTTP])
        #expect(server.context.connectionCount == 0)
        try await server.stop()
    }
}

/// Passes on what comes in byte by byte.
final class Fragmenter: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        while let byte = bytes.readSlice(length: 1) { context.fireChannelRead(wrapInboundOut(byte)) }
    }
}
