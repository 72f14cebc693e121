import COpenSSL
import NIOCore
import NIOEmbedded
import ServalTLS
import ServalTLSOpenSSL
import Testing

/// A TLS client of OpenSSL's that talks to a server's handler in memory: a thousand handshakes are a matter of seconds.
final class MemoryClient {
    /// How a client gets back into its session.
    enum Resumption: String, Sendable, CaseIterable, CustomTestStringConvertible {
        case id12 = "TLS 1.2, id"
        case ticket12 = "TLS 1.2, ticket"
        case ticket13 = "TLS 1.3, ticket"
        case id13 = "TLS 1.3, state at the server"

        var testDescription: String { rawValue }
        var version: Int32 { self == .ticket13 || self == .id13 ? TLS1_3_VERSION : TLS1_2_VERSION }
        var disablesTickets: Bool { self == .id12 || self == .id13 }
    }

    /// What came of a connection.
    struct Outcome {
        /// What the server knows; nil if it has not let the client in.
        var facts: TLSConnectionFacts?
        var error: TLSError?
        /// What resumes the session, in OpenSSL's encoding.
        var session: [UInt8]?
        /// The name of the key that the session's ticket is made with.
        var ticketKeyName: [UInt8] = []

        var identity: [[UInt8]] { facts?.peerCertificates ?? [] }
        /// The session; fails where there is none.
        func resumable() throws -> [UInt8] {
            guard let session else { throw Command.Failure(words: "nothing to resume: \(String(describing: error))") }
            return session
        }

        var isResumed: Bool { facts?.isResumed ?? false }
    }

    let context: OpaquePointer

    /// - Parameter pair: the client's certificate with its key; nil for none.
    init(_ version: Int32, _ pair: Certificates.Pair? = nil, chain: Certificates.Pair? = nil, groups: String? = nil) throws {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw Command.Failure(words: "no context") }
        self.context = context
        guard serval_ctx_set_versions(context, version, version) == 1 else { throw Command.Failure(words: "no version") }
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        if let groups, serval_ctx_set_groups(context, groups) != 1 { throw Command.Failure(words: "no group") }
        guard let pair else { return }
        guard SSL_CTX_use_certificate_chain_file(context, pair.certificate) == 1,
            SSL_CTX_use_PrivateKey_file(context, pair.key, SSL_FILETYPE_PEM) == 1
        else { throw Command.Failure(words: "no certificate") }
        if let chain, SSL_CTX_load_verify_locations(context, chain.certificate, nil) != 1 { throw Command.Failure(words: "no chain") }
    }

    deinit { SSL_CTX_free(context) }

    /// Connects to a host, as a rule to go on with a session, and goes again.
    func connect(_ server: OpenSSLServerContext, to name: String, with session: [UInt8]? = nil) throws -> Outcome {
        let connection = try MemoryConnection(context, server, name, session)
        defer { connection.close() }
        try connection.run()
        return connection.outcome
    }

    /// The first bytes that such a client would send.
    func hello(to name: String, with session: [UInt8]? = nil) throws -> [UInt8] {
        try MemoryConnection(context, nil, name, session).step()
    }
}

/// One connection of a ``MemoryClient``.
final class MemoryConnection {
    private let ssl: OpaquePointer
    private let toClient: OpaquePointer
    private let fromClient: OpaquePointer
    private let channel: EmbeddedChannel?
    private let journal = Journal()

    init(_ context: OpaquePointer, _ server: OpenSSLServerContext?, _ name: String, _ session: [UInt8]?) throws {
        guard let ssl = SSL_new(context), let toClient = BIO_new(BIO_s_mem()), let fromClient = BIO_new(BIO_s_mem()) else {
            throw Command.Failure(words: "no connection")
        }
        self.ssl = ssl
        self.toClient = toClient
        self.fromClient = fromClient
        SSL_set_bio(ssl, toClient, fromClient)
        SSL_set_connect_state(ssl)
        _ = serval_set_server_name(ssl, name)
        if let session {
            try session.withUnsafeBufferPointer { bytes in
                var position = bytes.baseAddress
                guard let decoded = d2i_SSL_SESSION(nil, &position, bytes.count) else { throw Command.Failure(words: "no session") }
                SSL_set_session(ssl, decoded)
                SSL_SESSION_free(decoded)
            }
        }
        guard let server else {
            channel = nil
            return
        }
        let channel = EmbeddedChannel()
        self.channel = channel
        try channel.pipeline.syncOperations.addHandler(server.makeHandler())
        try channel.pipeline.syncOperations.addHandler(JournalHandler(journal))
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
    }

