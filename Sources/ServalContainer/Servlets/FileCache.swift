import ServalServlet
import Synchronization

/// A file that can be served: in memory if it is small, otherwise open.
final class StaticFile: Sendable {
    let size: Int
    /// Seconds since 1970.
    let modified: Int
    /// Weak, because neither size nor time prove that two contents are the same byte by byte; in Tomcat's form.
    let entityTag: String
    let contentType: String?
    /// `Content-Type`, `ETag` and `Last-Modified`.
    let fields: [HeaderFields.Field]
    private let document: DocumentTree.Document?
    private let bytes: [UInt8]

    /// - Parameter bytes: the contents, or `nil` to serve from the open file.
    init(_ document: DocumentTree.Document, bytes: [UInt8]?, contentType: String?) {
        self.size = document.size
        self.modified = document.modifiedSeconds
        self.entityTag = "W/\"\(document.size)-\(document.modifiedSeconds * 1000 + document.modifiedNanoseconds / 1_000_000)\""
        self.contentType = contentType
        self.document = bytes == nil ? document : nil
        self.bytes = bytes ?? []
        var fields: [HeaderFields.Field] = [.init(.eTag, self.entityTag), .init(.lastModified, HTTPDate.text(self.modified))]
        if let contentType { fields.append(.init(.contentType, contentType)) }
        self.fields = fields
    }

    var isInMemory: Bool { self.document == nil }

    var body: ResponseBody { self.body(0..<self.size) }

    func body(_ range: Range<Int>) -> ResponseBody {
        guard let document else { return .bytes(range.count == self.size ? self.bytes : Array(self.bytes[range])) }
        return .file(document.file, offset: range.lowerBound, length: range.count)
    }

    /// Reads a part; `nil` if the file has become shorter.
    func read(_ range: Range<Int>) -> [UInt8]? {
        guard let document else { return Array(self.bytes[range]) }
        return DocumentTree.read(document.file, offset: range.lowerBound, length: range.count)
    }
}

/// Opens files and keeps small ones in memory, within a budget of bytes.
final class FileCache: Sendable {
    enum Entry: Sendable {
        case missing
        case directory
        case file(StaticFile)
    }

    /// A file in memory and the state of the disk that it was read from.
    private struct Kept: Sendable {
        var file: StaticFile
        var inode: UInt64
        var nanoseconds: Int
        var checked: ContinuousClock.Instant
    }

    private struct State: Sendable {
        var kept: [String: Kept] = [:]
        var bytes = 0
    }

    /// The largest file that is kept in memory.
    static let fileSizeLimit = 65_536
    /// What a file costs besides its contents, roughly.
    private static let overhead = 512

    let tree: DocumentTree
    private let byteLimit: Int
    private let timeToLive: Duration
    private let state = Mutex(State())

    init(tree: DocumentTree, byteLimit: Int, timeToLive: Duration) {
        self.tree = tree
        self.byteLimit = byteLimit
        self.timeToLive = timeToLive
    }

    /// What the files in memory cost.
    var byteCount: Int { self.state.withLock { $0.bytes } }

    /// What lies at a path of the document root.
    func entry(_ path: String, context: ServletContext) -> Entry {
        let now = ContinuousClock.now
        let kept = self.state.withLock { $0.kept[path] }
        if let kept, kept.checked.duration(to: now) < self.timeToLive { return .file(kept.file) }
        guard let document = self.tree.open(Array(path.utf8)[...]) else {
            self.forget(path, kept)
            return .missing
        }
        guard !document.isDirectory else {
            self.forget(path, kept)
            return .directory
        }
        if let kept, kept.inode == document.inode, kept.file.size == document.size, kept.file.modified == document.modifiedSeconds,
            kept.nanoseconds == document.modifiedNanoseconds
        {
            self.state.withLock { $0.kept[path]?.checked = now }
            return .file(kept.file)
        }
        self.forget(path, kept)
        let isSmall = document.size <= Self.fileSizeLimit && document.size + Self.overhead <= self.byteLimit
        let bytes = isSmall ? DocumentTree.read(document.file, offset: 0, length: document.size) : nil
        let file = StaticFile(document, bytes: bytes, contentType: context.mimeType(forFile: path))
        if file.isInMemory { self.keep(Kept(file: file, inode: document.inode, nanoseconds: document.modifiedNanoseconds, checked: now), path) }
        return .file(file)
    }

    private func forget(_ path: String, _ kept: Kept?) {
        guard kept != nil else { return }
        self.state.withLock { state in
            guard let removed = state.kept.removeValue(forKey: path) else { return }
            state.bytes -= removed.file.size + Self.overhead
        }
    }

    /// Keeps a file; files in no particular order make room for it.
    private func keep(_ kept: Kept, _ path: String) {
        self.state.withLock { state in
            if let replaced = state.kept.updateValue(kept, forKey: path) { state.bytes -= replaced.file.size + Self.overhead }
            state.bytes += kept.file.size + Self.overhead
            while state.bytes > self.byteLimit, let victim = state.kept.first(where: { $0.key != path }) {
                state.kept[victim.key] = nil
                state.bytes -= victim.value.file.size + Self.overhead
            }
        }
    }
}
