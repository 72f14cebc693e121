import Synchronization

/// The live sessions of one context, and the rules by which they come and go.
///
/// Locks are taken in this order: shard (the lower number first), then session. Listeners and releases of applications' values happen without a lock.
final class SessionTable: Sendable {
    let configuration: StandardSessionManager.Configuration
    let policy: HTTPSessionState.IdlePolicy
    let events = SessionEvents()
    let counters = SessionCounters()
    /// Where sessions go that outlive this process; `nil` for a manager without a store.
    let persistence: SessionPersistence?
    let principals = PrincipalIndex()
    /// The bytes that sessions may take; `nil` where nobody counts.
    let budget: Int?
    /// The bytes of all attributes.
    let attributeBytes = Atomic(0)
    let isRelieving = Atomic(false)
    private let shards: [SessionShard]

    /// A power of two, so that a few bits of an id tell the shard.
    private static let shardCount = 64
    /// Places looked at under one lock.
    private static let sliceLength = 256
    /// Tries to find an unused id before giving up; more than one is only ever needed with ids of a few bytes.
    private static let maximumIDTries = 100

    init(configuration: StandardSessionManager.Configuration, persistence: SessionPersistence? = nil) {
        self.configuration = configuration
        self.policy = configuration.idlePolicy
        self.persistence = persistence
        self.budget = configuration.memoryBudget
        self.shards = (0..<Self.shardCount).map { _ in SessionShard() }
    }

    // MARK: Find and create

    func find(_ id: SessionID) async -> HTTPSession? {
        guard let session = self.lookUp(id) else { return nil }
        let now = self.configuration.clock()
        guard session.isExpired(now: now, policy: self.policy) else { return session }
        await self.expire(session, at: now)
        return nil
    }

    func create(id: SessionID?, maxInactiveMilliseconds: Int64) async throws(SessionError) -> HTTPSession {
        guard await self.reserve() else {
            throw SessionError.tooManySessions(limit: self.configuration.maxActiveSessions)
        }
        for _ in 0..<Self.maximumIDTries {
            let now = self.configuration.clock()
            var state = HTTPSessionState(
                id: id ?? self.configuration.idGenerator.makeID(),
                now: now.millisecondsSince1970,
                maxInactiveMilliseconds: maxInactiveMilliseconds
            )
            state.stored = self.persistence?.newState(at: now)
            let candidate = HTTPSession(state, table: self)
            switch self.insert(candidate) {
            case .inserted:
                self.counters.didCreate()
                await self.events.created(candidate)
                if let limit = self.configuration.maximumNewSessions { await self.limitNewcomers(with: candidate, to: limit) }
                self.relieveIfNeeded()
                return candidate
            case .closed:
                self.counters.cancelReservation()
                throw SessionError(code: .creationForbidden, message: "no session can be created: the session manager was stopped")
            case .taken(let other):
                guard id != nil else { continue }
                if !other.isExpired(now: now, policy: self.policy) {
                    self.counters.cancelReservation()
                    return other
                }
                await self.expire(other, at: now)
            }
        }
        self.counters.cancelReservation()
        throw Self.noUnusedID
    }

    /// The session of an id that is in the store and not here; `nil` if there is none that is alive.
    func restore(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        guard let stored = try await self.persistence?.load(id, into: self),
            !stored.isExpired(now: self.configuration.clock(), policy: self.policy), let session = self.adopt(stored)
        else { return nil }
        // Ended by another request while the store was looking. Who ends it from now on ends what was just let in.
        guard session !== stored || self.persistence?.hasEnded(session) == false else {
            self.forgetEnded(session)
            return nil
        }
        return session
    }

    /// Lets a session in that a store has kept; if another request brought it in meanwhile, that one.
    func adopt(_ session: HTTPSession) -> HTTPSession? {
        _ = self.counters.reserve(limit: -1)
        switch self.insert(session) {
        case .inserted:
            self.counters.didRestore()
            if let principal = session.principalName { self.principals.add(session, to: principal) }
            self.count(session)
            return session
        case .taken(let other):
            self.counters.cancelReservation()
            return other
        case .closed:
            self.counters.cancelReservation()
            return nil
        }
    }

    private enum Insertion { case inserted, taken(HTTPSession), closed }

