import Logging
import ServalServlet
import ServalTLS

/// What all connections of a connector share: its settings as they take effect, and what it runs requests with.
final class ConnectionRuntime: Sendable {
    let configuration: ConnectorConfiguration
    let handler: any RequestHandler
    let logger: Logger
    /// Where refused TLS clients are told of.
    let handshakes: TLSHandshakeReporter?
    let syntax: HTTP1Syntax
    let encoder: ResponseHeadEncoder
    let gate: RequestGate
    let pool: BlockingPool
    let isTLS: Bool
    /// `nil` where HTTP/2 is not spoken.
    let http2: HTTP2Runtime?
    /// Whether clear-text clients may change to HTTP/2 by a request.
    let offersUpgrade: Bool
    /// Time-outs in nanoseconds; `UInt64.max` for none.
    let headTimeout: UInt64
    let keepAliveTimeout: UInt64
    let bodyTimeout: UInt64
    let writeTimeout: UInt64
    let rateGracePeriod: UInt64
    /// How long a connection that is to be closed waits for the client to read the answer.
    let lingerTimeout: UInt64
    /// The seconds of `Keep-Alive: timeout=n`.
    let keepAliveSeconds: Int?
    let maxSwallowSize: Int

    init(configuration: ConnectorConfiguration, handler: any RequestHandler, isTLS: Bool, logger: Logger, handshakes: TLSHandshakeReporter? = nil) {
        func nanoseconds(_ duration: Duration) -> UInt64 { duration < .zero ? .max : UInt64(duration.nanoseconds) }
        self.configuration = configuration
        self.handler = handler
        self.logger = logger
        self.handshakes = handshakes
        self.isTLS = isTLS
        self.syntax = HTTP1Syntax(
            maxHeadSize: configuration.maxHttpRequestHeaderSize,
            maxHeaderCount: configuration.maxHeaderCount < 0 ? .max : configuration.maxHeaderCount,
            relaxedPathChars: configuration.relaxedPathChars,
            relaxedQueryChars: configuration.relaxedQueryChars
        )
        self.http2 = configuration.http2.map { [syntax] in HTTP2Runtime($0, connector: configuration, syntax: syntax, isTLS: isTLS) }
        self.offersUpgrade = configuration.http2?.allowsUpgrade ?? false && !isTLS
        self.encoder = ResponseHeadEncoder(
            settings: .init(
                limit: configuration.maxHttpResponseHeaderSize,
                server: configuration.server,
                removesServer: configuration.serverRemoveAppProvidedValues
            )
        )
        self.gate = RequestGate(capacity: configuration.maxThreads)
        self.pool = BlockingPool(name: "http-\(configuration.port)", maxThreads: configuration.maxThreads)
        self.headTimeout = nanoseconds(configuration.connectionTimeout)
        self.keepAliveTimeout = nanoseconds(configuration.effectiveKeepAliveTimeout)
        self.bodyTimeout = nanoseconds(
            configuration.disableUploadTimeout ? configuration.connectionTimeout : configuration.connectionUploadTimeout
        )
        self.writeTimeout = nanoseconds(configuration.connectionTimeout)
        self.rateGracePeriod = nanoseconds(configuration.minimumDataRateGracePeriod)
        self.lingerTimeout = min(self.headTimeout, 5_000_000_000)
        let seconds = configuration.effectiveKeepAliveTimeout.components.seconds
        self.keepAliveSeconds = configuration.useKeepAliveResponseHeader && seconds > 0 ? Int(seconds) : nil
        self.maxSwallowSize = configuration.maxSwallowSize < 0 ? .max : configuration.maxSwallowSize
    }

    /// How often deadlines are looked at, in nanoseconds: often enough for the shortest of them, at most 20 times a second.
    var sweepInterval: Int64 {
        let shortest = min(self.headTimeout, self.keepAliveTimeout, self.bodyTimeout, self.http2?.shortestTimeout ?? .max, 4_000_000_000)
        return Int64(max(50_000_000, shortest / 4))
    }
}
