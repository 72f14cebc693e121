import ServalSessions

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// One of the 256 folders of a store, open and locked until nobody refers to it; its methods block.
///
/// What is written goes to a file beside the one it replaces, is synced, and takes its name: who comes after a crash finds the old or the new one. A file's
/// modification time is the moment from which on its session may be claimed as expired: the deadline or, once claimed, the end of the claim.
///
/// The lock is the system's (`flock`), so it ends with its process. The lock file also says which rename was in progress, and counts changes, so that other
/// processes see that there were some.
final class FileShard {
    /// What the lock file says.
    struct State: Equatable {
        static let length = 48
        var changes: UInt64 = 0
        /// The new key of a rename that somebody began; if they are gone, it is to be finished.
        var moving: FileKey?

        init() {}

        init(bytes: [UInt8]) {
            guard bytes.count == Self.length else { return }
            self.changes = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            if bytes[15] == 1 { self.moving = FileKey(bytes.dropFirst(16)) }
        }

        var bytes: [UInt8] {
            withUnsafeBytes(of: self.changes.bigEndian) { Array($0) } + [0, 0, 0, 0, 0, 0, 0, self.moving == nil ? 0 : 1]
                + (self.moving?.bytes ?? [UInt8](repeating: 0, count: 32))
        }
    }

    let number: UInt8
    private let folder: Int32
    private let lock: Int32
    /// For messages.
    private let path: String
    private let damaged: DamagedFiles
    private(set) var state: State

    /// Takes over open descriptors.
    init(number: UInt8, folder: Int32, lock: Int32, path: String, damaged: DamagedFiles, state: State) {
        self.number = number
        self.folder = folder
        self.lock = lock
        self.path = path
        self.damaged = damaged
        self.state = state
    }

    deinit {
        close(self.lock)
        close(self.folder)
    }

    // MARK: State

    /// Says that something has changed, or that a rename begins or has ended.
    func note(moving: FileKey?) throws(SessionError) {
        var state = self.state
        state.changes &+= 1
        state.moving = moving
        let bytes = state.bytes
        guard pwrite(self.lock, bytes, bytes.count, 0) == bytes.count else { throw self.failure("write the lock file in") }
        self.state = state
    }

    // MARK: Reading

