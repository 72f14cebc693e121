#if Hummingbird
    import HTTPTypes
    public import Hummingbird
    import ServalServlet
    public import ServalSessions

    /// A request context whose handlers have sessions: of ``ServalSessionMiddleware``, or of the Serval server in which the application is mounted.
    public protocol ServalSessionRequestContext: RequestContext {
        /// The request's session; filled in by ``ServalSessionMiddleware``.
        var sessionScope: SessionScope? { get set }
    }

    extension ServalSessionRequestContext {
        /// The client's session; makes one if there is none.
        ///
        /// - Throws: `SessionError` `creationForbidden` without middleware and without a Serval server; `limitReached`, `storeUnavailable`.
        public func session() async throws(SessionError) -> HTTPSession {
            if let sessionScope { return try await sessionScope.session() }
            if let request = ServalRequest.current { return try await request.session() }
            throw SessionError(
                code: .creationForbidden,
                message: "there are no sessions here: add ServalSessionMiddleware to the router, or mount the application in a Serval server"
            )
        }

        /// The client's session, or `nil`; never makes one.
        public func existingSession() async throws(SessionError) -> HTTPSession? {
            if let sessionScope { return try await sessionScope.existingSession() }
            return try await ServalRequest.current?.existingSession()
        }
    }

    /// Serval's sessions in a Hummingbird application of its own.
    ///
    /// ```swift
    /// let sessions = StandardSessionManager()
    /// router.add(middleware: ServalSessionMiddleware(manager: sessions))
    /// router.get("/visits") { _, context in
    ///     let session = try await context.session()
    ///     return "\(try await session.update(Visits.self, default: 0) { $0 += 1; return $0 })"
    /// }
    /// var application = Application(router: router)
    /// application.addServices(SessionManagerService(manager: sessions))
    /// ```
    ///
    /// A session is looked up when a handler asks for it, and stored before the response is sent; a store that does not answer is 503. Unlike hummingbird-auth's, unknown ids of
    /// clients are never taken on, attributes are kept one by one, and the id changes with `session.signOn(as:)`.
    public struct ServalSessionMiddleware<Context: ServalSessionRequestContext>: RouterMiddleware {
        private let manager: any SessionManager
        private let cookie: SessionCookieConfiguration
        private let secureCookies: Bool

        /// A middleware.
        ///
        /// - Parameters:
        ///   - manager: keeps the sessions; ``SessionManagerService`` starts and stops it.
        ///   - cookie: the settings of the cookie. Default: `JSESSIONID`, `HttpOnly`, for the whole host.
        ///   - secureCookies: whether clients come by https, directly or through a proxy: then cookies are `Secure`. Default `true`; browsers take such cookies from
        ///     `http://localhost`, too.
        public init(manager: any SessionManager, cookie: SessionCookieConfiguration = SessionCookieConfiguration(), secureCookies: Bool = true) {
            self.manager = manager
            self.cookie = cookie
            self.secureCookies = secureCookies
        }

        /// Gives the context its scope, and the response its cookie.
        @concurrent
        public func handle(
            _ request: Hummingbird.Request,
            context: Context,
            next: @concurrent (Hummingbird.Request, Context) async throws -> Hummingbird.Response
        ) async throws -> Hummingbird.Response {
            let scope = SessionScope(
                manager: self.manager,
                cookie: self.cookie,
                cookieFields: request.headers[values: .cookie],
                isSecure: self.secureCookies
            )
            var context = context
            context.sessionScope = scope
            var response: Hummingbird.Response
            do {
                response = try await scope.run { [context] in try await next(request, context) }
            } catch let error as SessionError {
                _ = try? await scope.close()
                throw Self.httpError(error)
            } catch let error as any HTTPResponseError {
                // Made into a response here, because that has to carry the cookie.
                response = try error.response(from: request, context: context)
            } catch {
                _ = try? await scope.close()
                throw error
            }
            do {
                if let field = try await scope.close() { response.headers.append(HTTPField(name: .setCookie, value: field)) }
            } catch {
                throw Self.httpError(error)
            }
            return response
        }

        private static func httpError(_ error: SessionError) -> any Error {
            error.code == .storeUnavailable || error.code == .limitReached ? Hummingbird.HTTPError(.serviceUnavailable) : error
        }
    }
#endif
