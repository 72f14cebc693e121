import ServalKeyStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Why a file could not be read.
package struct FileReadingError: Error {
    /// The system's words, for example "No such file or directory".
    package var cause: String
    /// Whether there is no such file, as opposed to one that cannot be read.
    package var isMissing: Bool
}

/// The bytes of the regular file at `path`, of which there may be at most `limit`.
package func readFile(_ path: String, limit: Int) throws(FileReadingError) -> [UInt8] {
    // Without O_NONBLOCK opening a named pipe would wait for ever.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileReadingError(errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileReadingError(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileReadingError(cause: "It is not a regular file", isMissing: false) }
    var bytes: [UInt8] = []
    while true {
        let room = 65536
        var code: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            let got = read(descriptor, buffer.baseAddress, room)
            code = got < 0 ? errno : 0
            count = max(got, 0)
        }
        if code == EINTR { continue }
        guard code == 0 else { throw FileReadingError(errno: code) }
        if chunk.isEmpty { return bytes }
        bytes += chunk
        guard bytes.count <= limit else { throw FileReadingError(cause: "It is larger than \(limit) bytes", isMissing: false) }
    }
}

/// Fails if the regular file at `path` cannot be opened.
package func checkReadable(_ path: String) throws(FileReadingError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw FileReadingError(errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileReadingError(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FileReadingError(cause: "It is not a regular file", isMissing: false) }
}

/// Why there is no file at a path, in words that go on after it; `nil` for regular files, which may be unreadable all the same.
package func fileObstacle(_ path: String) -> String? {
    var status = stat()
    if stat(path, &status) == 0 {
        switch status.st_mode & S_IFMT {
        case S_IFREG: return nil
        case S_IFDIR: return "is a directory, and a file is expected"
        default: return "is no regular file, but a pipe, a socket or a device"
        }
    }
    if errno == EACCES { return "cannot be reached: Permission denied" }
    return lstat(path, &status) == 0 ? "is a link that leads to no file" : "does not exist"
}

/// The rights of a file, as `chmod` has them; nil if there is none.
package func fileMode(_ path: String) -> Int? {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_mode & 0o7777) : nil
}

/// What changes when a file does: device, inode, size and time; nil if there is no file.
package func fileMark(_ path: String) -> [Int]? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    #if canImport(Darwin)
        let time = status.st_mtimespec
    #else
        let time = status.st_mtim
    #endif
    return [Int(status.st_dev), Int(status.st_ino), Int(status.st_size), time.tv_sec, time.tv_nsec]
}

/// The names in the directory at `path`, without "." and "..", sorted.
package func directoryEntries(_ path: String) throws(FileReadingError) -> [String] {
    guard let directory = opendir(path) else { throw FileReadingError(errno: errno) }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) { String(cString: $0) }
        }
        if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// The value of an environment variable.
package func environmentValue(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

extension FileReadingError {
    fileprivate init(errno code: Int32) {
        self.init(cause: strerror(code).map { String(cString: $0) } ?? "error \(code)", isMissing: code == ENOENT || code == ENOTDIR)
    }
}

/// What stands in messages before a key store's path: ` type [JKS]`, as the configuration says or else the file's first bytes, and nothing if neither does.
func keyStoreTypeInWords(_ type: String?, _ path: String) -> String {
    func words(_ type: String) -> String { " type [\(type)]" }
    if let type { return words(type) }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = read(descriptor, &bytes, bytes.count)
    return KeyStoreFormat.detect(bytes.prefix(max(0, count))).map { words($0.rawValue) } ?? ""
}
