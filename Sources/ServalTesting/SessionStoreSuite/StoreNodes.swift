import ServalSessions
import Synchronization

/// What a check works with: stores of namespaces that nobody else has, and sessions to put into them.
final class StoreNodes: Sendable {
    let suite: SessionStoreSuite
    let check: SessionStoreSuite.Check
    let namespace: String
    /// The moment from which deadlines are counted.
    let now = Timestamp(millisecondsSince1970: Timestamp.now.millisecondsSince1970)
    private let started = Mutex<[any SessionStore]>([])

    init(suite: SessionStoreSuite, check: SessionStoreSuite.Check) {
        self.suite = suite
        self.check = check
        self.namespace = "/suite/\(check)/\(UInt64.random(in: 0 ... .max))"
    }

    // MARK: Stores

    /// A started store: a server.
    func node(_ suffix: String = "") async throws -> any SessionStore {
        let store = try await self.suite.makeStore(self.namespace + suffix)
        try await store.start()
        self.started.withLock { $0.append(store) }
        return store
    }

    func stop() async {
        for store in self.started.withLock({ $0 }) { await store.stop() }
        self.started.withLock { $0 = [] }
    }

    // MARK: Sessions

    func key(_ name: String = "session") -> StoredSessionKey { StoredSessionKey(SessionID(rawValue: name), namespace: self.namespace) }

    /// A session that expires after so many seconds from now; negative: that has expired.
    func session(
        _ name: String = "session",
        seconds: Int = 1800,
        principal: String? = nil,
        _ attributes: [String: [UInt8]] = [:]
    ) -> StoredSession {
        StoredSession(
            key: self.key(name),
            version: 1,
            lastAccessed: self.now.advanced(by: .seconds(min(seconds, 0) - 10)),
            deadline: self.now.advanced(by: .seconds(seconds)),
            principal: principal.map { Self.digest($0) },
            head: Array("head of \(name)".utf8),
            attributes: attributes.mapValues { .init(version: 1, bytes: $0) }
        )
    }

    /// A digest of a principal's name, as the session manager makes them.
    static func digest(_ name: String) -> String { StoredSessionKey(SessionID(rawValue: name), namespace: "principals").hexadecimal }

    func changes(
        _ writes: [String: StoredSessionChanges.Write],
        head: [UInt8]? = nil,
        principal: String? = nil,
        seconds: Int = 1800
    ) -> StoredSessionChanges {
        let principal = principal.map { Self.digest($0) }
        return StoredSessionChanges(
            writes: writes,
            head: head,
            principal: principal,
            lastAccessed: self.now,
            deadline: self.now.advanced(by: .seconds(seconds))
        )
    }

    func renaming(
        of session: StoredSession,
        to key: StoredSessionKey,
        head: [UInt8],
        forwarding: StoredSession
    ) -> StoredSessionRenaming {
        StoredSessionRenaming(to: key, head: head, expectedHead: session.head, principal: nil, forwarding: forwarding)
    }

    // MARK: Answers

    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(SessionStoreSuite.Failure) {
        guard condition else { throw SessionStoreSuite.Failure(check: self.check, message: message()) }
    }

    func require<Value>(_ value: Value?, _ message: @autoclosure () -> String) throws(SessionStoreSuite.Failure) -> Value {
        guard let value else { throw SessionStoreSuite.Failure(check: self.check, message: message()) }
        return value
    }

    func insert(_ session: StoredSession, into store: any SessionStore) async throws {
        try self.require(try await store.insert(session), "insert refused a key that was free")
    }

    /// The stored session.
    func load(_ key: StoredSessionKey, from store: any SessionStore) async throws -> StoredSession {
        let answer = try await store.load(key, unless: nil)
        guard case .found(let session) = answer else {
            throw SessionStoreSuite.Failure(check: self.check, message: "load answers \(answer.words), not the session that is there")
        }
        return session
    }

    func requireAbsent(_ key: StoredSessionKey, in store: any SessionStore, _ why: String) async throws {
        let answer = try await store.load(key, unless: nil)
        try self.require(answer == .absent, "load answers \(answer.words) for a session that \(why)")
    }

    func requireCount(_ expected: Int, in store: any SessionStore) async throws {
        let count = try await store.count()
        try self.require(count == expected, "count is \(count), not \(expected)")
    }

    func requireStored(_ expected: StoredSession, in store: any SessionStore) async throws {
        let session = try await self.load(expected.key, from: store)
        if session == expected { return }
        var parts: [String] = []
        if session.key != expected.key { parts.append("key") }
        if session.version != expected.version { parts.append("version (\(session.version), not \(expected.version))") }
        if session.lastAccessed != expected.lastAccessed { parts.append("lastAccessed") }
        if session.deadline != expected.deadline { parts.append("deadline") }
        if session.principal != expected.principal { parts.append("principal") }
        if session.head != expected.head { parts.append("head") }
        if session.writings != expected.writings { parts.append("writings") }
        if session.attributes != expected.attributes {
            let names = Set(session.attributes.keys).union(expected.attributes.keys).filter { session.attributes[$0] != expected.attributes[$0] }
            parts.append("attributes \(names.sorted().prefix(5).map { String($0.prefix(40)) })")
        }
        throw SessionStoreSuite.Failure(check: self.check, message: "a stored session differs in \(parts.joined(separator: ", "))")
    }

    /// Saves and requires success.
    @discardableResult
    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey, in store: any SessionStore) async throws -> UInt64 {
        let answer = try await store.save(changes, to: key)
        guard case .saved(let version) = answer else {
            throw SessionStoreSuite.Failure(check: self.check, message: "save answers \(answer.words), though nothing is in its way")
        }
        return version
    }

    /// Claims until there are as many as expected; a store may see late what another server has stored.
    func claim(_ count: Int, at now: Timestamp, lease: Duration = .seconds(60), from store: any SessionStore) async throws -> [StoredSession] {
        var claimed: [StoredSession] = []
        let end = ContinuousClock.now + .seconds(60)
        while claimed.count < count, ContinuousClock.now < end {
            let batch = try await store.claimExpired(at: now, limit: max(1, count - claimed.count), lease: lease)
            claimed += batch
            if batch.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        }
        try self.require(claimed.count == count, "claimExpired handed out \(claimed.count) sessions, not \(count)")
        return claimed
    }

    /// Does something several times at once.
    func concurrently<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Value) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for position in 0..<count { group.addTask { try await body(position) } }
            var values: [Value] = []
            for try await value in group { values.append(value) }
            return values
        }
    }
}

extension SessionLookup {
    var words: String {
        switch self {
        case .absent: "'absent'"
        case .unchanged: "'unchanged'"
        case .found(let session): "'found' with version \(session.version)"
        }
    }
}

extension SessionRenameResult {
    var words: String {
        switch self {
        case .renamed(let version): "'renamed' with version \(version)"
        case .conflict(let session): "'conflict' with version \(session.version)"
        case .absent: "'absent'"
        case .taken: "'taken'"
        }
    }
}

extension SessionSaveResult {
    var words: String {
        switch self {
        case .saved(let version): "'saved' with version \(version)"
        case .conflict(let session): "'conflict' with version \(session.version)"
        case .absent: "'absent'"
        }
    }
}
