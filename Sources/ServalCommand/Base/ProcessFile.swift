import Glibc

/// The file with the process id of a running server.
///
/// The server holds a lock on it while it lives, so that neither a file left behind by a crash nor a process id that was given away again can mislead
/// `stop` and `status`.
final class ProcessFile {
    private let descriptor: CInt
    private let path: String

    /// Takes the lock for this process.
    ///
    /// - Throws: ``CommandFailure`` if another server runs from the same base directory, or the file cannot be written.
    init(claiming path: String) throws {
        self.path = path
        self.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard self.descriptor >= 0 else { throw CommandFailure("\(path) cannot be written: \(String(cString: strerror(errno)))") }
        guard flock(self.descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let owner = Self.runningProcess(path).map { " (process \($0))" } ?? ""
            close(self.descriptor)
            throw CommandFailure("a server already runs from this base directory\(owner): \(path) is locked")
        }
        ftruncate(self.descriptor, 0)
        let text = "\(getpid())\n"
        _ = text.withCString { write(self.descriptor, $0, strlen($0)) }
    }

    /// Removes the file and frees the lock.
    func release() {
        unlink(self.path)
        close(self.descriptor)
    }

    /// The id of the process that holds the lock, or `nil` if none does.
    static func runningProcess(_ path: String) -> pid_t? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0 else {
            flock(descriptor, LOCK_UN)
            return nil
        }
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return pid_t(String(decoding: buffer[..<count], as: UTF8.self).prefix { $0.isNumber })
    }
}
