import ServalSessions

/// Checks of what happens to one session.
extension StoreNodes {
    func checkInsertion() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        let session = self.session("session", ["cart": [1, 2, 3]])
        try await self.requireAbsent(session.key, in: one, "nobody has inserted")
        try await self.insert(session, into: one)
        try await self.requireStored(session, in: other)
        var second = session
        second.head = [9]
        try self.require(try await !other.insert(second), "insert replaced a session")
        try await self.requireStored(session, in: one)
        try self.require(try await one.remove(session.key), "remove says that there is no such session")
        try await self.requireAbsent(session.key, in: other, "was removed")
        try await self.insert(second, into: other)
        try await self.requireStored(second, in: one)
    }

    func checkLoading() async throws {
        let store = try await self.node()
        var plain = self.session("plain")
        (plain.deadline, plain.head) = (nil, [])
        var edge = self.session("edge", principal: "duke")
        (edge.version, edge.lastAccessed, edge.deadline) = (
            StoredSession.maximumVersion, Timestamp(millisecondsSince1970: 0), Timestamp(millisecondsSince1970: 1)
        )
        let expired = self.session("expired", seconds: -100, ["a": [1]])
        for session in [plain, edge, expired] {
            try await self.insert(session, into: store)
            try await self.requireStored(session, in: store)
            let same = try await store.load(session.key, unless: session.version)
            let expected = SessionLookup.unchanged(lastAccessed: session.lastAccessed, deadline: session.deadline)
            try self.require(same == expected, "load answers \(same.words) to who has the version, not 'unchanged' with the times")
            let other = try await store.load(session.key, unless: session.version &+ 1)
            try self.require(other == .found(session), "load answers \(other.words) to who has another version")
        }
    }

    func checkSaving() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", ["kept": [1], "replaced": [2], "removed": [3]])
        try await self.insert(session, into: one)
        let first = self.changes([
            "replaced": .init(bytes: [4], condition: .version(1)), "removed": .init(bytes: nil, condition: .any),
            "added": .init(bytes: [5], condition: .absent), "never there": .init(bytes: nil, condition: .any),
        ])
        let second = self.changes(["added": .init(bytes: [6], condition: .version(2))], head: [7], principal: "duke", seconds: 3600)
        let third = self.changes([:], head: [8], principal: nil, seconds: 60)
        for (changes, store) in [(first, other), (second, one), (third, other)] {
            try self.require(session.apply(changes), "the suite's own changes do not apply")
            let version = try await self.save(changes, to: session.key, in: store)
            try self.require(version == session.version, "save gives version \(version), not \(session.version)")
            try await self.requireStored(session, in: one)
            try await self.requireStored(session, in: other)
        }
        let absent = try await one.save(first, to: self.key("nobody"))
        try self.require(absent == .absent, "save answers \(absent.words) for a session that is not there")
        try await self.requireAbsent(self.key("nobody"), in: one, "was never inserted")
    }

    func checkConflict() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", ["a": [1], "b": [1]])
        try await self.insert(session, into: one)
        let changeOfA = self.changes(["a": .init(bytes: [2], condition: .version(1))])
        try self.require(session.apply(changeOfA), "the suite's own changes do not apply")
        try await self.save(changeOfA, to: session.key, in: one)
        let stale: [StoredSessionChanges.Write] = [
            .init(bytes: [3], condition: .version(1)), .init(bytes: nil, condition: .version(1)), .init(bytes: [3], condition: .absent),
        ]
        for write in stale {
            let answer = try await other.save(self.changes(["a": write, "b": .init(bytes: [9], condition: .any)], head: [1]), to: session.key)
            try self.require(
                answer == .conflict(session),
                "save answers \(answer.words), not 'conflict' with what is stored (condition: \(write.condition))"
            )
            try await self.requireStored(session, in: other)
        }
        let missing = try await other.save(self.changes(["c": .init(bytes: [1], condition: .version(1))]), to: session.key)
        try self.require(missing == .conflict(session), "save answers \(missing.words) for a version of an attribute that is not there")
        // Another attribute is nobody else's business, whatever became of the session's version.
        try await self.save(self.changes(["b": .init(bytes: [2], condition: .version(1))]), to: session.key, in: other)
    }

    func checkRenaming() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        // Keys begin with every digit, so that stores with several folders or partitions have them in several.
        for position in 0..<8 {
            var session = self.session("old \(position)", principal: "before", ["a": [UInt8(position)]])
            let forwarding = self.session("forwarding \(position)", seconds: 60)
            try await self.insert(session, into: one)
            if position.isMultiple(of: 2) { try await self.insert(self.session("forwarding \(position)", seconds: -60, ["x": [1]]), into: other) }
            let oldKey = session.key
            var renaming = self.renaming(of: session, to: self.key("new \(position)"), head: [7], forwarding: forwarding)
            (renaming.principal, renaming.mark) = (Self.digest("after"), StoredSessionMark(writer: 9, number: 1))
            try self.require(session.apply(renaming), "the suite's own renaming does not apply")
            let answer = try await other.rename(oldKey, by: renaming)
            try self.require(answer == .renamed(version: session.version), "rename answers \(answer.words), not 'renamed' with the next version")
            for store in [one, other] {
                try await self.requireAbsent(oldKey, in: store, "was renamed")
                try await self.requireStored(session, in: store)
                try await self.requireStored(forwarding, in: store)
            }
            let late = try await one.save(self.changes(["a": .init(bytes: [9], condition: .any)]), to: oldKey)
            try self.require(late == .absent, "save answers \(late.words) under the old key")
            try self.require(try await !one.touch(oldKey, lastAccessed: self.now, deadline: nil), "touch finds the old key")
            try self.require(try await !one.remove(oldKey), "remove finds the old key")
            try await self.save(self.changes(["a": .init(bytes: [9], condition: .version(1))]), to: session.key, in: one)
        }
        try self.require(try await one.sessions(ofPrincipal: Self.digest("before")).isEmpty, "the principal index keeps what was renamed")
        let after = try await one.sessions(ofPrincipal: Self.digest("after")).count
        try self.require(after == 8, "the principal index has \(after) of 8 renamed sessions")
    }

    func checkRenamingImpossible() async throws {
        let store = try await self.node()
        let (session, taken, forwarding) = (self.session("session", ["a": [1]]), self.session("taken"), self.session("forwarding", seconds: 60))
        try await self.insert(session, into: store)
        try await self.insert(taken, into: store)
        var renaming = self.renaming(of: session, to: taken.key, head: [1], forwarding: forwarding)
        var answer = try await store.rename(session.key, by: renaming)
        try self.require(answer == .taken, "rename answers \(answer.words) for a key that is taken")
        renaming.key = self.key("new")
        answer = try await store.rename(self.key("nobody"), by: renaming)
        try self.require(answer == .absent, "rename answers \(answer.words) for a session that is not there")
        try await self.requireStored(session, in: store)
        try await self.requireStored(taken, in: store)
        try await self.requireAbsent(self.key("new"), in: store, "nobody renamed")
        try await self.requireAbsent(forwarding.key, in: store, "leads nowhere")
    }

    func checkTouching() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", principal: "duke", ["a": [1]])
        try await self.insert(session, into: one)
        let later = self.now.advanced(by: .seconds(5))
        let deadline = self.now.advanced(by: .seconds(4000))
        try self.require(try await other.touch(session.key, lastAccessed: later, deadline: deadline), "touch does not find the session")
        (session.lastAccessed, session.deadline) = (later, deadline)
        try await self.requireStored(session, in: one)
        let unchanged = try await one.load(session.key, unless: 1)
        try self.require(
            unchanged == .unchanged(lastAccessed: later, deadline: deadline),
            "load answers \(unchanged.words) after a touch, not the new times"
        )
        try self.require(try await one.touch(session.key, lastAccessed: self.now, deadline: self.now), "touch does not find the session")
        try await self.requireStored(session, in: other)
        try await self.save(self.changes(["a": .init(bytes: [2], condition: .version(1))], seconds: 1), to: session.key, in: one)
        let saved = try await self.load(session.key, from: other)
        try self.require(saved.lastAccessed == later && saved.deadline == deadline, "a save with an earlier access moved the session's times back")
        try self.require(
            try await one.touch(session.key, lastAccessed: later.advanced(by: .seconds(1)), deadline: nil),
            "touch does not find the session"
        )
        try self.require(try await self.load(session.key, from: other).deadline == nil, "touch does not take a deadline away")
        try self.require(try await !one.touch(self.key("nobody"), lastAccessed: later, deadline: nil), "touch finds a session that is not there")
        try await self.requireAbsent(self.key("nobody"), in: one, "was only touched")
    }
}
