public import Logging
public import NIOCore
import NIOPosix
public import ServalTLS
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Listens on one address and port and hands the requests that arrive there to a ``RequestHandler``.
///
/// HTTP/1.1 and HTTP/1.0 (RFC 9112) and, if configured, HTTP/2 (RFC 9113), over TLS if it was given a context. Life cycle: make, ``start()``, ``stop(gracePeriod:)``; it cannot be started again.
public final class Connector: Sendable {
    /// What a connector has counted since it was made.
    public struct Counters: Sendable, Hashable {
        /// The connections open now.
        public var currentConnections = 0
        /// The connections accepted so far.
        public var totalConnections = 0
        /// The connections that were closed as soon as they were accepted, or could not be accepted for want of file descriptors.
        public var rejectedConnections = 0
        /// The requests handed to the handler so far.
        public var totalRequests = 0
        /// The requests inside the handler, or waiting for their turn, now.
        public var currentRequests = 0
        /// The requests refused by the connector itself (malformed, too large) so far.
        public var refusedRequests = 0
    }

    private enum State: Sendable {
        case made
        case starting
        case listening(any Channel)
        case closed(port: Int?)
    }

    /// The settings it was made with.
    public let configuration: ConnectorConfiguration
    private let runtime: ConnectionRuntime
    private let tls: TLSContextReference?
    private let handshakes: TLSHandshakeReporter
    private let group: any EventLoopGroup
    private let acceptLoop: any EventLoop
    private let gate: AcceptGate
    private let contexts: [ObjectIdentifier: EventLoopContext]
    private let logger: Logger
    private let state = Mutex(State.made)

    /// A connector; does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - configuration: checked by ``start()``.
    ///   - handler: answers the requests.
    ///   - tls: the context of new connections; `nil` for plain HTTP.
    ///   - eventLoopGroup: does the work; swift-nio's own over sockets. It belongs to the caller and must outlive the connector.
    ///   - logger: gets what operators need; nothing per request above the level debug.
    ///   - handshakeLogger: gets a line for each TLS handshake that fails, as ``TLSHandshakeReporter`` says; `logger` if left out.
    ///   - handshakeObserver: is called on an event loop for each TLS handshake, for whoever counts them.
    public init(
        configuration: ConnectorConfiguration,
        handler: any RequestHandler,
        tls: TLSContextReference?,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger,
        handshakeLogger: Logger? = nil,
        handshakeObserver: (@Sendable (TLSHandshakeOutcome) -> Void)? = nil
    ) {
        self.configuration = configuration
        self.logger = logger
        self.tls = tls
        self.group = eventLoopGroup
        let handshakes = TLSHandshakeReporter(
            connector: "https-\(configuration.port == 0 ? "auto" : "\(configuration.port)")",
            logger: handshakeLogger ?? logger,
            observer: handshakeObserver
        )
        self.handshakes = handshakes
        let runtime = ConnectionRuntime(
            configuration: configuration,
            handler: handler,
            isTLS: tls != nil,
            logger: logger,
            handshakes: handshakes
        )
        self.runtime = runtime
        self.acceptLoop = eventLoopGroup.next()
        var contexts: [ObjectIdentifier: EventLoopContext] = [:]
        for loop in eventLoopGroup.makeIterator() {
            contexts[ObjectIdentifier(loop)] = EventLoopContext(loop, sweepInterval: .nanoseconds(runtime.sweepInterval))
        }
        self.contexts = contexts
        self.gate = AcceptGate(limit: configuration.maxConnections, logger: logger, eventLoop: self.acceptLoop) { [contexts] channel in
            guard let loop = contexts[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.inappropriateOperationForState }
            try Self.setOptions(of: channel, configuration)
            try Self.addHandlers(to: channel.pipeline.syncOperations, runtime, loop, tls?.current)
        }
    }

    /// Binds the address and begins to accept.
    ///
    /// - Throws: ``ConnectorError`` that names address, port and cause.
    public func start() async throws(ConnectorError) {
        try self.configuration.validate()
        let isFirst = self.state.withLock { state in
            guard case .made = state else { return false }
            state = .starting
            return true
        }
        guard isFirst else { throw ConnectorError(.invalidState, "the connector on port \(self.configuration.port) was started before") }
        do {
            let channel = try await self.bind()
            self.state.withLock { $0 = .listening(channel) }
            if let port = channel.localAddress?.port { self.handshakes.rename("https-\(port)") }
        } catch {
            self.state.withLock { $0 = .closed(port: nil) }
            throw error
        }
    }

