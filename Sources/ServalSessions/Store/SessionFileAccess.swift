#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The bytes of a ``SessionFile``: a mark, then for each session its length, its key and its record, then a length of zero and the number of sessions.
private enum SessionFileFormat {
    static let mark = Array("Serval sessions 1\n".utf8)
    /// What Java's object streams begin with.
    static let javaMark: [UInt8] = [0xAC, 0xED]
    static let bufferSize = 1 << 20
}

/// Writes a new file beside the old one, which is replaced when the new one is whole and on the disk.
final class SessionFileWriter {
    private let path: String
    private let temporaryPath: String
    /// Where a file is now that was in the way and that nobody had read.
    private(set) var unreadPlace: String?
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var count: UInt64 = 0

    init(path: String) throws(SessionError) {
        self.path = path
        self.temporaryPath = Self.temporaryPath(of: path)
        self.descriptor = -1
        try Self.check(path, SessionFileReader.objection(toReplacing: path))
        try Self.check(self.temporaryPath, SessionFileReader.objection(toRemoving: self.temporaryPath))
        Self.makeFolders(above: path)
        // What lies there was left by a stop that did not come to its end.
        unlink(self.temporaryPath)
        self.descriptor = open(self.temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard self.descriptor >= 0 else { throw Self.failure("cannot be made", self.temporaryPath) }
        self.buffer.reserveCapacity(SessionFileFormat.bufferSize)
        self.buffer += SessionFileFormat.mark
    }

    deinit { self.cancel() }

    /// - Throws: ``SessionError/Code/limitReached`` for a session that is too large, ``SessionError/Code/storeUnavailable`` for what the system does not do.
    func append(_ session: StoredSession) throws(SessionError) {
        let record = try session.encoded()
        self.append(UInt32(StoredSessionKey.length + record.count))
        self.buffer += session.key.bytes
        self.buffer += record
        self.count += 1
        if self.buffer.count >= SessionFileFormat.bufferSize { try self.flush() }
    }

    func finish() throws(SessionError) {
        self.append(UInt32(0))
        self.append(self.count)
        try self.flush()
        guard fsync(self.descriptor) == 0 else { throw Self.failure("cannot be brought to the disk", self.temporaryPath) }
        close(self.descriptor)
        self.descriptor = -1
        try self.makeWay()
        guard rename(self.temporaryPath, self.path) == 0 else { throw Self.failure("cannot be renamed", self.temporaryPath) }
        let folder = open(Self.folder(of: self.path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if folder >= 0 {
            fsync(folder)
            close(folder)
        }
    }

    func cancel() {
        guard self.descriptor >= 0 else { return }
        close(self.descriptor)
        self.descriptor = -1
        unlink(self.temporaryPath)
    }

    /// What is somebody's data moves aside: Tomcat's file, and one that was not read at the start, which would have removed it.
    private func makeWay() throws(SessionError) {
        switch SessionFileReader.open(self.path) {
        case .absent: return
        case .java: rename(self.path, self.path + ".tomcat")
        case .opened:
            let place = self.path + ".unread"
            if rename(self.path, place) == 0 { self.unreadPlace = place }
        case .foreign, .unreadable:
            do throws(SessionError) {
                try Self.check(self.path, SessionFileReader.objection(toReplacing: self.path))
            } catch {
                unlink(self.temporaryPath)
                throw error
            }
        }
    }

    private static func check(_ path: String, _ objection: String?) throws(SessionError) {
        guard let objection else { return }
        throw SessionError(code: .storeUnavailable, message: "the file [\(path)] \(objection); it is left alone")
    }

    private func append(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { self.buffer.append(contentsOf: $0) }
    }

    private func flush() throws(SessionError) {
        var written = 0
        while written < self.buffer.count {
            let count = self.buffer.withUnsafeBytes { write(self.descriptor, $0.baseAddress?.advanced(by: written), $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot be written", self.temporaryPath) }
            written += count
        }
        self.buffer.removeAll(keepingCapacity: true)
    }

    fileprivate static func temporaryPath(of path: String) -> String { path + ".new" }

    fileprivate static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    private static func makeFolders(above path: String) {
        let folder = Self.folder(of: path)
        guard folder != "/", folder != ".", access(folder, F_OK) != 0 else { return }
        Self.makeFolders(above: folder)
        mkdir(folder, 0o750)
    }

    private static func failure(_ what: String, _ path: String) -> SessionError {
        SessionError(code: .storeUnavailable, message: "the file [\(path)] \(what): \(strerror(errno).map { String(cString: $0) } ?? "")")
    }
}

/// Reads what ``SessionFileWriter`` wrote, piece by piece; never reserves more than there is.
final class SessionFileReader {
    enum Opening {
        /// What is neither Serval's nor Java's.
        case absent, java, foreign
        case unreadable(String)
        case opened(SessionFileReader)
    }

    /// Whether the end was there, with the number of sessions that came before it.
    private(set) var isComplete = false
    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0
    private var count: UInt64 = 0

    private init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    static func open(_ path: String) -> Opening {
        // Without O_NONBLOCK opening a named pipe would wait for ever.
        let descriptor = Self.openFile(path)
        guard descriptor >= 0 else {
            let code = errno
            return code == ENOENT || code == ENOTDIR ? .absent : .unreadable(strerror(code).map { String(cString: $0) } ?? "error \(code)")
        }
        let reader = SessionFileReader(path, descriptor)
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .unreadable("it is not a regular file") }
        if reader.fill(SessionFileFormat.javaMark.count), reader.buffer.starts(with: SessionFileFormat.javaMark) { return .java }
        guard reader.take(SessionFileFormat.mark.count)?.elementsEqual(SessionFileFormat.mark) != true else { return .opened(reader) }
        // The beginning of the mark, or nothing: a damaged file, of which no session comes.
        guard SessionFileFormat.mark.starts(with: reader.buffer) else { return .foreign }
        reader.isAtEnd = true
        return .opened(reader)
    }

    /// Why a file of sessions must not take this name, in words that go on after it; `nil` if nothing speaks against it.
    static func objection(toReplacing path: String) -> String? {
        switch Self.open(path) {
        case .unreadable(let cause): "cannot be read: \(cause)"
        case .foreign: Self.isForeign
        case .absent, .java, .opened: nil
        }
    }

    /// Why a file of this name must not be removed, as what is left of a save that did not come to its end, in words that go on after it.
    static func objection(toRemoving path: String) -> String? {
        switch Self.open(path) {
        case .unreadable(let cause): "is in the way and cannot be read: \(cause)"
        case .foreign, .java: Self.isForeign
        case .absent, .opened: nil
        }
    }

    private static let isForeign = "is there already and is not one of saved sessions; move it away or choose another name"

    private static func openFile(_ path: String) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        #elseif canImport(Musl)
            Musl.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        #else
            Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        #endif
    }

    private var isAtEnd = false

    /// The next session's key and record; `nil` at the end, or where nothing more can be read.
    func next() -> (StoredSessionKey, ArraySlice<UInt8>)? {
        guard !self.isAtEnd, let length = self.readInteger(UInt32.self) else { return nil }
        guard length > 0 else {
            self.isAtEnd = true
            self.isComplete = self.readInteger(UInt64.self) == self.count && !self.fill(1)
            return nil
        }
        guard length > StoredSessionKey.length, Int(length) <= StoredSession.maximumSize + StoredSessionKey.length,
            let bytes = self.take(Int(length)), let key = StoredSessionKey(bytes: bytes.prefix(StoredSessionKey.length))
        else {
            self.isAtEnd = true
            return nil
        }
        self.count += 1
        return (key, bytes.dropFirst(StoredSessionKey.length))
    }

    func remove() { unlink(self.path) }

    /// Gives the file another name, and tells it.
    func setAside() -> String {
        let place = self.path + ".bad"
        rename(self.path, place)
        return place
    }

    private func readInteger<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        self.take(Integer.bitWidth / 8)?.reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
    }

    private func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard self.fill(count) else { return nil }
        defer { self.position += count }
        return self.buffer[self.position..<(self.position + count)]
    }

    /// Reads on until there are `count` bytes; `false` if the file ends before.
    private func fill(_ count: Int) -> Bool {
        while self.buffer.count - self.position < count {
            if self.position > 0 {
                self.buffer.removeFirst(self.position)
                self.position = 0
            }
            let chunk = [UInt8](unsafeUninitializedCapacity: SessionFileFormat.bufferSize) { chunk, used in
                var got = read(self.descriptor, chunk.baseAddress, chunk.count)
                while got < 0, errno == EINTR { got = read(self.descriptor, chunk.baseAddress, chunk.count) }
                used = max(0, got)
            }
            guard !chunk.isEmpty else { return false }
            self.buffer += chunk
        }
        return true
    }
}

extension SessionFile {
    /// Why sessions cannot be kept in a file at this path, in words that go on after it; `nil` if nothing speaks against it.
    ///
    /// Makes and changes nothing, so that only a save finds out for certain.
    package static func obstacle(at path: String) -> String? {
        if let objection = SessionFileReader.objection(toReplacing: path) { return objection }
        let temporaryPath = SessionFileWriter.temporaryPath(of: path)
        if let objection = SessionFileReader.objection(toRemoving: temporaryPath) {
            return "cannot be written: [\(temporaryPath)], which is written first, \(objection)"
        }
        var folder = SessionFileWriter.folder(of: path)
        while folder != "/", folder != ".", access(folder, F_OK) != 0, errno == ENOENT { folder = SessionFileWriter.folder(of: folder) }
        var status = stat()
        guard stat(folder, &status) == 0 else { return Self.cannotBeWritten(errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { return Self.cannotBeWritten(ENOTDIR) }
        return access(folder, W_OK | X_OK) == 0 ? nil : Self.cannotBeWritten(errno)
    }

    private static func cannotBeWritten(_ code: Int32) -> String {
        "cannot be written: \(strerror(code).map { String(cString: $0) } ?? "error \(code)")"
    }
}
