import Logging
import ServalSessions
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The open folder of an application's sessions; its methods block.
///
/// Below it are up to 256 folders named after the first two digits of the keys, each with a lock file. An operation holds the locks of the folders that it
/// looks at; several in the order of their names, so that nobody waits in a circle.
final class SessionFolder: Sendable {
    static let lockName = "lock"
    /// The longest wait between two tries to get a lock, in microseconds.
    private static let longestPause: UInt32 = 5000

    enum Access { case shared, exclusive }

    let path: String
    private let descriptor: Int32
    private let timeout: Duration
    private let damaged: DamagedFiles
    let indexes: [Mutex<FileShardIndex>.Box]
    /// Where the next sweep begins; at first anywhere, so that servers that start together do not follow each other.
    let nextSwept = Mutex(UInt8.random(in: .min ... .max))

    /// Opens the folder; makes it, and the folders on the way to it, if they are missing.
    init(directory: String, name: String, timeout: Duration, logger: Logger) throws(SessionError) {
        self.damaged = DamagedFiles(logger: logger)
        try Self.makeDirectories(directory)
        let directoryDescriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directoryDescriptor >= 0 else { throw Self.unusable(directory) }
        defer { close(directoryDescriptor) }
        self.path = directory + "/" + name
        if mkdirat(directoryDescriptor, name, 0o700) == 0 {
            fsync(directoryDescriptor)
        } else if errno != EEXIST {
            throw Self.unusable(directory + "/" + name)
        }
        self.descriptor = openat(directoryDescriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard self.descriptor >= 0 else { throw Self.unusable(directory + "/" + name) }
        self.timeout = timeout
        self.indexes = (0..<256).map { _ in Mutex<FileShardIndex>.Box() }
    }

    deinit { close(self.descriptor) }

    private static func unusable(_ path: String) -> SessionError {
        let reason =
            "the session store cannot use the folder '\(path)': \(String(cString: strerror(errno))); it must be a folder that the server may write to"
        return SessionError(code: .illegalSetting, message: reason)
    }

    private static func makeDirectories(_ path: String) throws(SessionError) {
        if mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw self.unusable(path) }
        try self.makeDirectories(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw self.unusable(path) }
    }

    // MARK: Folders and locks

    /// Opens and locks folders.
    ///
    /// - Parameter creating: makes folders that are missing; otherwise they are left out of the result.
    func shards(_ numbers: Set<UInt8>, _ access: Access, creating: Bool) throws(SessionError) -> [UInt8: FileShard] {
        // More than once only if processes died in the middle of renames.
        for _ in 0..<16 {
            var shards: [UInt8: FileShard] = [:]
            for number in numbers.sorted() { shards[number] = try self.lock(number, access, creating: creating) }
            let interrupted = shards.values.lazy.compactMap { shard in shard.state.moving.map { (key: $0, number: shard.number) } }.first
            guard let interrupted else { return shards }
            // Without the locks, which the other folders' come before.
            shards = [:]
            try self.finishMove(to: interrupted.key, notedIn: interrupted.number)
        }
        throw SessionError(code: .storeUnavailable, message: "the session store cannot finish what was interrupted in the folder '\(self.path)'")
    }

    /// One folder; `nil` if it is missing and is not to be made.
    func shard(_ number: UInt8, _ access: Access, creating: Bool) throws(SessionError) -> FileShard? {
        try self.shards([number], access, creating: creating)[number]
    }

    /// Opens and locks a folder, whatever state it is in.
    func lock(_ number: UInt8, _ access: Access, creating: Bool) throws(SessionError) -> FileShard? {
        let name = Self.name(of: number)
        let path = self.path + "/" + name
        var folder = openat(self.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if folder < 0, errno == ENOENT {
            guard creating else { return nil }
            guard mkdirat(self.descriptor, name, 0o700) == 0 || errno == EEXIST, fsync(self.descriptor) == 0 else {
                throw .fileSystem(errno, "make", path)
            }
            folder = openat(self.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        }
        guard folder >= 0 else { throw .fileSystem(errno, "open", path) }
        let flags = access == .shared && !creating ? O_RDONLY : O_RDWR | O_CREAT
        let lock = openat(folder, Self.lockName, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            let code = errno
            close(folder)
            if code == ENOENT { return nil }
            throw .fileSystem(code, "open the lock file in", path)
        }
        do {
            try self.wait(for: lock, access, path)
        } catch {
            close(lock)
            close(folder)
            throw error
        }
        return FileShard(number: number, folder: folder, lock: lock, path: path, damaged: self.damaged, state: Self.state(of: lock))
    }

    private func wait(for lock: Int32, _ access: Access, _ path: String) throws(SessionError) {
        let operation = (access == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
        let end = ContinuousClock.now + self.timeout
        var pause: UInt32 = 100
        while flock(lock, operation) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw .fileSystem(errno, "lock", path) }
            guard ContinuousClock.now < end else { throw .fileSystem(ETIMEDOUT, "lock", path) }
            usleep(pause)
            pause = min(2 * pause, Self.longestPause)
        }
    }

    private static func state(of lock: Int32) -> FileShard.State {
        var bytes = [UInt8](repeating: 0, count: FileShard.State.length)
        return pread(lock, &bytes, bytes.count, 0) == bytes.count ? FileShard.State(bytes: bytes) : FileShard.State()
    }

    /// What the lock file of a folder says at this moment, without waiting for the lock; `nil` if there is none.
    func state(of number: UInt8) -> FileShard.State? {
        let lock = openat(self.descriptor, Self.name(of: number) + "/" + Self.lockName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard lock >= 0 else { return nil }
        defer { close(lock) }
        return Self.state(of: lock)
    }

    private static func name(of number: UInt8) -> String {
        let digits = String(number, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }

    // MARK: Start

    /// Finishes what a crash has interrupted, and lists all sessions.
    func recover() throws(SessionError) {
        var moves: [(FileKey, UInt8)] = []
        for number in UInt8.min...UInt8.max {
            // Whatever its state is: all moves are finished below.
            guard let shard = try self.lock(number, .exclusive, creating: false) else { continue }
            if let key = shard.state.moving { moves.append((key, number)) }
            for name in try shard.names() { if let key = FileKey(moveName: name) { moves.append((key, number)) } }
        }
        for (key, number) in moves { try self.finishMove(to: key, notedIn: number) }
        for number in UInt8.min...UInt8.max {
            guard let shard = try self.shard(number, .exclusive, creating: false) else { continue }
            for name in try shard.names() where FileKey.isTemporary(name) { try shard.delete(name) }
            try self.list(shard)
        }
    }

    /// Brings the index of a folder up to date.
    func list(_ shard: FileShard) throws(SessionError) {
        var due: [FileKey: Int64] = [:]
        for name in try shard.names() { if let key = FileKey(name: name), let moment = shard.due(name) { due[key] = moment } }
        self.indexes[Int(shard.number)].value.withLock { $0.replace(with: due, changes: shard.state.changes) }
    }

    /// Counts a change in the lock file and tells the index of it.
    func note(_ shard: FileShard, moving: FileKey? = nil, _ change: (inout FileShardIndex) -> Void) throws(SessionError) {
        let before = shard.state.changes
        try shard.note(moving: moving)
        self.indexes[Int(shard.number)].value.withLock { index in
            change(&index)
            index.follow(from: before, to: shard.state.changes)
        }
    }
}

extension Mutex where Value == FileShardIndex {
    /// An index with its lock, in an array.
    final class Box: Sendable {
        let value = Mutex(FileShardIndex())
    }
}
