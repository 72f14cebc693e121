/// Where the sessions of a host's applications belong.
struct SessionPlace: Sendable {
    let engine: String
    let host: String
    /// The base directory.
    let base: String

    /// The name of an application's sessions within a store, as Tomcat's stores name it: `/Catalina/localhost/shop`.
    func namespace(of name: ContextName) -> String { "/\(self.engine)/\(self.host)" + (name.path.isEmpty ? "/" : name.path) }

    /// The application's work directory: `work/Catalina/localhost/shop`.
    func workDirectory(of name: ContextName) -> String { FilePath.absolute("work/\(self.engine)/\(self.host)/\(name.baseName)", base: self.base) }
}
