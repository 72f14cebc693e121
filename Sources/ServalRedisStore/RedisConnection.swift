import ServalSessions

/// A connection to Redis; only one thread uses it.
final class RedisConnection {
    /// What the last failure means.
    private(set) var recovery = StoreRecovery.keep

    private let socket: RedisSocket
    private let tls: RedisTLS?
    private let database: SessionDatabase
    private let servers: DatabaseServers
    private let server: SessionDatabase.Server
    private var reader = RedisReader()

    /// Connects, signs on and chooses the database.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` for what will not be better the next time, and ``SessionError/Code/storeUnavailable``.
    static func connect(
        _ database: SessionDatabase,
        _ servers: DatabaseServers,
        deadline: ContinuousClock.Instant
    ) throws(SessionError) -> RedisConnection {
        let library = database.tls.mode == .off || database.tls.mode == .preferred ? nil : try OpenSSLLibrary.load()
        return try servers.connect(until: deadline) { server, share throws(SessionError) in
            let connection = try RedisConnection(database, servers, server, library, deadline: share)
            try connection.signOn()
            connection.deadline = deadline
            return connection
        }
    }

    private init(
        _ database: SessionDatabase,
        _ servers: DatabaseServers,
        _ server: SessionDatabase.Server,
        _ library: OpenSSLLibrary?,
        deadline: ContinuousClock.Instant
    ) throws(SessionError) {
        self.database = database
        self.servers = servers
        self.server = server
        do throws(RedisSocket.Failure) {
            if let path = database.socket {
                self.socket = try RedisSocket(path: path, deadline: deadline)
            } else {
                self.socket = try RedisSocket(host: server.host, port: server.port, deadline: deadline)
            }
            if let library {
                self.tls = try RedisTLS(library, self.socket, database.tls, host: server.host)
            } else {
                self.tls = nil
            }
        } catch {
            throw SessionError(
                code: error.isRefusal ? .illegalSetting : .storeUnavailable,
                message: "the session store cannot connect to the \(database): \(error.reason)"
            )
        }
    }

    private func signOn() throws(SessionError) {
        if let password = self.database.password {
            try self.require(["AUTH"] + (self.database.user.map { [RedisWord($0)] } ?? []) + [RedisWord(password)])
        }
        if self.database.name != "0", !self.database.name.isEmpty { try self.require(["SELECT", RedisWord(self.database.name)]) }
        // The first command that needs rights.
        try self.require(["PING"])
    }

    private func require(_ words: [RedisWord]) throws(SessionError) {
        guard case .error(let text) = try self.send(words) else { return }
        let isRefusal = ["NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "ERR"].contains { text.hasPrefix($0) }
        throw SessionError(
            code: isRefusal ? .illegalSetting : .storeUnavailable,
            message: "the session store cannot use the \(self.database): \(Self.printable(text))"
        )
    }

    /// Until when commands have to be answered.
    var deadline: ContinuousClock.Instant {
        get { self.socket.deadline }
        set { self.socket.deadline = newValue }
    }

    /// Runs a script, which Redis keeps.
    ///
    /// - Parameter changes: whether it must not be run twice.
    func run(_ script: RedisScript, index: [UInt8], _ arguments: [RedisWord], changes: Bool) throws(SessionError) -> RedisValue {
        let rest: [RedisWord] = ["1", RedisWord(index)] + arguments
        var answer = try self.send(["EVALSHA", RedisWord(script.digest)] + rest, changes: changes)
        if case .error(let text) = answer, text.hasPrefix("NOSCRIPT") {
            answer = try self.send(["EVAL", RedisWord(script.text)] + rest, changes: changes)
        }
        return try self.checked(answer)
    }

    /// Runs a command.
    func run(_ words: [RedisWord]) throws(SessionError) -> RedisValue { try self.checked(try self.send(words)) }

    private func checked(_ answer: RedisValue) throws(SessionError) -> RedisValue {
        guard case .error(let text) = answer else { return answer }
        switch text.prefix(while: { $0 != " " }) {
        // It starts, has become a replica, or has lost its master: another connection may lead to another.
        case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS":
            self.servers.avoid(self.server)
            self.recovery = .replace(isRepeatable: false)
        case "MOVED", "ASK":
            throw SessionError(
                code: .storeUnavailable,
                message: "the \(self.database) is a part of a cluster, which the session store does not follow"
            )
        default: self.recovery = .keep
        }
        throw SessionError(code: .storeUnavailable, message: "the session store in the \(self.database) failed: \(Self.printable(text))")
    }

    private func send(_ words: [RedisWord], changes: Bool = false) throws(SessionError) -> RedisValue {
        self.recovery = .keep
        // The end of a connection that was idle for long comes before the command, and does not count as its failure.
        guard self.tls?.isQuiet ?? self.socket.isQuiet else {
            self.recovery = .replace(isRepeatable: true)
            throw SessionError(code: .storeUnavailable, message: "the session store has lost the \(self.database)")
        }
        do throws(RedisSocket.Failure) {
            let bytes = RedisCommand(words).bytes
            if let tls { try tls.send(bytes) } else { try self.socket.send(bytes) }
            while true {
                do throws(RedisReader.Malformed) {
                    if let answer = try self.reader.next() { return answer }
                } catch {
                    throw RedisSocket.Failure(reason: "it does not answer as Redis does")
                }
                if let tls { self.reader.append(try tls.receive()) } else { self.reader.append(try self.socket.receive()) }
            }
        } catch {
            self.recovery = .replace(isRepeatable: !changes && ContinuousClock.now < self.deadline)
            throw SessionError(code: .storeUnavailable, message: "the session store has lost the \(self.database): \(error.reason)")
        }
    }

    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(200).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
