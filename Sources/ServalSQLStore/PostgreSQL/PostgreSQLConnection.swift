import ServalSessions

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A connection to PostgreSQL by libpq; only one thread uses it.
///
/// Every call goes through `poll`, so that none takes longer than ``deadline``.
final class PostgreSQLConnection: SQLClientConnection {
    var deadline: ContinuousClock.Instant
    private(set) var recovery = StoreRecovery.keep

    private let library: PostgreSQLLibrary
    private let handle: PostgreSQLLibrary.Handle
    private let database: SessionDatabase
    private let servers: DatabaseServers
    private let server: SessionDatabase.Server
    /// The names of prepared statements by their texts.
    private var prepared: [String: String] = [:]
    private var preparedCount = 0
    private var isCommitting = false

    private init(
        _ library: PostgreSQLLibrary,
        _ handle: PostgreSQLLibrary.Handle,
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

    deinit { self.library.finish(self.handle) }

    /// The client of a database.
    static func client(_ database: SessionDatabase, timeout: Duration) throws(SessionError) -> SQLClient {
        let library = try PostgreSQLLibrary.load()
        // One after the other, not all given to libpq: it would wait for the first one as long as we let it.
        let servers = DatabaseServers(of: database)
        return SQLClient(dialect: .postgreSQL) { deadline throws(SessionError) in
            try servers.connect(until: deadline) { server, share throws(SessionError) in
                let connection = try Self.connect(library, database, servers, server, timeout: timeout, deadline: share)
                connection.deadline = deadline
                return connection
            }
        }
    }

    // MARK: Connecting

    private static func connect(
        _ library: PostgreSQLLibrary,
        _ database: SessionDatabase,
        _ servers: DatabaseServers,
        _ server: SessionDatabase.Server,
        timeout: Duration,
        deadline: ContinuousClock.Instant
    ) throws(SessionError) -> any SQLClientConnection {
        let parameters = PostgreSQLParameters(database, server, mustTakeWrites: servers.areSeveral, timeout: timeout).values
        let copies = parameters.map { (strdup($0.0), strdup($0.1)) }
        defer { for copy in copies { free(copy.0); free(copy.1) } }
        let names = copies.map { UnsafePointer($0.0) } + [nil]
        let values = copies.map { UnsafePointer($0.1) } + [nil]
        guard let handle = library.connectStart(names, values, 0) else {
            throw SessionError(code: .storeUnavailable, message: "the session store cannot connect to the \(database): no memory")
        }
        let connection = PostgreSQLConnection(library, handle, database, servers, server, deadline: deadline)
        // For the code behind the error in the message; libpq says a refusal in no other way.
        _ = library.setErrorVerbosity(handle, 2)
        _ = library.setNoticeProcessor(handle, { _, _ in }, nil)
        try connection.finishConnecting()
        _ = library.setErrorVerbosity(handle, 1)
        _ = library.setNonblocking(handle, 1)
        // As settings of the session, and not among the options of the connection: what pools connections in between refuses those.
        let milliseconds = max(1, Int(timeout / .milliseconds(1)))
        try connection.run("set statement_timeout = \(milliseconds); set lock_timeout = \(milliseconds); set client_min_messages = 'error'")
        return connection
    }

    private func finishConnecting() throws(SessionError) {
        var isReading = false
        while true {
            // One socket after the other, if its name has several addresses.
            if self.library.status(self.handle) == 1 { throw self.connectionFailure() }
            try self.wait(forReading: isReading, forWriting: !isReading)
            switch self.library.connectPoll(self.handle) {
            case 3: return
            case 1: isReading = true
            case 2: isReading = false
            default: throw self.connectionFailure()
            }
        }
    }

    private func connectionFailure() -> SessionError {
        self.recovery = .replace(isRepeatable: true)
        let text = self.library.errorMessage(self.handle).map { String(cString: $0) } ?? ""
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }.filter { !$0.hasPrefix("LOCATION:") }
        // User, password, database, rights, and TLS.
        let isRefusal = ["28P01:", "28000:", "3D000:", "42501:", "certificate", "does not support SSL", "SSL error: EVP lib"].contains {
            Self.contains(text, $0)
        }
        let reason = lines.joined(separator: "; ").prefix(500)
        return SessionError(
            code: isRefusal ? .illegalSetting : .storeUnavailable,
            message: "the session store cannot connect to the \(self.database): \(reason)"
        )
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        text.utf8.indices.contains { text.utf8[$0...].starts(with: part.utf8) }
    }

