/// A cookie as a server sends it.
///
/// Source: RFC 6265 §4.1, RFC 6265bis for `SameSite`.
public struct Cookie: Sendable, Hashable {
    /// Whether a browser sends the cookie with requests that other sites cause.
    public enum SameSite: String, Sendable, Hashable, CaseIterable {
        /// Never.
        case strict = "Strict"
        /// When a link of another site leads here.
        case lax = "Lax"
        /// Always; browsers demand ``Cookie/isSecure`` with it.
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
    /// The life time, in whole seconds; zero deletes the cookie, `nil` and negative ones make a session cookie.
    public var maxAge: Duration?
    /// Sent over secure connections only.
    public var isSecure = false
    /// Hidden from scripts.
    public var isHTTPOnly = false
    /// The `SameSite` attribute.
    public var sameSite: SameSite?
    /// The `Partitioned` attribute.
    public var isPartitioned = false
    /// Further attributes, sent in the order of their names; one with an empty value is sent as its name only.
    public var additionalAttributes: [String: String] = [:]

    /// A session cookie without attributes.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
