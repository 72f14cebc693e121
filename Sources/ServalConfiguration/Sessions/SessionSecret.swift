import Logging
import ServalServlet
import ServalSessions
import ServalTLS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The file with the secret that seals sessions outside of memory: 64 hexadecimal digits.
struct SessionSecret: Sendable {
    /// Absolute.
    var path: String

    /// The secret; made, and written so that only the server's user can read it, if there is no file.
    ///
    /// - Throws: for a file that others may write, too: they could seal sessions of their own. One that others may read is told in the log.
    func load(logger: Logger = Logger(label: "serval.session")) throws -> [UInt8] {
        do {
            let secret = try self.read()
            try self.checkAccess(logger)
            return secret
        } catch let error as FileReadingError where error.isMissing {
            try self.make()
            logger.notice("made the secret that seals sessions, [\(self.path)]; servers that share a store of sessions need the same file")
            return try self.read()
        }
    }

    /// Throws what ``load(logger:)`` would throw, as far as that can be told without making the file.
    func check() throws {
        do {
            _ = try self.read()
            try self.checkAccess(nil)
        } catch let error as FileReadingError where error.isMissing {
            let folder = FilePath.absolute("..", base: self.path)
            guard access(folder, W_OK | X_OK) == 0 else { throw self.failure }
            guard FilePath.isDirectory(folder) else {
                errno = ENOTDIR
                throw self.failure
            }
        }
    }

    private func read() throws -> [UInt8] {
        let text = String(decoding: try self.bytes(), as: UTF8.self).trimmingWhitespace()
        guard let secret = Self.bytes(text), secret.count == SessionSealer.secretLength else {
            throw ConfigurationError(
                code: .invalidValue,
                message: "the file [\(self.path)] of serval.secretFile does not hold \(2 * SessionSealer.secretLength) hexadecimal digits; "
                    + "'openssl rand -hex \(SessionSealer.secretLength)' makes some"
            )
        }
        return secret
    }

    private func checkAccess(_ logger: Logger?) throws {
        var status = stat()
        guard stat(self.path, &status) == 0 else { return }
        guard status.st_mode & 0o002 == 0 else {
            throw ConfigurationError(
                code: .invalidValue,
                message: "everybody may write the file [\(self.path)] of serval.secretFile, and so sign on as anybody: "
                    + "remove it, and a new one is made for this server alone"
            )
        }
        if status.st_mode & 0o004 != 0 {
            logger?.warning(
                "everybody may read the file [\(self.path)] of serval.secretFile, and with access to the store sign on as anybody: 'chmod 600' it"
            )
        }
    }

    private func bytes() throws -> [UInt8] {
        do {
            return try readFile(self.path, limit: 4096)
        } catch {
            guard !error.isMissing else { throw error }
            throw ConfigurationError(
                code: .invalidValue,
                message: "the file [\(self.path)] of serval.secretFile cannot be read: \(error.cause)"
            )
        }
    }

    /// Appears with its whole content, or not at all: another application or server may want it at the same moment.
    private func make() throws {
        var generator = SystemRandomNumberGenerator()
        let digits = (0..<SessionSealer.secretLength).map { _ in
            let text = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }
        let bytes = Array((digits.joined() + "\n").utf8)
        let temporaryPath = "\(self.path).\(getpid()).\(UInt32.random(in: .min ... .max))"
        let descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw self.failure }
        defer { unlink(temporaryPath) }
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let failure = self.failure
        close(descriptor)
        guard isWritten else { throw failure }
        guard link(temporaryPath, self.path) == 0 || errno == EEXIST else { throw self.failure }
    }

    private var failure: ConfigurationError {
        let cause = strerror(errno).map { String(cString: $0) } ?? ""
        return ConfigurationError(code: .invalidValue, message: "the file [\(self.path)] of serval.secretFile cannot be made: \(cause)")
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).reduce(into: []) { bytes, position in
            guard let byte = UInt8(String(decoding: digits[position...position + 1], as: UTF8.self), radix: 16) else {
                bytes = nil
                return
            }
            bytes?.append(byte)
        }
    }
}