    /// The port that is bound, or `nil` before ``start()``.
    ///
    /// Tells the port that was chosen for port 0.
    public var localPort: Int? {
        self.state.withLock { state in
            switch state {
            case .made, .starting: nil
            case .listening(let channel): channel.localAddress?.port
            case .closed(let port): port
            }
        }
    }

    /// Closes the listening socket; connections go on.
    public func stopAccepting() async {
        let channel = self.state.withLock { state -> (any Channel)? in
            guard case .listening(let channel) = state else {
                if case .made = state { state = .closed(port: nil) }
                return nil
            }
            state = .closed(port: channel.localAddress?.port)
            return channel
        }
        try? await channel?.close()
    }

    /// Stops: accepts no more, closes idle connections, lets running requests finish, and closes what is left after the grace period.
    ///
    /// Returns when the last connection is closed. Tasks that still run then have been cancelled.
    public func stop(gracePeriod: Duration) async {
        await self.stopAccepting()
        for context in self.contexts.values { context.loop.execute { context.drain() } }
        let enforcer = Task {
            try await Task.sleep(for: max(gracePeriod, .zero))
            for context in self.contexts.values { context.loop.execute { context.stop() } }
        }
        await self.gate.waitUntilEmpty()
        enforcer.cancel()
        self.handshakes.flush()
        self.runtime.pool.shutDown()
    }

    /// What was counted so far.
    public var counters: Counters {
        Counters(
            currentConnections: self.gate.current.load(ordering: .relaxed),
            totalConnections: self.gate.total.load(ordering: .relaxed),
            rejectedConnections: self.gate.rejected.load(ordering: .relaxed),
            totalRequests: self.contexts.values.reduce(0) { $0 + $1.requests.value },
            currentRequests: self.runtime.gate.load,
            refusedRequests: self.contexts.values.reduce(0) { $0 + $1.refusals.value }
        )
    }
}

extension Connector {
    private func bind() async throws(ConnectorError) -> any Channel {
        guard self.configuration.address == nil else { return try await self.bind(to: self.resolvedAddress()) }
        do {
            return try await self.bind(to: self.address(ip: "::"))
        } catch {
            // A machine without IPv6.
            guard error.code == .addressUnavailable else { throw error }
            return try await self.bind(to: self.address(ip: "0.0.0.0"))
        }
    }

    private func address(ip: String) throws(ConnectorError) -> SocketAddress {
        do {
            return try SocketAddress(ipAddress: ip, port: self.configuration.port)
        } catch {
            throw ConnectorError(.addressUnavailable, "cannot listen on [\(ip)]:\(self.configuration.port): \(error)")
        }
    }

    private func resolvedAddress() throws(ConnectorError) -> SocketAddress {
        let name = self.configuration.address ?? ""
        if let address = try? SocketAddress(ipAddress: name, port: self.configuration.port) { return address }
        do {
            return try SocketAddress.makeAddressResolvingHost(name, port: self.configuration.port)
        } catch {
            throw ConnectorError(.addressUnavailable, "cannot listen on \(name) port \(self.configuration.port): the address is unknown (\(error))")
        }
    }

