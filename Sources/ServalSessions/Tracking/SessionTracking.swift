/// How a session id travels between client and server.
///
/// Source: Servlet 6.1 `SessionTrackingMode`.
public enum SessionTrackingMode: String, Sendable, Hashable, CaseIterable {
    /// In the session cookie.
    case cookie = "COOKIE"
    /// As a path parameter of the URL (`;jsessionid=…`).
    case url = "URL"
    /// By the TLS session of the connection; excludes the other modes.
    case ssl = "SSL"
}

/// Whether code that handles a request may read or create a session.
public enum SessionPolicy: Sendable, Hashable {
    /// Sessions may be read and created.
    case allowed
    /// Existing sessions may be read; none is created and idle times are not touched.
    case readOnly
    /// No session is read or created.
    case forbidden
}