    /// What a file holds, and its modification time; `nil` if there is no regular file of this name, or one that is too large.
    func contents(of name: String, limit: Int = StoredSession.maximumSize) throws(SessionError) -> (bytes: [UInt8], due: Int64)? {
        // Does not wait for whoever would write into a pipe of this name.
        let descriptor = openat(self.folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ELOOP || errno == ENXIO { return nil }
            throw self.failure("read a file in")
        }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw self.failure("read a file in") }
        guard information.isRegular, information.st_size <= StoredSession.maximumSize else { return nil }
        let count = min(Int(information.st_size), limit)
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count, let start = buffer.baseAddress {
                let received = read(descriptor, start + initialized, count - initialized)
                if received < 0, errno == EINTR { continue }
                failed = received < 0
                guard received > 0 else { return }
                initialized += received
            }
        }
        if failed { throw self.failure("read a file in") }
        return (bytes, information.due)
    }

    /// The session of a key; `nil` if there is none, or a file that is none, which is told.
    func session(_ key: FileKey) throws(SessionError) -> (session: StoredSession, due: Int64)? {
        guard let (bytes, due) = try self.contents(of: key.name) else { return nil }
        guard let session = try? StoredSession(key: key.sessionKey, encoded: bytes) else {
            self.damaged.tell(key, in: self.path)
            return nil
        }
        return (session, due)
    }

    /// The modification time of a regular file; `nil` if there is none.
    func due(_ name: String) -> Int64? {
        var information = stat()
        guard fstatat(self.folder, name, &information, AT_SYMLINK_NOFOLLOW) == 0, information.isRegular else { return nil }
        return information.due
    }

    /// The names of all entries.
    func names() throws(SessionError) -> [String] {
        let descriptor = openat(self.folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, let list = fdopendir(descriptor) else {
            let failure = self.failure("list")
            if descriptor >= 0 { close(descriptor) }
            throw failure
        }
        defer { closedir(list) }
        var names: [String] = []
        while let entry = readdir(list) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(validatingCString: $0) }
            }
            if let name { names.append(name) }
        }
        return names
    }

    // MARK: Writing

    /// Writes a file beside the one that it is to become, and syncs it.
    func prepare(_ name: String, _ bytes: [UInt8], due: Int64?) throws(SessionError) {
        let temporary = FileKey.temporaryName(of: name)
        unlinkat(self.folder, temporary, 0)
        let descriptor = openat(self.folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw self.failure("write in") }
        defer { close(descriptor) }
        guard Self.put(bytes, into: descriptor), due.map({ Self.setDue($0, of: descriptor) }) ?? true, Self.sync(descriptor) else {
            let failure = self.failure("write in")
            unlinkat(self.folder, temporary, 0)
            throw failure
        }
    }

    /// Gives a prepared file its name; false if there is no prepared file.
    @discardableResult
    func publish(_ name: String) throws(SessionError) -> Bool {
        let temporary = FileKey.temporaryName(of: name)
        guard renameat(self.folder, temporary, self.folder, name) != 0 else { return true }
        if errno == ENOENT { return false }
        let failure = self.failure("rename a file in")
        unlinkat(self.folder, temporary, 0)
        throw failure
    }

    /// Deletes a file; `false` if there is none.
    @discardableResult
    func delete(_ name: String) throws(SessionError) -> Bool {
        guard unlinkat(self.folder, name, 0) != 0 else { return true }
        if errno == ENOENT || errno == EISDIR || errno == EPERM && self.due(name) == nil { return false }
        throw self.failure("delete a file in")
    }

    /// Sets when a session may be claimed; not synced, as a claim that is lost in a crash does no harm.
    func setDue(_ due: Int64, of name: String) throws(SessionError) {
        var times = Self.times(due)
        guard utimensat(self.folder, name, &times, AT_SYMLINK_NOFOLLOW) == 0 || errno == ENOENT else { throw self.failure("claim a session in") }
    }

    /// Makes what happened to names survive a crash of the system.
    func sync() throws(SessionError) {
        guard Self.sync(self.folder) else { throw self.failure("sync") }
    }

    private static func put(_ bytes: [UInt8], into descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var position = 0
            while position < buffer.count, let start = buffer.baseAddress {
                let count = write(descriptor, start + position, buffer.count - position)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                position += count
            }
            return true
        }
    }

    private static func sync(_ descriptor: Int32) -> Bool {
        #if canImport(Darwin)
            // fsync leaves the data in the drive's cache there.
            return fcntl(descriptor, F_FULLFSYNC) == 0 || fsync(descriptor) == 0
        #else
            return fsync(descriptor) == 0
        #endif
    }

    private static func setDue(_ due: Int64, of descriptor: Int32) -> Bool {
        var times = Self.times(due)
        return futimens(descriptor, &times) == 0
    }

    /// Times of access and of modification.
    private static func times(_ due: Int64) -> [timespec] {
        let due = min(max(0, due), Self.never)
        let time = timespec(tv_sec: Int(due / 1000), tv_nsec: Int(due % 1000) * 1_000_000)
        return [time, time]
    }

    /// The modification time of a session that does not expire, in milliseconds: the year 2445, which ext4 can just tell.
    static let never: Int64 = 15_000_000_000_000

    private func failure(_ action: String) -> SessionError { .fileSystem(errno, action, self.path) }
}

extension stat {
    var isRegular: Bool { self.st_mode & S_IFMT == S_IFREG }

    /// The modification time in milliseconds since 1970.
    var due: Int64 {
        #if canImport(Darwin)
            let time = self.st_mtimespec
        #else
            let time = self.st_mtim
        #endif
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

extension SessionError {
    /// What a system call said about a folder.
    static func fileSystem(_ code: Int32, _ action: String, _ path: String) -> Self {
        // Another process keeps the lock of one of many folders.
        let reason = "the session store cannot \(action) the folder '\(path)': \(String(cString: strerror(code)))"
        return Self(code: .storeUnavailable, message: reason, isOfOneOperation: code == ETIMEDOUT)
    }
}
