public import ServalServlet

/// Forbids sessions to what it is mapped to: with `/*`, to a whole application.
///
/// Behind it ``Request/existingSession()`` is `nil`, ``Request/session()`` throws ``SessionError/Code/creationForbidden``, and no response sets a session cookie.
/// Nothing is looked up and nothing is kept, whatever ids clients send.
public struct NoSessionFilter: Filter {
    /// A filter.
    public init() {}

    /// Passes the request on, without its session.
    public func filter(_ request: Request, next: FilterChain) async throws -> Response {
        try await next(request.with(sessionPolicy: .forbidden))
    }
}
