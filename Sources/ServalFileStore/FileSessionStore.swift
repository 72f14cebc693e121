public import Logging
public import ServalSessions
import Synchronization

/// Keeps sessions in files: one for each, in folders that several servers on one machine may share.
///
/// A file is named after the digest of the session's id and replaced as a whole: after a crash at any moment it is the old or the new one, and what was
/// acknowledged is on the disk. Only files of the store's own making are read, replaced or deleted; symbolic links below ``Configuration/directory`` are not
/// followed.
///
/// Reading and writing block; they happen on ``Configuration/threads`` threads of the store's own, and on one more for sweeps and lists. A session costs one
/// file of a few hundred bytes plus its attributes, and about 50 bytes of memory.
///
/// Source: Tomcat's `FileStore`.
public final class FileSessionStore: SessionStore {
    /// The settings of a store.
    public struct Configuration: Sendable {
        /// The folder of the store (`directory`); it is made, accessible for its owner alone, if it is missing.
        public var directory: String
        /// Names the application within the store: each has a folder of its own, which this names.
        ///
        /// Default: empty.
        public var namespace = ""
        /// How many sessions are read or written at once.
        ///
        /// Default: 8 (`serval.connections`); at least 1, at most 64.
        public var threads = 8
        /// How long an operation waits for other processes.
        ///
        /// Default: 5 seconds (`serval.timeout`).
        public var timeout = Duration.seconds(5)
        /// For files that are damaged.
        public var logger = Logger(label: "serval.session")

        /// The defaults, with a folder.
        public init(directory: String) { self.directory = directory }
    }

    private struct Running: Sendable {
        let folder: SessionFolder
        /// A session's thread is chosen by its folder, so that threads do not wait for each other's locks.
        let threads: [StoreThread]
        let sweeper: StoreThread
    }

    private let configuration: Configuration
    private let running = Mutex<Running?>(nil)

    /// A store; ``start()`` opens the folder.
    public init(configuration: Configuration) { self.configuration = configuration }

    /// The folder of a namespace: `sessions`, and the namespace with `_` for `/` and hexadecimal digits for what is not plain.
    static func folderName(ofNamespace namespace: String) -> String {
        var name = "sessions"
        for byte in namespace.utf8 {
            switch byte {
            case UInt8(ascii: "/"): name += "_"
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default: name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
            // What file systems take is 255 bytes.
            if name.utf8.count > 200 { return "sessions~" + StoredSessionKey(SessionID(rawValue: ""), namespace: namespace).hexadecimal }
        }
        // "sessions" and "sessionsa" are two namespaces' as well: no plain byte follows the word directly.
        return namespace.isEmpty || namespace.utf8.first == UInt8(ascii: "/") ? name : "sessions=" + name.dropFirst("sessions".count)
    }

    // MARK: Life

    /// Opens the folder, finishes what a crash has interrupted, and lists the sessions.
    ///
    /// - Throws: ``SessionError/Code/illegalSetting`` for a folder that cannot be made or opened; ``SessionError/Code/storeUnavailable`` for one that cannot
    ///   be read.
    public func start() async throws(SessionError) {
        let configuration = self.configuration
        let sweeper = try StoreThread()
        var threads: [StoreThread] = []
        for _ in 0..<min(max(1, configuration.threads), 64) { threads.append(try StoreThread()) }
        let folder = try await sweeper.run { () throws(SessionError) in
            let name = Self.folderName(ofNamespace: configuration.namespace)
            let folder = try SessionFolder(
                directory: configuration.directory,
                name: name,
                timeout: configuration.timeout,
                logger: configuration.logger
            )
            try folder.recover()
            return folder
        }
        let running = Running(folder: folder, threads: threads, sweeper: sweeper)
        let isFirst = self.running.withLock { current in
            guard current == nil else { return false }
            current = running
            return true
        }
        guard isFirst else {
            throw SessionError(code: .illegalSetting, message: "the session store '\(configuration.directory)' is started already")
        }
    }

    /// Closes the folder after the operations in progress.
    public func stop() async {
        let running = self.running.withLock { current in
            defer { current = nil }
            return current
        }
        guard let running else { return }
        for thread in running.threads + [running.sweeper] { await thread.finish() }
    }

    // MARK: Operations

    /// See ``SessionStore/load(_:unless:)``.
    public func load(_ key: StoredSessionKey, unless version: UInt64?) async throws(SessionError) -> SessionLookup {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.load(key, unless: version) }
    }

