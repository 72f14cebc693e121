/// Hears of the start and the end of an application.
///
/// Source: Servlet 6.1 `ServletContextListener`.
public protocol ServletContextListener: Sendable {
    /// Called before filters and servlets start; may add servlets, filters and listeners. An error keeps the application from starting.
    func contextInitialized(_ context: ServletContext) async throws
    /// Called after filters and servlets have stopped.
    func contextDestroyed(_ context: ServletContext) async
}

extension ServletContextListener {
    /// Does nothing.
    public func contextInitialized(_ context: ServletContext) async throws {}
    /// Does nothing.
    public func contextDestroyed(_ context: ServletContext) async {}
}
