import ServalFileStore
import ServalSQLStore
import ServalSessions

/// The stores that keep sessions when the process is gone.
enum LocalStore: String, CaseIterable {
    case file, sqlite
    /// Not on this machine's disk, but for the tests' own server.
    case postgreSQL

    /// A store of the workload's namespace; `path` is a path, with PostgreSQL the name of a table, `@` and a URL.
    func store(at path: String) -> (any SessionStore)? {
        switch self {
        case .file:
            var configuration = FileSessionStore.Configuration(directory: path)
            configuration.namespace = Workload.namespace
            return FileSessionStore(configuration: configuration)
        case .postgreSQL:
            var warnings: [String] = []
            let parts = path.split(separator: "@", maxSplits: 1)
            guard parts.count == 2, let database = try? SessionDatabase(url: String(parts[1]), warnings: &warnings) else { return nil }
            var configuration = SQLSessionStore.Configuration(database: database)
            configuration.namespace = Workload.namespace
            configuration.table.name = String(parts[0])
            configuration.timeout = .seconds(30)
            return SQLSessionStore(configuration: configuration)
        case .sqlite:
            #if SQLite
                var configuration = SQLiteSessionStore.Configuration(path: path)
                configuration.namespace = Workload.namespace
                return SQLiteSessionStore(configuration: configuration)
            #else
                return nil
            #endif
        }
    }
}
