/// A database for sessions: where it is, who asks, and what protects the connection.
///
/// Its description tells neither user nor password.
public struct SessionDatabase: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// What kind of database it is.
    public enum Product: String, Sendable, Hashable {
        /// PostgreSQL.
        case postgreSQL = "PostgreSQL"
        /// MySQL or MariaDB.
        case mySQL = "MySQL"
        /// SQLite, a file.
        case sqlite = "SQLite"
        /// Redis or Valkey.
        case redis = "Redis"

        /// The port of a server, if nobody says otherwise.
        public var port: Int {
            switch self {
            case .postgreSQL: 5432
            case .mySQL: 3306
            case .redis: 6379
            case .sqlite: 0
            }
        }
    }

    /// A server of the database.
    public struct Server: Sendable, Hashable {
        /// A name or an address.
        public var host: String
        /// Its port.
        public var port: Int

        /// A server.
        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }

    /// How TLS protects the connection.
    ///
    /// Source: `sslmode` of PostgreSQL, `sslMode` of MySQL's and MariaDB's JDBC drivers.
    public struct TLS: Sendable, Hashable {
        /// How much protection there must be.
        public enum Mode: String, Sendable, Hashable, CaseIterable {
            /// None.
            case off
            /// TLS if the server has it; protects against nobody who can change what is sent.
            case preferred
            /// TLS, with whoever answers.
            case required
            /// TLS with a certificate of a trusted CA.
            case verifyCA
            /// TLS with a certificate of a trusted CA for the server's name.
            case verifyFull
        }

        /// How much protection there must be.
        ///
        /// Default: TLS if the server has it; none with Redis.
        public var mode: Mode
        /// PEM file with the trusted CAs; `nil` for the system's.
        public var rootCertificates: String?
        /// PEM file with the client's certificate; needs ``key``.
        public var certificate: String?
        /// PEM file with the client's key, not encrypted.
        public var key: String?

        /// Protection without a client certificate.
        public init(mode: Mode, rootCertificates: String? = nil) {
            self.mode = mode
            self.rootCertificates = rootCertificates
        }

        /// Whether certificates are checked.
        package var verifies: Bool { self.mode == .verifyCA || self.mode == .verifyFull }

        /// The file of the trusted CAs, the system's if none is given.
        package var trustedCertificates: String { self.rootCertificates ?? "/etc/ssl/certs/ca-certificates.crt" }
    }

    /// What kind of database it is.
    public var product: Product
    /// The servers, which are tried in this order; the first that takes writes is used.
    public var servers: [Server]
    /// A Unix socket, instead of ``servers``: the socket itself, with PostgreSQL its folder.
    public var socket: String?
    /// The name of the database; Redis' has a number, SQLite's is a path.
    public var name: String
    /// Who asks; `nil` for whom the client takes by default.
    public var user: String?
    /// Its password.
    public var password: String?
    /// What protects the connection.
    public var tls: TLS
    /// PostgreSQL's schema; `nil` for the user's default.
    public var schema: String?

    /// A database.
    ///
    /// - Parameter servers: default: `localhost` with the product's usual port.
    public init(_ product: Product, servers: [Server]? = nil, name: String) {
        self.product = product
        self.servers = servers ?? [Server(host: "localhost", port: product.port)]
        self.name = name
        self.tls = TLS(mode: product == .redis ? .off : .preferred)
    }

    /// Product, place and name, for messages.
    public var description: String {
        if self.product == .sqlite { return "SQLite database '\(self.name)'" }
        let place = self.socket ?? self.servers.map { "\($0.host):\($0.port)" }.joined(separator: ",")
        return "\(self.product.rawValue) database '\(self.name)' at \(place)"
    }

    /// The same.
    public var debugDescription: String { self.description }
}
