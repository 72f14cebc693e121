import Synchronization

/// The live sessions of one context, and the rules by which they come and go.
///
/// Locks are taken in this order: shard (the lower number first), then session. Listeners and releases of applications' values happen without a lock.
final class SessionTable: Sendable {
    let configuration: StandardSessionManager.Configuration
    let policy: HTTPSessionState.IdlePolicy
    let events = SessionEvents()
    let counters = SessionCounters()
    private let shards: [SessionShard]

    /// A power of two, so that a few bits of an id tell the shard.
    private static let shardCount = 64
    /// Places looked at under one lock.
    private static let sliceLength = 256
    /// Tries to find an unused id before giving up; more than one is only ever needed with ids of a few bytes.
    private static let maximumIDTries = 100

    init(configuration: StandardSessionManager.Configuration) {
        self.configuration = configuration
        self.policy = .init(
            protectsActiveSessions: configuration.sessionActivityCheck,
            countsFromStart: configuration.sessionLastAccessAtStart
        )
        self.shards = (0..<Self.shardCount).map { _ in SessionShard() }
    }

    // MARK: Find and create

    func find(_ id: SessionID) async -> HTTPSession? {
        guard let session = self.lookUp(id) else { return nil }
        let now = self.configuration.clock()
        guard session.isExpired(now: now, policy: self.policy) else { return session }
        await self.end(session, reason: .expired, ifExpiredAt: now)
        return nil
    }

    func create(id: SessionID?, maxInactiveMilliseconds: Int64) async throws(SessionError) -> HTTPSession {
        guard self.counters.reserve(limit: self.configuration.maxActiveSessions) else {
            let limit = self.configuration.maxActiveSessions
            let reason = "createSession: Too many active sessions; maxActiveSessions of the Manager is \(limit)"
            throw SessionError(code: .limitReached, message: reason)
        }
        for _ in 0..<Self.maximumIDTries {
            let now = self.configuration.clock()
            let candidate = HTTPSession(
                id: id ?? self.configuration.idGenerator.makeID(),
                now: now,
                maxInactiveMilliseconds: maxInactiveMilliseconds,
                table: self
            )
            switch self.insert(candidate) {
            case .inserted:
                self.counters.didCreate()
                await self.events.created(candidate)
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
                await self.end(other, reason: .expired, ifExpiredAt: now)
            }
        }
        self.counters.cancelReservation()
        throw Self.noUnusedID
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

    private func lookUp(_ id: SessionID) -> HTTPSession? {
        self.shard(of: id).contents.withLock { $0[id] }
    }

    // MARK: Another id

    func rotate(_ session: HTTPSession) async throws(SessionError) -> SessionID {
        var tries = 0
        while tries < Self.maximumIDTries {
            let oldID = session.id
            let newID = self.configuration.idGenerator.makeID()
            switch self.rename(session, from: oldID, to: newID) {
            case .renamed:
                await self.events.idChanged(session, from: oldID)
                return newID
            case .taken:
                tries += 1
            case .absent:
                // Somebody else rotated the session meanwhile, or it has ended, or the table is closed.
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
    /// - Parameter now: with a moment, only a session whose idle time is over then; a request may have used it since somebody looked.
    func end(_ session: HTTPSession, reason: SessionEndReason, ifExpiredAt now: Timestamp? = nil) async {
        guard self.detach(session, ifExpiredAt: now) else { return }
        let alive = self.configuration.clock().millisecondsSince1970 - session.creationTime.millisecondsSince1970
        self.counters.didEnd(reason: reason, aliveMilliseconds: alive)
        await self.events.destroyed(session, reason: reason)
        self.events.attributesRemoved(session.finishEnding(), from: session)
    }

    /// Takes a session out of the table; `true` for exactly one caller.
    private func detach(_ session: HTTPSession, ifExpiredAt now: Timestamp?) -> Bool {
        while true {
            let id = session.id
            let isDetached: Bool? = self.shard(of: id).contents.withLock { contents in
                guard contents[id] === session else { return nil }
                guard session.beginEnding(ifExpiredAt: now) else { return false }
                _ = contents.remove(id)
                return true
            }
            if let isDetached { return isDetached }
            // Absent under its id: it was rotated meanwhile, or has ended, or its manager is gone and emptied the table.
            if session.id == id { return session.beginEnding(ifExpiredAt: now) }
        }
    }

    /// Ends what has expired, a few sessions at a time.
    func processExpires() async {
        let clock = ContinuousClock()
        let start = clock.now
        let now = self.configuration.clock()
        for shard in self.shards {
            var cursor = 0
            while let expired = self.slice(of: shard, from: &cursor, where: { $0.isExpired(now: now, policy: self.policy) }) {
                for session in expired { await self.end(session, reason: .expired, ifExpiredAt: now) }
                await Task.yield()
            }
            shard.contents.withLock { $0.compact() }
        }
        self.counters.didProcess(milliseconds: (clock.now - start).wholeMilliseconds)
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

    /// Lets no session in any more and ends those that are there.
    func close() async {
        for shard in self.shards { shard.contents.withLock { $0.isClosed = true } }
        for shard in self.shards {
            var cursor = 0
            while let sessions = self.slice(of: shard, from: &cursor, where: { _ in true }) {
                for session in sessions { await self.end(session, reason: .serverStopped) }
            }
            shard.contents.withLock { $0.compact() }
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

    // MARK: Shards

    private func shard(of id: SessionID) -> SessionShard { self.shards[Self.shardNumber(of: id)] }

    /// The last bits of a random id; for ids of other kinds those of their hash.
    private static func shardNumber(of id: SessionID) -> Int {
        let bits = id.tail?.kind == .text ? UInt64(truncatingIfNeeded: id.hashValue) : id.low
        return Int(truncatingIfNeeded: bits) & (Self.shardCount - 1)
    }
}
