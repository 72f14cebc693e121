import Synchronization

/// Who signed on in a session.
extension HTTPSession {
    /// The name of the principal that signed on; `nil` for an anonymous session.
    public var principalName: String? { self.state.withLock { $0.principal } }

    /// Makes this the session of a principal and gives it a fresh ID: call it when somebody has signed on, whoever planted the old id is left with nothing.
    ///
    /// Ends other sessions of the principal, the oldest first, or refuses, if there would be more than the manager allows
    /// (``StandardSessionManager/Configuration/maximumSessionsPerPrincipal``). Several sign-ons at the same moment may exceed the maximum by their number.
    ///
    /// - Parameter principal: the name, not empty.
    /// - Returns: the new ID.
    /// - Throws: ``SessionError/Code/limitReached`` if the principal has too many sessions, and what ``HTTPSession/rotateID()`` throws. Then nobody has signed on.
    @discardableResult
    public func signOn(as principal: String) async throws(SessionError) -> SessionID {
        guard !principal.isEmpty else { throw SessionError(code: .illegalSetting, message: "a principal needs a name") }
        // Before anything changes: not from a request that knows the session only by a former id.
        _ = try self.replaceableID()
        try await self.table?.makeRoom(for: principal, besides: self)
        return try await self.rotateID(principal: principal)
    }

    /// Makes this the session of a principal and leaves it its id: for a session that has been made just now, whose id nobody knows but the principal.
    ///
    /// - Throws: what ``signOn(as:)`` throws, for the same reasons.
    package func begin(as principal: String) async throws(SessionError) {
        guard !principal.isEmpty else { throw SessionError(code: .illegalSetting, message: "a principal needs a name") }
        try await self.table?.makeRoom(for: principal, besides: self)
        let isAlive = self.state.withLock { state in
            guard state.phase == .live else { return false }
            state.principal = principal
            state.stored?.isHeadChanged = true
            return true
        }
        guard isAlive else { throw Self.hasEnded }
        self.table?.principal(of: self, changedFrom: nil)
    }

    /// Changes the id and, if one is given, the principal, both or neither.
    func rotateID(principal: String?) async throws(SessionError) -> SessionID {
        if let table = self.table { return try await table.rotate(self, principal: principal) }
        let id = StandardSessionIDGenerator().makeID()
        guard self.changeID(to: id, principal: principal) else { throw Self.hasEnded }
        return id
    }
}

/// What happens when a principal would have too many sessions.
public enum PrincipalSessionLimit: Sendable, Hashable {
    /// The sign-on fails.
    case reject
    /// The sessions that signed on first end.
    case evictOldest
}
