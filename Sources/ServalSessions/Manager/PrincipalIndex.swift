import Synchronization

/// Which sessions of a table belong to whom; sessions without a principal cost nothing here.
final class PrincipalIndex: Sendable {
    private let sessions = Mutex<[String: [HTTPSession]]>([:])

    func add(_ session: HTTPSession, to principal: String) {
        self.sessions.withLock { index in
            guard index[principal]?.contains(where: { $0 === session }) != true else { return }
            index[principal, default: []].append(session)
        }
    }

    func remove(_ session: HTTPSession, from principal: String) {
        self.sessions.withLock { index in
            index[principal]?.removeAll { $0 === session }
            if index[principal]?.isEmpty == true { index[principal] = nil }
        }
    }

    /// In the order in which they signed on.
    func sessions(of principal: String) -> [HTTPSession] { self.sessions.withLock { $0[principal] ?? [] } }

    func removeAll() { self.sessions.withLock { $0 = [:] } }
}
