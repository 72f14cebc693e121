import Foundation
import Logging
import NIOCore
import NIOPosix
import ServalTLS
import ServalTLSOpenSSL

#if NIOSSL
    import ServalTLSNIOSSL
#endif

/// A TLS implementation that the suites in this folder run on: what they ask for, every implementation does.
enum Engine: String, CaseIterable, Sendable {
    case openSSL
    #if NIOSSL
        case nioSSL
    #endif

    var backend: any TLSBackend {
        switch self {
        case .openSSL: OpenSSLBackend()
        #if NIOSSL
            case .nioSSL: NIOSSLBackend()
        #endif
        }
    }

    func makeContext(_ endpoint: TLSEndpointConfiguration, logger: Logger = Engine.silence) throws -> any TLSServerContext {
        try backend.makeServerContext(endpoint, logger: logger)
    }

    static let silence = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}

extension TLSServerContext {
    /// How many connections have TLS state.
    var connectionCount: Int {
        #if NIOSSL
            if let context = self as? NIOSSLServerContext { return context.connectionCount }
        #endif
        return (self as? OpenSSLServerContext)?.connectionCount ?? -1
    }
}

/// A server on a free port of 127.0.0.1 that speaks TLS by one of the implementations and, inside, a protocol of single lines.
final class EngineServer: Sendable {
    let port: Int
    let engine: Engine
    let journal = Journal()
    private let reference: TLSContextReference
    private let channel: any Channel

    /// - Parameter before: a handler between the socket and TLS.
    init(
        _ engine: Engine,
        _ endpoint: TLSEndpointConfiguration,
        handshakes: TLSHandshakeReporter? = nil,
        before: (@Sendable () -> any ChannelHandler & Sendable)? = nil,
        allowsHalfClosure: Bool = false
    ) async throws {
        self.engine = engine
        let reference = TLSContextReference(try engine.makeContext(endpoint))
        self.reference = reference
        let journal = self.journal
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: allowsHalfClosure)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    if let before { try child.pipeline.syncOperations.addHandler(before()) }
                    try child.pipeline.syncOperations.addHandler(reference.current.makeHandler(reporter: handshakes))
                    try child.pipeline.syncOperations.addHandler(LineApplication(journal))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var context: any TLSServerContext { reference.current }

    /// Serves new connections by `endpoint`.
    func reload(_ endpoint: TLSEndpointConfiguration) throws {
        try reference.reload(endpoint, backend: engine.backend, logger: Engine.silence)
    }

    func stop() async throws { try await channel.close() }

    /// Talks to this server with `openssl s_client`.
    func client(_ arguments: String..., line: String = "facts\n", input: Data? = nil) async throws -> Command.Result {
        try await client(arguments, line: line, input: input)
    }

    func client(_ arguments: [String], line: String = "facts\n", input: Data? = nil) async throws -> Command.Result {
        try await Command.run(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-ign_eof"] + arguments,
            input: input ?? Data(line.utf8)
        )
    }
}
