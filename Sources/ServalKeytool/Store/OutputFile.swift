import Glibc

/// A file that is written as a whole: beside its place first, then moved there, so that nobody ever sees half of it and a full disk destroys nothing.
struct OutputFile {
    /// What has to stand under the name for the file to be replaced.
    enum Expectation {
        /// Anything or nothing.
        case anything
        /// The file that was read before; nil for none.
        case version(FileVersion?)
    }

    let path: String

    /// Writes the bytes.
    ///
    /// - Parameters:
    ///   - isSecret: Whether a new file is for its owner only. An existing file keeps its permissions.
    ///   - expectation: The file is left alone if it is not what it should be: somebody else has changed it since it was read.
    func write(_ bytes: [UInt8], isSecret: Bool, replacing expectation: Expectation = .anything) throws {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw Failure.fileNotFound(path, EISDIR) }
        // A device or a pipe (`-file /dev/stdout`) cannot be replaced, it is written to.
        if exists, status.st_mode & S_IFMT != S_IFREG { return try writeInPlace(bytes) }
        if exists, access(path, W_OK) != 0 { throw Failure.fileNotFound(path, errno) }

        // A signal must not end the program between the two steps, and leave the file beside its place behind.
        let signals = HeldSignals()
        defer { signals.release() }
        let target = Self.resolved(path)
        let folder = target.lastIndex(of: "/").map { String(target[...$0]) } ?? "./"
        var template = Array("\(folder).keytool.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw exists ? notReplaced(errno) : Failure.fileNotFound(path, errno) }
        let temporary = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
        do {
            defer { close(descriptor) }
            let mode = exists ? status.st_mode & 0o7777 : (isSecret ? 0o600 : 0o666 & ~Self.fileModeMask)
            // Replacing somebody else's file (as root) must not make it unreadable for its owner.
            if exists, fchown(descriptor, status.st_uid, status.st_gid) != 0, status.st_uid != geteuid() {
                throw Failure.input("\(path): the file belongs to another user, who cannot be kept as its owner")
            }
            guard fchmod(descriptor, mode) == 0, Self.writeAll(bytes, to: descriptor), fsync(descriptor) == 0 else { throw failure(errno) }
            try move(temporary, to: target, in: folder, expectation)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Looks and moves under a lock on the folder, so that of two runs of this tool the second sees what the first did.
    private func move(_ temporary: String, to target: String, in folder: String, _ expectation: Expectation) throws {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if directory >= 0 { close(directory) } }
        if directory >= 0 { flock(directory, LOCK_EX) }
        if case .version(let version) = expectation, FileVersion(path: target) != version {
            throw Failure.input("\(path): another program has changed the file meanwhile; nothing was written, run the command again")
        }
        guard rename(temporary, target) == 0 else { throw errno == EBUSY ? notReplaced(errno) : failure(errno) }
        // The new file is in place. Not every file system can flush a folder, and there is nothing to undo.
        if directory >= 0 { fsync(directory) }
    }

    /// Writes a new file, never over an old one.
    ///
    /// - Returns: False if there is a file of this name.
    func create(_ bytes: [UInt8], mode: mode_t) throws -> Bool {
        let signals = HeldSignals()
        defer { signals.release() }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { return false }
            throw Failure.fileNotFound(path, errno)
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, mode) == 0, Self.writeAll(bytes, to: descriptor), fsync(descriptor) == 0 else {
            let reason = errno
            unlink(path)
            throw failure(reason)
        }
        return true
    }

    private func writeInPlace(_ bytes: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.fileNotFound(path, errno) }
        defer { close(descriptor) }
        guard Self.writeAll(bytes, to: descriptor) else { throw failure(errno) }
    }

    private func failure(_ reason: Int32) -> Failure {
        .input("\(path): \(String(cString: strerror(reason)))")
    }

    /// The file itself could be written, but not its folder, or it is mounted in its place: writing into it would destroy it if the disk were full.
    private func notReplaced(_ reason: Int32) -> Failure {
        .fileNotFound("\(path): a new file cannot take its place in its folder, and it is not written in place", reason)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            start += count
        }
        return true
    }

    private static var fileModeMask: mode_t {
        let mask = umask(0)
        umask(mask)
        return mask
    }

    /// The name behind symbolic links, so that the link stays and its target changes, or comes into being.
    private static func resolved(_ path: String) -> String {
        var path = path
        for _ in 0..<40 {
            if let pointer = realpath(path, nil) {
                defer { free(pointer) }
                return String(cString: pointer)
            }
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = readlink(path, &buffer, buffer.count)
            guard count > 0 else { return path }
            let link = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            path = link.hasPrefix("/") ? link : (path.lastIndex(of: "/").map { String(path[...$0]) } ?? "") + link
        }
        return path
    }
}

/// Keeps signals that end the program waiting while a file is replaced, which takes a moment only.
private struct HeldSignals {
    private var before = sigset_t()

    init() {
        var held = sigset_t()
        sigemptyset(&held)
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&held, number) }
        sigprocmask(SIG_BLOCK, &held, &before)
    }

    func release() {
        var before = before
        sigprocmask(SIG_SETMASK, &before, nil)
    }
}