    private func insert(_ session: HTTPSession) -> Insertion {
        let id = session.id
        return self.shard(of: id).contents.withLock { contents in
            if contents.isClosed { return .closed }
            if let other = contents[id] { return .taken(other) }
            contents.insert(session, id: id)
            return .inserted
        }
    }

    func lookUp(_ id: SessionID) -> HTTPSession? {
        self.shard(of: id).contents.withLock { $0[id] }
    }

    // MARK: Another id

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
            let oldID = session.id
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

    private static let noUnusedID = SessionError(
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

    // MARK: End

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

    /// What becomes of a session whose idle time is over: without a store it ends; one that a store keeps is let go of, because the store tells who of all servers
    /// announces its end.
    func expire(_ session: HTTPSession, at now: Timestamp) async {
        if session.isStored {
            self.forget(session, despiteChanges: true)
        } else {
            // Nothing is stored, so nothing can fail.
            try? await self.end(session, reason: .expired, if: .expired(at: now))
        }
    }

    /// Ends an expired session that a store has handed out to this server alone; gives it back if a request uses it here.
    func expire(_ record: StoredSession, at now: Timestamp) async throws(SessionError) {
        guard let persistence = self.persistence else { return }
        if let head = persistence.headIfReadable(of: record) {
            let id = SessionID(rawValue: head.id)
            // A session with the same id and another lineage is another one, of contexts that share ids.
            let local = self.lookUp(id).flatMap { $0.lineage == head.lineage ? $0 : nil }
            if let local, !local.isExpired(now: now, policy: self.policy) {
                return try await persistence.touch(record.key, of: local)
            }
            if let local { self.forget(local, despiteChanges: true) }
            let session = persistence.session(id, record, head, self)
            if session.beginEnding() {
                _ = self.counters.reserve(limit: -1)
                await self.announceEnd(of: session, reason: .expired)
            }
        }
        try await persistence.removeRecord(record.key)
    }

    /// Lets go of a session that goes on in the store; `false` if a request uses it or it has changes that are not saved.
    @discardableResult
    func forget(_ session: HTTPSession, despiteChanges: Bool = false, despiteUse: Bool = false) -> Bool {
        let id = session.id
        let isGone = self.shard(of: id).contents.withLock { contents in
            guard contents[id] === session,
                session.state.withLock({ $0.leave(despiteChanges: despiteChanges, despiteUse: despiteUse) })
            else { return false }
            _ = contents.remove(id)
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
            if contents[id] === session { _ = contents.remove(id) }
            return true
        }
        if isGone { self.didForget(session) }
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

    private func didForget(_ session: HTTPSession) {
        guard !session.isOrphan else { return }
        self.counters.cancelReservation()
        self.uncount(session)
        if let principal = session.principalName { self.principals.remove(session, from: principal) }
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
            if let isDetached { return isDetached }
            // Absent under its id: it was rotated meanwhile, or has ended, or its manager is gone and emptied the table.
            if session.id == id { return session.beginEnding(if: condition) }
        }
    }

    /// Ends what has expired, a few sessions at a time.
    func processExpires() async {
        let start = ContinuousClock.now
        let now = self.configuration.clock()
        var count = 0
        for shard in self.shards {
            var cursor = 0
            while let expired = self.slice(of: shard, from: &cursor, where: { $0.isExpired(now: now, policy: self.policy) }) {
                for session in expired { await self.expire(session, at: now) }
                count += expired.count
                await Task.yield()
            }
            shard.contents.withLock { $0.compact() }
            _ = shard.contents.withLock { $0.removeFormerNewcomers() }
        }
        if count >= FreedMemory.threshold { FreedMemory.giveBack() }
        self.counters.didProcess(milliseconds: (ContinuousClock.now - start).wholeMilliseconds)
    }

    private func slice(of shard: SessionShard, from cursor: inout Int, where condition: (HTTPSession) -> Bool) -> [HTTPSession]? {
        let (sessions, next): ([HTTPSession]?, Int) = shard.contents.withLock { [cursor] contents in
            var cursor = cursor
            let sessions = contents.slice(from: &cursor, limit: Self.sliceLength, where: condition)
            return (sessions, cursor)
        }
        cursor = next
        return sessions
    }

    func open() {
        for shard in self.shards { shard.contents.withLock { $0.isClosed = false } }
    }

    /// Lets no session in any more, ends those that are there, and lets go of those that a store keeps.
    ///
    /// - Parameter keepsStored: `false` ends those of the store, too.
    func close(keepsStored: Bool = true) async {
        self.shut()
        for shard in self.shards {
            var cursor = 0
            while let sessions = self.slice(of: shard, from: &cursor, where: { _ in true }) {
                for session in sessions {
                    if keepsStored, session.isStored {
                        self.forget(session, despiteChanges: true, despiteUse: true)
                    } else {
                        try? await self.end(session, reason: .serverStopped)
                    }
                }
            }
            shard.contents.withLock { $0.compact() }
        }
    }

    /// Lets no session in any more.
    func shut() {
        for shard in self.shards { shard.contents.withLock { $0.isClosed = true } }
    }

    /// Hands all sessions that fulfil a condition to a closure, a few at a time.
    func forEach(where condition: (HTTPSession) -> Bool = { _ in true }, _ body: ([HTTPSession]) async throws(SessionError) -> Void)
        async throws(SessionError)
    {
        for shard in self.shards {
            var cursor = 0
            while let sessions = self.slice(of: shard, from: &cursor, where: condition) {
                try await body(sessions)
                await Task.yield()
            }
        }
    }

    /// Forgets all sessions without telling anybody.
    func empty() {
        for shard in self.shards {
            let sessions = shard.contents.withLock { contents in
                let sessions = contents
                contents = SessionShard.Contents()
                contents.isClosed = true
                return sessions
            }
            _ = sessions
        }
    }

    // MARK: Principals

    /// The live sessions of a principal, here and in the store, in the order of their creation.
    func sessions(ofPrincipal name: String) async throws(SessionError) -> [HTTPSession] {
        var sessions = self.principals.sessions(of: name)
        if let persistence = self.persistence {
            // What is stored, and what no store knows yet; not what another server may have ended.
            sessions.removeAll(where: \.isStored)
            for record in try await persistence.sessions(ofPrincipal: name) {
                guard let head = persistence.head(of: record), head.principal == name else { continue }
                let id = SessionID(rawValue: head.id)
                guard let session = self.lookUp(id) ?? self.adopt(persistence.session(id, record, head, self)) else { continue }
                if persistence.hasEnded(session) { self.forgetEnded(session) } else { sessions.append(session) }
            }
        }
        return sessions.filter(\.isValid).sorted { $0.creationTime < $1.creationTime }
    }

    /// Ends sessions of a principal, or refuses, so that one more is allowed.
    func makeRoom(for principal: String, besides session: HTTPSession) async throws(SessionError) {
        guard let maximum = self.configuration.maximumSessionsPerPrincipal else { return }
        var others = try await self.sessions(ofPrincipal: principal).filter { $0 !== session }
        guard others.count >= max(1, maximum) else { return }
        guard self.configuration.principalSessionLimit == .evictOldest else {
            let reason = "the principal has \(others.count) sessions already; serval.maxSessionsPerPrincipal of the Manager is \(maximum)"
            throw SessionError(code: .limitReached, message: reason)
        }
        while others.count >= max(1, maximum) { try await self.end(others.removeFirst(), reason: .evicted) }
    }

    // MARK: Shards

    private func limitNewcomers(with session: HTTPSession, to limit: Int) async {
        let share = max(1, limit / Self.shardCount)
        guard let forsaken = self.shard(of: session.id).contents.withLock({ $0.addNewcomer(session, limit: share) }) else { return }
        await self.relieve(of: forsaken)
    }

    /// Up to `count` sessions of one part of the table.
    func sample(_ count: Int, from number: Int) -> [HTTPSession] {
        let shard = self.shards[number & (Self.shardCount - 1)]
        var cursor = shard.contents.withLock { $0.count > count ? Int.random(in: 0..<($0.count - count)) : 0 }
        var sessions: [HTTPSession] = []
        while sessions.count < count, let more = self.slice(of: shard, from: &cursor, where: { _ in true }) { sessions += more }
        return sessions
    }

    private func shard(of id: SessionID) -> SessionShard { self.shards[Self.shardNumber(of: id)] }

    /// The last bits of a random id; for ids of other kinds those of their hash.
    private static func shardNumber(of id: SessionID) -> Int {
        let bits = id.tail?.kind == .text ? UInt64(truncatingIfNeeded: id.hashValue) : id.low
        return Int(truncatingIfNeeded: bits) & (Self.shardCount - 1)
    }
}
