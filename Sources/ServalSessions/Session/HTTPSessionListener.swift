/// Why a session ended.
public enum SessionEndReason: Sendable, Hashable {
    /// The application called ``HTTPSession/invalidate()``.
    case invalidated
    /// The session was idle for longer than its ``HTTPSession/maxInactiveInterval``.
    case expired
    /// The manager ended it to stay within its budget.
    case evicted
    /// The application or the server was stopped.
    case serverStopped
}

/// Hears of the life of every session of a context.
///
/// Every method has an empty default. Source: Servlet 6.1, `HttpSessionListener` and `HttpSessionIdListener`.
public protocol HTTPSessionListener: Sendable {
    /// Called after a session was created and before the request that created it goes on.
    func sessionCreated(_ session: HTTPSession) async
    /// Called once when a session has ended; its attributes can still be read.
    func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async
    /// Called after a session got another id.
    func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async
}

extension HTTPSessionListener {
    /// Does nothing.
    public func sessionCreated(_ session: HTTPSession) async {}
    /// Does nothing.
    public func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async {}
    /// Does nothing.
    public func sessionIDChanged(_ session: HTTPSession, from oldID: SessionID) async {}
}
