/// Answers the requests that a context maps to it.
///
/// One instance serves all requests at once, so a servlet is `Sendable`.
public protocol Servlet: Sendable {
    /// Called once, before the first request.
    func start(_ configuration: ServletConfiguration) async throws
    /// Answers a request. Runs on the event loop that read it until it suspends: code that blocks belongs into a ``BlockingServlet``.
    func respond(to request: Request) async throws -> Response
    /// Called once, after the last response.
    func stop() async
}

extension Servlet {
    /// Does nothing.
    public func start(_ configuration: ServletConfiguration) async throws {}
    /// Does nothing.
    public func stop() async {}
}

/// A servlet that blocks its thread: file systems, database drivers, long computations.
///
/// It runs on the connector's bounded pool of `maxThreads` threads, never on an event loop. The hop costs about 6 µs a request.
public protocol BlockingServlet: Servlet {}

/// A servlet with a method for each HTTP method; what it leaves out answers 405.
public protocol HTTPServlet: Servlet {
    /// The methods that this servlet answers, for `Allow` of 405 and OPTIONS. Default: all that the protocol has.
    var allowedMethods: [HTTPRequest.Method] { get }
    /// Answers GET, and HEAD without the body.
    func get(_ request: Request) async throws -> Response
    /// Answers POST.
    func post(_ request: Request) async throws -> Response
    /// Answers PUT.
    func put(_ request: Request) async throws -> Response
    /// Answers DELETE.
    func delete(_ request: Request) async throws -> Response
}

extension HTTPServlet {
    /// All methods that the protocol has, and HEAD and OPTIONS.
    public var allowedMethods: [HTTPRequest.Method] { [.get, .head, .post, .put, .delete, .options] }
    /// Answers 405.
    public func get(_ request: Request) async throws -> Response { self.methodNotAllowed }
    /// Answers 405.
    public func post(_ request: Request) async throws -> Response { self.methodNotAllowed }
    /// Answers 405.
    public func put(_ request: Request) async throws -> Response { self.methodNotAllowed }
    /// Answers 405.
    public func delete(_ request: Request) async throws -> Response { self.methodNotAllowed }

    /// Calls the function for the method; OPTIONS and methods of no function are answered here.
    public func respond(to request: Request) async throws -> Response {
        switch request.method {
        case .get, .head: return try await self.get(request)
        case .post: return try await self.post(request)
        case .put: return try await self.put(request)
        case .delete: return try await self.delete(request)
        case .options: return Response(.ok, headers: [.allow: self.allowField])
        default: return self.methodNotAllowed
        }
    }

    private var allowField: String { self.allowedMethods.map(\.rawValue).joined(separator: ", ") }

    private var methodNotAllowed: Response {
        var response = Response.error(.methodNotAllowed)
        response.headers[.allow] = self.allowField
        return response
    }
}

/// What a servlet or filter is started with.
public struct ServletConfiguration: Sendable {
    /// The name under which it is registered.
    public var name: String
    /// Its `<init-param>`s.
    public var initParameters: [String: String]
    /// The application it belongs to.
    public var context: ServletContext

    /// A configuration.
    public init(name: String, initParameters: [String: String] = [:], context: ServletContext) {
        self.name = name
        self.initParameters = initParameters
        self.context = context
    }
}
