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
    /// Where clients sign in by themselves with every request, with a certificate (`CLIENT-CERT`), an application may have names of its own for them: a session that it
    /// signs on under such a name goes on for requests of the same client, and for nobody else's. The session remembers that in the attribute `serval.account`.
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
        let id = try await self.rotateID(principal: principal)
        let owner = SessionRequest.current?.clientOwner
        self[SessionAccount.Key.self] = owner.flatMap { $0 == principal ? nil : SessionAccount(name: principal, owner: $0) }
        return id
    }

    /// Makes this the session of a principal and leaves it its id: for a session that has been made just now, whose id nobody knows but the principal.
    ///
    /// - Returns: `false` if it is the session of somebody else already: requests that have the same session made share it.
    /// - Throws: what ``signOn(as:)`` throws, for the same reasons.
    @discardableResult
    package func begin(as principal: String) async throws(SessionError) -> Bool {
        guard !principal.isEmpty else { throw SessionError(code: .illegalSetting, message: "a principal needs a name") }
        if self.principalName == nil { try await self.table?.makeRoom(for: principal, besides: self) }
        let (isAlive, isFirst) = self.state.withLock { state in
            guard state.phase == .live else { return (false, false) }
            guard state.principal == nil else { return (true, false) }
            state.principal = principal
            state.stored?.isHeadChanged = true
            return (true, true)
        }
        guard isAlive else { throw Self.hasEnded }
        guard isFirst else { return self.belongs(to: principal) }
        self.table?.principal(of: self, changedFrom: nil)
        return true
    }

    /// Ends a session that its request has made and cannot use, unless another request has joined it meanwhile.
    ///
    /// After ``endAccess()``.
    ///
    /// - Throws: as ``invalidate()``.
    package func invalidateUnlessUsed() async throws(SessionError) {
        try await self.table?.end(self, reason: .invalidated, if: .unused)
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
