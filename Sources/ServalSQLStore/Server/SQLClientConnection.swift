import ServalSessions

/// A connection to a database server, for one thread.
protocol SQLClientConnection: AnyObject, SQLConnection {
    /// Until when the calls that follow have to be done; what takes longer costs the connection.
    var deadline: ContinuousClock.Instant { get set }
    /// What the last failure means.
    var recovery: StoreRecovery { get }

    /// Begins a transaction.
    func begin() throws(SessionError)
    /// Ends the transaction; when this returns, it is on the server's disk.
    func commit() throws(SessionError)
    /// Undoes the transaction, if the connection is still of use.
    func rollback()
    /// The names of a query's columns.
    func columns(of statement: SQLStatement) throws(SessionError) -> [String]
}

/// A product's client.
struct SQLClient: Sendable {
    var dialect: SQLDialect
    /// Connects, or throws ``SessionError/Code/illegalSetting`` for what will not be better the next time, and ``SessionError/Code/storeUnavailable``.
    var connect: @Sendable (_ deadline: ContinuousClock.Instant) throws(SessionError) -> any SQLClientConnection
}
