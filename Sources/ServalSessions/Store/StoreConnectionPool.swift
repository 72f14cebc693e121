package import Logging
import Synchronization

/// What becomes of a connection on which an operation has failed.
package enum StoreRecovery: Sendable, Hashable {
    /// It can be used again; the failure is the operation's.
    case keep
    /// It can be used again, and the operation has had no effect and may succeed when it is repeated.
    case repeatOperation
    /// It is of no use any more; `isRepeatable` if the operation has had no effect.
    case replace(isRepeatable: Bool)
}

/// Threads that share the operations of a store, each with a connection of its own to a database whose client blocks.
///
/// Threads and connections are made when there is work for them. A connection that is lost is replaced by the next operation.
package final class StoreConnectionPool<Connection>: Sendable {
    package typealias Connect = @Sendable (_ deadline: ContinuousClock.Instant) throws(SessionError) -> Connection
    package typealias Operation<Value> = @Sendable (Connection, _ deadline: ContinuousClock.Instant) throws(SessionError) -> Value

    /// A thread; the connection is only touched by the jobs on it, one after the other: that makes it safe to share.
    private final class Worker: @unchecked Sendable {
        let thread: StoreThread
        var connection: Connection?

        init() throws(SessionError) { self.thread = try StoreThread() }
    }

    /// Does the work, and returns what tells of it.
    private typealias Job = @Sendable (Worker) -> (@Sendable () -> Void)

    private struct State {
        var idle: [Worker] = []
        var workers: [Worker] = []
        var waiting: [Job] = []
        var isClosed = false
    }

    /// The most operations that wait; more are refused at once.
    private static var maximumWaiting: Int { 10_000 }
    /// How often an operation that met another is repeated.
    private static var maximumRepetitions: Int { 20 }

    private let state = Mutex(State())
    private let limit: Int
    private let timeout: Duration
    private let connect: Connect
    private let recovery: @Sendable (Connection) -> StoreRecovery

    /// A pool of at most `limit` connections.
    ///
    /// - Parameters:
    ///   - timeout: how long an operation may take, waiting and connecting included.
    ///   - recovery: what becomes of a connection after a failure.
    package init(limit: Int, timeout: Duration, connect: @escaping Connect, recovery: @escaping @Sendable (Connection) -> StoreRecovery) {
        self.limit = min(max(1, limit), 64)
        self.timeout = timeout
        self.connect = connect
        self.recovery = recovery
    }

    /// What an operation on one of the connections returns.
    ///
    /// - Throws: what it throws; ``SessionError/Code/storeUnavailable`` if there is no connection in time, or after ``stop()``.
    package func run<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
        let deadline = ContinuousClock.now + self.timeout
        let result: Result<Value, SessionError> = await withCheckedContinuation { continuation in
            let refusal = self.submit { worker in
                let result = Result { () throws(SessionError) in try self.perform(operation, on: worker, until: deadline) }
                return { continuation.resume(returning: result) }
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) }
        }
        return try result.get()
    }

    /// The first operation, with which a store tries its database at its start.
    ///
    /// - Throws: what it throws, but for ``SessionError/Code/storeUnavailable``: a database that does not answer yet is a line in the log.
    package func open(logger: Logger, _ operation: @escaping Operation<Void>) async throws(SessionError) {
        do throws(SessionError) {
            try await self.run(operation)
        } catch {
            guard error.code == .storeUnavailable else { throw error }
            logger.warning("\(error.message); it is used as soon as it answers")
        }
    }

    /// What an operation returns once the store is open.
    ///
    /// - Throws: as ``run(_:)``; what would have kept the store from starting is, later, a database that does not do what it did, and
    ///   ``SessionError/Code/storeUnavailable``.
    package func runOpened<Value: Sendable>(_ operation: @escaping Operation<Value>) async throws(SessionError) -> Value {
        do throws(SessionError) {
            return try await self.run(operation)
        } catch {
            throw error.code == .illegalSetting ? SessionError(code: .storeUnavailable, message: error.message) : error
        }
    }

    /// Closes all connections, after the operations that are under way or wait.
    package func stop() async {
        let workers = self.state.withLock { state in
            state.isClosed = true
            return state.workers
        }
        for worker in workers {
            _ = try? await worker.thread.run { worker.connection = nil }
            await worker.thread.finish()
        }
    }

    private func perform<Value>(
        _ operation: Operation<Value>,
        on worker: Worker,
        until deadline: ContinuousClock.Instant
    ) throws(SessionError) -> Value {
        var repetitions = 0
        while true {
            guard ContinuousClock.now < deadline else {
                throw SessionError(code: .storeUnavailable, message: "the session store did not answer within \(self.timeout)")
            }
            let isFresh = worker.connection == nil
            let connection: Connection
            if let present = worker.connection {
                connection = present
            } else {
                connection = try self.connect(deadline)
                worker.connection = connection
            }
            do throws(SessionError) {
                return try operation(connection, deadline)
            } catch {
                switch self.recovery(connection) {
                case .keep: throw error
                case .repeatOperation:
                    repetitions += 1
                    guard repetitions <= Self.maximumRepetitions else {
                        // The database answers; it is this operation that always meets another.
                        throw SessionError(code: error.code, message: error.message, isOfOneOperation: true)
                    }
                    // Not all at the same moment again.
                    StoreThread.sleep(for: .milliseconds(Int.random(in: 0...(1 << min(repetitions, 6)))))
                case .replace(let isRepeatable):
                    worker.connection = nil
                    // An old connection may have been lost long ago; a new one that is lost tells of a database that is in trouble.
                    guard isRepeatable, !isFresh else { throw error }
                }
            }
        }
    }

    /// Runs a job now or when its turn comes.
    ///
    /// - Returns: why it will not run.
    private func submit(_ job: @escaping Job) -> SessionError? {
        let (worker, refusal): (Worker?, SessionError?) = self.state.withLock { state in
            guard !state.isClosed else { return (nil, StoreThread.stopped) }
            // The one that worked last: its connection is alive.
            if let worker = state.idle.popLast() { return (worker, nil) }
            if state.workers.count < self.limit {
                do throws(SessionError) {
                    let worker = try Worker()
                    state.workers.append(worker)
                    return (worker, nil)
                } catch {
                    guard !state.workers.isEmpty else { return (nil, error) }
                }
            }
            guard state.waiting.count < Self.maximumWaiting else {
                let reason = "the session store is overloaded: \(Self.maximumWaiting) operations wait"
                return (nil, SessionError(code: .storeUnavailable, message: reason))
            }
            state.waiting.append(job)
            return (nil, nil)
        }
        guard let worker else { return refusal }
        return worker.thread.enqueue { self.work(on: worker, job) } ? nil : StoreThread.stopped
    }

    /// Runs a job, and then those that wait.
    private func work(on worker: Worker, _ job: @escaping Job) {
        var job: Job? = job
        while let current = job {
            let tell = current(worker)
            // First it is free again: who hears of the end may have more work, which is not to need another connection.
            job = self.next(for: worker)
            tell()
        }
    }

    private func next(for worker: Worker) -> Job? {
        self.state.withLock { state in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.idle.append(worker)
            return nil
        }
    }
}
