import Logging
import Synchronization

@testable import ServalSessions

/// Servers over a ``HookedStore``.
final class HookedNodes: Sendable {
    let clock = ManualClock()
    let store = HookedStore()
    let managers: [PersistentSessionManager]
    let logs: [EventLog]

    init(
        _ count: Int = 1,
        mode: PersistentSessionManager.Mode = .everyRequest(maximumStaleness: .zero),
        change: (inout PersistentSessionManager.Configuration) -> Void = { _ in }
    ) throws {
        var managers: [PersistentSessionManager] = []
        var logs: [EventLog] = []
        for _ in 0..<count {
            var configuration = PersistentSessionManager.Configuration()
            configuration.mode = mode
            configuration.sessions.clock = { [clock] in clock.now }
            configuration.logger.logLevel = .critical
            change(&configuration)
            let sealer = try SessionSealer(secret: [UInt8](repeating: 1, count: 32))
            let manager = PersistentSessionManager(store: self.store, sealer: sealer, configuration: configuration)
            let log = EventLog()
            manager.addListener(RecordingListener(log: log))
            managers.append(manager)
            logs.append(log)
        }
        self.managers = managers
        self.logs = logs
    }

    subscript(number: Int) -> PersistentSessionManager { self.managers[number] }

    func key(_ id: SessionID) -> StoredSessionKey { StoredSessionKey(id, namespace: "") }

    /// A stored session with one attribute, whose first request is over.
    func session(_ number: Int = 0, visits: Int = 1) async throws -> HTTPSession {
        let session = try await self[number].create(id: nil)
        session[Visits.self] = visits
        try await self[number].save(session)
        session.endAccess()
        return session
    }

    /// How many sessions the listeners heard the end of.
    var endings: Int { self.logs.reduce(0) { $0 + $1.all.count { $0.hasPrefix("destroyed") } } }
}

/// Does something when a session ends.
final class DestructionListener: HTTPSessionListener {
    private let body: @Sendable (HTTPSession) async -> Void

    init(_ body: @escaping @Sendable (HTTPSession) async -> Void) { self.body = body }

    func sessionDestroyed(_ session: HTTPSession, reason: SessionEndReason) async { await self.body(session) }
}

extension PersistentSessionManager {
    /// The count, as soon as the store is asked again: one that is taken for down is left alone for a second.
    func storedSessionCountOnceItAnswers() async throws -> Int {
        for _ in 0..<50 {
            if let count = try? await self.storedSessionCount() { return count }
            try await Task.sleep(for: .milliseconds(100))
        }
        return try await self.storedSessionCount()
    }
}
