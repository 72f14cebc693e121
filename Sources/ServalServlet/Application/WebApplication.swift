/// An application as its developer writes it: a name and a closure that registers servlets, filters and listeners.
///
/// The container runs it as a context, once for every path where it is mounted.
public struct WebApplication: Sendable {
    /// The name by which `<Context application="…"/>` and `docBase` find it.
    ///
    /// Default: the path without slashes, `ROOT` for the root.
    public var name: String
    /// The context path: `""` or `"/"` for the root, otherwise `/name`.
    public var path: String
    /// Registers servlets, filters and listeners.
    package let configure: @Sendable (ServletContext) async throws -> Void

    /// An application.
    public init(name: String? = nil, path: String, _ configure: @escaping @Sendable (ServletContext) async throws -> Void) {
        let trimmed = path == "/" ? "" : path
        self.path = trimmed
        self.name = name ?? (trimmed.isEmpty ? "ROOT" : String(trimmed.drop { $0 == "/" }))
        self.configure = configure
    }
}
