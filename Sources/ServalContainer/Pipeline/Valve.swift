public import ServalServlet

/// Sees every request of an engine, a host or a context on its way in, and the response on its way out.
///
/// Source: Tomcat's `Valve`.
public protocol Valve: Sendable {
    /// Answers the request itself, or passes it (or a changed copy) to `next` and returns its response (or a changed one).
    func respond(to request: Request, next: ValveChain) async throws -> Response
    /// Called before the first request.
    func start() async throws
    /// Called after the last response.
    func stop() async
}

extension Valve {
    /// Does nothing.
    public func start() async throws {}
    /// Does nothing.
    public func stop() async {}
}

/// A valve that neither answers nor changes anything: it only wants to know what came of each request.
///
/// A host whose valves are all like that calls them when the response is made, which saves every request the layers of a pipeline.
protocol ObservingValve: Valve {
    /// Whether ``observe(_:_:)`` does what ``Valve/respond(to:next:)`` would do.
    var onlyObserves: Bool { get }
    /// Called with a request and the response to it.
    func observe(_ request: Request, _ response: Response)
}

/// The rest of a pipeline: the valves that follow, then the container's own step.
public struct ValveChain: Sendable {
    private let valves: ArraySlice<any Valve>
    private let basic: @Sendable (Request) async throws -> Response

    package init(valves: ArraySlice<any Valve>, basic: @escaping @Sendable (Request) async throws -> Response) {
        self.valves = valves
        self.basic = basic
    }

    /// Passes the request on.
    public func callAsFunction(_ request: Request) async throws -> Response {
        guard let valve = self.valves.first else { return try await self.basic(request) }
        return try await valve.respond(to: request, next: ValveChain(valves: self.valves.dropFirst(), basic: self.basic))
    }
}
