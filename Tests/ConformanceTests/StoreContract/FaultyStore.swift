import ServalSessions
import ServalTesting
import Synchronization

/// A store that keeps the contract but for one thing.
struct FaultyStore: ForwardingSessionStore {
    enum Fault: String, CaseIterable, Sendable {
        case insertReplaces, saveRevives, saveIgnoresConditions, renameKeepsOld, touchGoesBack, removeTellsAll, claimsTwice, principalsStay,
            sharesNamespaces, repeats, ignoresHeads, removesWhatLives, renewsWhatLives

        /// The check that must find it.
        var finder: SessionStoreSuite.Check {
            switch self {
            case .insertReplaces: .insertion
            case .saveRevives: .removalWhileSaving
            case .saveIgnoresConditions: .conflict
            case .renameKeepsOld: .renaming
            case .touchGoesBack: .touching
            case .removeTellsAll: .removalBySeveral
            case .claimsTwice: .claimingByTwo
            case .principalsStay: .principals
            case .sharesNamespaces: .namespaces
            case .repeats: .repetition
            case .ignoresHeads: .headConflict
            case .removesWhatLives, .renewsWhatLives: .endOfClaims
            }
        }
    }

    let fault: Fault
    let store: MemorySessionStore
    var target: any SessionStore { self.store }

    func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        if self.fault == .insertReplaces { try await self.store.remove(session.key) }
        return try await self.store.insert(session)
    }

    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        var changes = changes
        if self.fault == .saveIgnoresConditions { for name in changes.writes.keys { changes.writes[name]?.condition = .any } }
        if self.fault == .repeats { changes.mark = nil }
        if self.fault == .ignoresHeads { changes.expectedHead = nil }
        let result = try await self.store.save(changes, to: key)
        guard self.fault == .saveRevives, result == .absent else { return result }
        var session = StoredSession(
            key: key,
            version: 0,
            lastAccessed: changes.lastAccessed,
            deadline: nil,
            principal: nil,
            head: [],
            attributes: [:]
        )
        _ = session.apply(changes)
        return try await self.store.insert(session) ? .saved(version: 1) : .absent
    }

    func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        let old = try await self.store.load(key, unless: nil)
        var renaming = renaming
        if self.fault == .ignoresHeads, case .found(let session) = old { renaming.expectedHead = session.head }
        let result = try await self.store.rename(key, by: renaming)
        if self.fault == .renameKeepsOld, case .renamed = result, case .found(let session) = old { _ = try await self.store.insert(session) }
        return result
    }

    func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        guard self.fault == .touchGoesBack, case .found(var session) = try await self.store.load(key, unless: nil) else {
            return try await self.store.touch(key, lastAccessed: lastAccessed, deadline: deadline)
        }
        (session.lastAccessed, session.deadline) = (lastAccessed, deadline)
        try await self.store.remove(key)
        return try await self.store.insert(session)
    }

    func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.store.remove(key) || self.fault == .removeTellsAll
    }

    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        let claimed = try await self.store.claimExpired(at: now, limit: limit, lease: lease)
        guard self.fault == .claimsTwice, let first = claimed.first else { return claimed }
        // Its claim is lost.
        try await self.store.touch(first.key, lastAccessed: first.lastAccessed, deadline: first.deadline)
        return claimed
    }

    func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.store.renewClaim(key, until: end, to: newEnd) || self.fault == .renewsWhatLives
    }

    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        if self.fault == .removesWhatLives { return try await self.store.remove(key) }
        return try await self.store.removeClaimed(key, until: end)
    }

    func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        if self.fault == .principalsStay { return [] }
        return try await self.store.sessions(ofPrincipal: principal)
    }
}

/// One such store for each namespace, or for all.
final class FaultyStores: Sendable {
    private let fault: FaultyStore.Fault
    private let stores = Mutex<[String: MemorySessionStore]>([:])

    init(_ fault: FaultyStore.Fault) { self.fault = fault }

    func store(_ namespace: String) -> FaultyStore {
        let namespace = self.fault == .sharesNamespaces ? "" : namespace
        let store = self.stores.withLock { stores in
            let store = stores[namespace] ?? MemorySessionStore()
            stores[namespace] = store
            return store
        }
        return FaultyStore(fault: self.fault, store: store)
    }
}
