public import Logging
import Synchronization

/// The TLS context that a connector uses for new connections; it can be replaced while the connector runs.
///
/// Connections that exist keep the context they began with.
public final class TLSContextReference: Sendable {
    private let context: Mutex<any TLSServerContext>

    /// Makes a reference to `context`.
    public init(_ context: any TLSServerContext) { self.context = Mutex(context) }

    /// The context for the next connection; costs one uncontended lock.
    public var current: any TLSServerContext { context.withLock { $0 } }

    /// Makes a context from `configuration` and uses it from now on; if that fails the old one stays.
    ///
    /// Reads files; do not call it on an event loop.
    ///
    /// - Throws: why the new context could not be made.
    public func reload(_ configuration: TLSEndpointConfiguration, backend: any TLSBackend, logger: Logger) throws(TLSError) {
        let next = try backend.makeServerContext(configuration, logger: logger)
        replace(with: next)
    }

    /// Uses `next` from now on.
    public func replace(with next: any TLSServerContext) { context.withLock { $0 = next } }
}
