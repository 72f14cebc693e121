/// The settings of the session cookie.
///
/// Sources: `<cookie-config>` of `web.xml` (Servlet 6.1 §14.4.9) and the `sessionCookie…` attributes of Tomcat's `<Context>`.
public struct SessionCookieConfiguration: Sendable, Hashable {
    /// When the cookie carries the `Secure` attribute.
    public enum Secure: Sendable, Hashable {
        /// Always, whatever the connection.
        case always
        /// When the request that creates the session came over TLS; Tomcat's rule.
        case whenRequestIsSecure
    }

    /// The cookie's name.
    ///
    /// Default `JSESSIONID`.
    public var name = "JSESSIONID"
    /// The `Domain` attribute; `nil` (the default) makes a host-only cookie.
    public var domain: String?
    /// The `Path` attribute; `nil` (the default) means the context path, or `/` for the root context.
    public var path: String?
    /// Appends a slash to a path that has none, so that `/foo` does not match `/foobar`.
    ///
    /// Default `false`.
    public var pathUsesTrailingSlash = false
    /// When to send `Secure`.
    ///
    /// Default ``Secure/whenRequestIsSecure``.
    public var secure = Secure.whenRequestIsSecure
    /// Hides the cookie from scripts.
    ///
    /// Default `true`.
    public var isHTTPOnly = true
    /// The `SameSite` attribute; `nil` sends none.
    public var sameSite: Cookie.SameSite?
    /// The `Partitioned` attribute (CHIPS).
    ///
    /// Default `false`.
    public var isPartitioned = false
    /// The life time of the cookie; `nil` (the default) ends it with the browser.
    public var maxAge: Duration?
    /// Further attributes, sent as they are.
    public var additionalAttributes: [String: String] = [:]

    /// The settings that Tomcat uses.
    public init() {}

    /// The session cookie for `id` of a context.
    ///
    /// - Parameters:
    ///   - contextPath: the application's path, decoded; `""` for the root context. Unlike ``path``, which is sent as it is, it is percent-encoded as browsers do
    ///     with links to the application, because they compare the two byte by byte.
    ///   - isSecure: whether the request came over a secure connection.
    public func cookie(for id: SessionID, contextPath: String, isSecure: Bool) -> Cookie {
        var cookie = Cookie(name: self.name, value: id.rawValue)
        var path = self.path ?? PathEncoding.encoded(contextPath.utf8)
        if path.isEmpty { path = "/" }
        if self.pathUsesTrailingSlash, !path.utf8.elementsEqual("/".utf8), path.utf8.last != UInt8(ascii: "/") { path += "/" }
        cookie.path = path
        cookie.domain = self.domain
        cookie.maxAge = self.maxAge
        cookie.isSecure = self.secure == .always || isSecure
        cookie.isHTTPOnly = self.isHTTPOnly
        cookie.sameSite = self.sameSite
        cookie.isPartitioned = self.isPartitioned
        cookie.additionalAttributes = self.additionalAttributes
        return cookie
    }
}
