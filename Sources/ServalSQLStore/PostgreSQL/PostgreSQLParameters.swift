import ServalSessions

/// What libpq is told to connect.
struct PostgreSQLParameters {
    private(set) var values: [(String, String)] = []

    /// Parameters for one of a database's servers.
    ///
    /// - Parameter mustTakeWrites: refuses a server that is only read, because there are others.
    init(_ database: SessionDatabase, _ server: SessionDatabase.Server, mustTakeWrites: Bool, timeout: Duration) {
        func add(_ name: String, _ value: String?) { if let value { self.values.append((name, value)) } }
        if let socket = database.socket {
            add("host", Self.folder(of: socket))
            add("port", Self.port(of: socket) ?? database.servers.first.map { "\($0.port)" })
        } else {
            add("host", server.host)
            add("port", "\(server.port)")
            if mustTakeWrites { add("target_session_attrs", "read-write") }
        }
        add("dbname", database.name.isEmpty ? database.user : database.name)
        add("user", database.user)
        add("password", database.password)
        add("application_name", "serval")
        add("client_encoding", "UTF8")
        add("connect_timeout", "\(max(2, Int((timeout / .seconds(1)).rounded(.up))))")
        add("tcp_user_timeout", "\(max(1000, Int(timeout / .milliseconds(1))))")
        add("options", database.schema.map { "-c search_path=" + $0.filter { !$0.isWhitespace && $0 != "\\" } })
        add("gssencmode", "disable")
        self.addTLS(database.tls)
    }

    private mutating func addTLS(_ tls: SessionDatabase.TLS) {
        let mode =
            switch tls.mode {
            case .off: "disable"
            case .preferred: "prefer"
            case .required: "require"
            case .verifyCA: "verify-ca"
            case .verifyFull: "verify-full"
            }
        self.values.append(("sslmode", mode))
        guard tls.mode != .off else { return }
        // Without verification libpq would still refuse what a file in the user's home folder does not trust.
        self.values.append(("sslrootcert", tls.verifies ? tls.trustedCertificates : "/nonexistent/root.crt"))
        if let certificate = tls.certificate, let key = tls.key {
            self.values.append(("sslcert", certificate))
            self.values.append(("sslkey", key))
        }
    }

    /// libpq wants the folder of `/run/postgresql/.s.PGSQL.5432`.
    private static func folder(of socket: String) -> String {
        let (folder, name) = Self.parts(of: socket)
        return name.hasPrefix(Self.socketName) ? folder : socket
    }

    private static func port(of socket: String) -> String? {
        let name = Self.parts(of: socket).name
        return name.hasPrefix(Self.socketName) ? String(name.dropFirst(Self.socketName.count)) : nil
    }

    private static let socketName = ".s.PGSQL."

    private static func parts(of path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return ("", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}
