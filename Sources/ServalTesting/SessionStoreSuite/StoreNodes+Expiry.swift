import ServalSessions

/// Checks of what happens to many sessions.
extension StoreNodes {
    func checkClaiming() async throws {
        let store = try await self.node()
        var eternal = self.session("eternal", seconds: -50)
        eternal.deadline = nil
        try await self.insert(eternal, into: store)
        try await self.insert(self.session("alive", seconds: 20), into: store)
        let expired = (0..<6).map { self.session("expired \($0)", seconds: -60 + $0 * 10, ["a": [UInt8($0)]]) }
        for session in expired.reversed() { try await self.insert(session, into: store) }
        let none = try await store.claimExpired(at: self.now.advanced(by: .seconds(-3600)), limit: 10, lease: .seconds(60))
        try self.require(none.isEmpty, "claimExpired hands out what has not expired at the moment that it was given")
        let nothing = try await store.claimExpired(at: self.now, limit: 0, lease: .seconds(60))
        try self.require(nothing.isEmpty, "claimExpired hands out more than its limit")
        let first = try await store.claimExpired(at: self.now, limit: 4, lease: .seconds(60))
        try self.require(first.count <= 4, "claimExpired hands out more than its limit")
        let rest = try await self.claim(6 - first.count, at: self.now, from: store)
        let all = (first + rest).sorted { ($0.deadline ?? self.now) < ($1.deadline ?? self.now) }
        try self.require(all == expired, "claimExpired did not hand out each expired session, as it was stored, once")
        for session in expired { try await self.requireStored(session, in: store) }
        let again = try await store.claimExpired(at: self.now.advanced(by: .seconds(5)), limit: 10, lease: .seconds(60))
        try self.require(again.isEmpty, "claimExpired hands out a session again before the lease is over")
        for session in expired { try self.require(try await store.remove(session.key), "a claimed session cannot be removed") }
        let removed = try await store.claimExpired(at: self.now.advanced(by: .seconds(10)), limit: 10, lease: .seconds(60))
        try self.require(removed.isEmpty, "claimExpired hands out what was removed")
        let last = try await self.claim(1, at: self.now.advanced(by: .seconds(30)), from: store)
        try self.require(last.first?.key == self.key("alive"), "claimExpired does not hand out what has expired since")
    }

    func checkClaimingByTwo() async throws {
        let stores = [try await self.node(), try await self.node()]
        let expired = (0..<40).map { self.session("session \($0)", seconds: -60 + $0) }
        for (position, session) in expired.enumerated() { try await self.insert(session, into: stores[position % 2]) }
        let claimed = try await self.concurrently(4) { position in
            var keys: [StoredSessionKey] = []
            while true {
                let batch = try await stores[position % 2].claimExpired(at: self.now, limit: 7, lease: .seconds(60)).map(\.key)
                keys += batch
                // More than there are: somebody hands them out again and again.
                if batch.isEmpty || keys.count > expired.count { return keys }
            }
        }
        var keys = claimed.flatMap(\.self)
        // What one of them had not seen yet.
        if keys.count < 40 { keys += try await self.claim(40 - keys.count, at: self.now, from: stores[0]).map(\.key) }
        try self.require(keys.count == Set(keys).count, "claimExpired handed a session to two servers")
        try self.require(Set(keys) == Set(expired.map(\.key)), "claimExpired handed out \(Set(keys).count) of 40 sessions")
    }

