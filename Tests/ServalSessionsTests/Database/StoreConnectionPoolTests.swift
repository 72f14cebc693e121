import ServalSessions
import Synchronization
import Testing

/// Connections that are lost, conflict and are missing, without a database.
@Suite("Connections of a store")
struct StoreConnectionPoolTests {
    private final class Connection: Sendable {
        let number: Int
        let recovery = Mutex(StoreRecovery.keep)

        init(_ number: Int) { self.number = number }

        func fail(_ recovery: StoreRecovery) -> SessionError {
            self.recovery.withLock { $0 = recovery }
            return SessionError(code: .storeUnavailable, message: "failed")
        }
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        var count: Int { self.value.load(ordering: .relaxed) }
        func next() -> Int { self.value.wrappingAdd(1, ordering: .relaxed).newValue }
    }

    private func pool(_ limit: Int, timeout: Duration = .seconds(30), _ counter: Counter = Counter()) -> StoreConnectionPool<Connection> {
        StoreConnectionPool(limit: limit, timeout: timeout) { _ throws(SessionError) in
            Connection(counter.next())
        } recovery: { connection in
            connection.recovery.withLock { $0 }
        }
    }

    @Test("As many connections as there is work for, and no more")
    func limit() async throws {
        let connections = Counter()
        let pool = self.pool(3, connections)
        for _ in 0..<5 { _ = try await pool.run { connection, _ throws(SessionError) in connection.number } }
        #expect(connections.count == 1, "one after the other they need one connection")
        let running = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await pool.run { _, _ throws(SessionError) in
                        _ = running.next()
                        StoreThread.sleep(for: .milliseconds(2))
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(running.count == 50 && connections.count == 3)
        await pool.stop()
        await #expect(throws: SessionError.self) { try await pool.run { _, _ throws(SessionError) in } }
    }

    @Test("A stale connection is replaced, and the operation repeated, if it has had no effect", arguments: [true, false])
    func stale(_ isRepeatable: Bool) async throws {
        let pool = self.pool(1)
        let runs = Counter()
        _ = try await pool.run { _, _ throws(SessionError) in }
        do {
            let number = try await pool.run { connection, _ throws(SessionError) in
                _ = runs.next()
                if connection.number == 1 { throw connection.fail(.replace(isRepeatable: isRepeatable)) }
                return connection.number
            }
            #expect(isRepeatable && number == 2 && runs.count == 2)
        } catch {
            #expect(!isRepeatable && runs.count == 1)
        }
        #expect(try await pool.run { connection, _ throws(SessionError) in connection.number } == 2)
        // What fails on a new connection is not tried for ever.
        await #expect(throws: SessionError.self) {
            try await pool.run { connection, _ throws(SessionError) in throw connection.fail(.replace(isRepeatable: true)) }
        }
        await pool.stop()
    }

    @Test("A conflict is repeated until it succeeds, or has gone on for too long")
    func conflict() async throws {
        let pool = self.pool(1)
        let runs = Counter()
        let count = try await pool.run { connection, _ throws(SessionError) in
            guard runs.next() > 4 else { throw connection.fail(.repeatOperation) }
            return runs.count
        }
        #expect(count == 5)
        let error = await #expect(throws: SessionError.self) {
            try await pool.run { connection, _ throws(SessionError) in throw connection.fail(.repeatOperation) }
        }
        #expect(error?.isOfOneOperation == true)
        await pool.stop()
    }

    @Test("Who waits for too long does not get a connection any more")
    func timeout() async throws {
        let pool = self.pool(1, timeout: .seconds(1))
        let (started, begin) = AsyncStream<Void>.makeStream()
        let asked = Mutex<ContinuousClock.Instant?>(nil)
        let first = Task {
            try await pool.run { _, _ throws(SessionError) in
                begin.yield()
                // Takes the connection for longer than the second may wait, whenever that comes.
                while asked.withLock({ $0.map { ContinuousClock.now - $0 < .seconds(3) } ?? true }) { StoreThread.sleep(for: .milliseconds(20)) }
            }
        }
        var beginnings = started.makeAsyncIterator()
        await beginnings.next()
        let runs = Counter()
        asked.withLock { $0 = .now }
        let error = await #expect(throws: SessionError.self) { try await pool.run { _, _ throws(SessionError) in _ = runs.next() } }
        #expect(error?.code == .storeUnavailable && runs.count == 0)
        try await first.value
        await pool.stop()
    }

    @Test("A library that is missing is told with its package")
    func missingLibrary() {
        let error = #expect(throws: SessionError.self) { try DynamicLibrary(["libnone.so.1"], purpose: "a store", package: "libnone1") }
        #expect(error?.code == .illegalSetting)
        #expect(error?.message == "a store needs the library libnone.so.1, which is not installed; Debian's package is libnone1")
    }
}
