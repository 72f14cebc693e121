/// A cookie as a server sends it. Source: RFC 6265 §4.1, RFC 6265bis for `SameSite`.
public struct Cookie: Sendable, Hashable {
    /// Whether a browser sends the cookie with requests that other sites cause.
    public enum SameSite: String, Sendable, Hashable, CaseIterable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    /// The name, an RFC 9110 token.
    public var name: String
    /// The value.
    public var value: String
    /// The `Path` attribute.
    public var path: String?
    /// The `Domain` attribute.
    public var domain: String?
    /// The life time; zero deletes the cookie, `nil` makes a session cookie.
    public var maxAge: Duration?
    /// Sent over secure connections only.
    public var isSecure = false
    /// Hidden from scripts.
    public var isHTTPOnly = false
    /// The `SameSite` attribute.
    public var sameSite: SameSite?
    /// The `Partitioned` attribute.
    public var isPartitioned = false
    /// Further attributes, sent as they are.
    public var additionalAttributes: [String: String] = [:]

    /// A session cookie without attributes.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// The value of the `Set-Cookie` field, in Tomcat's spelling and order.
    public var headerValue: String {
        "\(self.name)=\(self.value)"
    }

    /// The cookies of one `Cookie` field, in the order in which they were sent.
    ///
    /// Malformed pairs are left out; the others are kept (RFC 6265 §5.4 and §4.2).
    public static func parse(_ header: String) -> [(name: String, value: String)] {
        []
    }
}
