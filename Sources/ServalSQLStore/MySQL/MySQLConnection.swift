import ServalSessions

/// A connection to MySQL or MariaDB by libmariadb; only one thread uses it.
///
/// A call takes at most the operation's time-out; whether its time is over is asked before each.
final class MySQLConnection: SQLClientConnection {
    var deadline: ContinuousClock.Instant
    private(set) var recovery = StoreRecovery.keep

    private let library: MySQLLibrary
    private let handle: MySQLLibrary.Handle
    private let database: SessionDatabase
    private let servers: DatabaseServers
    private let server: SessionDatabase.Server
    /// Prepared statements by their texts.
    private var prepared: [String: MySQLLibrary.Handle] = [:]
    private var isCommitting = false
    private var isInTransaction = false
    /// The most bytes that the server takes at once (`max_allowed_packet`).
    private var packetLimit = Int.max

    private init(
        _ library: MySQLLibrary,
        _ handle: MySQLLibrary.Handle,
        _ database: SessionDatabase,
        _ servers: DatabaseServers,
        _ server: SessionDatabase.Server,
        deadline: ContinuousClock.Instant
    ) {
        self.library = library
        self.handle = handle
        self.database = database
        self.servers = servers
        self.server = server
        self.deadline = deadline
    }

    deinit {
        for statement in self.prepared.values { _ = self.library.closeStatement(statement) }
        self.library.close(self.handle)
    }

    /// The client of a database.
    static func client(_ database: SessionDatabase, timeout: Duration) throws(SessionError) -> SQLClient {
        let library = try MySQLLibrary.load()
        let servers = DatabaseServers(of: database)
        return SQLClient(dialect: .mySQL) { deadline throws(SessionError) in
            try servers.connect(until: deadline) { server, share throws(SessionError) in
                try Self.connect(library, database, servers, server, timeout: timeout, share: share, deadline: deadline)
            }
        }
    }

    // MARK: Connecting

    private static func connect(
        _ library: MySQLLibrary,
        _ database: SessionDatabase,
        _ servers: DatabaseServers,
        _ server: SessionDatabase.Server,
        timeout: Duration,
        share: ContinuousClock.Instant,
        deadline: ContinuousClock.Instant
    ) throws(SessionError) -> any SQLClientConnection {
        guard let handle = library.makeHandle(nil) else {
            throw SessionError(code: .storeUnavailable, message: "the session store cannot connect to the \(database): no memory")
        }
        let connection = MySQLConnection(library, handle, database, servers, server, deadline: deadline)
        let left = min(timeout, share - .now)
        connection.set(.connectTimeout, UInt32(clamping: max(1, Int((left / .seconds(1)).rounded()))))
        // The library keeps to the time of reading while it connects, too, and does not let it be changed later: where there are other servers, it is the share of one.
        let patience = servers.areSeveral ? left : timeout
        let seconds = UInt32(clamping: max(1, Int((patience / .seconds(1)).rounded(servers.areSeveral ? .toNearestOrAwayFromZero : .up))))
        connection.set(.readTimeout, seconds)
        connection.set(.writeTimeout, seconds)
        connection.set(.localInfile, UInt32(0))
        connection.set(.truncation, CChar(1))
        _ = library.setOption(handle, MySQLLibrary.Option.charsetName.rawValue, "utf8mb4")
        connection.setTLS(database.tls)
        // Otherwise this library takes "localhost" for a Unix socket.
        if database.socket == nil { connection.set(.networkProtocol, UInt32(1)) }
        let connected = library.connect(
            handle,
            database.socket == nil ? server.host : nil,
            database.user,
            database.password,
            database.name,
            UInt32(server.port),
            database.socket,
            0
        )
        guard connected != nil else { throw connection.connectionFailure() }
        // Where the library does not check the name, it takes a server without TLS, whatever it was told.
        guard database.tls.mode == .off || database.tls.mode == .preferred || library.cipher(handle) != nil else {
            throw SessionError(
                code: .illegalSetting,
                message: "the session store does not use the \(database): TLS is required, and the server has none"
            )
        }
        try connection.run("set session transaction isolation level read committed")
        try connection.run("set session innodb_lock_wait_timeout = \(max(1, Int(seconds) - 1))")
        if case .integer(let limit)? = try connection.query(SQLStatement("select @@max_allowed_packet", [])).first?.first {
            connection.packetLimit = Int(clamping: limit)
        }
        return connection
    }

