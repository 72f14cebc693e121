public import ServalConfiguration
import ServalFileStore
import ServalRedisStore
import ServalSQLStore
import ServalSessions
import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ComponentRegistry {
    /// Adds the stores for sessions that Serval brings along: files under Tomcat's name, and databases by the scheme of their `connectionURL`.
    ///
    /// The command `serval` does it; a program that loads configuration files itself does it before.
    public mutating func registerSessionStores() {
        self.register(sessionStore: "org.apache.catalina.session.FileStore", attributes: .fileStore) { try SessionStoreFactories.files($0) }
        for scheme in ["jdbc:postgresql", "jdbc:mysql", "jdbc:mariadb"] {
            self.register(sessionStoreScheme: scheme, attributes: .databaseStore, check: SessionStoreFactories.check) {
                try SessionStoreFactories.sql($0)
            }
        }
        for scheme in ["redis", "rediss"] {
            self.register(sessionStoreScheme: scheme, attributes: .databaseStore, check: SessionStoreFactories.check) {
                try SessionStoreFactories.redis($0)
            }
        }
        #if SQLite
            self.register(sessionStoreScheme: "jdbc:sqlite", attributes: .databaseStore, check: SessionStoreFactories.check) {
                try SessionStoreFactories.sqlite($0)
            }
        #endif
    }
}

/// Makes stores from the attributes of `<Store>`.
enum SessionStoreFactories {
    static func files(_ settings: SessionStoreSettings) throws -> any SessionStore {
        let attributes = settings.attributes
        var configuration = FileSessionStore.Configuration(directory: attributes.path("directory") ?? settings.workDirectory)
        configuration.namespace = settings.namespace
        configuration.threads = try attributes.integer("serval.connections", default: configuration.threads)
        configuration.timeout = try Self.timeout(settings)
        return FileSessionStore(configuration: configuration)
    }

    static func sql(_ settings: SessionStoreSettings) throws -> any SessionStore {
        var configuration = SQLSessionStore.Configuration(database: try Self.database(settings))
        configuration.namespace = settings.namespace
        configuration.table = Self.table(settings.attributes)
        configuration.connections = try settings.attributes.integer("serval.connections", default: configuration.connections)
        configuration.timeout = try Self.timeout(settings)
        return SQLSessionStore(configuration: configuration)
    }

    static func redis(_ settings: SessionStoreSettings) throws -> any SessionStore {
        var configuration = RedisSessionStore.Configuration(database: try Self.database(settings))
        configuration.namespace = settings.namespace
        configuration.connections = try settings.attributes.integer("serval.connections", default: configuration.connections)
        configuration.timeout = try Self.timeout(settings)
        return RedisSessionStore(configuration: configuration)
    }

    #if SQLite
        static func sqlite(_ settings: SessionStoreSettings) throws -> any SessionStore {
            let database = try Self.database(settings)
            let path = database.name.hasPrefix("/") ? database.name : settings.base + "/" + database.name
            Self.makeFolder(of: path)
            var configuration = SQLiteSessionStore.Configuration(path: path)
            configuration.namespace = settings.namespace
            configuration.table = Self.table(settings.attributes)
            configuration.readers = try settings.attributes.integer("serval.connections", default: configuration.readers)
            configuration.timeout = try Self.timeout(settings)
            return SQLiteSessionStore(configuration: configuration)
        }

        /// Makes the folder of a file, for its owner alone, if it is missing; what cannot be made is told by whoever opens the file.
        private static func makeFolder(of path: String) {
            var folder = ""
            for name in path.split(separator: "/").dropLast() {
                folder += "/" + name
                mkdir(folder, 0o700)
            }
        }
    #endif

    /// The database of `connectionURL`, with the attributes that are stronger than its parameters.
    ///
    /// What is not obeyed in it, ``check(_:)`` has told with its place.
    static func database(_ settings: SessionStoreSettings) throws -> SessionDatabase {
        var warnings: [String] = []
        return try self.database(settings, warnings: &warnings)
    }

    /// What is wrong with a database's settings as far as files tell: uses no network and makes nothing.
    static func check(_ settings: SessionStoreSettings) throws -> [String] {
        var warnings: [String] = []
        let database = try Self.database(settings, warnings: &warnings)
        for (name, path) in [
            ("sslrootcert", database.tls.rootCertificates), ("sslcert", database.tls.certificate), ("sslkey", database.tls.key),
        ] {
            guard let path else { continue }
            do { _ = try readFile(path, limit: 1 << 22) } catch {
                let reason = "the file [\(path)] of '\(name)' in the connectionURL of the session store cannot be read: \(error.cause)"
                throw ConfigurationError(code: .invalidValue, message: reason)
            }
        }
        guard database.product == .redis else { return warnings }
        let ofTables = [
            "sessionTable", "sessionAppCol", "sessionIdCol", "sessionDataCol", "sessionValidCol", "sessionMaxInactiveCol", "sessionLastAccessedCol",
        ]
        let unused = ofTables.filter { settings.attributes[$0] != nil }
        return unused.isEmpty ? warnings : warnings + ["Redis has no tables: ignored are \(unused.joined(separator: ", "))"]
    }

    private static func database(_ settings: SessionStoreSettings, warnings: inout [String]) throws -> SessionDatabase {
        let attributes = settings.attributes
        var database = try SessionDatabase(url: attributes["connectionURL"]?.trimmingBlanks ?? "", warnings: &warnings)
        database.user = attributes["connectionName"] ?? database.user
        database.password = attributes["connectionPassword"] ?? database.password
        func absolute(_ path: String?) -> String? { path.map { $0.hasPrefix("/") ? $0 : settings.base + "/" + $0 } }
        database.tls.rootCertificates = absolute(database.tls.rootCertificates)
        database.tls.certificate = absolute(database.tls.certificate)
        database.tls.key = absolute(database.tls.key)
        guard let path = attributes.path("serval.connectionPasswordFile", base: settings.base) else { return database }
        do {
            let text = String(decoding: try readFile(path, limit: 65536), as: UTF8.self)
            database.password = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        } catch {
            let reason = "the file [\(path)] of serval.connectionPasswordFile cannot be read: \(error.cause)"
            throw ConfigurationError(code: .invalidValue, message: reason)
        }
        return database
    }

    static func table(_ attributes: ComponentAttributes) -> SQLSessionTable {
        var table = SQLSessionTable()
        table.name = attributes["sessionTable"] ?? table.name
        table.appColumn = attributes["sessionAppCol"] ?? table.appColumn
        table.idColumn = attributes["sessionIdCol"] ?? table.idColumn
        table.dataColumn = attributes["sessionDataCol"] ?? table.dataColumn
        table.validColumn = attributes["sessionValidCol"] ?? table.validColumn
        table.maxInactiveColumn = attributes["sessionMaxInactiveCol"] ?? table.maxInactiveColumn
        table.lastAccessedColumn = attributes["sessionLastAccessedCol"] ?? table.lastAccessedColumn
        return table
    }

    static func timeout(_ settings: SessionStoreSettings) throws -> Duration {
        .seconds(try settings.attributes.integer("serval.timeout", default: 5, in: 1...300))
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = Substring(self)
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
