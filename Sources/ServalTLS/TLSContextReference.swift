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
    /// Reads files; do not call it on an event loop. Calls at the same time have to be kept apart by whoever calls: the last one to end wins.
    ///
    /// - Returns: which certificates clients see that they did not see before, and which not any more.
    /// - Throws: why the new context could not be made; `.certificateNotValid` if clients would not accept a new certificate while they accept the old one.
    @discardableResult
    public func reload(
        _ configuration: TLSEndpointConfiguration,
        backend: any TLSBackend,
        logger: Logger
    ) throws(TLSError) -> CertificateReplacement {
        let next = try backend.makeServerContext(configuration, logger: logger)
        let replacement = CertificateReplacement(from: current.hostDescriptions, to: next.hostDescriptions)
        try replacement.check()
        context.withLock { $0 = next }
        return replacement
    }
}
