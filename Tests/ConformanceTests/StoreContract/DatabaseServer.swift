import Foundation
import ServalSessions
import ServalTesting
import Synchronization
import TestPrograms
import Testing

/// A database server of the tests' own, on a port of 127.0.0.1 and in a folder of its own, with TLS.
final class DatabaseServer: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        case postgreSQL, mariaDB, redis
    }

    static let user = "serval"
    static let password = "p@ss w&rd+1"

    let kind: Kind
    let folder: StoreFolder
    let authority: TestCertificateAuthority
    private let hasTLS: Bool
    /// Kept while the server is down as well: it comes back where it was.
    private let plainPort: ReservedPort
    private let securePort: ReservedPort?
    private let process = Mutex<ChildProcess?>(nil)
    /// Held open; when this process is gone, the server's guard reads its end and ends the server.
    private let leash = Mutex<Pipe?>(nil)

    /// The server that the tests of one run share.
    static func shared(_ kind: Kind) async throws -> DatabaseServer { try await SharedServers.instance.server(kind) }

    /// Makes a server that speaks no TLS, and starts it.
    static func withoutTLS(_ kind: Kind) async throws -> DatabaseServer { try await Self.start(kind, hasTLS: false) }

    /// Makes a server, and starts it.
    static func start(_ kind: Kind, hasTLS: Bool = true) async throws -> DatabaseServer {
        let server = try DatabaseServer(kind, hasTLS: hasTLS)
        try await server.prepare()
        try await server.start()
        return server
    }

    private init(_ kind: Kind, hasTLS: Bool) throws {
        self.kind = kind
        self.hasTLS = hasTLS
        self.folder = try StoreFolder()
        self.plainPort = try ReservedPort()
        self.securePort = kind == .redis ? try ReservedPort() : nil
        self.authority = try TestCertificateAuthority(commonName: "Databases")
    }

    deinit { self.kill() }

    /// How the store reaches it: without TLS.
    var database: SessionDatabase {
        let product: SessionDatabase.Product = [.postgreSQL: .postgreSQL, .mariaDB: .mySQL, .redis: .redis][self.kind] ?? .redis
        var database = SessionDatabase(product, servers: [.init(host: "127.0.0.1", port: self.port)], name: self.kind == .redis ? "0" : "serval")
        database.tls.mode = .off
        (database.user, database.password) = (Self.user, Self.password)
        return database
    }

    /// The same as a `connectionURL`.
    var url: String {
        let password = "p%40ss%20w%26rd%2B1"
        switch self.kind {
        case .postgreSQL: return "jdbc:postgresql://127.0.0.1:\(self.port)/serval?user=serval&password=\(password)&sslmode=disable"
        case .mariaDB: return "jdbc:mysql://127.0.0.1:\(self.port)/serval?user=serval&password=\(password)&useSSL=false"
        case .redis: return "redis://serval:\(password)@127.0.0.1:\(self.port)/0"
        }
    }

    /// PEM file with the authority of the server's certificate.
    var authorityFile: String { self.folder.path + "/tls/ca.pem" }
    var port: Int { self.plainPort.number }
    /// Where Redis speaks TLS; the others do it on the same port.
    var tlsPort: Int { (self.securePort ?? self.plainPort).number }

    // MARK: Life

    func start() async throws {
        var program: [String]
        switch self.kind {
        case .postgreSQL:
            let settings = [
                "fsync=off", "listen_addresses=127.0.0.1", "port=\(self.port)", "unix_socket_directories=\(self.folder.path)", "max_connections=200",
                "ssl=\(self.hasTLS ? "on" : "off")", "ssl_cert_file=\(self.folder.path)/tls/server.pem",
                "ssl_key_file=\(self.folder.path)/tls/server.key", "jit=off",
            ]
            program = [try Self.postgres("postgres"), "-D", self.data] + settings.flatMap { ["-c", $0] }
        case .mariaDB:
            program = [
                try Self.path("mariadbd"), "--no-defaults", "--datadir=\(self.data)", "--port=\(self.port)", "--bind-address=127.0.0.1",
                "--socket=\(self.folder.path)/mysql.sock", "--innodb-flush-method=nosync", "--max-connections=400", "--skip-name-resolve",
                "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M",
                "--tmpdir=\(self.folder.path)", "--pid-file=\(self.folder.path)/mysql.pid",
            ]
            let tls = [
                "--ssl-cert=\(self.folder.path)/tls/server.pem", "--ssl-key=\(self.folder.path)/tls/server.key", "--ssl-ca=\(self.authorityFile)",
            ]
            program += self.hasTLS ? tls : ["--skip-ssl"]
        case .redis:
            let password = Self.password.map { $0 == " " ? "\\x20" : String($0) }.joined()
            let settings = """
                bind 127.0.0.1
                port \(self.port)
                tls-port \(self.tlsPort)
                tls-cert-file \(self.folder.path)/tls/server.pem
                tls-key-file \(self.folder.path)/tls/server.key
                tls-ca-cert-file \(self.authorityFile)
                tls-auth-clients optional
                dir \(self.data)
                appendonly yes
                appendfsync no
                save ""
                user default on >nobody-knows ~* &* +@all
                user serval on ">\(password)" ~* &* +@all
                """
            try Data(settings.utf8).write(to: URL(fileURLWithPath: self.folder.path + "/redis.conf"))
            program = [try Self.path("redis-server"), self.folder.path + "/redis.conf"]
        }
        // What was killed may still be about to go, and keep the new one from starting.
        let end = ContinuousClock.now + .seconds(60)
        while true {
            try self.run(program)
            do {
                return try await self.waitUntilReady()
            } catch {
                guard ContinuousClock.now < end else { throw error }
                self.kill()
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// Ends it at once, as a power cut does.
    func kill() {
        let process = self.process.withLock { process in
            defer { process = nil }
            return process
        }
        guard let process, process.isRunning else { return }
        if let text = try? String(contentsOfFile: self.folder.path + "/pid", encoding: .utf8), let identifier = pid_t(text.prefix { $0.isNumber }) {
            // What PostgreSQL started on its behalf ends by itself.
            Glibc.kill(identifier, SIGKILL)
        }
        process.waitUntilExit()
        self.leash.withLock { $0 = nil }
    }

    /// Runs statements, or a command of Redis.
    ///
    /// - Returns: what the database's own program prints.
    @discardableResult
    func run(_ text: String) async throws -> String {
        let result: CommandResult
        switch self.kind {
        case .postgreSQL:
            result = try await Command.run(
                try Self.postgres("psql"),
                ["-h", "127.0.0.1", "-p", "\(self.port)", "-U", Self.user, "-d", "serval", "-At", "-v", "ON_ERROR_STOP=1", "-c", text],
                environment: ["PGPASSWORD": Self.password]
            )
        case .mariaDB:
            result = try await Command.run(
                "mariadb",
                ["--no-defaults", "-S", self.folder.path + "/mysql.sock", "-u", "root", "serval", "-N", "-e", text]
            )
        case .redis:
            let words = text.split(separator: " ").map(String.init)
            let user = ["-p", "\(self.port)", "--user", Self.user, "--no-auth-warning", "--pass", Self.password]
            result = try await Command.run("redis-cli", user + words)
        }
        guard result.exitCode == 0 else { throw ServalProcessError(description: "\(self.kind): \(result.output)\(result.errors)") }
        return result.output
    }

    private var data: String { self.folder.path + "/data" }

    private func prepare() async throws {
        // Not for the address, so that a test can tell whether names are checked.
        let identity = try self.authority.issue(commonName: "localhost", ipAddresses: [])
        for name in ["tls", "data"] {
            try FileManager.default.createDirectory(atPath: self.folder.path + "/" + name, withIntermediateDirectories: true)
        }
        for (name, text) in [
            ("ca.pem", try self.authority.certificatePEM), ("server.pem", try identity.certificatePEM), ("server.key", identity.keyPEM),
        ] {
            try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: self.folder.path + "/tls/" + name))
            chmod(self.folder.path + "/tls/" + name, 0o600)
        }
        if let user = self.systemUser {
            _ = try await Command.run("chown", ["-R", user, self.folder.path])
        }
        chmod(self.data, 0o700)
        switch self.kind {
        case .postgreSQL:
            try Data((Self.password + "\n").utf8).write(to: URL(fileURLWithPath: self.folder.path + "/password"))
            chmod(self.folder.path + "/password", 0o644)
            try await self.perform([
                try Self.postgres("initdb"), "-D", self.data, "-U", "serval", "-A", "scram-sha-256", "--pwfile=\(self.folder.path)/password", "-N",
                "-E", "UTF8", "--locale=C",
            ])
            try Data("\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n".utf8)
                .write(to: URL(fileURLWithPath: self.folder.path + "/data/pg_hba.conf"))
        case .mariaDB:
            try await self.perform([
                try Self.path("mariadb-install-db"), "--no-defaults", "--datadir=\(self.data)", "--auth-root-authentication-method=normal",
                "--skip-test-db", "--innodb-flush-method=nosync", "--innodb-log-file-size=8M",
            ])
        case .redis: break
        }
    }

    private func waitUntilReady() async throws {
        let end = ContinuousClock.now + .seconds(40)
        var answer = ""
        while ContinuousClock.now < end, self.process.withLock({ $0?.isRunning ?? false }) {
            let result: CommandResult
            switch self.kind {
            case .postgreSQL:
                result = try await Command.run(
                    try Self.postgres("psql"),
                    ["-h", "127.0.0.1", "-p", "\(self.port)", "-U", "serval", "-d", "postgres", "-c", "create database serval"],
                    environment: ["PGPASSWORD": Self.password]
                )
                if result.errors.contains("already exists") { return }
            case .mariaDB:
                let grant =
                    "create user if not exists serval@'127.0.0.1' identified by '\(Self.password)'; grant all on serval.* to serval@'127.0.0.1'"
                result = try await Command.run(
                    "mariadb",
                    ["--no-defaults", "-S", self.folder.path + "/mysql.sock", "-u", "root", "-e", "create database if not exists serval; \(grant)"]
                )
            case .redis:
                result = try await Command.run(
                    "redis-cli",
                    ["-p", "\(self.port)", "--user", Self.user, "--no-auth-warning", "--pass", Self.password, "ping"]
                )
                if result.output.contains("LOADING") { continue }
            }
            if result.exitCode == 0 { return }
            answer = result.output + result.errors
            try await Task.sleep(for: .milliseconds(100))
        }
        let log = (try? String(contentsOfFile: self.folder.path + "/log", encoding: .utf8)) ?? ""
        throw ServalProcessError(description: "\(self.kind) did not start: \(answer)\n\(log.suffix(2000))")
    }

    // MARK: Processes

    /// As whom the server runs, if the tests run as root, who may not.
    private var systemUser: String? {
        guard geteuid() == 0 else { return nil }
        switch self.kind {
        case .postgreSQL: return "postgres"
        case .mariaDB: return "mysql"
        case .redis: return "redis"
        }
    }

    private func asUser(_ program: [String]) -> [String] {
        self.systemUser.map { ["/usr/bin/setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] + program } ?? program
    }

    private func perform(_ program: [String]) async throws {
        let program = self.asUser(program)
        let result = try await Command.run(
            program[0],
            Array(program.dropFirst()),
            environment: ["TMPDIR": self.folder.path],
            directory: self.folder.path
        )
        guard result.exitCode == 0 else { throw ServalProcessError(description: "\(program) failed: \(result.output)\(result.errors)") }
    }

    private func run(_ program: [String]) throws {
        // The shell waits for the end of its input, which comes with the end of the tests at the latest, or for the end of the server.
        let script = """
            exec 3<&0
            "$@" >>"$0/log" 2>&1 </dev/null 3<&- &
            server=$!
            echo $server >"$0/pid"
            (cat <&3 >/dev/null; touch "$0/end"; kill -QUIT $server; sleep 1; kill -9 $server) 2>/dev/null &
            guard=$!
            wait $server
            if [ -e "$0/end" ]; then rm -rf "$0"; fi
            kill -9 $guard
            """
        let process = ChildProcess()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", script, self.folder.path] + self.asUser(program)
        process.currentDirectoryURL = URL(fileURLWithPath: self.folder.path)
        let leash = Pipe()
        process.standardInput = leash
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.leash.withLock { $0 = leash }
        self.process.withLock { $0 = process }
    }

    private static func path(_ name: String) throws -> String {
        if let path = Command.path(of: name) { return path }
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)") else { throw CommandMissing(name: name) }
        return "/usr/sbin/\(name)"
    }

    /// Debian has the programs of each version in a folder of its own.
    private static func postgres(_ name: String) throws -> String {
        let folder = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }.sorted()
        for version in versions.reversed() where FileManager.default.isExecutableFile(atPath: "\(folder)/\(version)/bin/\(name)") {
            return "\(folder)/\(version)/bin/\(name)"
        }
        return try self.path(name)
    }
}

/// Servers that are started once.
private actor SharedServers {
    static let instance = SharedServers()
    private var servers: [DatabaseServer.Kind: Task<DatabaseServer, any Error>] = [:]

    func server(_ kind: DatabaseServer.Kind) async throws -> DatabaseServer {
        let task = self.servers[kind] ?? Task { try await DatabaseServer.start(kind) }
        self.servers[kind] = task
        return try await task.value
    }
}
