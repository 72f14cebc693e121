/// The parameters of a `connectionURL`, by the names of the JDBC drivers of PostgreSQL, MySQL and MariaDB.
struct DatabaseParameters {
    private(set) var warnings: [String] = []
    private let values: [String: String]
    private let names: [String]
    private let scheme: String

    init(_ parameters: [(name: String, value: String)], scheme: String) {
        // The drivers' names do not differ by case alone; the last one counts.
        self.values = Dictionary(parameters.map { ($0.name.lowercased(), $0.value) }) { $1 }
        self.names = parameters.map(\.name)
        self.scheme = scheme
    }

    /// Used below, and those that only make a driver faster or tell a Java program something.
    private static let known: Set<String> = [
        "user", "password", "sslmode", "ssl", "sslrootcert", "serversslcert", "sslcert", "sslkey", "usessl", "requiressl", "verifyservercertificate",
        "trustservercertificate", "disablesslhostnameverification", "unixsocket", "localsocket", "currentschema",
    ]
    private static let withoutMeaning: Set<String> = [
        "autoreconnect", "applicationname", "allowpublickeyretrieval", "cacheprepstmts", "characterencoding", "connecttimeout", "logintimeout",
        "prepstmtcachesize", "prepstmtcachesqllimit", "preparethreshold", "rewritebatchedinserts", "rewritebatchedstatements", "servertimezone",
        "sockettimeout", "stringtype", "targetservertype", "tcpkeepalive", "tcpnodelay", "useunicode", "useserverprepstmts", "uselegacydatetimecode",
        "tinyint1isbit", "zerodatetimebehavior", "uselocalsessionstate", "maintaintimestats", "binarytransfer", "loadbalancehosts",
        "connectioncollation",
    ]

    /// Changes a database by the parameters.
    mutating func apply(to database: inout SessionDatabase) throws(SessionError) {
        var isBehindPassword = false
        for name in self.names {
            let isKnown = Self.known.contains(name.lowercased()) || Self.withoutMeaning.contains(name.lowercased())
            if isKnown {
                isBehindPassword = name.lowercased() == "password"
            } else if isBehindPassword {
                // It may be a part of it.
                self.warnings.append("a parameter behind 'password' in the connectionURL is not known; '&' in a password is written as %26")
            } else {
                self.warnings.append("the parameter '\(Self.printable(name))' of the connectionURL is not known and is ignored")
            }
        }
        database.user = self.values["user"] ?? database.user
        database.password = self.values["password"] ?? database.password
        guard database.product != .sqlite else { return }
        database.schema = self.values["currentschema"] ?? database.schema
        if let socket = self.values["unixsocket"] ?? self.values["localsocket"] {
            guard socket.hasPrefix("/") else { throw DatabaseURL.error("has a socket whose path does not begin with '/'") }
            database.socket = socket
        }
        database.tls.rootCertificates = try self.file("sslrootcert", "serversslcert")
        database.tls.certificate = try self.file("sslcert")
        database.tls.key = try self.file("sslkey")
        database.tls.mode = try self.mode(database.tls) ?? database.tls.mode
    }

    /// What the parameters say of TLS; `nil` if nothing.
    private mutating func mode(_ tls: SessionDatabase.TLS) throws(SessionError) -> SessionDatabase.TLS.Mode? {
        if let word = self.values["sslmode"] {
            switch word.lowercased().map({ $0 == "-" ? "_" : String($0) }).joined() {
            case "disable", "disabled": return try self.plain()
            case "allow", "prefer", "preferred": return try self.plain(.preferred)
            case "require", "required", "trust": return .required
            case "verify_ca": return .verifyCA
            case "verify_full", "verify_identity": return .verifyFull
            default: throw DatabaseURL.error("has an 'sslmode' that is none of disable, prefer, require, verify-ca, verify-full")
            }
        }
        let isOn = try self.flag("usessl", "ssl")
        if isOn == false { return try self.plain() }
        let verifies = try self.flag("verifyservercertificate")
        if try self.flag("trustservercertificate") == true { return .required }
        if try self.flag("disablesslhostnameverification") == true, isOn == true { return .verifyCA }
        if verifies == true { return .verifyCA }
        if try self.flag("requiressl") == true { return .required }
        // Drivers that were told of a CA, and those of PostgreSQL and MariaDB once TLS is on, check whom they talk to; MySQL's does not.
        if tls.rootCertificates != nil || isOn == true && self.scheme != "jdbc:mysql" { return verifies == false ? .required : .verifyFull }
        return isOn == true ? .preferred : nil
    }

    /// A mode without much protection, which `rediss:` does not go with.
    private func plain(_ mode: SessionDatabase.TLS.Mode = .off) throws(SessionError) -> SessionDatabase.TLS.Mode {
        guard self.scheme != "rediss" else { throw DatabaseURL.error("begins with rediss: and turns TLS off") }
        return mode
    }

    /// The first of several parameters that is there.
    private func flag(_ names: String...) throws(SessionError) -> Bool? {
        guard let name = names.first(where: { self.values[$0] != nil }) else { return nil }
        switch self.values[name]?.lowercased() {
        case "", "true", "yes", "1": return true
        case "false", "no", "0": return false
        default: throw DatabaseURL.error("has a parameter '\(name)' that is neither true nor false")
        }
    }

    private func file(_ names: String...) throws(SessionError) -> String? {
        guard let name = names.first(where: { self.values[$0] != nil }), let path = self.values[name], !path.isEmpty else { return nil }
        guard !path.hasPrefix("classpath:"), !path.hasPrefix("-----") else {
            throw DatabaseURL.error("has a parameter '\(name)' that is not the path of a file")
        }
        return path.hasPrefix("file:") ? String(path.dropFirst(5)) : path
    }

    private static func printable(_ name: String) -> String {
        String(String.UnicodeScalarView(name.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
