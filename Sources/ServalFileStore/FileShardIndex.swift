/// What this process knows of the sessions in one folder, so that neither a sweep nor a principal's list reads all files.
///
/// The files decide; the index only says where to look. It follows what this process does, and is made anew when another process has changed the folder.
struct FileShardIndex: Sendable {
    /// How often a folder's changes had been counted when the index was last right; `nil` if it never was.
    private(set) var changes: UInt64?
    /// When the files were last listed.
    private(set) var listed: ContinuousClock.Instant?
    /// From when on each session may be claimed.
    private(set) var due: [FileKey: Int64] = [:]
    /// The earliest of these, or earlier.
    private var earliest = Int64.max
    private var principals: [FileKey: String] = [:]
    private var keys: [String: Set<FileKey>] = [:]
    /// Sessions whose principal is not known yet.
    private(set) var unread: Set<FileKey> = []

    /// Folders with more files are listed at most every ``listingPause``.
    private static let smallFolder = 1000
    private static let listingPause = Duration.seconds(30)

    /// Whether the files are to be listed: somebody else has changed them.
    func mustList(changes: UInt64) -> Bool {
        if self.changes == changes { return false }
        guard let listed = self.listed, self.due.count > Self.smallFolder else { return true }
        return listed.duration(to: .now) >= Self.listingPause
    }

    /// Takes over a list of all files.
    mutating func replace(with due: [FileKey: Int64], changes: UInt64) {
        self = Self()
        self.due = due
        self.earliest = due.values.min() ?? .max
        self.unread = Set(due.keys)
        self.changes = changes
        self.listed = .now
    }

    /// Takes note of this process's own change, which was counted.
    mutating func follow(from before: UInt64, to after: UInt64) { if self.changes == before { self.changes = after } }

    mutating func set(_ key: FileKey, due: Int64, principal: String?) {
        self.setDue(due, of: key)
        self.setPrincipal(principal, of: key)
    }

    mutating func setDue(_ due: Int64, of key: FileKey) {
        if self.due.updateValue(due, forKey: key) == nil { self.unread.insert(key) }
        self.earliest = min(self.earliest, due)
    }

    mutating func setPrincipal(_ principal: String?, of key: FileKey) {
        self.unread.remove(key)
        guard self.principals[key] != principal else { return }
        self.forgetPrincipal(of: key)
        if let principal {
            self.principals[key] = principal
            self.keys[principal, default: []].insert(key)
        }
    }

    mutating func remove(_ key: FileKey) {
        self.due[key] = nil
        self.unread.remove(key)
        self.forgetPrincipal(of: key)
    }

    private mutating func forgetPrincipal(of key: FileKey) {
        guard let old = self.principals.removeValue(forKey: key) else { return }
        self.keys[old]?.remove(key)
        if self.keys[old]?.isEmpty == true { self.keys[old] = nil }
    }

    /// What may be claimed at a moment.
    mutating func due(at now: Int64) -> [(due: Int64, key: FileKey)] {
        guard self.earliest <= now else { return [] }
        var found: [(due: Int64, key: FileKey)] = []
        var earliest = Int64.max
        for (key, due) in self.due {
            earliest = min(earliest, due)
            if due <= now { found.append((due, key)) }
        }
        self.earliest = earliest
        return found
    }

    func keys(ofPrincipal principal: String) -> Set<FileKey> { self.keys[principal] ?? [] }
}
