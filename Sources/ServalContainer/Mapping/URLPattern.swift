import ServalServlet

/// A `<url-pattern>`.
///
/// Source: Servlet 6.1 §12.2.
enum URLPattern: Hashable, Sendable {
    /// `/a/b`: this path only.
    case exact(String)
    /// `/a/*`: this path and everything below it; the string is the part before `/*`.
    case path(String)
    /// `*.ext`; the string is the extension without dot.
    case suffix(String)
    /// `/` for servlets: what no other pattern matches.
    case fallback
    /// The empty pattern: the context root only.
    case root

    init(_ pattern: String) throws(ConfigurationError) {
        if pattern.isEmpty {
            self = .root
        } else if pattern == "/" {
            self = .fallback
        } else if pattern.hasPrefix("*."), !pattern.contains("/"), pattern.utf8.count > 2, !pattern.dropFirst(2).contains("*") {
            self = .suffix(String(pattern.dropFirst(2)))
        } else if pattern.hasPrefix("/"), pattern.hasSuffix("/*") {
            self = .path(String(pattern.dropLast(2)))
        } else if pattern.hasPrefix("/"), !pattern.contains("*.") {
            self = .exact(pattern)
        } else {
            throw ConfigurationError(
                code: .invalidPattern,
                message: "the URL pattern \"\(pattern)\" is none of /exact, /path/*, *.extension, / and the empty pattern"
            )
        }
    }
}
