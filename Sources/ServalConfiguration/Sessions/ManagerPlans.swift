import ServalServlet
import ServalSessions

/// How the ids of a context's sessions are made.
struct SessionIDPlan: Sendable {
    var length: Int
    var route: String?

    func generator(jvmRoute: String?) throws -> StandardSessionIDGenerator {
        try StandardSessionIDGenerator(length: self.length, route: self.route ?? jvmRoute)
    }
}

/// A manager without a store, made each time when its application starts.
struct StandardManagerPlan: Sendable {
    var ids: SessionIDPlan
    var configuration: StandardSessionManager.Configuration
    /// The file of `pathname`, absolute; `nil` for none.
    var path: String?
    var namespace: String
    var secret: SessionSecret
    var encrypts: Bool

    func manager(jvmRoute: String?) throws -> any SessionManager {
        var configuration = self.configuration
        configuration.idGenerator = try self.ids.generator(jvmRoute: jvmRoute)
        if let path {
            let sealer = try SessionSealer(secret: try self.secret.load(), encryptsAttributes: self.encrypts)
            configuration.file = SessionFile(path: path, namespace: self.namespace, sealer: sealer)
        }
        return StandardSessionManager(configuration: configuration)
    }
}

/// A manager with a store, made each time when its application starts.
struct PersistentManagerPlan: Sendable {
    var ids: SessionIDPlan
    var configuration: PersistentSessionManager.Configuration
    var store: StoreReader.Result?
    var place: SessionPlace
    var name: ContextName

    func manager(jvmRoute: String?) throws -> any SessionManager {
        guard let store else { throw ConfigurationError(code: .invalidValue, message: "No Store configured, persistence disabled") }
        var configuration = self.configuration
        configuration.sessions.idGenerator = try self.ids.generator(jvmRoute: jvmRoute)
        let sealer = try SessionSealer(secret: try SessionSecret(path: store.secretFile).load(), encryptsAttributes: store.encrypts)
        return PersistentSessionManager(store: try store.store(at: self.place, name: self.name), sealer: sealer, configuration: configuration)
    }
}
