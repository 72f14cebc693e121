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
    /// - Throws: ``SessionError/Code/limitReached`` if the principal has too many sessions, ``SessionError/Code/invalidated`` if the session has ended,
    ///   ``SessionError/Code/storeUnavailable``.
    @discardableResult
    public func signOn(as principal: String) async throws(SessionError) -> SessionID {
        guard !principal.isEmpty else { throw SessionError(code: .illegalSetting, message: "a principal needs a name") }
        // Before anything changes: not from a request that knows the session only by a former id.
        _ = try self.replaceableID()
        try await self.table?.makeRoom(for: principal, besides: self)
        let previous = self.state.withLock { state -> (isLive: Bool, name: String?) in
            guard state.phase == .live else { return (false, nil) }
            defer {
                state.principal = principal
                state.stored?.isHeadChanged = true
            }
            return (true, state.principal)
        }
        guard previous.isLive else { throw Self.hasEnded }
        if let table = self.table {
            if let name = previous.name { table.principals.remove(self, from: name) }
            table.principals.add(self, to: principal)
        }
        return try await self.rotateID()
    }
}

/// What happens when a principal would have too many sessions.
public enum PrincipalSessionLimit: Sendable, Hashable {
    /// The sign-on fails.
    case reject
    /// The sessions that signed on first end.
    case evictOldest
}
