import Logging
import ServalServlet

/// A started context: everything that a request needs, fixed.
final class RunningContext: Sendable {
    let servletContext: ServletContext
    let sessions: SessionSettings
    private let mapper: ServletMapper<ServletWrapper>
    private let wrappers: [ServletWrapper]
    private let filters: FilterTable
    private let valves: [any Valve]
    private let errorPages: ErrorPageTable
    private let welcomeFiles: [[UInt8]]
    private let documents: DocumentTree?
    private let redirectsContextRoot: Bool
    private let redirectsDirectories: Bool
    private let usesRelativeRedirects: Bool
    private let undo: [@Sendable () async -> Void]

    init(
        definition: ContextDefinition,
        servletContext: ServletContext,
        registry: ServletContext.Registry,
        wrappers: [ServletWrapper],
        sessions: SessionSettings,
        undo: [@Sendable () async -> Void]
    ) throws(ConfigurationError) {
        self.servletContext = servletContext
        self.sessions = sessions
        self.wrappers = wrappers
        self.filters = try FilterTable(registry)
        self.valves = definition.valves
        self.errorPages = ErrorPageTable(definition.descriptor.errorPages)
        let welcomeFiles = definition.descriptor.welcomeFiles
        self.welcomeFiles = (welcomeFiles.isEmpty ? ["index.html", "index.htm"] : welcomeFiles).map { Array($0.drop { $0 == "/" }.utf8) }
        self.documents = servletContext.documentRoot.map { DocumentTree(root: $0) }
        self.redirectsContextRoot = definition.redirectsContextRoot
        self.redirectsDirectories = definition.redirectsDirectories
        self.usesRelativeRedirects = definition.usesRelativeRedirects
        self.undo = undo
        var mapper = ServletMapper<ServletWrapper>()
        for mapping in registry.servletMappings {
            guard let wrapper = wrappers.first(where: { $0.name == mapping.name }) else {
                throw ConfigurationError(
                    code: .unknownName,
                    message: "the servlet mapping of \(mapping.pattern) names the servlet \"\(mapping.name)\", which is not declared"
                )
            }
            mapper.add(try URLPattern(mapping.pattern), wrapper)
        }
        self.mapper = mapper
    }

    func stop() async {
        for wrapper in self.wrappers.reversed() { await wrapper.stop() }
        for step in self.undo.reversed() { await step() }
    }

    // MARK: Mapping

    /// Where a request goes whose path within the context is `path`: empty, or beginning with a slash.
    func route(_ request: Request, path: ArraySlice<UInt8>, hasParameters: Bool, host: Host) -> Route {
        let tracker = SessionTracker(settings: self.sessions, request: request.state, hasPathParameters: hasParameters)
        var path = path
        if path.isEmpty {
            if self.redirectsContextRoot {
                return self.route(tracker, to: .redirect(self.location(of: [UInt8(ascii: "/")], request: request)), host: host)
            }
            path = [UInt8(ascii: "/")]
        }
        guard !path.isPrivate else { return self.route(tracker, to: .failure(.notFound, nil), host: host) }
        guard let match = self.match(path) else { return self.route(tracker, to: .failure(.notFound, nil), host: host) }
        if self.redirectsDirectories, path.last != UInt8(ascii: "/"), match.pathInfo == nil, self.documents?.isDirectory(path) == true,
            self.mapper.specificMatch(path, allowsSuffix: true) == nil
        {
            return self.route(tracker, to: .redirect(self.location(of: Array(path) + [UInt8(ascii: "/")], request: request)), host: host)
        }
        let filters = self.filters.filters(path: path, servletName: match.target.name)
        return Route(
            host: host,
            running: self,
            mapping: RequestMapping(
                context: self.servletContext,
                servletPath: match.servletPath,
                pathInfo: match.pathInfo,
                servletName: match.target.name,
                sessions: tracker
            ),
            tracker: tracker,
            destination: .servlet(match.target, filters: filters)
        )
    }

    private func route(_ tracker: SessionTracker, to destination: Destination, host: Host) -> Route {
        let mapping = RequestMapping(context: self.servletContext, servletPath: "", pathInfo: nil, servletName: "", sessions: tracker)
        return Route(host: host, running: self, mapping: mapping, tracker: tracker, destination: destination)
    }