    private func bind(to address: SocketAddress) async throws(ConnectorError) -> any Channel {
        let configuration = self.configuration
        let gate = self.gate
        var bootstrap = ServerBootstrap(group: self.acceptLoop, childGroup: self.group)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.acceptCount))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: configuration.soReuseAddress ? 1 : 0)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(gate) }
            }
            // Connections have it from the listening socket, which saves each a system call.
            .serverChannelOption(.tcpOption(.tcp_nodelay), value: configuration.tcpNoDelay ? 1 : 0)
        // On the listening socket, so that it decides the window that is offered from the first packet on.
        if let size = configuration.rxBufSize { bootstrap = bootstrap.serverChannelOption(.socketOption(.so_rcvbuf), value: .init(size)) }
        do {
            return try await bootstrap.bind(to: address).get()
        } catch {
            throw Self.bindError(error, address: address)
        }
    }

    // Small buffers for small requests, large ones for uploads; each connection keeps one of its last size.
    private static let receiveAllocator: any RecvByteBufferAllocator = AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1024, maximum: 65536)

    private static func setOptions(of channel: any Channel, _ configuration: ConnectorConfiguration) throws {
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.allowRemoteHalfClosure, value: true)
        try options.setOption(.recvAllocator, value: Self.receiveAllocator)
        try options.setOption(.writeBufferWaterMark, value: .init(low: 65536, high: 131_072))
        if let keepAlive = configuration.soKeepAlive { try options.setOption(.socketOption(.so_keepalive), value: keepAlive ? 1 : 0) }
        if let size = configuration.txBufSize { try options.setOption(.socketOption(.so_sndbuf), value: .init(size)) }
    }

    /// With names, because a number costs a string for each.
    private static func addHandlers(
        to pipeline: ChannelPipeline.SynchronousOperations,
        _ runtime: ConnectionRuntime,
        _ loop: EventLoopContext,
        _ tls: (any TLSServerContext)?
    ) throws {
        let connection = HTTP1ConnectionHandler(runtime: runtime, loop: loop)
        if let handler = tls?.makeHandler(reporter: runtime.handshakes, keeper: loop) {
            connection.tlsHandler = handler
            try pipeline.addHandler(handler, name: "tls")
        } else {
            try pipeline.addHandler(FlushGatherer(loop), name: "flush")
            if let tls { try pipeline.addHandler(tls.makeHandler(reporter: runtime.handshakes), name: "tls") }
        }
        try pipeline.addHandler(connection, name: "http1")
    }

    private static func bindError(_ error: any Error, address: SocketAddress) -> ConnectorError {
        let port = address.port ?? 0
        let place = "\(address.protocol == .inet6 ? "[\(address.ipAddress ?? "")]" : address.ipAddress ?? ""):\(port)"
        guard let error = error as? IOError else { return ConnectorError(.bindFailed, "cannot listen on \(place): \(error)") }
        let cause = String(cString: strerror(error.errnoCode))
        switch error.errnoCode {
        case EADDRINUSE:
            return ConnectorError(.portInUse, "cannot listen on \(place): port \(port) is in use (\(cause))")
        case EACCES, EPERM:
            let hint = port < 1024 ? "; ports below 1024 need a privilege, on Linux CAP_NET_BIND_SERVICE" : ""
            return ConnectorError(.permissionDenied, "cannot listen on \(place): permission denied for port \(port): \(cause)\(hint)")
        case EADDRNOTAVAIL, EAFNOSUPPORT:
            return ConnectorError(.addressUnavailable, "cannot listen on \(place): the address does not belong to this machine (\(cause))")
        default:
            return ConnectorError(.bindFailed, "cannot listen on \(place): \(cause)")
        }
    }
}

extension ConnectorConfiguration {
    /// Checks what can be checked without binding.
    func validate() throws(ConnectorError) {
        func require(_ condition: Bool, _ attribute: String, _ value: Int, _ expected: String) throws(ConnectorError) {
            guard !condition else { return }
            throw ConnectorError(.invalidConfiguration, "connector on port \(self.port): \(attribute) [\(value)] must be \(expected)")
        }
        try require((0...65535).contains(self.port), "port", self.port, "between 0 and 65535")
        try require(self.acceptCount > 0, "acceptCount", self.acceptCount, "at least 1")
        try require(self.maxConnections == -1 || self.maxConnections > 0, "maxConnections", self.maxConnections, "at least 1, or -1 for no limit")
        try require(self.maxThreads > 0, "maxThreads", self.maxThreads, "at least 1")
        let sizes = 256...16_777_216
        try require(
            sizes.contains(self.maxHttpRequestHeaderSize),
            "maxHttpRequestHeaderSize",
            self.maxHttpRequestHeaderSize,
            "between 256 and 16777216 bytes"
        )
        try require(
            sizes.contains(self.maxHttpResponseHeaderSize),
            "maxHttpResponseHeaderSize",
            self.maxHttpResponseHeaderSize,
            "between 256 and 16777216 bytes"
        )
        try require(self.maxTrailerSize >= 0, "maxTrailerSize", self.maxTrailerSize, "0 or more")
        try require(self.maxExtensionSize >= 0, "maxExtensionSize", self.maxExtensionSize, "0 or more")
        try require(self.txBufSize.map { $0 > 0 } ?? true, "socket.txBufSize", self.txBufSize ?? 0, "more than 0")
        try require(self.rxBufSize.map { $0 > 0 } ?? true, "socket.rxBufSize", self.rxBufSize ?? 0, "more than 0")
        guard let http2 else { return }
        let numbers = 1...Int(Int32.max)
        try require(numbers.contains(http2.maxConcurrentStreams), "maxConcurrentStreams", http2.maxConcurrentStreams, "between 1 and 2147483647")
        try require(http2.maxConcurrentStreamExecution > 0, "maxConcurrentStreamExecution", http2.maxConcurrentStreamExecution, "at least 1")
        try require(numbers.contains(http2.initialWindowSize), "initialWindowSize", http2.initialWindowSize, "between 1 and 2147483647 bytes")
    }
}
