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
    let newcomers = NewcomerList()
    /// The bytes that sessions may take; `nil` where nobody counts.
    let budget: Int?
    /// The bytes of all attributes.
    let attributeBytes = Atomic(0)
    let relief = ReliefSchedule()
    let shards: [SessionShard]

    /// A power of two, so that a few bits of an id tell the shard.
    private static let shardCount = 64
    /// Places looked at under one lock.
    private static let sliceLength = 256
    /// Tries to find an unused id before giving up; more than one is only ever needed with ids of a few bytes.
    static let maximumIDTries = 100

    init(configuration: StandardSessionManager.Configuration, persistence: SessionPersistence? = nil) {
        self.configuration = configuration
        self.policy = configuration.idlePolicy
        self.persistence = persistence
        self.budget = configuration.memoryBudget
        self.shards = (0..<Self.shardCount).map { _ in SessionShard() }
    }

    // MARK: Find and create

    func find(_ id: SessionID) async -> HTTPSession? {
        let session = await self.findAndHold(id)
        session?.release()
        return session
    }

    /// As ``find(_:)``; the session stays in memory until it is released.
    func findAndHold(_ id: SessionID) async -> HTTPSession? {
        guard let session = self.hold(id) else { return nil }
        let now = self.configuration.clock()
        guard session.isExpired(now: now, policy: self.policy) else { return session }
        session.release()
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
            case .closed, .outdated:
                self.counters.cancelReservation()
                throw SessionError(code: .creationForbidden, message: "no session can be created: the session manager was stopped")
            case .taken(let other):
                guard id != nil else { continue }
                if !other.isExpired(now: now, policy: self.policy) {
                    // Ended meanwhile: then the id is free again.
                    guard other.joinAccess() else { continue }
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
    ///
    /// It stays in memory until it is released.
    func restore(_ id: SessionID) async throws(SessionError) -> HTTPSession? {
        var tries = 0
        while true {
            tries += 1
            // Another request may have brought the session in, changed it, and seen it off again, while the store was looking.
            let departures = tries < Self.maximumIDTries ? self.departures(near: id) : nil
            guard let stored = try await self.persistence?.load(id, into: self),
                !stored.isExpired(now: self.configuration.clock(), policy: self.policy)
            else { return nil }
            switch self.adopt(stored, holding: true, since: departures) {
            case .outdated: continue
            case .refused: return nil
            case .done(let session):
                // Ended by another request while the store was looking. Who ends it from now on ends what was just let in.
                guard session !== stored || self.persistence?.hasEnded(session) == false else {
                    self.forgetEnded(session)
                    return nil
                }
                return session
            }
        }
    }

    /// How many sessions have left memory for the store, or got another id, of those that share their part of the table with an id.
    func departures(near id: SessionID) -> UInt32 { self.shard(of: id).contents.withLock { $0.departures } }

    /// What becomes of a session that a store has kept: what is in memory then, be it that session or the one that another request brought in meanwhile; or nothing.
    enum Adoption { case done(HTTPSession), outdated, refused }

    /// Lets a session in that a store has kept; if another request brought it in meanwhile, that one.
    ///
    /// - Parameters:
    ///   - holds: whether it stays in memory until it is released.
    ///   - departures: what ``departures(near:)`` said before the store was asked; if it has changed, the session may have been changed as well.
    func adopt(_ session: HTTPSession, holding holds: Bool = false, since departures: UInt32? = nil) -> Adoption {
        _ = self.counters.reserve(limit: -1)
        switch self.insert(session, holding: holds, since: departures) {
        case .inserted:
            self.counters.didRestore()
            if let principal = session.principalName { self.principals.add(session, to: principal) }
            self.count(session)
            return .done(session)
        case .taken(let other):
            self.counters.cancelReservation()
            return .done(other)
        case .outdated:
            self.counters.cancelReservation()
            return .outdated
        case .closed:
            self.counters.cancelReservation()
            return .refused
        }
    }

    private enum Insertion { case inserted, taken(HTTPSession), outdated, closed }

    /// - Parameter holds: whether the session that is there then is held, before anybody can take it out.
    private func insert(_ session: HTTPSession, holding holds: Bool = false, since departures: UInt32? = nil) -> Insertion {
        let id = session.id
        return self.shard(of: id).contents.withLock { contents in
            if contents.isClosed { return .closed }
            if let other = contents[id] {
                if holds { _ = other.hold() }
                return .taken(other)
            }
            if let departures, contents.departures != departures { return .outdated }
            if holds { _ = session.hold() }
            contents.insert(session, id: id)
            return .inserted
        }
    }

    /// The session of an id, which stays in memory until it is released.
    func hold(_ id: SessionID) -> HTTPSession? {
        self.shard(of: id).contents.withLock { contents in
            guard let session = contents[id], session.hold() else { return nil }
            return session
        }
    }

    func lookUp(_ id: SessionID) -> HTTPSession? {
        self.shard(of: id).contents.withLock { $0[id] }
    }

    // MARK: All sessions

    /// The next sessions of a shard that fulfil a condition; `nil` behind the last.
    func slice(of shard: SessionShard, from cursor: inout Int, where condition: (HTTPSession) -> Bool) -> [HTTPSession]? {
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
        var count = 0
        for shard in self.shards {
            var cursor = 0
            while let sessions = self.slice(of: shard, from: &cursor, where: { _ in true }) {
                count += sessions.count
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
        self.newcomers.tidy()
        // What begins after the next start need not be made by the threads that made these, to whose sessions their memory would go.
        if count >= FreedMemory.threshold { FreedMemory.giveBack() }
    }

    /// Lets no session in any more.
    func shut() {
        for shard in self.shards { shard.contents.withLock { $0.isClosed = true } }
    }

    /// How many sessions fulfil a condition.
    func count(where condition: (HTTPSession) -> Bool) -> Int {
        var count = 0
        for shard in self.shards {
            var cursor = 0
            while let sessions = self.slice(of: shard, from: &cursor, where: condition) { count += sessions.count }
        }
        return count
    }

    /// Hands all sessions that fulfil a condition to a closure, a few at a time.
    func forEach<Failure: Error>(
        where condition: (HTTPSession) -> Bool = { _ in true },
        _ body: ([HTTPSession]) async throws(Failure) -> Void
    ) async throws(Failure) {
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
        self.principals.removeAll()
        self.newcomers.removeAll()
    }

    // MARK: Shards

    /// Up to `count` sessions of one part of the table.
    func sample(_ count: Int, from number: Int) -> [HTTPSession] {
        let shard = self.shards[number & (Self.shardCount - 1)]
        var cursor = shard.contents.withLock { $0.count > count ? Int.random(in: 0..<($0.count - count)) : 0 }
        var sessions: [HTTPSession] = []
        while sessions.count < count, let more = self.slice(of: shard, from: &cursor, where: { _ in true }) { sessions += more }
        return sessions
    }

    func shard(of id: SessionID) -> SessionShard { self.shards[Self.shardNumber(of: id)] }

    /// The last bits of a random id; for ids of other kinds those of their hash.
    static func shardNumber(of id: SessionID) -> Int {
        let bits = id.tail?.kind == .text ? UInt64(truncatingIfNeeded: id.hashValue) : id.low
        return Int(truncatingIfNeeded: bits) & (Self.shardCount - 1)
    }
}
