import Synchronization

/// The servers of a database, of which the one that worked last is tried first.
package final class DatabaseServers: Sendable {
    private let database: SessionDatabase
    private let servers: [SessionDatabase.Server]
    private let first = Atomic(0)

    /// The servers of a database; one in name only for a Unix socket.
    package init(of database: SessionDatabase) {
        self.database = database
        let isLocal = database.socket != nil || database.servers.isEmpty
        self.servers = isLocal ? [.init(host: "localhost", port: database.product.port)] : database.servers
    }

    /// Whether there is a choice.
    package var areSeveral: Bool { self.servers.count > 1 }

    /// Connects to one of the servers.
    ///
    /// Each gets an equal share of the time that is left, so that one that says nothing keeps nobody from the next.
    ///
    /// - Throws: what `attempt` throws for the last of them.
    package func connect<Connection>(
        until deadline: ContinuousClock.Instant,
        _ attempt: (_ server: SessionDatabase.Server, _ deadline: ContinuousClock.Instant) throws(SessionError) -> Connection
    ) throws(SessionError) -> Connection {
        var failure = SessionError(code: .storeUnavailable, message: "the session store waits too long for the \(self.database)")
        let first = self.first.load(ordering: .relaxed)
        for step in self.servers.indices {
            let left = deadline - .now
            guard left > .zero else { break }
            let position = (first + step) % self.servers.count
            do throws(SessionError) {
                let connection = try attempt(self.servers[position], .now + left / (self.servers.count - step))
                self.first.store(position, ordering: .relaxed)
                return connection
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Has another server tried first: this one has become one that takes no writes.
    package func avoid(_ server: SessionDatabase.Server) {
        let first = self.first.load(ordering: .relaxed)
        guard self.servers[first] == server else { return }
        self.first.store((first + 1) % self.servers.count, ordering: .relaxed)
    }
}
