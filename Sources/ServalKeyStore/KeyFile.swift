import COpenSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads and replaces whole files.
package enum KeyFile {
    /// The bytes of the file at `path`; of a named pipe, what is written into it.
    ///
    /// Waits for a writer of a pipe five seconds, and without limit for what a writer has to say.
    /// - Throws: `fileNotFound`, `unreadable`, `empty`, each with the path.
    package static func read(_ path: String) throws(KeyStoreError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            let code: KeyStoreError.Code = errno == ENOENT || errno == ENOTDIR ? .fileNotFound : .unreadable
            throw KeyStoreError(code, "\(path) (\(reason()))")
        }
        defer { close(file) }
        let bytes = try contents(of: file, path: path)
        guard !bytes.isEmpty else { throw KeyStoreError(.empty, "The file exists, but is empty: \(path)") }
        return bytes
    }

    /// Puts `bytes` in the place of the file at `path` in one step; on failure the old file is as it was.
    ///
    /// - Parameter flush: What brings a file's bytes to the disk; tests let it fail.
    /// - Throws: `writeFailed` with the path.
    package static func write(_ bytes: [UInt8], to path: String, flush: (Int32) -> Int32 = { fsync($0) }) throws(KeyStoreError) {
        let target = resolvingLinks(path)
        let (folder, name) = split(target)
        let temporary = folder + "/." + name + "." + String(UInt64.random(in: .min ... .max), radix: 36) + ".tmp"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure(path) }
        do throws(KeyStoreError) {
            guard serval_take_owner_and_mode(file, target) >= 0 else { throw failure(path) }
            try writeAll(bytes, to: file, path: path)
            guard flush(file) == 0 else { throw failure(path) }
            guard rename(temporary, target) == 0 else { throw failure(path) }
        } catch {
            close(file)
            unlink(temporary)
            throw error
        }
        close(file)
        flushFolder(folder)
    }

    private static func contents(of file: Int32, path: String) throws(KeyStoreError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isAwaited = isPipe(file)
        var patience = 100
        while true {
            let count = buffer.withUnsafeMutableBytes { readBytes(file, $0.baseAddress, $0.count) }
            if count == 0 {
                guard isAwaited else { return bytes }
                // Nobody has opened the pipe for writing, or somebody has and wrote nothing.
                patience -= 1
                guard patience > 0 else { throw KeyStoreError(.unreadable, "\(path) is a pipe into which nobody writes") }
                usleep(50_000)
                continue
            }
            isAwaited = false
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var descriptor = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
                    _ = poll(&descriptor, 1, -1)
                    continue
                }
                throw KeyStoreError(.unreadable, "\(path) (\(reason()))")
            }
            bytes += buffer.prefix(count)
            guard bytes.count <= Limits.fileSize else { throw KeyStoreError(.unreadable, "\(path) has more than \(Limits.fileSize) bytes") }
        }
    }

    private static func isPipe(_ file: Int32) -> Bool {
        var status = stat()
        return fstat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
    }

    private static func writeAll(_ bytes: [UInt8], to file: Int32, path: String) throws(KeyStoreError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeBytes(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func flushFolder(_ folder: String) {
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { return }
        // The new file is in place; not every file system can flush a folder, and there is nothing left to undo.
        _ = fsync(file)
        close(file)
    }

    private static func resolvingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }

    private static func failure(_ path: String) -> KeyStoreError {
        KeyStoreError(.writeFailed, "\(path) could not be written (\(reason())); what was there before is unchanged")
    }

    private static func reason() -> String {
        String(cString: strerror(errno))
    }
}

// The enum's own `read` and `write` hide the C functions inside it.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int { read(file, buffer, count) }
private func writeBytes(_ file: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int { write(file, buffer, count) }
