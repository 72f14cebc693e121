public import ServalServlet

/// What a connector hands its requests to: the engine of a service.
///
/// An object, because the box of a value would be copied for each request.
public protocol RequestHandler: AnyObject, Sendable {
    /// Answers a request; never throws: what goes wrong is a response, too.
    ///
    /// Called on the event loop that read the request, in a task whose preferred executor is that loop. The task is cancelled when the client is gone.
    nonisolated(nonsending) func respond(to request: Request) async -> Response
}
