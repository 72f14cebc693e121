import Logging
public import ServalServlet
import Synchronization

/// Renders the Mustache templates of a web application: `*.mustache`, as JSP does for `*.jsp`.
///
/// In `web.xml` its class is `serval.servlets.MustacheServlet`; the `conf/web.xml` that `serval init` lays down maps it to `*.mustache`. A page takes part in
/// sessions as a JSP page does: showing it creates one, unless it says `{{!@ page session="false" }}` (or, at its beginning, `<%@ page session="false" %>`).
///
/// A page can name `request`, `session`, `sessionScope`, `param`, `paramValues`, `header`, `cookie` and `initParam`, what was put under
/// ``ServalServlet/RequestAttributeKey/pageModel``, and `{{#url}}/path{{/url}}` for links. `{{name}}` is escaped for HTML, `{{{name}}}` is not.
/// `{{> header}}` includes `header.mustache` of the same folder, `{{> /WEB-INF/header}}` one from the application's folder; what clients are not to ask for
/// belongs below `WEB-INF`. Errors name file and line in the log; the client gets 500.
///
/// Init parameters: `modificationTestInterval`, the seconds for which a page is taken from memory without looking at its files (default 4; 0 looks each time);
/// `session`, whether pages that do not say take part in sessions (default `true`).
///
/// Limits: 1 MiB a file, 100 files a page, 16 files and 64 sections deep. Files are read on the thread of the request that finds them changed.
public final class MustacheServlet: Servlet {
    private struct Settings: Sendable {
        var testInterval = Duration.seconds(4)
        var session = true

        init() {}

        init(_ configuration: ServletConfiguration) {
            for (name, value) in configuration.initParameters {
                switch name {
                case "modificationTestInterval":
                    if let seconds = Int(value), (0...86_400).contains(seconds) {
                        self.testInterval = .seconds(seconds)
                    } else {
                        warn("a number from 0 to 86400")
                    }
                case "session":
                    switch value.lowercased() {
                    case "true": self.session = true
                    case "false": self.session = false
                    default: warn("true or false")
                    }
                default: configuration.context.logger.warning("servlet \(configuration.name): there is no init parameter \"\(name)\"")
                }
                func warn(_ expected: String) {
                    configuration.context.logger.warning(
                        "servlet \(configuration.name): \(name)=\"\(value)\" is not \(expected); the default is taken"
                    )
                }
            }
        }
    }

    private struct Started: Sendable {
        let library: PageLibrary?
        let session: Bool

        init(_ settings: Settings, _ context: ServletContext) {
            self.library = context.documentRoot.map { PageLibrary(root: $0, testInterval: settings.testInterval) }
            self.session = settings.session
        }
    }

    private let started = Mutex<Started?>(nil)

    /// A servlet; its settings are its init parameters.
    public init() {}

    /// Reads the init parameters.
    public func start(_ configuration: ServletConfiguration) async throws {
        let started = Started(Settings(configuration), configuration.context)
        self.started.withLock { $0 = started }
    }

    /// What ``start(_:)`` has made; other servlets may ask for pages before it is called.
    private func started(for context: ServletContext) -> Started {
        self.started.withLock { current in
            if let current { return current }
            let started = Started(Settings(), context)
            current = started
            return started
        }
    }

    /// Answers GET, HEAD and POST with the page at the request's path; 404 if there is none.
    public func respond(to request: Request) async throws -> Response {
        guard [.get, .head, .post].contains(request.method) else {
            var response = request.method == .options ? Response() : Response.error(.methodNotAllowed)
            response.headers[.allow] = "GET, HEAD, POST, OPTIONS"
            return response
        }
        guard let response = try await self.response(page: request.servletPath + (request.pathInfo ?? ""), for: request) else {
            return .error(.notFound)
        }
        return response
    }

    /// Answers with a page, for servlets that prepare what it shows.
    ///
    /// - Parameters:
    ///   - page: the path within the application, such as `/WEB-INF/list.mustache`. Not to be taken from a client.
    ///   - model: what the page can name besides the implicit objects; over what was put under ``ServalServlet/RequestAttributeKey/pageModel``.
    /// - Returns: `nil` if there is no such file.
    /// - Throws: ``PageError``; ``ServalServlet/SessionError`` where the page insists on a session that there cannot be.
    public func response(page: String, model: [String: any Sendable] = [:], for request: Request) async throws -> Response? {
        let started = self.started(for: request.context)
        guard let page = try started.library?.page(page) else { return nil }
        if request.method == .post { try await request.form() }
        let model = (request[.pageModel] ?? [:]).merging(model) { _, new in new }
        let scope = PageScope(request: request, session: try await self.session(of: page, started, request), model: model)
        let text = page.render(scope)
        return Response(.ok, headers: [.contentType: page.directive.fullContentType], body: .text(text))
    }

    private func session(of page: Page, _ started: Started, _ request: Request) async throws(SessionError) -> HTTPSession? {
        guard page.directive.session ?? started.session else { return nil }
        do {
            return try await request.session()
        } catch  where error.code == .creationForbidden && page.directive.session == nil {
            // Sessions are off for this request, and the page does not insist.
            return nil
        }
    }
}

extension RequestAttributeKey<[String: any Sendable]> {
    /// What a page of ``MustacheServlet`` can name, by name; set by filters and valves.
    public static var pageModel: Self { .init("serval.page.model") }
}
