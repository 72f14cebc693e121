import Synchronization

/// Other ids for sessions.
extension SessionTable {
    /// Gives a session another id and, if one is given, another principal: both or neither.
    func rotate(_ session: HTTPSession, principal: String? = nil) async throws(SessionError) -> SessionID {
        let previous = session.principalName
        let (oldID, newID) = try await self.renameInLine(session, principal: principal)
        if principal != nil { self.principal(of: session, changedFrom: previous) }
        // Out of the line: a listener may save or end the session.
        await self.events.idChanged(session, from: oldID)
        return newID
    }

    /// One rotation, save or end at a time, where there is a store.
    private func renameInLine(_ session: HTTPSession, principal: String?) async throws(SessionError) -> (old: SessionID, new: SessionID) {
        await session.enterStore()
        defer { session.leaveStore() }
        guard try await self.persistence?.settle(session) ?? true else { throw HTTPSession.hasEnded }
        var tries = 0
        while tries < Self.maximumIDTries {
            guard !session.isOrphan else { throw HTTPSession.hasEnded }
            let oldID = try session.replaceableID()
            let newID = self.configuration.idGenerator.makeID()
            let answer =
                self.lookUp(newID) == nil ? try await self.persistence?.rename(session, from: oldID, to: newID, principal: principal) : .taken
            switch answer {
            case nil, .renamed: break
            case .taken, .again:
                tries += 1
                continue
            case .gone: throw HTTPSession.hasEnded
            }
            switch self.rename(session, from: oldID, to: newID, principal: principal) {
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
    private func rename(_ session: HTTPSession, from oldID: SessionID, to newID: SessionID, principal: String?) -> Renaming {
        let oldNumber = Self.shardNumber(of: oldID)
        let newNumber = Self.shardNumber(of: newID)
        if oldNumber == newNumber {
            return self.shards[oldNumber].contents.withLock { contents in
                if let refusal = Self.refusal(of: session, from: oldID, in: contents, to: newID, in: contents, principal) { return refusal }
                _ = contents.dismiss(oldID)
                contents.insert(session, id: newID)
                return .renamed
            }
        }
        return self.shards[min(oldNumber, newNumber)].contents.withLock { lower in
            self.shards[max(oldNumber, newNumber)].contents.withLock { upper in
                oldNumber < newNumber
                    ? Self.move(session, from: oldID, in: &lower, to: newID, in: &upper, principal)
                    : Self.move(session, from: oldID, in: &upper, to: newID, in: &lower, principal)
            }
        }
    }

    private static func move(
        _ session: HTTPSession,
        from oldID: SessionID,
        in source: inout SessionShard.Contents,
        to newID: SessionID,
        in target: inout SessionShard.Contents,
        _ principal: String?
    ) -> Renaming {
        if let refusal = self.refusal(of: session, from: oldID, in: source, to: newID, in: target, principal) { return refusal }
        _ = source.dismiss(oldID)
        target.insert(session, id: newID)
        return .renamed
    }

    /// Why the session cannot be renamed; `nil` after it took the new id.
    private static func refusal(
        of session: HTTPSession,
        from oldID: SessionID,
        in source: SessionShard.Contents,
        to newID: SessionID,
        in target: SessionShard.Contents,
        _ principal: String?
    ) -> Renaming? {
        guard source[oldID] === session, !source.isClosed, !target.isClosed else { return .absent }
        guard target[newID] == nil else { return .taken }
        return session.changeID(to: newID, principal: principal) ? nil : .absent
    }

    /// Brings the index of principals up to date.
    func principal(of session: HTTPSession, changedFrom previous: String?) {
        let name = session.principalName
        guard name != previous else { return }
        if let previous { self.principals.remove(session, from: previous) }
        guard let name else { return }
        self.principals.add(session, to: name)
        // Who ended it meanwhile may have looked at the index before.
        if self.lookUp(session.id) !== session { self.principals.remove(session, from: name) }
    }

    /// Takes a session out of the table that another server gave another id: this object serves the requests under way and no others.
    func abandon(_ session: HTTPSession, as orphan: StoredSessionState.Orphan) {
        let id = session.id
        let isGone = self.shard(of: id).contents.withLock { contents in
            contents[id] === session && contents.dismiss(id) != nil
        }
        if isGone { self.didForget(session) }
        session.state.withLock { $0.stored?.orphan = orphan }
    }
}
