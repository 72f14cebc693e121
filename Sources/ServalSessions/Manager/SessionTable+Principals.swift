import Synchronization

/// The sessions of one principal.
extension SessionTable {
    /// The live sessions of a principal, here and in the store, in the order of their creation.
    func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] {
        var sessions = self.principals.sessions(of: name)
        // None leaves memory while the others are looked for.
        var held: [HTTPSession] = []
        defer { for session in held { session.release() } }
        if let persistence = self.persistence {
            // What is stored, and what no store knows yet; not what another server may have ended.
            sessions.removeAll(where: \.isStored)
            let departures = self.shards.map { $0.contents.withLock { $0.departures } }
            for record in try await persistence.sessions(ofPrincipal: name) {
                guard let head = persistence.head(of: record), head.principal == name else { continue }
                let id = SessionID(rawValue: head.id)
                var present = self.hold(id)
                if present == nil { present = try await self.adopt(id, record, head, since: departures[Self.shardNumber(of: id)]) }
                guard let session = present else { continue }
                held.append(session)
                if persistence.hasEnded(session) { self.forgetEnded(session) } else { sessions.append(session) }
            }
        }
        return sessions.filter(\.isValid).sorted { $0.creationTime < $1.creationTime }
    }

    /// The session of a record that is not in memory; it stays there until it is released.
    private func adopt(_ id: SessionID, _ record: StoredSession, _ head: SessionHead, since departures: UInt32) async throws(SessionError)
        -> HTTPSession?
    {
        guard let stored = self.persistence?.session(id, record, head, self) else { return nil }
        switch self.adopt(stored, holding: true, since: departures) {
        case .done(let session): return session
        case .outdated: return try await self.restore(id)
        case .refused: return nil
        }
    }

    /// Ends sessions of a principal, or refuses, so that one more is allowed.
    func makeRoom(for principal: String, besides session: HTTPSession) async throws(SessionError) {
        guard let maximum = self.configuration.maximumSessionsPerPrincipal else { return }
        var others = try await self.sessions(ofPrincipal: principal).filter { $0 !== session }
        guard others.count >= max(1, maximum) else { return }
        guard self.configuration.principalSessionLimit == .evictOldest else {
            let reason = "the principal has \(others.count) sessions already; serval.maxSessionsPerPrincipal of the Manager is \(maximum)"
            throw SessionError(code: .limitReached, message: reason)
        }
        while others.count >= max(1, maximum) { try await self.end(others.removeFirst(), reason: .evicted) }
    }
}