    private func set(_ option: MySQLLibrary.Option, _ value: some BitwiseCopyable) {
        withUnsafeBytes(of: value) { _ = self.library.setOption(self.handle, option.rawValue, $0.baseAddress) }
    }

    private func setTLS(_ tls: SessionDatabase.TLS) {
        if tls.mode != .off {
            _ = self.library.setTLS(self.handle, tls.key, tls.certificate, tls.verifies ? tls.trustedCertificates : nil, nil, nil)
        }
        self.set(.enforceTLS, CChar(tls.mode == .off || tls.mode == .preferred ? 0 : 1))
        self.set(.verifyServerCertificate, CChar(tls.mode == .verifyFull ? 1 : 0))
    }

    private func connectionFailure() -> SessionError {
        self.recovery = .replace(isRepeatable: true)
        let number = self.library.errorNumber(self.handle)
        let reason = self.library.errorText(self.handle).map { String(cString: $0) } ?? "no reason given"
        // User, password, database, host, a way of signing on that the library does not have, and TLS.
        let isRefusal = [1044, 1045, 1049, 1130, 1251, 1698, 2026, 2058, 2059].contains(number)
        return SessionError(
            code: isRefusal ? .illegalSetting : .storeUnavailable,
            message: "the session store cannot connect to the \(self.database): \(reason.prefix(300)) (error \(number))"
        )
    }

    // MARK: Transactions

    func begin() throws(SessionError) {
        self.isCommitting = false
        try self.run("start transaction")
        self.isInTransaction = true
    }

    func commit() throws(SessionError) {
        self.isCommitting = true
        defer { self.isCommitting = false }
        try self.run("commit")
        self.isInTransaction = false
    }

    func rollback() {
        guard self.isInTransaction else { return }
        self.isInTransaction = false
        if case .replace = self.recovery { return }
        let recovery = self.recovery
        self.deadline = max(self.deadline, .now + .milliseconds(500))
        do throws(SessionError) {
            try self.run("rollback")
            self.recovery = recovery
        } catch {
            self.recovery = .replace(isRepeatable: recovery == .repeatOperation)
        }
    }

    // MARK: Statements

    func execute(_ statement: SQLStatement) throws(SessionError) -> Int {
        let handle = try self.perform(statement)
        let count = self.library.affectedRows(handle)
        _ = self.library.freeResult(handle)
        return Int(clamping: count)
    }

    func query(_ statement: SQLStatement) throws(SessionError) -> [[SQLValue]] {
        let handle = try self.perform(statement)
        defer { _ = self.library.freeResult(handle) }
        let fields = self.fields(of: handle)
        // Without room for values at first: their lengths come with each row.
        let bindings = MySQLBindings(count: fields.count)
        for position in fields.indices { bindings.set(position, .string, nil, capacity: 0) }
        guard self.library.bindResult(handle, bindings.pointer) == 0, self.library.storeResult(handle) == 0 else { throw self.failure(of: handle) }
        var rows: [[SQLValue]] = []
        while true {
            switch self.library.fetch(handle) {
            // A row, and one whose values had no room.
            case 0, 101: rows.append(try fields.indices.map { position throws(SessionError) in try self.value(handle, bindings, fields, position) })
            case 100: return rows
            default: throw self.failure(of: handle)
            }
        }
    }

    func columns(of statement: SQLStatement) throws(SessionError) -> [String] {
        let handle = try self.perform(statement)
        defer { _ = self.library.freeResult(handle) }
        return self.fields(of: handle).map(\.name)
    }

    private func fields(of statement: MySQLLibrary.Handle) -> [MySQLField] {
        guard let metadata = self.library.resultMetadata(statement) else { return [] }
        defer { self.library.freeMetadata(metadata) }
        guard let fields = self.library.fields(metadata) else { return [] }
        return (0..<Int(self.library.fieldCount(metadata))).map { MySQLField(fields, $0) }
    }

