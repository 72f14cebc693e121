import Synchronization

/// Sessions whose time is over, or would be if no request used them.
extension SessionPersistence {
    /// How old a claim may be for its session to be taken for expired without another look.
    static let confirmationTime = Duration.seconds(1)

    /// Expired sessions, handed out to this server until ``lease`` is over.
    func claimExpired(at now: Timestamp, limit: Int) async throws(SessionError) -> [StoredSession] {
        try await self.ask { store throws(SessionError) in try await store.claimExpired(at: now, limit: limit, lease: Self.lease) }
    }

    /// Makes sure that nobody has used a session since it was claimed, and that nobody else gets it while listeners hear of its end.
    ///
    /// - Parameter moment: when it was claimed.
    /// - Returns: when the claim ends; `nil` if it does not hold any more.
    func confirmClaim(of key: StoredSessionKey, since moment: Timestamp) async throws(SessionError) -> Timestamp? {
        let now = self.clock()
        let end = moment.advanced(by: Self.lease)
        let late = moment.advanced(by: Self.confirmationTime)
        // Before that moment is not soon after it: the clock was set back, and nobody knows how old the claim is.
        if now >= moment, now < late { return end }
        let newEnd = max(now, late).advanced(by: Self.lease)
        let holds = try await self.ask { store throws(SessionError) in try await store.renewClaim(key, until: end, to: newEnd) }
        return holds ? newEnd : nil
    }

    /// Removes a session that was claimed; `false` if it was used since.
    @discardableResult
    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.ask { store throws(SessionError) in try await store.removeClaimed(key, until: end) }
    }

    /// Tells the store that a session is in use here, so that no server takes it for expired.
    ///
    /// - Parameter time: until somebody tells the store again.
    func keepAlive(_ key: StoredSessionKey, _ session: HTTPSession, for time: Duration) async throws(SessionError) {
        let now = self.clock()
        let (lastAccessed, deadline) = session.state.withLock { state in
            guard state.accessCount > 0 else { return (state.idleSince, HTTPSession.deadline(of: state, policy: self.policy)) }
            // Some request uses it at this moment.
            let moment = max(now.millisecondsSince1970, state.idleSince)
            let least = now.advanced(by: time)
            return (moment, HTTPSession.deadline(of: state, policy: self.policy, lastAccessed: moment, noEarlierThan: least))
        }
        _ = try await self.ask { store throws(SessionError) in
            try await store.touch(key, lastAccessed: Timestamp(millisecondsSince1970: lastAccessed), deadline: deadline)
        }
    }
}
