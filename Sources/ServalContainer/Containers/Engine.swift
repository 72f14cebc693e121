public import Logging
public import ServalHTTP
public import ServalServlet
import Synchronization

/// Answers the requests of a service's connectors: chooses host, context and servlet, then passes the request through the valves.
///
/// The choice is made once, before the first valve, from the authority and the path as they were received; so every valve sees the context and a
/// changed header field cannot lead a request elsewhere.
public final class Engine: RequestHandler {
    /// The name.
    public let name: String
    /// The virtual hosts.
    public let hosts: [Host]
    private let valves: [any Valve]
    private let table: HostTable<Host>
    private let backgroundProcessorDelay: Duration
    private let logger: Logger
    private let background = Mutex<AbandonableWork?>(nil)
    /// How long stopping waits for background work in progress, such as an operation of a store that hangs.
    private static let backgroundPatience = Duration.seconds(5)

    /// An engine that is not started.
    public init(_ definition: EngineDefinition, logger: Logger) throws(ConfigurationError) {
        self.name = definition.name
        self.valves = definition.valves
        self.logger = logger
        self.backgroundProcessorDelay = definition.backgroundProcessorDelay
        var hosts: [Host] = []
        var names: Set<String> = []
        for host in definition.hosts {
            for name in [host.name] + host.aliases {
                guard names.insert(name.lowercased()).inserted else {
                    throw ConfigurationError(code: .duplicateName, message: "engine \(definition.name) has two hosts with the name or alias \(name)")
                }
            }
            hosts.append(try Host(host, jvmRoute: definition.jvmRoute, logger: logger))
        }
        let fallback = hosts.first { host in host.names.contains { $0.lowercased() == definition.defaultHost.lowercased() } }
        guard fallback != nil || hosts.isEmpty else {
            throw ConfigurationError(
                code: .unknownName,
                message: "the default host \(definition.defaultHost) of engine \(definition.name) is none of its hosts: "
                    + hosts.map(\.name).joined(separator: ", ")
            )
        }
        self.hosts = hosts
        self.table = HostTable(hosts.map { ($0.names, $0) }, fallback: fallback)
    }

    // MARK: Life cycle

    /// Starts valves, hosts and contexts, then the background work.
    ///
    /// Applications are prepared in their order, then their stores of sessions are opened all at once, so that several that do not answer take no longer than one, and
    /// then listeners, filters and servlets start, in their order again.
    ///
    /// - Throws: what a valve of the engine or of a host throws. A context that fails is logged and answers 404.
    public func start() async throws {
        for valve in self.valves { try await valve.start() }
        for host in self.hosts { try await host.startValves() }
        await Context.start(self.hosts.flatMap(\.contexts))
        guard self.backgroundProcessorDelay > .zero else { return }
        let delay = self.backgroundProcessorDelay
        let work = AbandonableWork { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: delay)
                guard !Task.isCancelled, let self else { return }
                await self.processBackground()
            }
        }
        self.background.withLock { $0 = work }
    }

    /// Stops the background work, then hosts with their contexts, all at once, and then valves in reverse order.
    ///
    /// All of that is done also in a task that is cancelled.
    public func stop() async { await Task.uncancelled { await self.stopAll() } }

    private func stopAll() async {
        let work = self.background.withLock { work in
            defer { work = nil }
            return work
        }
        work?.task.cancel()
        _ = await work?.wait { try? await Task.sleep(for: Self.backgroundPatience) }
        await withTaskGroup { group in
            for host in self.hosts.reversed() { group.addTask { await host.stop() } }
        }
        for valve in self.valves.reversed() { await valve.stop() }
    }

    /// One run of the background work of every context, such as the expiry of sessions.
    package func processBackground() async {
        for host in self.hosts {
            for context in host.contexts where !Task.isCancelled { await context.processBackground() }
        }
    }

    // MARK: Requests

    /// Answers a request.
    ///
    /// What goes wrong becomes an error page.
    public func respond(to request: Request) async -> Response {
        if request.method == .options, request.isForServer {
            // Source: RFC 9110 §9.3.7; the methods are those of Tomcat's answer.
            return Response(.ok, headers: [.allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS"])
        }
        guard let host = self.table.single ?? self.table.target(for: request.hostName) else {
            return ErrorReportPage().response(status: .notFound, message: nil)
        }
        let route = host.route(request)
        guard let tracker = route.tracker else { return await self.respond(to: request, route: route) }
        var mapped = request
        mapped.mapping = route.mapping
        guard self.valves.isEmpty, let observers = host.observers, let servlet = route.directServlet, !tracker.mayBeRequested else {
            return await self.respond(to: mapped, route: route, tracker: tracker)
        }
        // What is true of most requests has no more layers than it needs: each has its memory.
        var response: Response
        do {
            response = try await servlet.respond(to: mapped)
            if response.error != nil { response = await host.errorResponse(for: response, request: mapped, route: route) }
        } catch {
            response = await host.errorResponse(for: error, request: mapped, route: route, place: route.place)
        }
        for observer in observers { observer.observe(mapped, response) }
        if tracker.mustTouch || tracker.mustSave { await self.finish(&response, request: mapped, route: route, tracker: tracker) }
        tracker.commit(&response)
        return consume response
    }

    private func respond(to request: Request, route: Route, tracker: SessionTracker) async -> Response {
        var response: Response
        if tracker.mayBeRequested {
            await tracker.prepare()
            response = await SessionRequest.$current.withValue(tracker) { await self.respond(to: request, route: route) }
        } else {
            response = await self.respond(to: request, route: route)
        }
        await self.finish(&response, request: request, route: route, tracker: tracker)
        tracker.commit(&response)
        return response
    }

    /// What the session needs before the response is sent.
    private func finish(_ response: inout Response, request: Request, route: Route, tracker: SessionTracker) async {
        if tracker.mustTouch { _ = try? await tracker.existingSession(for: request, touches: true) }
        guard tracker.mustSave else { return }
        do {
            try await tracker.save()
        } catch {
            response = await route.host.errorResponse(for: error, request: request, route: route, place: "saving the session")
        }
    }

    private func respond(to request: Request, route: Route) async -> Response {
        guard !self.valves.isEmpty else { return await route.host.respond(to: request, route: route) }
        let chain = ValveChain(valves: self.valves[...]) { request in await route.host.respond(to: request, route: route) }
        do {
            let response = try await chain(request)
            return response.error == nil ? response : await route.host.errorResponse(for: response, request: request, route: route)
        } catch {
            return await route.host.errorResponse(for: error, request: request, route: route, place: "a valve of engine \(self.name)")
        }
    }
}

extension Request {
    /// The name that chooses the virtual host.
    fileprivate var hostName: ArraySlice<UInt8>? {
        if let proxyName = self.state.connection.proxyName { return Array(proxyName.utf8)[...] }
        return self.authorityHost
    }

    /// Whether the request is for the server as a whole: `OPTIONS *`.
    fileprivate var isForServer: Bool { self.state.head.bytes[self.state.head.target].elementsEqual("*".utf8) }
}
