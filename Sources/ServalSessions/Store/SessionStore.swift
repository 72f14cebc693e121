/// Keeps sessions outside of the process: in files, in a database.
///
/// Several servers may use one store at once. Every operation is atomic: another operation on the same key, from any server, comes wholly before or wholly
/// after it. When an operation returns, its effect has reached the store's durable state. No operation blocks the thread that calls it.
///
/// An application's sessions have a namespace of their own; an operation sees nothing of other namespaces.
///
/// Test an implementation with `SessionStoreSuite` of ServalTesting.
public protocol SessionStore: Sendable {
    /// Opens files or connections, and makes what is missing: folders, tables.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` for what cannot work. A database that does not answer is no error here: it may come later.
    func start() async throws(SessionError)

    /// Closes what ``start()`` opened, after the operations in progress.
    func stop() async

    /// The session of a key; a claimed or expired one, too.
    ///
    /// - Parameter version: what the caller has; a store that has the same need not send it again.
    func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup

    /// Adds a session; `false` if the key is taken.
    ///
    /// - Throws: ``SessionError/Code/limitReached`` for more than ``StoredSession/encoded()`` takes.
    func insert(_ session: StoredSession) async throws(SessionError) -> Bool

    /// Applies changes if their conditions hold (``StoredSession/apply(_:)-(StoredSessionChanges)``).
    ///
    /// A session that was removed is not brought back. Changes that were applied already (``StoredSession/version(of:)``) are not applied again; the answer is the
    /// version that they got then. A claim ends: who has saved a session goes on using it.
    ///
    /// - Throws: ``SessionError/Code/limitReached`` for more than ``StoredSession/encoded()`` takes; then the stored session is as it was.
    func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult

    /// Gives a session another key and head, makes the old key unusable, and adds a record that tells where the session went, all at one moment
    /// (``StoredSession/apply(_:)-(StoredSessionRenaming)``). A claim ends, as with ``save(_:to:)``.
    func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult

    /// Notes a later access, without a new version. A claim ends, even if the access is not later.
    ///
    /// - Returns: `false` if there is no such session.
    @discardableResult
    func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool

    /// Removes a session.
    ///
    /// - Returns: `true` for exactly one of those who remove it.
    @discardableResult
    func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool

    /// Hands out expired sessions, each to one caller: nobody else gets one before `lease` is over.
    ///
    /// The caller tells its listeners and then calls ``removeClaimed(_:until:)``. If it dies before, another gets the session when the lease is over. A claim is
    /// known by its end, `now` and the lease; it holds until somebody else claims, saves, touches, renames or removes the session.
    ///
    /// - Parameter limit: the most to hand out; earliest deadlines first as far as that is cheap. What another server has just stored may come later.
    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession]

    /// Lengthens a claim.
    ///
    /// - Parameters:
    ///   - end: the end of the claim as ``claimExpired(at:limit:lease:)`` or the last renewal set it.
    ///   - newEnd: its end from now on.
    /// - Returns: `false`, and nothing has changed, if the claim does not hold any more.
    func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool

    /// Removes a session that the caller has claimed.
    ///
    /// - Parameter end: the end of the claim as ``claimExpired(at:limit:lease:)`` or the last renewal set it.
    /// - Returns: `false`, and nothing has changed, if the claim does not hold any more.
    func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool

    /// The sessions with this entry in the principal index.
    func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession]

    /// How many sessions there are, expired ones that nobody has removed included.
    func count() async throws(SessionError) -> Int

    /// Removes all sessions of the namespace.
    func removeAll() async throws(SessionError)
}

/// The answer of ``SessionStore/load(_:unless:)``.
public enum SessionLookup: Sendable, Hashable {
    /// There is no such session.
    case absent
    /// There is, in the version that the caller has; when it was last accessed and when it expires.
    case unchanged(lastAccessed: Timestamp, deadline: Timestamp?)
    /// There is.
    case found(StoredSession)
}

/// The answer of ``SessionStore/save(_:to:)``.
public enum SessionSaveResult: Sendable, Hashable {
    /// Saved; the session's new version.
    case saved(version: UInt64)
    /// A condition does not hold; the session as it is stored.
    case conflict(StoredSession)
    /// There is no such session: it was ended, or got another id.
    case absent
}

/// The answer of ``SessionStore/rename(_:by:)``.
public enum SessionRenameResult: Sendable, Hashable {
    /// The new key finds the session; its new version.
    case renamed(version: UInt64)
    /// Its head is not the expected one; the session as it is stored.
    case conflict(StoredSession)
    /// There is no session under the old key.
    case absent
    /// The new key is taken.
    case taken
}
