/// Sees requests on their way in and responses on their way out.
public protocol Filter: Sendable {
    /// Called once, before the first request.
    func start(_ configuration: ServletConfiguration) async throws
    /// Answers the request itself, or passes it (or a changed copy) to `next` and returns its response (or a changed one).
    func filter(_ request: Request, next: FilterChain) async throws -> Response
    /// Called once, after the last response.
    func stop() async
}

extension Filter {
    /// Does nothing.
    public func start(_ configuration: ServletConfiguration) async throws {}
    /// Does nothing.
    public func stop() async {}
}

/// The rest of a chain: the filters that follow, then the servlet.
public struct FilterChain: Sendable {
    private let filters: ArraySlice<any Filter>
    private let servlet: @Sendable (Request) async throws -> Response

    /// A chain that ends in `rest`.
    public init(_ rest: @escaping @Sendable (Request) async throws -> Response) {
        self.filters = []
        self.servlet = rest
    }

    package init(filters: ArraySlice<any Filter>, servlet: @escaping @Sendable (Request) async throws -> Response) {
        self.filters = filters
        self.servlet = servlet
    }

    /// Passes the request on.
    public func callAsFunction(_ request: Request) async throws -> Response {
        guard let filter = self.filters.first else { return try await self.servlet(request) }
        return try await filter.filter(request, next: FilterChain(filters: self.filters.dropFirst(), servlet: self.servlet))
    }
}