    private func value(
        _ statement: MySQLLibrary.Handle,
        _ row: MySQLBindings,
        _ fields: [MySQLField],
        _ position: Int
    ) throws(SessionError) -> SQLValue {
        guard !row.isNull(position) else { return .null }
        let length = Int(row.lengths[position])
        guard length <= StoredSession.maximumSize else { return .null }
        var status: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: length + 1) { buffer, count in
            let binding = MySQLBindings(count: 1)
            binding.set(0, .string, buffer.baseAddress, capacity: length)
            status = length == 0 ? 0 : self.library.fetchColumn(statement, binding.pointer, UInt32(position), 0)
            count = status == 0 ? length : 0
        }
        guard status == 0 else { throw self.failure(of: statement) }
        return fields[position].value(bytes)
    }

    /// Sends a statement with its parameters.
    private func perform(_ statement: SQLStatement) throws(SessionError) -> MySQLLibrary.Handle {
        try self.checkTime()
        let length = statement.parameters.reduce(0) { $0 + ($1.bytes?.count ?? 256) }
        guard length < self.packetLimit - 1024 else {
            // The server would end the connection, and the library could not tell why.
            throw SessionError(
                code: .limitReached,
                message:
                    "a session of \(length) bytes is larger than the \(self.database) takes; raise its max_allowed_packet of \(self.packetLimit) bytes"
            )
        }
        let handle = try self.prepare(statement.text)
        let bindings = MySQLBindings(count: statement.parameters.count)
        var buffers: [UnsafeMutableRawPointer] = []
        defer { for buffer in buffers { buffer.deallocate() } }
        for (position, parameter) in statement.parameters.enumerated() {
            let (kind, bytes): (MySQLBindings.Kind, [UInt8]) =
                switch parameter {
                case .null: (.null, [])
                case .integer(let number): (.number, withUnsafeBytes(of: number) { Array($0) })
                case .text(let text): (.string, Array(text.utf8))
                case .bytes(let bytes): (.blob, bytes)
                }
            let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(8, bytes.count), alignment: 8)
            buffer.copyMemory(from: bytes, byteCount: bytes.count)
            buffers.append(buffer)
            bindings.set(position, kind, buffer, capacity: bytes.count)
        }
        guard Int(self.library.parameterCount(handle)) == bindings.count, self.library.bindParameters(handle, bindings.pointer) == 0,
            self.library.execute(handle) == 0
        else { throw self.failure(of: handle) }
        return handle
    }

    private func prepare(_ text: String) throws(SessionError) -> MySQLLibrary.Handle {
        if let handle = self.prepared[text] { return handle }
        guard let handle = self.library.makeStatement(self.handle) else { throw self.failure() }
        guard self.library.prepare(handle, text, UInt(text.utf8.count)) == 0 else {
            let failure = self.failure(of: handle)
            _ = self.library.closeStatement(handle)
            throw failure
        }
        self.prepared[text] = handle
        return handle
    }

    /// Runs a command without parameters and results.
    private func run(_ text: String) throws(SessionError) {
        try self.checkTime()
        guard self.library.query(self.handle, text, UInt(text.utf8.count)) == 0 else { throw self.failure() }
    }

    // MARK: Failing

    private func checkTime() throws(SessionError) {
        self.recovery = .keep
        guard ContinuousClock.now >= self.deadline else { return }
        throw SessionError(code: .storeUnavailable, message: "the session store waits too long for the \(self.database)")
    }

    private func failure() -> SessionError { self.failure(self.library.errorNumber(self.handle), self.library.errorText(self.handle)) }

    private func failure(of statement: MySQLLibrary.Handle) -> SessionError {
        self.failure(self.library.statementErrorNumber(statement), self.library.statementErrorText(statement))
    }

    private func failure(_ number: UInt32, _ text: UnsafePointer<CChar>?) -> SessionError {
        let reason = text.map { String(cString: $0) } ?? "no reason given"
        switch number {
        // Deadlock, and a row that has changed since it was read.
        case 1213, 1020: self.recovery = .repeatOperation
        // A prepared statement that is not there any more, or is for another table.
        case 1243, 1615: self.recovery = .replace(isRepeatable: true)
        // Of the library: the connection is lost. Of the server: it goes down, or ends the connection.
        case 2000..<3000, 1053, 1152..<1162, 1927, 4031: self.recovery = .replace(isRepeatable: !self.isCommitting)
        // It has become one that is only read.
        case 1290, 1836:
            self.servers.avoid(self.server)
            self.recovery = .replace(isRepeatable: !self.isCommitting)
        default: self.recovery = .keep
        }
        // The value, not the server: too long or out of range, against a constraint, or refused by a trigger.
        let isRefusal = [1048, 1264, 1292, 1366, 1406, 1452, 1644, 3819, 4025].contains(number)
        return SessionError(
            code: isRefusal ? .limitReached : .storeUnavailable,
            message:
                "the session store in the \(self.database) \(isRefusal ? "refuses a session" : "failed"): \(reason.prefix(300)) (error \(number))"
        )
    }
}
