/// Where the container sent a request: the context, the servlet's part of the path, and the way to its session.
package final class RequestMapping: Sendable {
    package let context: ServletContext
    /// The part of the path that chose the servlet.
    package let servletPath: String
    /// The rest of the path; `nil` where there is none.
    package let pathInfo: String?
    /// The name of the servlet that the mapping chose.
    package let servletName: String
    package let sessions: (any RequestSessions)?

    package init(context: ServletContext, servletPath: String, pathInfo: String?, servletName: String, sessions: (any RequestSessions)?) {
        self.context = context
        self.servletPath = servletPath
        self.pathInfo = pathInfo
        self.servletName = servletName
        self.sessions = sessions
    }
}

/// How one request finds, makes and names its session; given by the container.
package protocol RequestSessions: Sendable {
    /// The id that the client sent, valid or not.
    var requestedSessionID: String? { get }
    /// How the client sent it.
    var requestedSessionIDSource: SessionTrackingMode? { get }

    /// Says who has signed in with this request, by the name that sessions belong to; `nil` for nobody.
    ///
    /// The request has no part in sessions of anybody else from now on, and a session that it makes belongs to the principal.
    func authenticationChanged(to owner: String?)

    /// The request's session, made if there is none.
    func session(for request: Request) async throws(SessionError) -> HTTPSession
    /// The request's session, if there is one; `touches` counts the request as access.
    func existingSession(for request: Request, touches: Bool) async throws(SessionError) -> HTTPSession?
    /// Whether the id that the client sent names a live session.
    func isRequestedSessionIDValid() async -> Bool
    /// The URL with the session id, where URL tracking is on and the client has not shown that it takes cookies.
    func encodedURL(_ url: String, for request: Request) -> String
}
