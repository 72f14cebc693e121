public import Logging
public import NIOCore
public import ServalTLS
import Synchronization

/// Listens on one address and port and hands the requests that arrive there to a ``RequestHandler``.
///
/// HTTP/1.1 and HTTP/1.0 (RFC 9112), over TLS if it was given a context. Life cycle: make, ``start()``, ``stop(gracePeriod:)``; it cannot be started again.
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

    /// The settings it was made with.
    public let configuration: ConnectorConfiguration

    /// A connector; does nothing before ``start()``.
    ///
    /// - Parameters:
    ///   - configuration: checked by ``start()``.
    ///   - handler: answers the requests.
    ///   - tls: the context of new connections; `nil` for plain HTTP.
    ///   - eventLoopGroup: does the work; belongs to the caller and must outlive the connector.
    ///   - logger: gets what operators need; nothing per request.
    public init(
        configuration: ConnectorConfiguration,
        handler: any RequestHandler,
        tls: TLSContextReference?,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
    }

    /// Binds the address and begins to accept.
    ///
    /// - Throws: ``ConnectorError`` that names address, port and cause.
    public func start() async throws(ConnectorError) {}

    /// The port that is bound, or `nil` before ``start()``. Tells the port that was chosen for port 0.
    public var localPort: Int? { nil }

    /// Closes the listening socket; connections go on.
    public func stopAccepting() async {}

    /// Stops: accepts no more, closes idle connections, lets running requests finish, and closes what is left after the grace period.
    ///
    /// Returns when the last connection is closed.
    public func stop(gracePeriod: Duration) async {}

    /// What was counted so far.
    public var counters: Counters { Counters() }
}