    // MARK: Transactions

    func begin() throws(SessionError) {
        self.isCommitting = false
        try self.run("begin isolation level read committed")
    }

    func commit() throws(SessionError) {
        self.isCommitting = true
        defer { self.isCommitting = false }
        try self.run("commit")
    }

    func rollback() {
        if case .replace = self.recovery { return }
        let recovery = self.recovery
        // The operation's time may be over; ending the transaction is worth a little more.
        self.deadline = max(self.deadline, .now + .milliseconds(500))
        do throws(SessionError) {
            if self.library.transactionStatus(self.handle) != 0 { try self.run("rollback") }
            self.recovery = recovery
        } catch {
            if case .replace = self.recovery { return }
            self.recovery = .replace(isRepeatable: recovery == .repeatOperation)
        }
    }

    // MARK: Statements

    func execute(_ statement: SQLStatement) throws(SessionError) -> Int {
        try self.run(statement) { result in self.library.affectedRows(result).flatMap { Int(String(cString: $0)) } ?? 0 }
    }

    func query(_ statement: SQLStatement) throws(SessionError) -> [[SQLValue]] {
        try self.run(statement) { result in
            (0..<self.library.rowCount(result)).map { row in
                (0..<self.library.columnCount(result)).map { self.value(result, row, $0) }
            }
        }
    }

    func columns(of statement: SQLStatement) throws(SessionError) -> [String] {
        try self.run(statement) { result in
            (0..<self.library.columnCount(result)).map { self.library.columnName(result, $0).map { String(cString: $0) } ?? "" }
        }
    }

    private func value(_ result: PostgreSQLLibrary.Handle, _ row: Int32, _ column: Int32) -> SQLValue {
        guard self.library.isNull(result, row, column) == 0, let start = self.library.value(result, row, column) else { return .null }
        let bytes = UnsafeBufferPointer(start: start, count: Int(self.library.length(result, row, column)))
        return PostgreSQLValue.decode(bytes, type: self.library.columnType(result, column))
    }

    private func run<Value>(_ statement: SQLStatement, _ read: (PostgreSQLLibrary.Handle) -> Value) throws(SessionError) -> Value {
        let name = try self.prepare(statement)
        let parameters = try PostgreSQLValue.Parameters(statement.parameters)
        let isSent = parameters.withPointers { values, lengths, formats in
            self.library.sendQueryPrepared(self.handle, name, Int32(statement.parameters.count), values, lengths, formats, 1)
        }
        guard isSent == 1 else { throw self.lost() }
        return try self.finish(read)
    }

    /// The name of the prepared statement.
    private func prepare(_ statement: SQLStatement) throws(SessionError) -> String {
        if let name = self.prepared[statement.text] { return name }
        self.preparedCount += 1
        let name = "serval_\(self.preparedCount)"
        // Numbers and texts are what the columns are; bytes are bytes.
        let types: [UInt32] = statement.parameters.map { $0.bytes == nil ? 0 : PostgreSQLValue.byteaType }
        guard self.library.sendPrepare(self.handle, name, statement.text, Int32(types.count), types) == 1 else { throw self.lost() }
        try self.finish { _ in }
        self.prepared[statement.text] = name
        return name
    }