    /// The servlet for a path; for a directory that no pattern but `/` matches, the servlet for its first welcome file.
    ///
    /// Welcome files that exist come before those that only an extension pattern would make. Source: Tomcat's `Mapper`.
    private func match(_ path: ArraySlice<UInt8>) -> ServletMapper<ServletWrapper>.Match? {
        if let match = self.mapper.specificMatch(path, allowsSuffix: true) { return match }
        if path.last == UInt8(ascii: "/") {
            let candidates = self.welcomeFiles.map { (path + $0)[...] }
            for candidate in candidates {
                if let match = self.mapper.specificMatch(candidate, allowsSuffix: false) { return match }
                // A look at the file system, on the event loop: one `openat` a segment, answered from the kernel's cache for what is in use.
                if self.documents?.isFile(candidate) == true { return self.mapper.match(candidate) }
            }
            for candidate in candidates {
                if let match = self.mapper.specificMatch(candidate, allowsSuffix: true) { return match }
            }
        }
        return self.mapper.fallbackMatch(path)
    }

    /// Where a redirect to a path within the context leads; the query and an id in the URL stay.
    private func location(of path: [UInt8], request: Request) -> String {
        var location = PathEncoding.encoded(Array(self.servletContext.path.utf8) + path)
        if let id = request.pathParameter(self.sessions.urlParameter), id.isSessionIDText, self.sessions.modes.contains(.url) {
            location += ";\(self.sessions.urlParameter)=\(id)"
        }
        if let query = request.query { location += "?\(query)" }
        guard !self.usesRelativeRedirects else { return location }
        let port = request.serverPort
        let isDefaultPort = port == (request.scheme == "https" ? 443 : 80)
        return "\(request.scheme)://\(request.serverName)\(isDefaultPort ? "" : ":\(port)")\(location)"
    }

    // MARK: Requests

    var hasValves: Bool { !self.valves.isEmpty }

    func respond(to request: Request, destination: Destination) async throws -> Response {
        guard !self.valves.isEmpty else { return try await Self.respond(to: request, at: destination) }
        let chain = ValveChain(valves: self.valves[...]) { request in try await Self.respond(to: request, at: destination) }
        return try await chain(request)
    }

    private static func respond(to request: Request, at destination: Destination) async throws -> Response {
        guard case .servlet(let wrapper, let filters) = destination else { return destination.immediateResponse }
        return try await wrapper.respond(to: request, filters: filters)
    }

    // MARK: Error pages

    /// The application's page for a response that asks for one; `nil` where it has none or the page fails itself.
    func errorPage(for response: Response, request: Request, error: (any Error)?) async -> Response? {
        guard let location = self.errorPages.location(status: response.status.code, error: error) else { return nil }
        guard let path = try? RequestPath(Array(location.utf8)[...]), let match = self.match(path.bytes) else {
            self.servletContext.logger.error("the error page \(location) of context \(self.servletContext.displayName) is mapped to no servlet")
            return nil
        }
        var dispatched = request
        dispatched.mapping = RequestMapping(
            context: self.servletContext,
            servletPath: match.servletPath,
            pathInfo: match.pathInfo,
            servletName: match.target.name,
            sessions: request.mapping?.sessions
        )
        dispatched.method = .get
        dispatched.body = .empty
        ErrorPageTable.setAttributes(of: request, response: response, error: error)
        do {
            var page = try await match.target.respond(to: dispatched)
            guard page.error == nil else {
                self.servletContext.logger.error("the error page \(location) answered with the error \(page.status.code) itself")
                return nil
            }
            if page.status == .ok { page.status = response.status }
            for field in response.headers where !page.headers.contains(field.name) || field.name == .setCookie {
                page.headers.append(field.name, field.value)
            }
            page.closesConnection = page.closesConnection || response.closesConnection
            return page
        } catch {
            self.servletContext.logger.error("the error page \(location) failed: \(LogText.escaped("\(error)"))")
            return nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether a path within a context begins with `/WEB-INF` or `/META-INF`, in any case.
    ///
    /// Source: Servlet 6.1 §10.5.
    fileprivate var isPrivate: Bool {
        guard self.count > 7 else { return false }
        let second = self[self.startIndex + 1].lowercased
        if second == UInt8(ascii: "w") { return self.hasFirstSegment("web-inf") }
        if second == UInt8(ascii: "m") { return self.hasFirstSegment("meta-inf") }
        return false
    }

    private func hasFirstSegment(_ name: StaticString) -> Bool {
        let segment = self.dropFirst().prefix { $0 != UInt8(ascii: "/") }
        guard segment.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { name in zip(segment, name).allSatisfy { $0.lowercased == $1 } }
    }
}
