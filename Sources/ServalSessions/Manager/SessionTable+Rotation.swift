import Synchronization

/// Giving sessions other ids.
extension SessionTable {
    func rotate(_ session: HTTPSession) async throws(SessionError) -> SessionID {
        let (oldID, newID) = try await self.renameInLine(session)
        // Out of the line: a listener may save or end the session.
        await self.events.idChanged(session, from: oldID)
        return newID
    }

    /// One rotation, save or end at a time, where there is a store.
    private func renameInLine(_ session: HTTPSession) async throws(SessionError) -> (old: SessionID, new: SessionID) {
        await session.enterStore()
        defer { session.leaveStore() }
        var tries = 0
        while tries < Self.maximumIDTries {
            let oldID = try session.replaceableID()
            let newID = self.configuration.idGenerator.makeID()
            switch try await self.persistence?.rename(session, from: oldID, to: newID) {
            case nil, .renamed: break
            case .taken:
                tries += 1
                continue
            case .absent:
                // Another server gave it an id at this moment, or ended it.
                guard try await self.persistence?.catchUp(session, with: oldID) ?? false else { throw HTTPSession.hasEnded }
                tries += 1
                continue
            }
            switch self.rename(session, from: oldID, to: newID) {
            case .renamed: return (oldID, newID)
            case .taken:
                tries += 1
            case .absent:
                // Somebody else rotated the session meanwhile, or it has ended, or the table is closed. Who ends it waits in line, and finds the record under its
                // new key by what the rename has left under the old one.
                if session.id == oldID { throw HTTPSession.hasEnded }
            }
        }
        throw Self.noUnusedID
    }

    static let noUnusedID = SessionError(
        code: .limitReached,
        message: "no unused session id was found; raise sessionIdLength of the SessionIdGenerator"
    )

    private enum Renaming { case renamed, taken, absent }

    /// Holds the locks of both ids, so that at no moment both or none of them find the session.
    private func rename(_ session: HTTPSession, from oldID: SessionID, to newID: SessionID) -> Renaming {
        let oldNumber = Self.shardNumber(of: oldID)
        let newNumber = Self.shardNumber(of: newID)
        if oldNumber == newNumber {
            return self.shards[oldNumber].contents.withLock { contents in
                if let refusal = Self.refusal(of: session, from: oldID, in: contents, to: newID, in: contents) { return refusal }
                _ = contents.remove(oldID)
                contents.insert(session, id: newID)
                return .renamed
            }
        }
        return self.shards[min(oldNumber, newNumber)].contents.withLock { lower in
            self.shards[max(oldNumber, newNumber)].contents.withLock { upper in
                oldNumber < newNumber
                    ? Self.move(session, from: oldID, in: &lower, to: newID, in: &upper)
                    : Self.move(session, from: oldID, in: &upper, to: newID, in: &lower)
            }
        }
    }

    private static func move(
        _ session: HTTPSession,
        from oldID: SessionID,
        in source: inout SessionShard.Contents,
        to newID: SessionID,
        in target: inout SessionShard.Contents
    ) -> Renaming {
        if let refusal = self.refusal(of: session, from: oldID, in: source, to: newID, in: target) { return refusal }
        _ = source.remove(oldID)
        target.insert(session, id: newID)
        return .renamed
    }

    /// Why the session cannot be renamed; `nil` after it took the new id.
    private static func refusal(
        of session: HTTPSession,
        from oldID: SessionID,
        in source: SessionShard.Contents,
        to newID: SessionID,
        in target: SessionShard.Contents
    ) -> Renaming? {
        guard source[oldID] === session, !source.isClosed, !target.isClosed else { return .absent }
        guard target[newID] == nil else { return .taken }
        return session.changeID(to: newID) ? nil : .absent
    }

    /// Gives a session the id that it has in the store; if a request has brought it in under that id already, the one under the old id serves the requests under
    /// way and no others.
    func follow(_ session: HTTPSession, from oldID: SessionID, to newID: SessionID) {
        if case .renamed = self.rename(session, from: oldID, to: newID) { return }
        let isGone = self.shard(of: oldID).contents.withLock { contents in
            guard contents[oldID] === session else { return false }
            return contents.remove(oldID) != nil
        }
        if isGone {
            self.didForget(session)
            session.state.withLock { $0.stored?.isOrphan = true }
        }
    }
}
