#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// OCSP answers about the server's own certificates in a directory, so that a restart does not need the responder.
///
/// A file's name is the certificate's SHA-256 digest. What is read is to be verified as if it came from the network. Blocks; not for event loops.
package struct StapleStore: Sendable {
    private let directory: String
    /// The most bytes of an answer.
    private static let sizeLimit = 65536
    /// Answers of certificates that were replaced go after so many days.
    private static let keptDays = 30

    package init(directory: String) { self.directory = directory }

    /// The answer that was kept for a certificate, unverified.
    package func answer(for name: String) -> [UInt8]? { try? readFile(path(name), limit: Self.sizeLimit) }

    /// Keeps an answer: either the old one is there, or all of the new one.
    ///
    /// - Throws: the cause; the answer is used all the same.
    package func keep(_ answer: [UInt8], for name: String) throws(FileReadingError) {
        try makeDirectory()
        prune()
        let temporary = path(name) + ".\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure(errno) }
        var problem: Int32 = 0
        var written = 0
        while written < answer.count, problem == 0 {
            let count = answer.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), answer.count - written) }
            if count > 0 { written += count } else if errno != EINTR { problem = errno }
        }
        if problem == 0, fsync(descriptor) != 0 { problem = errno }
        close(descriptor)
        if problem == 0, rename(temporary, path(name)) != 0 { problem = errno }
        guard problem == 0 else {
            unlink(temporary)
            throw Self.failure(problem)
        }
    }

    /// Forgets an answer.
    package func remove(_ name: String) { unlink(path(name)) }

    private func path(_ name: String) -> String { "\(directory)/\(name).der" }

    /// The directory and the one above it (`work/ocsp`).
    private func makeDirectory() throws(FileReadingError) {
        if let slash = directory.lastIndex(of: "/"), slash > directory.startIndex { mkdir(String(directory[..<slash]), 0o750) }
        guard mkdir(directory, 0o750) == 0 || errno == EEXIST else { throw Self.failure(errno) }
    }

    private func prune() {
        guard let names = try? directoryEntries(directory) else { return }
        let oldest = time(nil) - Self.keptDays * 86400
        for name in names.prefix(10_000) where name.utf8.count >= 68 && name.contains(".der") {
            var status = stat()
            let path = "\(directory)/\(name)"
            if lstat(path, &status) == 0, status.st_mtim.tv_sec < oldest { unlink(path) }
        }
    }

    private static func failure(_ code: Int32) -> FileReadingError {
        FileReadingError(cause: strerror(code).map { String(cString: $0) } ?? "error \(code)", isMissing: false)
    }
}
