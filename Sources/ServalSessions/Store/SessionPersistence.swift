import Logging
import Synchronization

/// Moves the sessions of one table to a store and back.
///
/// A session is saved, renamed and removed by one task at a time (``HTTPSession/enterStore()``); what the application does to it meanwhile belongs to the next
/// save. The store is behind a ``StoreCircuit``.
final class SessionPersistence: Sendable {
    /// The part of a session's idle time, in percent, that a server may keep an access to itself.
    static let touchShare: Int64 = 5
    /// How much later than its idle time a session expires whose latest access another server may keep to itself: that share, and a second.
    static func slack(of maxInactiveMilliseconds: Int64) -> Int64 { maxInactiveMilliseconds / 100 * Self.touchShare + 1000 }
    /// How long a claim of an expired session holds.
    static let lease = Duration.seconds(60)
    /// How long a store is left alone after a failure.
    static let pause = StoreCircuit.pause
    /// How long a store knows where a session has gone whose id changed, for requests that were under way.
    static let forwardingTime = Duration.seconds(60)
    /// New ids that a session may get elsewhere while it is saved or removed here.
    static let maximumRenames = 32
    /// Saves of one session that meet a conflict before giving up.
    static let maximumTries = 1000

    let store: GuardedSessionStore
    let namespace: String
    let sealer: SessionSealer
    private let logger: Logger
    let clock: @Sendable () -> Timestamp
    let policy: HTTPSessionState.IdlePolicy
    let filter: SessionAttributeFilter?
    let ended = EndedSessions()
    private let reported = Mutex<Set<String>>([])

    init(
        store: any SessionStore,
        namespace: String,
        sealer: SessionSealer,
        policy: HTTPSessionState.IdlePolicy,
        filter: SessionAttributeFilter? = nil,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = GuardedSessionStore(store, metrics: SessionStoreMetrics(context: namespace), logger: logger)
        self.namespace = namespace
        self.sealer = sealer
        self.policy = policy
        self.filter = filter
        self.clock = clock
        self.logger = logger
    }

    func key(of id: SessionID) -> StoredSessionKey { StoredSessionKey(id, namespace: self.namespace) }

    /// The storing state of a session that was just created.
    func newState(at now: Timestamp) -> StoredSessionState {
        let moment = now.millisecondsSince1970
        return StoredSessionState(lineage: .random(), version: 0, attributeVersions: [:], storedLastAccessed: moment, lastChecked: moment)
    }

    // MARK: Heads

    /// The head of a stored session; `nil` for one that was not sealed by this secret, and for word of where a session went.
    func headIfReadable(of record: StoredSession) -> SessionHead? {
        guard record.isPlausible, let bytes = self.sealer.open(head: record.head, of: record.key), case .session(let head) = SessionHead.decode(bytes)
        else { return nil }
        return head
    }

    /// The head of a stored session; `nil`, and a line in the log, for one that was not sealed by this secret.
    func head(of record: StoredSession) -> SessionHead? {
        guard let head = self.headIfReadable(of: record) else {
            self.report("head", "a stored session was ignored: it was not sealed with this server's secret, or was changed (\(record.key))")
            return nil
        }
        return head
    }

    // MARK: Asking

    /// Asks the store, unless it is down.
    func ask<Answer: Sendable>(
        _ question: (any SessionStore) async throws(SessionError) -> Answer
    ) async throws(SessionError) -> Answer {
        try await question(self.store)
    }

    /// One line in the log for each thing that can be wrong.
    func report(_ topic: String, _ message: String) {
        let isNew = self.reported.withLock { reported in
            guard reported.count < 1000 else { return false }
            return reported.insert(topic).inserted
        }
        if isNew { self.logger.warning("\(message)") }
    }
}
