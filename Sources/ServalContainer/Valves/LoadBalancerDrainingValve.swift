import HTTPTypes
public import ServalServlet

/// Sends clients without a session here away to another node while this one is being drained by its load balancer.
///
/// The proxy says that the node is being drained in a header field; Tomcat knows it from an attribute of AJP, which a valve in front may set, too. A client with
/// a live session is served. Others are redirected to the same URL without session id and session cookie, so that the balancer chooses a new node for them.
///
/// Source: Tomcat's `LoadBalancerDrainingValve`; its attributes and defaults.
public struct LoadBalancerDrainingValve: Valve {
    /// What a draining node answers.
    public struct Configuration: Sendable, Hashable {
        /// The status of the redirect.
        ///
        /// Attribute `redirectStatusCode`; default 307.
        public var redirectStatusCode = 307
        /// A client with this cookie is served nevertheless, if the cookie has the value ``ignoreCookieValue``.
        ///
        /// Attribute `ignoreCookieName`; default none.
        public var ignoreCookieName: String?
        /// See ``ignoreCookieName``.
        ///
        /// Attribute `ignoreCookieValue`; default none.
        public var ignoreCookieValue: String?
        /// The header field in which the proxy tells the node's state; `DIS` means that it is being drained.
        ///
        /// Attribute `serval.activationHeader`. A client that sends it itself is sent away, and nobody else.
        public var activationHeader = "JK_LB_ACTIVATION"

        /// Tomcat's defaults.
        public init() {}
    }

    private let configuration: Configuration
    private let status: HTTPResponse.Status
    private let field: HTTPField.Name

    /// A valve.
    ///
    /// - Throws: ``ConfigurationError`` for a status that is no redirect, or a header field with an impossible name.
    public init(_ configuration: Configuration = Configuration()) throws(ConfigurationError) {
        guard (300...399).contains(configuration.redirectStatusCode) else {
            throw ConfigurationError(code: .invalidValue, message: "redirectStatusCode has to be from 300 to 399")
        }
        guard let field = HTTPField.Name(configuration.activationHeader) else {
            throw ConfigurationError(code: .invalidValue, message: "serval.activationHeader is not the name of a header field")
        }
        self.configuration = configuration
        self.status = HTTPResponse.Status(code: configuration.redirectStatusCode)
        self.field = field
    }

    /// Passes the request on, or redirects its client.
    ///
    /// While the store of sessions does not answer nobody can tell whether a client has a live session; it is served then, and keeps its cookie.
    public func respond(to request: Request, next: ValveChain) async throws -> Response {
        let activation = request[.loadBalancerActivation] ?? request.headers[self.field]
        guard activation == "DIS", let tracker = request.mapping?.sessions as? SessionTracker, !self.mayStay(request),
            (try? await tracker.findsRequestedSession()) == false
        else { return try await next(request) }
        var response = Response.redirect(to: self.location(of: request, parameter: tracker.urlParameter), status: self.status)
        if let cookie = tracker.removalCookie(isSecure: request.isSecure) { response.addCookie(cookie) }
        return response
    }

    private func mayStay(_ request: Request) -> Bool {
        guard let name = self.configuration.ignoreCookieName, let value = self.configuration.ignoreCookieValue else { return false }
        return request.headers[values: .cookie].contains { Cookie.values(named: name, in: $0).contains { $0 == value } }
    }

    /// The URL without the id; never one of another server, whatever the path looks like.
    private func location(of request: Request, parameter: String) -> String {
        let mark = Array(";\(parameter)=".utf8)
        var path: [UInt8] = []
        var rest = Array(request.path.utf8)[...]
        while let byte = rest.first {
            let isMark = rest.count >= mark.count && zip(rest, mark).allSatisfy { $0 == $1 || $0 | 0x20 == $1 | 0x20 }
            guard isMark else {
                path.append(byte)
                rest.removeFirst()
                continue
            }
            rest = rest.dropFirst().drop { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "/") }
        }
        let text = "/" + String(decoding: path.drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
        return request.query.map { "\(text)?\($0)" } ?? text
    }
}

extension RequestAttributeKey where Value == String {
    /// The state of this node in its load balancer: `ACT`, `DIS`, `STP`.
    ///
    /// Source: Apache's mod_jk.
    public static var loadBalancerActivation: Self { .init("JK_LB_ACTIVATION") }
}
