import ServalServlet

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The file of an access log, and its successors.
struct AccessLogFile: Sendable {
    private let configuration: AccessLogValve.Configuration
    private let dateFormat: DateFormat
    private let clock: @Sendable () -> Int64
    private var descriptor: OpenFile?
    private var currentDate = ""
    /// What stands between prefix and suffix of the file that is open now.
    private var currentPath = ""

    /// - Parameter clock: milliseconds since 1970.
    init(
        _ configuration: AccessLogValve.Configuration,
        clock: @escaping @Sendable () -> Int64 = { WallClock.nanoseconds / 1_000_000 }
    ) throws(ConfigurationError) {
        self.configuration = configuration
        self.dateFormat = try DateFormat(configuration.fileDateFormat)
        self.clock = clock
    }

    /// Opens the file of today; answers what went wrong.
    mutating func open() -> String? {
        let date = self.configuration.rotatable ? self.dateFormat.text(self.clock()) : ""
        if self.descriptor != nil, date != self.currentDate { self.rotate() }
        if self.descriptor != nil, self.configuration.checkExists, !self.isInPlace { self.close() }
        guard self.descriptor == nil else { return nil }
        Self.makeDirectories(self.configuration.directory)
        let path = self.path(self.configuration.renameOnRotate ? "" : date)
        let descriptor = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { return "\(path) cannot be opened (\(Self.errorText))" }
        self.descriptor = OpenFile(descriptor: descriptor)
        self.currentDate = date
        self.currentPath = path
        self.deleteOldFiles()
        return nil
    }

    /// Writes lines, opening or changing the file first where that is due; answers what went wrong.
    mutating func write(_ bytes: [UInt8]) -> String? {
        if let problem = self.open() { return problem }
        guard let descriptor = self.descriptor else { return "\(self.currentPath) is not open" }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                #if canImport(Darwin)
                    Darwin.write(descriptor.descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                #elseif canImport(Musl)
                    Musl.write(descriptor.descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                #else
                    Glibc.write(descriptor.descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let reason = Self.errorText
                self.close()
                return "\(self.currentPath) cannot be written (\(reason))"
            }
            written += count
        }
        return nil
    }

    mutating func close() { self.descriptor = nil }

    private mutating func rotate() {
        self.close()
        guard self.configuration.renameOnRotate else { return }
        rename(self.path(""), self.path(self.currentDate))
    }

    private func path(_ date: String) -> String {
        let directory = self.configuration.directory
        return (directory.hasSuffix("/") ? directory : directory + "/") + self.configuration.prefix + date + self.configuration.suffix
    }

    /// Whether the path still leads to the open file.
    private var isInPlace: Bool {
        var there = stat()
        var here = stat()
        guard let descriptor = self.descriptor, stat(self.currentPath, &there) == 0, fstat(descriptor.descriptor, &here) == 0 else { return false }
        return there.st_ino == here.st_ino && there.st_dev == here.st_dev
    }

    /// Deletes this log's files that were last written more than `maxDays` ago.
    private func deleteOldFiles() {
        guard self.configuration.maxDays >= 0, self.configuration.rotatable, let stream = opendir(self.configuration.directory) else { return }
        defer { closedir(stream) }
        let limit = self.clock() / 1000 - Int64(self.configuration.maxDays) * 86400
        let (prefix, suffix) = (self.configuration.prefix, self.configuration.suffix)
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) { String(cString: $0) }
            }
            // Other files may begin and end alike; only what has something like a date in between is this log's.
            guard name.hasPrefix(prefix), name.hasSuffix(suffix), name.utf8.count > prefix.utf8.count + suffix.utf8.count else { continue }
            guard name.dropFirst(prefix.count).dropLast(suffix.count).contains(where: { $0.isNumber }) else { continue }
            let path = self.configuration.directory + "/" + name
            var status = stat()
            guard path != self.currentPath, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            #if canImport(Darwin)
                let modified = status.st_mtimespec.tv_sec
            #else
                let modified = status.st_mtim.tv_sec
            #endif
            if Int64(modified) < limit { unlink(path) }
        }
    }

    private static func makeDirectories(_ path: String) {
        var made = path.hasPrefix("/") ? "/" : ""
        for segment in path.split(separator: "/") {
            made += segment + "/"
            mkdir(made, 0o750)
        }
    }

    private static var errorText: String { String(cString: strerror(errno)) }
}