    /// See ``SessionStore/insert(_:)``.
    public func insert(_ session: StoredSession) async throws(SessionError) -> Bool {
        try await self.run(on: session.key) { folder, _ throws(SessionError) in try folder.insert(session) }
    }

    /// See ``SessionStore/save(_:to:)``.
    public func save(_ changes: StoredSessionChanges, to key: StoredSessionKey) async throws(SessionError) -> SessionSaveResult {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.save(changes, to: key) }
    }

    /// See ``SessionStore/rename(_:by:)``.
    public func rename(_ key: StoredSessionKey, by renaming: StoredSessionRenaming) async throws(SessionError) -> SessionRenameResult {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.rename(key, by: renaming) }
    }

    /// See ``SessionStore/touch(_:lastAccessed:deadline:)``.
    @discardableResult
    public func touch(_ key: StoredSessionKey, lastAccessed: Timestamp, deadline: Timestamp?) async throws(SessionError) -> Bool {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.touch(key, lastAccessed: lastAccessed, deadline: deadline) }
    }

    /// See ``SessionStore/remove(_:)``.
    @discardableResult
    public func remove(_ key: StoredSessionKey) async throws(SessionError) -> Bool {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.remove(key) }
    }

    /// See ``SessionStore/claimExpired(at:limit:lease:)``.
    ///
    /// In folders with more than 1,000 sessions each, it may take half a minute until sessions that another process has stored are seen.
    public func claimExpired(at now: Timestamp, limit: Int, lease: Duration) async throws(SessionError) -> [StoredSession] {
        try await self.sweep { folder throws(SessionError) in try folder.claimExpired(at: now, limit: limit, lease: lease) }
    }

    /// See ``SessionStore/renewClaim(_:until:to:)``.
    public func renewClaim(_ key: StoredSessionKey, until end: Timestamp, to newEnd: Timestamp) async throws(SessionError) -> Bool {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.renewClaim(key, until: end, to: newEnd) }
    }

    /// See ``SessionStore/removeClaimed(_:until:)``.
    public func removeClaimed(_ key: StoredSessionKey, until end: Timestamp) async throws(SessionError) -> Bool {
        try await self.run(on: key) { folder, key throws(SessionError) in try folder.removeClaimed(key, until: end) }
    }

    /// See ``SessionStore/sessions(ofPrincipal:)``.
    ///
    /// In folders with more than 1,000 sessions each, it may take half a minute until sessions that another process has stored are seen.
    public func sessions(ofPrincipal principal: String) async throws(SessionError) -> [StoredSession] {
        try await self.sweep { folder throws(SessionError) in try folder.sessions(ofPrincipal: principal) }
    }

    /// See ``SessionStore/count()``; lists all folders.
    public func count() async throws(SessionError) -> Int {
        try await self.sweep { folder throws(SessionError) in try folder.count() }
    }

    /// See ``SessionStore/removeAll()``.
    public func removeAll() async throws(SessionError) {
        try await self.sweep { folder throws(SessionError) in try folder.removeAll() }
    }

    // MARK: Threads

    private func current() throws(SessionError) -> Running {
        guard let running = self.running.withLock({ $0 }) else { throw StoreThread.stopped }
        return running
    }

    private func run<Value: Sendable>(
        on key: StoredSessionKey,
        _ operation: @escaping @Sendable (SessionFolder, FileKey) throws(SessionError) -> Value
    ) async throws(SessionError) -> Value {
        let running = try self.current()
        let (folder, key) = (running.folder, FileKey(key))
        return try await running.threads[Int(key.shard) % running.threads.count].run { () throws(SessionError) in try operation(folder, key) }
    }

    private func sweep<Value: Sendable>(
        _ operation: @escaping @Sendable (SessionFolder) throws(SessionError) -> Value
    ) async throws(SessionError) -> Value {
        let running = try self.current()
        let folder = running.folder
        return try await running.sweeper.run { () throws(SessionError) in try operation(folder) }
    }
}
