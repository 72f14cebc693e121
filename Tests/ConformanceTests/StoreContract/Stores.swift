import Foundation
import ServalFileStore
import ServalSQLStore
import ServalSessions
import ServalTesting
import Synchronization

/// The stores that keep the contract; whoever writes another adds it here.
enum Stores: String, CaseIterable, Sendable {
    case memory, file
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
