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
            for record in try await persistence.sessions(ofPrincipal: name) {
                guard let head = persistence.head(of: record), head.principal == name else { continue }
                let id = SessionID(rawValue: head.id)
                guard let session = self.hold(id) ?? self.adopt(persistence.session(id, record, head, self), holding: true) else { continue }
                held.append(session)
                if persistence.hasEnded(session) { self.forgetEnded(session) } else { sessions.append(session) }
            }
        }
        return sessions.filter(\.isValid).sorted { $0.creationTime < $1.creationTime }
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
