/// The answer to a request: a value that filters may change on its way out.
public struct Response: Sendable {
    /// The status.
    public var status: HTTPResponse.Status
    /// The header fields.
    ///
    /// `Date`, `Content-Length`, `Transfer-Encoding`, `Connection` and `Keep-Alive` are the connector's.
    public var headers: HeaderFields
    /// The body.
    public var body: ResponseBody
    /// Close the connection once the response is sent (on HTTP/2: GOAWAY).
    public var closesConnection = false
    /// Set when the container shall answer with the application's error page, or its own.
    package var error: ErrorReport?

    /// What an error page tells.
    package struct ErrorReport: Sendable {
        package var message: String?
        /// The type of the error that a servlet threw, for `<exception-type>`; not shown to clients.
        package var errorType: String?

        package init(message: String? = nil, errorType: String? = nil) {
            self.message = message
            self.errorType = errorType
        }
    }

    /// A response.
    public init(_ status: HTTPResponse.Status = .ok, headers: HeaderFields = [:], body: ResponseBody = .empty) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A text response, `text/plain; charset=utf-8`.
    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status, headers: [.contentType: "text/plain; charset=utf-8"], body: .text(text))
    }

    /// An HTML response.
    public static func html(_ html: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status, headers: [.contentType: "text/html; charset=utf-8"], body: .text(html))
    }

    /// A JSON response from text that is JSON already.
    public static func json(_ json: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status, headers: [.contentType: "application/json"], body: .text(json))
    }

    /// A redirect.
    ///
    /// The location is sent as it is: absolute, or relative to the request (RFC 9110 §10.2.2).
    public static func redirect(to location: String, status: HTTPResponse.Status = .found) -> Response {
        Response(status, headers: [.location: location])
    }

    /// An error that the application's error page for the status answers, or the container's.
    ///
    /// Source: Servlet `sendError`.
    public static func error(_ status: HTTPResponse.Status, message: String? = nil) -> Response {
        var response = Response(status)
        response.error = ErrorReport(message: message)
        return response
    }

    /// Adds a `Set-Cookie` field.
    public mutating func addCookie(_ cookie: Cookie) { self.headers.append(.setCookie, cookie.headerValue) }
}
