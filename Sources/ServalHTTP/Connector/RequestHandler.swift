public import ServalServlet

/// What a connector hands its requests to: the engine of a service.
public protocol RequestHandler: Sendable {
    /// Answers a request. Called on the event loop that read it; never throws: what goes wrong is a response, too.
    func respond(to request: Request) async -> Response
}
