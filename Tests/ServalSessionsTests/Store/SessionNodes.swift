import Logging
import Synchronization

@testable import ServalSessions

/// Several servers with one store.
final class SessionNodes: Sendable {
    let clock = ManualClock()
    let store: SwitchableStore
    let managers: [PersistentSessionManager]
    let logs: [EventLog]

    init(
        _ count: Int = 2,
        mode: PersistentSessionManager.Mode = .everyRequest(maximumStaleness: .zero),
        secrets: [UInt8] = [],
        encrypts: Bool = false,
        yields: Bool = false,
        change: (inout PersistentSessionManager.Configuration) -> Void = { _ in }
    ) throws {
        let store = SwitchableStore(yields: yields)
        self.store = store
        var managers: [PersistentSessionManager] = []
        var logs: [EventLog] = []
        for number in 0..<count {
            var configuration = PersistentSessionManager.Configuration()
            configuration.mode = mode
            configuration.namespace = "/Catalina/localhost/shop"
            configuration.sessions.clock = { [clock] in clock.now }
            configuration.logger.logLevel = .critical
            change(&configuration)
            let secret = [UInt8](repeating: number < secrets.count ? secrets[number] : 1, count: 32)
            let manager = PersistentSessionManager(
                store: store,
                sealer: try SessionSealer(secret: secret, encryptsAttributes: encrypts),
                configuration: configuration
            )
            let log = EventLog()
            manager.addListener(RecordingListener(log: log))
            managers.append(manager)
            logs.append(log)
        }
        self.managers = managers
        self.logs = logs
    }

    subscript(number: Int) -> PersistentSessionManager { self.managers[number] }

    /// A request at a node that finds its session and uses it; `nil` if there is none.
    func request<Result: Sendable>(
        _ number: Int,
        _ id: SessionID,
        _ body: (HTTPSession) async throws -> Result
    ) async throws -> Result? {
        guard let session = try await self[number].find(id), session.beginAccess() else { return nil }
        defer { session.endAccess() }
        let result = try await body(session)
        try await self[number].save(session)
        return result
    }

    /// A session that was created at a node and has one attribute.
    func session(_ number: Int = 0, visits: Int = 1) async throws -> SessionID {
        let session = try await self[number].create(id: nil)
        session[Visits.self] = visits
        try await self[number].save(session)
        session.endAccess()
        return session.id
    }
}

/// A store in memory that counts, can be down, and lets others in between.
final class SwitchableStore: ForwardingSessionStore {
    let memory = MemorySessionStore()
    var target: any SessionStore { self.memory }
    let yields: Bool
    private let down = Atomic(false)
    private let lossy = Atomic(false)
    private let counts = Mutex<[SessionStoreCall.Name: Int]>([:])
    private let faults = Mutex<[SessionStoreCall.Name: Fault]>([:])
    private let late = Mutex<[@Sendable () async -> Void]>([])
    private let lossShare = Atomic(0)
    private let hasJustLost = Mutex(false)

    init(yields: Bool) { self.yields = yields }

    var isDown: Bool {
        get { self.down.load(ordering: .acquiring) }
        set { self.down.store(newValue, ordering: .releasing) }
    }

    /// Does what it is told, and its answers are lost on the way.
    var losesAnswers: Bool {
        get { self.lossy.load(ordering: .acquiring) }
        set { self.lossy.store(newValue, ordering: .releasing) }
    }

    /// What goes wrong with an operation.
    enum Fault: Sendable {
        /// It is not done, and nobody says so.
        case fails
        /// It is done, and the answer is lost.
        case losesAnswer
        /// It is done later, by ``catchUp()``, when nobody waits for it any more.
        case comesLate
    }

    /// What goes wrong with the next operation of a name.
    func setFault(_ fault: Fault, of name: SessionStoreCall.Name) { self.faults.withLock { $0[name] = fault } }

    /// Loses one answer in so many, at random; zero for none.
    func loseAnswers(oneIn share: Int) { self.lossShare.store(share, ordering: .releasing) }

    /// Does what has come late.
    func catchUp() async {
        let late = self.late.withLock { late in
            defer { late = [] }
            return late
        }
        for operation in late { await operation() }
    }

    /// Never two in a row: that would be an outage.
    private func losesThisAnswer() -> Bool {
        let share = self.lossShare.load(ordering: .acquiring)
        guard share > 0 else { return false }
        return self.hasJustLost.withLock { hasJustLost in
            hasJustLost = !hasJustLost && Int.random(in: 0..<share) == 0
            return hasJustLost
        }
    }

    /// The operations since somebody asked last.
    func takeCounts() -> [SessionStoreCall.Name: Int] {
        self.counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
    }

    func forward<Answer: Sendable>(
        _ call: SessionStoreCall,
        _ operation: @escaping @Sendable (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        self.counts.withLock { $0[call.name, default: 0] += 1 }
        if self.yields { for _ in 0..<Int.random(in: 0...3) { await Task.yield() } }
        guard !self.isDown else { throw SessionError(code: .storeUnavailable, message: "switched off") }
        let fault = self.faults.withLock { $0.removeValue(forKey: call.name) }
        switch fault {
        case .fails: throw SessionError(code: .storeUnavailable, message: "not done")
        case .comesLate:
            self.late.withLock { late in late.append { [memory] in _ = try? await operation(memory) } }
            throw SessionError(code: .storeUnavailable, message: "not done yet")
        case .losesAnswer, nil: break
        }
        let answer = try await operation(self.memory)
        guard !self.losesAnswers, fault == nil, !self.losesThisAnswer() else { throw SessionError(code: .storeUnavailable, message: "no answer") }
        if self.yields { for _ in 0..<Int.random(in: 0...3) { await Task.yield() } }
        return answer
    }
}