    func checkLease() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        let session = self.session("session", seconds: -60)
        try await self.insert(session, into: one)
        _ = try await self.claim(1, at: self.now, lease: .seconds(30), from: one)
        let early = try await other.claimExpired(at: self.now.advanced(by: .seconds(28)), limit: 10, lease: .seconds(30))
        try self.require(early.isEmpty, "claimExpired hands out what another server has claimed, before the lease is over")
        let late = try await self.claim(1, at: self.now.advanced(by: .seconds(32)), lease: .seconds(30), from: other)
        try self.require(late == [session], "claimExpired does not hand out a session whose lease is over")
        let third = try await one.claimExpired(at: self.now.advanced(by: .seconds(58)), limit: 10, lease: .seconds(30))
        try self.require(third.isEmpty, "claimExpired does not begin a new lease with the second claim")
    }

    func checkReviving() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", seconds: -60, ["a": [1]])
        try await self.insert(session, into: one)
        _ = try await self.claim(1, at: self.now, lease: .seconds(600), from: one)
        // A request on another server used it, which the store had not heard of yet.
        (session.lastAccessed, session.deadline) = (self.now, self.now.advanced(by: .seconds(100)))
        try self.require(
            try await other.touch(session.key, lastAccessed: self.now, deadline: session.deadline),
            "touch does not find a claimed session"
        )
        try await self.requireStored(session, in: one)
        let alive = try await one.claimExpired(at: self.now.advanced(by: .seconds(50)), limit: 10, lease: .seconds(60))
        try self.require(alive.isEmpty, "claimExpired hands out a session that was touched")
        let expired = try await self.claim(1, at: self.now.advanced(by: .seconds(103)), lease: .seconds(60), from: other)
        try self.require(
            expired == [session],
            "claimExpired does not hand out a session that was touched and has expired again, the first claim being void"
        )
    }

    func checkPrincipals() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        func keys(_ name: String, _ store: any SessionStore) async throws -> Set<StoredSessionKey> {
            let sessions = try await store.sessions(ofPrincipal: Self.digest(name))
            try self.require(sessions.count == Set(sessions.map(\.key)).count, "a principal's session is listed twice")
            return Set(sessions.map(\.key))
        }
        for name in ["a", "b"] { try await self.insert(self.session(name, principal: "duke", ["x": [1]]), into: one) }
        try await self.insert(self.session("c", principal: "other"), into: one)
        try await self.insert(self.session("d"), into: one)
        for store in [one, other] {
            try self.require(
                try await keys("duke", store) == [self.key("a"), self.key("b")],
                "a principal's sessions are not those that were stored"
            )
            try self.require(try await keys("nobody", store).isEmpty, "somebody who has no session has one")
        }
        let listed = try await one.sessions(ofPrincipal: Self.digest("other"))
        try self.require(listed == [self.session("c", principal: "other")], "a listed session is not as it was stored")
        try await self.save(self.changes([:], head: [1], principal: "duke"), to: self.key("d"), in: other)
        try await self.save(self.changes([:], head: [1], principal: "other"), to: self.key("a"), in: other)
        // Without a head, changes say nothing of the principal.
        try await self.save(self.changes(["x": .init(bytes: [2], condition: .any)], principal: nil), to: self.key("b"), in: one)
        try self.require(try await one.remove(self.key("c")), "remove does not find a session")
        for store in [one, other] {
            try self.require(try await keys("duke", store) == [self.key("b"), self.key("d")], "the principal index does not follow a save")
            try self.require(try await keys("other", store) == [self.key("a")], "the principal index keeps what was removed, or lacks what was saved")
        }
    }

    func checkNamespaces() async throws {
        let (one, other) = (try await self.node("/a"), try await self.node("/b"))
        let session = self.session("session", seconds: -60, principal: "duke")
        try await self.insert(session, into: one)
        try await self.requireAbsent(session.key, in: other, "is another application's")
        try self.require(try await other.count() == 0, "count sees another application's sessions")
        try self.require(
            try await other.sessions(ofPrincipal: Self.digest("duke")).isEmpty,
            "the principal index shows another application's sessions"
        )
        try self.require(
            try await other.claimExpired(at: self.now, limit: 10, lease: .seconds(1)).isEmpty,
            "claimExpired claims another application's sessions"
        )
        let saved = try await other.save(self.changes([:], head: [1]), to: session.key)
        try self.require(saved == .absent, "save reaches another application's session")
        try self.require(try await !other.touch(session.key, lastAccessed: self.now, deadline: nil), "touch reaches another application's session")
        try self.require(try await !other.remove(session.key), "remove reaches another application's session")
        try await other.removeAll()
        try await self.requireStored(session, in: one)
        try self.require(try await one.count() == 1, "removeAll reaches another application's sessions")
        // Names that a folder, a table or a pattern could mix up.
        for name in ["/ä/☃", "/%", "/_", "/a/../b", "/'\"`;--", "/A"] {
            let store = try await self.node(name)
            try self.require(try await store.count() == 0, "the application '\(name)' sees another's sessions")
            try await self.insert(self.session("in \(name)"), into: store)
        }
        try self.require(try await one.count() == 1, "an application sees sessions of one with a similar name")
    }

    func checkCounting() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        try self.require(try await one.count() == 0, "count is not 0 at first")
        for position in 0..<10 {
            try await self.insert(self.session("\(position)", seconds: position < 3 ? -60 : 60), into: position < 5 ? one : other)
        }
        try await self.requireCount(10, in: one)
        _ = try await self.claim(3, at: self.now, from: one)
        try self.require(try await other.remove(self.key("9")), "remove does not find a session")
        // Expired and claimed ones count.
        try await self.requireCount(9, in: one)
        try await other.removeAll()
        for store in [one, other] {
            try await self.requireCount(0, in: store)
            try await self.requireAbsent(self.key("5"), in: store, "was removed with all others")
        }
        try await self.insert(self.session("5"), into: one)
        try self.require(try await other.count() == 1, "count is not 1 after an insert behind removeAll")
    }

    func checkManySessions(_ count: Int) async throws {
        let stores = [try await self.node(), try await self.node()]
        let workers = 32
        // Every second one has expired.
        _ = try await self.concurrently(workers) { worker in
            for position in stride(from: worker, to: count, by: workers) {
                let session = self.session("\(position)", seconds: position.isMultiple(of: 2) ? -60 : 1800, ["cart": Array("value \(position)".utf8)])
                try await self.insert(session, into: stores[worker % 2])
            }
        }
        try await self.requireCount(count, in: stores[0])
        for position in stride(from: 0, to: count, by: max(1, count / 100)) {
            let session = try await self.load(self.key("\(position)"), from: stores[position % 2])
            try self.require(session.attributes["cart"]?.bytes == Array("value \(position)".utf8), "one of \(count) sessions is not as it was stored")
        }
        let expired = (count + 1) / 2
        let removed = try await self.concurrently(2) { node in
            var removed = 0
            let end = ContinuousClock.now + .seconds(120)
            while ContinuousClock.now < end {
                let batch = try await stores[node].claimExpired(at: self.now, limit: 256, lease: .seconds(600))
                let answers = try await self.concurrently(batch.count) { try await stores[node].remove(batch[$0].key) }
                try self.require(answers.allSatisfy(\.self), "a session was handed out twice, or was removed by nobody")
                removed += batch.count
                if batch.isEmpty, try await stores[node].count() == count - expired { break }
            }
            return removed
        }
        try self.require(removed.reduce(0, +) == expired, "of \(expired) expired sessions two servers removed \(removed)")
        try self.require(try await stores[1].count() == count - expired, "the wrong number of sessions remains")
    }

    func checkReopening() async throws {
        let first = try await self.node()
        var session = self.session("session", principal: "duke", ["a": [1], "b": Array(repeating: 7, count: 100_000)])
        try await self.insert(session, into: first)
        let changes = self.changes(["a": .init(bytes: [2], condition: .version(1))])
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: first)
        let expired = self.session("expired", seconds: -60)
        try await self.insert(expired, into: first)
        try await self.insert(self.session("removed"), into: first)
        try self.require(try await first.remove(self.key("removed")), "remove does not find a session")
        try await self.insert(self.session("old"), into: first)
        let old = self.session("old")
        let renaming = self.renaming(of: old, to: self.key("new"), head: [5], forwarding: self.session("forwarding", seconds: 60))
        let renamed = try await first.rename(old.key, by: renaming)
        try self.require(renamed == .renamed(version: 2), "rename answers \(renamed.words)")
        _ = try await self.claim(1, at: self.now, lease: .seconds(60), from: first)
        await self.stop()

        let second = try await self.node()
        try await self.requireStored(session, in: second)
        try await self.requireAbsent(self.key("removed"), in: second, "was removed before the stop")
        try await self.requireAbsent(self.key("old"), in: second, "was renamed before the stop")
        try self.require(try await self.load(self.key("new"), from: second).head == [5], "a renamed session has its old head after a restart")
        try await self.requireCount(4, in: second)
        let listed = try await second.sessions(ofPrincipal: Self.digest("duke"))
        try self.require(listed == [session], "the principal index is not there after a restart")
        let claimed = try await self.claim(1, at: self.now.advanced(by: .seconds(62)), from: second)
        try self.require(
            claimed.map(\.key) == [expired.key] || claimed.map(\.key) == [self.key("forwarding")],
            "an expired session is not handed out after a restart"
        )
    }
}
