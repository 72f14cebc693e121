public import ServalServlet

/// Has the sessions of its applications stored with each request that changes them, before the response is sent.
///
/// It works on applications with a `PersistentManager` and a store; it may stand in an engine, a host or a context.
///
/// Source: Tomcat's `PersistentValve`. Its semaphore is not needed: requests of one session run at once here, and what they change is merged.
public struct PersistentValve: Valve {
    private let filter: CachedPattern?

    /// A valve.
    ///
    /// - Parameter filter: requests whose path this regular expression matches as a whole store nothing; what they change a later request stores. `nil` and
    ///   empty for none. Paths of more than 1024 bytes match nothing.
    /// - Throws: ``ConfigurationError`` for what is not a regular expression.
    public init(filter: String? = nil) throws(ConfigurationError) {
        self.filter = if let filter, !filter.isEmpty { try CachedPattern(filter, attribute: "filter") } else { nil }
    }

    /// Passes the request on.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        if let filter, filter.matches(request.path), let tracker = request.mapping?.sessions as? SessionTracker { tracker.leaveStoreAlone() }
        return try await next(request)
    }
}
