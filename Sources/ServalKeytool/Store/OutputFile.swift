import Glibc

/// A file that is written as a whole: beside its place first, then moved there, so that nobody ever sees half of it and a full disk destroys nothing.
struct OutputFile {
    let path: String

    /// Writes the bytes.
    ///
    /// - Parameter isSecret: Whether a new file is for its owner only. An existing file keeps its permissions.
    func write(_ bytes: [UInt8], isSecret: Bool) throws {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR { throw Failure.fileNotFound(path, EISDIR) }
        // A device or a pipe (`-file /dev/stdout`) cannot be replaced, it is written to.
        if exists, status.st_mode & S_IFMT != S_IFREG { return try writeInPlace(bytes) }
        if exists, access(path, W_OK) != 0 { throw Failure.fileNotFound(path, errno) }

        // The name behind symbolic links, so that the link stays and its target changes.
        let target = Self.resolved(path)
        var template = Array("\(target).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Failure.fileNotFound(path, errno) }
        let temporary = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
        let mask = umask(0)
        umask(mask)
        let mode = exists ? status.st_mode & 0o7777 : (isSecret ? 0o600 : 0o666 & ~mask)
        // Replacing somebody else's file (as root) must not make it unreadable for its owner.
        if exists, fchown(descriptor, status.st_uid, status.st_gid) != 0, status.st_uid != geteuid() {
            unlink(temporary)
            close(descriptor)
            throw Failure.input("\(path): the file belongs to another user, who cannot be kept as its owner")
        }
        let isWritten = fchmod(descriptor, mode) == 0 && Self.writeAll(bytes, to: descriptor) && fsync(descriptor) == 0
        let problem = errno
        close(descriptor)
        guard isWritten, rename(temporary, target) == 0 else {
            let reason = isWritten ? errno : problem
            unlink(temporary)
            throw Failure.input("\(path): \(String(cString: strerror(reason)))")
        }
    }

    private func writeInPlace(_ bytes: [UInt8]) throws {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.fileNotFound(path, errno) }
        defer { close(descriptor) }
        guard Self.writeAll(bytes, to: descriptor) else { throw Failure.input("\(path): \(String(cString: strerror(errno)))") }
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

    private static func resolved(_ path: String) -> String {
        guard let pointer = realpath(path, nil) else { return path }
        defer { free(pointer) }
        return String(cString: pointer)
    }
}