    deinit { SSL_free(ssl) }

    /// Lets the client do what it can, and gives what it says.
    func step() -> [UInt8] {
        if SSL_is_init_finished(ssl) == 0 {
            _ = SSL_do_handshake(ssl)
        } else {
            var nothing: UInt8 = 0
            _ = SSL_read(ssl, &nothing, 1)
        }
        ERR_clear_error()
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = BIO_read(fromClient, &bytes, Int32(bytes.count))
        return Array(bytes.prefix(Int(max(count, 0))))
    }

    /// Gives the server bytes, and the client what it answers; false if it answers nothing.
    @discardableResult
    func deliver(_ bytes: [UInt8]) throws -> Bool {
        guard let channel else { return false }
        if !bytes.isEmpty { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
        var hasAnswered = false
        while let answer = try channel.readOutbound(as: ByteBuffer.self) {
            hasAnswered = true
            answer.withUnsafeReadableBytes { _ = BIO_write(toClient, $0.baseAddress, Int32($0.count)) }
        }
        return hasAnswered
    }

    /// Exchanges bytes until both have nothing more to say.
    func run() throws {
        for _ in 0..<20 {
            let bytes = step()
            let hasAnswered = try deliver(bytes)
            if bytes.isEmpty, !hasAnswered { return }
        }
    }

    var outcome: MemoryClient.Outcome {
        let seen = journal.now
        var session: [UInt8]?
        var ticketKeyName: [UInt8] = []
        if let own = SSL_get1_session(ssl), SSL_SESSION_is_resumable(own) == 1 {
            var start: UnsafeMutablePointer<UInt8>?
            let count = i2d_SSL_SESSION(own, &start)
            if count > 0, let start {
                session = Array(UnsafeBufferPointer(start: start, count: Int(count)))
                serval_free(start)
            }
            var ticket: UnsafePointer<UInt8>?
            var length = 0
            SSL_SESSION_get0_ticket(own, &ticket, &length)
            ticketKeyName = Array(UnsafeBufferPointer(start: ticket, count: ticket == nil ? 0 : min(length, 16)))
            SSL_SESSION_free(own)
        }
        // Handshakes that the server has ended do not count, even if it was content at first.
        let isIn = seen.errors.isEmpty && SSL_is_init_finished(ssl) == 1
        let facts = isIn ? seen.facts.first?.withoutQuestion : nil
        return MemoryClient.Outcome(facts: facts, error: seen.errors.first, session: session, ticketKeyName: ticketKeyName)
    }

    func close() {
        SSL_set_quiet_shutdown(ssl, 1)
        SSL_shutdown(ssl)
        _ = try? channel?.finish(acceptAlreadyClosed: true)
    }
}

/// Notes what a server's handler tells.
final class JournalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSHandshakeCompletion { journal.note { $0.facts.append(event.facts) } }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? TLSError { journal.note { $0.errors.append(error) } }
    }
}

extension TLSConnectionFacts {
    /// The question leads to the channel, which must not be touched on another thread.
    fileprivate var withoutQuestion: TLSConnectionFacts {
        TLSConnectionFacts(
            protocolVersion: protocolVersion,
            cipherSuite: cipherSuite,
            keySize: keySize,
            group: group,
            sessionID: sessionID,
            serverName: serverName,
            hostName: hostName,
            isResumed: isResumed,
            applicationProtocol: applicationProtocol,
            clientCertificates: clientCertificates,
            hostNames: hostNames,
            invalidateSession: invalidateSession
        )
    }
}
