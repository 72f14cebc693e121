import ServalSessions

/// Checks of what ends a claim.
extension StoreNodes {
    func checkEndOfClaims() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        let lease = Duration.seconds(60)
        let end = self.now.advanced(by: lease)
        try await self.checkClaimThatHolds(one, until: end)

        try await self.checkVoidClaim(after: "a save", one, until: end) { session in
            // A request that began long ago: the session is as expired as before.
            var changes = self.changes(["a": .init(bytes: [2], condition: .any)])
            (changes.lastAccessed, changes.deadline) = (session.lastAccessed, session.deadline)
            try await self.save(changes, to: session.key, in: other)
            return session.key
        }
        try await self.checkVoidClaim(after: "a touch", one, until: end) { session in
            let isThere = try await other.touch(session.key, lastAccessed: session.lastAccessed, deadline: session.deadline)
            try self.require(isThere, "touch does not find a claimed session")
            return session.key
        }
        try await self.checkVoidClaim(after: "a touch that moves the deadline to the end of the claim", one, until: end, isStillExpired: false) {
            session in
            try self.require(try await other.touch(session.key, lastAccessed: self.now, deadline: end), "touch does not find a claimed session")
            return session.key
        }
        try await self.checkVoidClaim(after: "a rename", one, until: end) { session in
            let newKey = self.key("new")
            let forwarding = self.session("forwarding", seconds: 600)
            let answer = try await other.rename(session.key, by: self.renaming(of: session, to: newKey, head: [1], forwarding: forwarding))
            guard case .renamed = answer else {
                throw SessionStoreSuite.Failure(check: self.check, message: "rename answers \(answer.words) for a claimed session")
            }
            return newKey
        }
        try await self.checkVoidClaim(after: "another's claim", one, until: end, isStillExpired: false) { session in
            let claimed = try await self.claim(1, at: end.advanced(by: .seconds(2)), lease: lease, from: other)
            try self.require(claimed.map(\.key) == [session.key], "claimExpired does not hand out a session whose lease is over")
            return session.key
        }
        let absent = self.key("nobody")
        try self.require(try await !one.renewClaim(absent, until: end, to: end.advanced(by: lease)), "renewClaim finds a session that is not there")
        try self.require(try await !one.removeClaimed(absent, until: end), "removeClaimed finds a session that is not there")
    }

    /// A claim is renewed and removes by its own end only.
    private func checkClaimThatHolds(_ store: any SessionStore, until end: Timestamp) async throws {
        let session = self.session("session", seconds: -60, ["a": [1]])
        try await self.insert(session, into: store)
        try self.require(try await !store.removeClaimed(session.key, until: end), "removeClaimed removes what nobody has claimed")
        _ = try await self.claim(1, at: self.now, from: store)
        let later = end.advanced(by: .seconds(60))
        try self.require(
            try await !store.renewClaim(session.key, until: end.advanced(by: .seconds(5)), to: later),
            "renewClaim renews a claim with another end"
        )
        try self.require(try await !store.removeClaimed(session.key, until: later), "removeClaimed removes by a claim with another end")
        // The same moment again is a renewal, too.
        for newEnd in [end, later] {
            try self.require(try await store.renewClaim(session.key, until: end, to: newEnd), "renewClaim does not renew a claim that holds")
        }
        let early = try await store.claimExpired(at: end.advanced(by: .seconds(5)), limit: 10, lease: .seconds(60))
        try self.require(early.isEmpty, "claimExpired hands out a session whose claim was renewed")
        try await self.requireStored(session, in: store)
        try self.require(try await !store.removeClaimed(session.key, until: end), "removeClaimed removes by a claim that was renewed since")
        try self.require(try await store.removeClaimed(session.key, until: later), "removeClaimed does not remove what is claimed")
        try await self.requireAbsent(session.key, in: store, "was removed by its claim")
        try self.require(try await !store.removeClaimed(session.key, until: later), "removeClaimed removes twice")
    }

    /// Something ends a claim.
    ///
    /// - Parameters:
    ///   - isStillExpired: whether somebody else may claim the session at once.
    ///   - body: what ends it; returns the session's key.
    private func checkVoidClaim(
        after what: String,
        _ store: any SessionStore,
        until end: Timestamp,
        isStillExpired: Bool = true,
        _ body: (StoredSession) async throws -> StoredSessionKey
    ) async throws {
        let session = self.session("session", seconds: -60, ["a": [1]])
        try await self.insert(session, into: store)
        _ = try await self.claim(1, at: self.now, from: store)
        let key = try await body(session)
        for key in Set([key, session.key]) {
            try self.require(
                try await !store.renewClaim(key, until: end, to: end.advanced(by: .seconds(60))),
                "renewClaim renews a claim after \(what)"
            )
            try self.require(try await !store.removeClaimed(key, until: end), "removeClaimed removes a session after \(what)")
        }
        _ = try await self.load(key, from: store)
        if isStillExpired {
            let again = try await self.claim(1, at: self.now, lease: .seconds(600), from: store)
            try self.require(again.map(\.key) == [key], "an expired session cannot be claimed after \(what)")
        }
        try self.require(try await store.remove(key), "remove does not find a session")
    }
}
