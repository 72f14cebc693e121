import Logging
import ServalServlet

/// Runs a virtual host.
public final class Host: Sendable {
    /// The name.
    public let name: String
    /// Further names.
    public let aliases: [String]
    /// The contexts in the order of the definition.
    public let contexts: [Context]
    private let valves: [any Valve]
    /// All the valves, the innermost first, if none of them is more than an observer.
    let observers: [any ObservingValve]?
    private let table: ContextTable<Context>
    private let report: ErrorReportPage
    private let logger: Logger

    init(_ definition: HostDefinition, jvmRoute: String?, logger: Logger) throws(ConfigurationError) {
        self.name = definition.name
        self.aliases = definition.aliases
        self.valves = definition.valves
        let observers = definition.valves.reversed().compactMap { $0 as? any ObservingValve }.filter(\.onlyObserves)
        self.observers = observers.count == definition.valves.count ? observers : nil
        self.logger = logger
        self.report = ErrorReportPage(showsReport: definition.showsErrorReport, showsServerInfo: definition.showsServerInfo)
        let siblings = SiblingSessions()
        let directory = HostDirectory(name: definition.name, aliases: definition.aliases)
        var contexts: [Context] = []
        for context in definition.contexts {
            guard !contexts.contains(where: { $0.path == context.path }) else {
                throw ConfigurationError(
                    code: .duplicateName,
                    message: "host \(definition.name) has two contexts with the path \"\(context.path)\""
                )
            }
            guard context.path.isEmpty || (context.path.hasPrefix("/") && !context.path.hasSuffix("/")) else {
                throw ConfigurationError(
                    code: .invalidValue,
                    message: "the context path \"\(context.path)\" is neither empty nor begins with a slash and ends without one"
                )
            }
            contexts.append(Context(context, directory: directory, jvmRoute: jvmRoute, siblings: siblings, logger: logger))
        }
        directory.fill(contexts)
        self.contexts = contexts
        self.table = ContextTable(contexts.map { ($0.path, $0) })
    }

    var names: [String] { [self.name] + self.aliases }

    func startValves() async throws {
        for valve in self.valves { try await valve.start() }
    }

    func stop() async {
        // All at once: one application whose store does not answer keeps the others' sessions from nothing.
        await withTaskGroup { group in
            for context in self.contexts.reversed() { group.addTask { await context.stop() } }
        }
        for valve in self.valves.reversed() { await valve.stop() }
    }

    // MARK: Requests

    /// Where a request goes.
    func route(_ request: Request) -> Route {
        let path: RequestPath
        do throws(RequestPath.Rejection) {
            path = try RequestPath(request.pathBytes)
        } catch {
            return Route(host: self, destination: .failure(.badRequest, error.reason))
        }
        guard let (context, rest) = self.table.match(path.bytes) else { return Route(host: self, destination: .failure(.notFound, nil)) }
        guard let running = context.running else {
            return Route(host: self, destination: .failure(context.isPaused ? .serviceUnavailable : .notFound, nil))
        }
        return running.route(request, path: rest, hasParameters: path.hasParameters, host: self)
    }

    func respond(to request: Request, route: Route) async -> Response {
        if let observers {
            let response = await self.respondInContext(to: request, route: route)
            for observer in observers { observer.observe(request, response) }
            return response
        }
        let chain = ValveChain(valves: self.valves[...]) { request in await self.respondInContext(to: request, route: route) }
        do {
            let response = try await chain(request)
            return response.error == nil ? response : await self.errorResponse(for: response, request: request, route: route)
        } catch {
            return await self.errorResponse(for: error, request: request, route: route, place: "a valve of host \(self.name)")
        }
    }

    private func respondInContext(to request: Request, route: Route) async -> Response {
        do {
            let response: Response
            if let servlet = route.directServlet {
                response = try await servlet.respond(to: request)
            } else if let running = route.running {
                response = try await running.respond(to: request, destination: route.destination)
            } else {
                response = route.destination.immediateResponse
            }
            return response.error == nil ? response : await self.errorResponse(for: response, request: request, route: route)
        } catch {
            return await self.errorResponse(for: error, request: request, route: route, place: route.place)
        }
    }

    // MARK: Errors

    /// The answer to a request whose servlet, filter or valve threw.
    ///
    /// What is not meant for clients is logged, once, and not told to them.
    func errorResponse(for error: any Error, request: Request, route: Route, place: @autoclosure () -> String) async -> Response {
        let failure = RequestFailure(error)
        if failure.isUnexpected {
            // A request is cancelled when its client goes away: everybody can do that at any rate, and nothing is wrong with the server.
            (route.running?.servletContext.logger ?? self.logger).log(
                level: Task.isCancelled ? .debug : .error,
                "\(place()) failed to answer \(request.method.rawValue) \(LogText.escaped(request.path)): \(LogText.escaped(String(describing: error)))"
            )
        }
        var response = Response.error(failure.status, message: failure.message)
        response.error?.errorType = String(reflecting: type(of: error))
        for field in request[.errorFields] ?? [:] { response.headers.addIfMissing(field.name, field.value) }
        if let seconds = failure.retryAfter { response.headers[.retryAfter] = String(seconds) }
        return await self.errorResponse(for: response, request: request, route: route, error: error)
    }

    /// Replaces a response that asks for an error page by the application's page for it, or by the host's.
    func errorResponse(for response: Response, request: Request, route: Route, error: (any Error)? = nil) async -> Response {
        if let running = route.running, let page = await running.errorPage(for: response, request: request, error: error) { return page }
        return self.report.response(for: response)
    }
}

/// Where a request goes; decided once, and a class because it travels through every closure of the pipelines.
final class Route: Sendable {
    let host: Host
    let running: RunningContext?
    let mapping: RequestMapping?
    let tracker: SessionTracker?
    let destination: Destination

    init(host: Host, running: RunningContext? = nil, mapping: RequestMapping? = nil, tracker: SessionTracker? = nil, destination: Destination) {
        self.host = host
        self.running = running
        self.mapping = mapping
        self.tracker = tracker
        self.destination = destination
    }

    /// The servlet of a request with nothing in between: neither the context's valves nor filters.
    ///
    /// Every layer of async calls that is left out saves 500 instructions.
    var directServlet: (any Servlet)? {
        guard let running, !running.hasValves, case .servlet(let wrapper, let filters) = self.destination, filters.isEmpty else { return nil }
        return wrapper.readyServlet
    }

    /// What a log line says of the place of an error.
    var place: String {
        guard let mapping else { return "host \(self.host.name)" }
        return "servlet \(mapping.servletName) of context \(mapping.context.displayName)"
    }
}

/// What happens at the end of the pipelines.
enum Destination: Sendable {
    case servlet(ServletWrapper, filters: [any Filter])
    case redirect(String)
    case failure(HTTPResponse.Status, String?)

    /// The answer where no servlet is needed.
    var immediateResponse: Response {
        switch self {
        case .servlet: .error(.internalServerError)
        case .redirect(let location): .redirect(to: location)
        case .failure(let status, let message): .error(status, message: message)
        }
    }
}
