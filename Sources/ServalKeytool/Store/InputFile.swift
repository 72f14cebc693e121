import Glibc

/// A file that is read as a whole, with the JDK's complaints.
struct InputFile {
    let path: String

    /// The bytes of the file.
    ///
    /// - Parameter limit: More bytes than this are an error.
    func read(limit: Int) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.fileNotFound(path, errno) }
        defer { close(descriptor) }
        var status = stat()
        // The JDK refuses directories when it opens them, the system when it reads them.
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { throw Failure.fileNotFound(path, EISDIR) }
        return try Self.read(descriptor: descriptor, name: path, limit: limit)
    }

    static func read(descriptor: Int32, name: String, limit: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure.input("\(name): \(String(cString: strerror(errno)))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw Failure.input("\(name): more than \(limit) bytes") }
        }
    }
}

extension Failure {
    /// The JDK's message for a file that cannot be opened, with the system's reason.
    static func fileNotFound(_ path: String, _ reason: Int32) -> Failure {
        .exception(javaClass: "java.io.FileNotFoundException", message: "\(path) (\(String(cString: strerror(reason))))")
    }
}
