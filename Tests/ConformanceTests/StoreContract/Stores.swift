import Foundation
import ServalFileStore
import ServalRedisStore
import ServalSQLStore
import ServalSessions
import ServalTesting
import Synchronization

/// The stores that keep the contract; whoever writes another adds it here.
enum Stores: String, CaseIterable, Sendable {
    case memory, file, postgreSQL, mySQL, redis
    #if SQLite
        case sqlite
    #endif

    /// The checks of this kind of store, below a folder of their own.
    func suite(in folder: String, sessionCount: Int = 300) -> SessionStoreSuite {
        switch self {
        case .memory:
            let stores = SharedStores()
            return SessionStoreSuite(sessionCount: sessionCount, isDurable: false) { stores.store($0) }
        case .file:
            return SessionStoreSuite(sessionCount: sessionCount) { namespace in
                var configuration = FileSessionStore.Configuration(directory: folder + "/sessions")
                configuration.namespace = namespace
                return FileSessionStore(configuration: configuration)
            }
        case .postgreSQL: return Self.suite(.postgreSQL, sessionCount)
        case .mySQL: return Self.suite(.mariaDB, sessionCount)
        case .redis:
            return SessionStoreSuite(sessionCount: sessionCount) { namespace in
                var configuration = RedisSessionStore.Configuration(database: try await DatabaseServer.shared(.redis).database)
                configuration.namespace = namespace
                configuration.timeout = .seconds(60)
                return RedisSessionStore(configuration: configuration)
            }
        #if SQLite
            case .sqlite:
                return SessionStoreSuite(sessionCount: sessionCount) { namespace in
                    var configuration = SQLiteSessionStore.Configuration(path: folder + "/sessions.db")
                    configuration.namespace = namespace
                    // All checks write to one database at once.
                    configuration.timeout = .seconds(60)
                    return SQLiteSessionStore(configuration: configuration)
                }
        #endif
        }
    }

    private static func suite(_ kind: DatabaseServer.Kind, _ sessionCount: Int) -> SessionStoreSuite {
        SessionStoreSuite(sessionCount: sessionCount) { namespace in
            var configuration = SQLSessionStore.Configuration(database: try await DatabaseServer.shared(kind).database)
            configuration.namespace = namespace
            configuration.connections = 3
            configuration.timeout = .seconds(60)
            return SQLSessionStore(configuration: configuration)
        }
    }
}

/// One store in memory for each namespace.
private final class SharedStores: Sendable {
    private let stores = Mutex<[String: MemorySessionStore]>([:])

    func store(_ namespace: String) -> MemorySessionStore {
        self.stores.withLock { stores in
            let store = stores[namespace] ?? MemorySessionStore()
            stores[namespace] = store
            return store
        }
    }
}

/// A folder that is removed when nobody refers to it any more.
final class StoreFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.path + "/serval-stores-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }
}
