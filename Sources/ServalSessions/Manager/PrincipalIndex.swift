import Synchronization

/// Which sessions of a table belong to whom; sessions without a principal cost nothing here.
final class PrincipalIndex: Sendable {
    private let sessions = Mutex<[String: [ObjectIdentifier: HTTPSession]]>([:])

    /// Adds a session, unless it has ended.
    func add(_ session: HTTPSession, to principal: String) {
        self.sessions.withLock { $0[principal, default: [:]][ObjectIdentifier(session)] = session }
        // Who ends a session removes it here afterwards, which may have been before it was added.
        if !session.isLive { self.remove(session, from: principal) }
    }

    func remove(_ session: HTTPSession, from principal: String) {
        let removed = self.sessions.withLock { index in
            let removed = index[principal]?.removeValue(forKey: ObjectIdentifier(session))
            if index[principal]?.isEmpty == true { index[principal] = nil }
            return removed
        }
        withExtendedLifetime(removed) {}
    }

    /// The sessions of a principal, in no order.
    func sessions(of principal: String) -> [HTTPSession] {
        self.sessions.withLock { Array(($0[principal] ?? [:]).values) }.filter { $0.principalName == principal }
    }

    func removeAll() {
        let all = self.sessions.withLock { sessions in
            defer { sessions = [:] }
            return sessions
        }
        withExtendedLifetime(all) {}
    }
}

extension HTTPSession {
    fileprivate var isLive: Bool { self.state.withLock { $0.phase == .live } }
}