    /// Runs commands without parameters and results.
    private func run(_ text: String) throws(SessionError) {
        guard self.library.sendQuery(self.handle, text) == 1 else { throw self.lost() }
        try self.finish { _ in }
    }

    /// Waits for the answer to what was sent.
    private func finish<Value>(_ read: (PostgreSQLLibrary.Handle) -> Value) throws(SessionError) -> Value {
        self.recovery = .keep
        var unsent = self.library.flush(self.handle)
        var value: Value?
        var failure: SessionError?
        while true {
            while unsent > 0 || self.library.isBusy(self.handle) == 1 {
                try self.wait(forReading: true, forWriting: unsent > 0)
                guard self.library.consumeInput(self.handle) == 1 else { throw self.lost() }
                if unsent > 0 { unsent = self.library.flush(self.handle) }
            }
            guard unsent == 0 else { throw self.lost() }
            guard let result = self.library.result(self.handle) else { break }
            defer { self.library.clear(result) }
            switch self.library.resultStatus(result) {
            case 1, 2: value = read(result)
            default: failure = failure ?? self.failure(result)
            }
        }
        if let failure { throw failure }
        guard let value, self.library.status(self.handle) == 0 else { throw self.lost() }
        return value
    }

    // MARK: Waiting and failing

    /// Waits until the socket is ready.
    private func wait(forReading: Bool, forWriting: Bool) throws(SessionError) {
        while true {
            let left = self.deadline - .now
            guard left > .zero else {
                self.recovery = .replace(isRepeatable: false)
                throw SessionError(code: .storeUnavailable, message: "the session store waits too long for the \(self.database)")
            }
            var descriptor = pollfd(
                fd: self.library.socket(self.handle),
                events: Int16((forReading ? POLLIN : 0) | (forWriting ? POLLOUT : 0)),
                revents: 0
            )
            let count = poll(&descriptor, 1, Int32(clamping: Int((left / .milliseconds(1)).rounded(.up))))
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw self.lost() }
        }
    }

    private func lost() -> SessionError {
        self.recovery = .replace(isRepeatable: !self.isCommitting)
        let text = self.library.errorMessage(self.handle).map { String(cString: $0) } ?? ""
        let reason = text.split(separator: "\n").first.map(String.init) ?? "the connection was closed"
        return SessionError(code: .storeUnavailable, message: "the session store has lost the \(self.database): \(reason.prefix(300))")
    }

    private func failure(_ result: PostgreSQLLibrary.Handle) -> SessionError {
        let state = self.library.errorField(result, 67).map { String(cString: $0) } ?? ""
        let reason = self.library.errorField(result, 77).map { String(cString: $0) } ?? "no reason given"
        switch state {
        // Serialization failure, deadlock, and a key that another transaction has inserted.
        case "40001", "40P01", "23505": self.recovery = .repeatOperation
        case "26000", "0A000":
            // The statement was prepared on a server, or for columns, that are not there any more.
            self.prepared = [:]
            self.recovery = .repeatOperation
        // The server goes down; another connection may lead to another.
        case "57P01", "57P02", "57P03": self.recovery = .replace(isRepeatable: !self.isCommitting)
        // It has become one that is only read.
        case "25006":
            self.servers.avoid(self.server)
            self.recovery = .replace(isRepeatable: !self.isCommitting)
        case _ where state.hasPrefix("08") || self.library.status(self.handle) != 0: self.recovery = .replace(isRepeatable: !self.isCommitting)
        default: self.recovery = .keep
        }
        // The value, not the server: data exceptions, constraints, and limits of the program. 23505 is above.
        let isRefusal = self.recovery == .keep && ["22", "23", "44", "54"].contains { state.hasPrefix($0) }
        return SessionError(
            code: isRefusal ? .limitReached : .storeUnavailable,
            message: "the session store in the \(self.database) \(isRefusal ? "refuses a session" : "failed"): \(reason) (SQLSTATE \(state))"
        )
    }
}
