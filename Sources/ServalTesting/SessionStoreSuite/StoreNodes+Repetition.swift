import ServalSessions

/// Checks of what makes it safe to ask again: heads that are compared, and writes that have names.
extension StoreNodes {
    func checkHeadConflict() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", principal: "duke", ["a": [1]])
        let first = session.head
        try await self.insert(session, into: one)
        var changes = self.changes([:], head: [1], principal: "duke")
        changes.expectedHead = first
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: one)

        (changes.head, changes.principal) = ([2], nil)
        changes.writes = ["a": .init(bytes: [2], condition: .any)]
        let save = try await other.save(changes, to: session.key)
        try self.require(save == .conflict(session), "save answers \(save.words) where somebody else has changed the head")
        var renaming = self.renaming(of: session, to: self.key("new"), head: [3], forwarding: self.session("forwarding", seconds: 60))
        renaming.expectedHead = first
        let rename = try await other.rename(session.key, by: renaming)
        try self.require(rename == .conflict(session), "rename answers \(rename.words) where somebody else has changed the head")
        try await self.requireStored(session, in: one)
        try await self.requireAbsent(self.key("new"), in: one, "nobody renamed")
        try await self.requireAbsent(self.key("forwarding"), in: one, "leads nowhere")

        // Who does not change the head need not know it.
        (changes.head, changes.expectedHead) = (nil, first)
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        try await self.save(changes, to: session.key, in: other)
        try await self.requireStored(session, in: one)
    }

    func checkRepetition() async throws {
        let (one, other) = (try await self.node(), try await self.node())
        var session = self.session("session", ["a": [1]])
        session.writings = [.init(mark: .init(writer: 7, number: 1), version: 1)]
        try await self.insert(session, into: one)
        try await self.requireStored(session, in: other)
        var changes = self.changes(["a": .init(bytes: [2], condition: .any)])
        changes.mark = .init(writer: 7, number: 2)
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        let version = try await self.save(changes, to: session.key, in: one)
        // Others write in between, as many as a session remembers but one.
        for writer in 1..<UInt64(StoredSession.maximumWritings) {
            var others = self.changes(["a": .init(bytes: [UInt8(writer)], condition: .any)])
            others.mark = .init(writer: 100 + writer, number: 1)
            try self.require(session.apply(others), "the suite's own changes do not apply")
            try await self.save(others, to: session.key, in: other)
        }
        let repeated = try await self.save(changes, to: session.key, in: other)
        try self.require(repeated == version, "a save that was done already gives version \(repeated), not \(version) again")
        try await self.requireStored(session, in: one)
        changes.mark?.number = 1
        let late = try await self.save(changes, to: session.key, in: one)
        try self.require(late == version, "a save that a later one of its writer has overtaken gives version \(late), not \(version)")
        try await self.requireStored(session, in: other)

        let oldKey = session.key
        let renaming = self.renaming(of: session, to: self.key("new"), head: [3], forwarding: self.session("forwarding", seconds: 60))
        try self.require(session.apply(renaming), "the suite's own renaming does not apply")
        let renamed = try await one.rename(oldKey, by: renaming)
        try self.require(renamed == .renamed(version: session.version), "rename answers \(renamed.words)")
        changes.mark?.number = 2
        let again = try await self.save(changes, to: session.key, in: other)
        try self.require(again == version, "a save that was done before a rename is done again behind it")
        changes.mark?.number = 3
        try self.require(session.apply(changes), "the suite's own changes do not apply")
        let next = try await self.save(changes, to: session.key, in: one)
        try self.require(next == session.version, "a writer's next save gives version \(next), not \(session.version)")
        try await self.requireStored(session, in: other)
    }
}
