import ServalFileStore
import ServalSQLStore
import ServalSessions

/// The stores that keep sessions on this machine.
enum LocalStore: String, CaseIterable {
    case file, sqlite

    /// A store of the workload's namespace.
    func store(at path: String) -> (any SessionStore)? {
        switch self {
        case .file:
            var configuration = FileSessionStore.Configuration(directory: path)
            configuration.namespace = Workload.namespace
            return FileSessionStore(configuration: configuration)
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
