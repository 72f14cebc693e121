import Synchronization

/// Ending sessions, and letting go of them.
extension SessionTable {
    /// Ends a session, unless somebody else does or did.
    ///
    /// - Parameter condition: must still hold; a request may have used the session since somebody looked.
    /// - Throws: ``SessionError/Code/storeUnavailable`` after the session has ended here.
    func end(_ session: HTTPSession, reason: SessionEndReason, if condition: EndCondition = .always) async throws(SessionError) {
        let note = self.persistence?.willEnd(session)
        guard self.detach(session, if: condition) else {
            if let note { self.persistence?.willNotEnd(note) }
            // Not in memory any more: then it is this object's successor that ends.
            guard condition == .always, session.isAway, let successor = try await self.restore(session.id) else { return }
            defer { successor.release() }
            return try await self.end(successor, reason: reason)
        }
        var failure: SessionError?
        do {
            guard try await self.persistence?.remove(session) ?? true else {
                // Another server was first, and tells its listeners.
                _ = session.finishEnding()
                self.didForget(session)
                return
            }
        } catch {
            failure = error
        }
        await self.announceEnd(of: session, reason: reason)
        if let failure { throw failure }
    }

    /// Tells everybody of the end of a session that is out of the table, and counts it.
    func announceEnd(of session: HTTPSession, reason: SessionEndReason) async {
        guard !session.isOrphan else {
            await self.events.destroyed(session, reason: reason)
            self.events.attributesRemoved(session.finishEnding(), from: session)
            return
        }
        let alive = self.configuration.clock().millisecondsSince1970 - session.creationTime.millisecondsSince1970
        self.counters.didEnd(reason: reason, aliveMilliseconds: alive)
        await self.events.destroyed(session, reason: reason)
        if let principal = session.principalName { self.principals.remove(session, from: principal) }
        self.events.attributesRemoved(session.finishEnding(), from: session)
        self.count(session)
    }

    /// Lets go of a session that goes on in the store; `false` if a request uses it or it has changes that are not saved.
    @discardableResult
    func forget(_ session: HTTPSession, despiteChanges: Bool = false, despiteUse: Bool = false) -> Bool {
        let id = session.id
        let isGone = self.shard(of: id).contents.withLock { contents in
            guard contents[id] === session,
                session.state.withLock({ $0.leave(despiteChanges: despiteChanges, despiteUse: despiteUse) })
            else { return false }
            _ = contents.dismiss(id)
            return true
        }
        if isGone { self.didForget(session) }
        return isGone
    }

    /// Lets go of a session that has ended elsewhere; who ended it told the listeners.
    func forgetEnded(_ session: HTTPSession) {
        let id = session.id
        let isGone = self.shard(of: id).contents.withLock { contents in
            guard session.state.withLock({ $0.endedElsewhere() }) else { return false }
            if contents[id] === session { _ = contents.dismiss(id) }
            return true
        }
        if isGone { self.didForget(session) }
    }

    func didForget(_ session: HTTPSession) {
        self.noteNewcomerLeft(session)
        guard !session.isOrphan else { return }
        self.counters.cancelReservation()
        self.uncount(session)
        if let principal = session.principalName { self.principals.remove(session, from: principal) }
    }

    private func noteNewcomerLeft(_ session: HTTPSession) {
        if session.state.withLock({ $0.ceaseToBeNewcomer() }) { self.newcomers.didLeave() }
    }

    /// Takes a session out of the table; `true` for exactly one caller.
    private func detach(_ session: HTTPSession, if condition: EndCondition) -> Bool {
        while true {
            let id = session.id
            let isDetached: Bool? = self.shard(of: id).contents.withLock { contents in
                guard contents[id] === session else { return nil }
                guard session.beginEnding(if: condition) else { return false }
                _ = contents.remove(id)
                return true
            }
            if let isDetached {
                if isDetached { self.noteNewcomerLeft(session) }
                return isDetached
            }
            // Absent under its id: it was rotated meanwhile, or has ended, or its manager is gone and emptied the table.
            if session.id == id {
                guard session.beginEnding(if: condition) else { return false }
                self.noteNewcomerLeft(session)
                return true
            }
        }
    }
}
