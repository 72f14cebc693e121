import ServalSessions
import Synchronization

/// The operations of ``SessionStore`` on one session.
extension SessionFolder {
    func load(_ key: FileKey, unless version: UInt64?) throws(SessionError) -> SessionLookup {
        guard let shard = try self.shard(key.shard, .shared, creating: false) else { return .absent }
        if let version, let head = try shard.contents(of: key.name, limit: StoredSessionSummary.length),
            let summary = StoredSessionSummary(encoded: head.bytes), summary.version == version
        {
            return .unchanged(lastAccessed: summary.lastAccessed, deadline: summary.deadline)
        }
        return try shard.session(key).map { .found($0.session) } ?? .absent
    }

    func insert(_ session: StoredSession) throws(SessionError) -> Bool {
        let encoded = try session.encoded()
        let key = FileKey(session.key)
        guard let shard = try self.shard(key.shard, .exclusive, creating: true) else { throw StoreThread.stopped }
        guard try shard.session(key) == nil else { return false }
        try self.write(encoded, of: session, due: session.due, in: shard)
        return true
    }

    func save(_ changes: StoredSessionChanges, to key: FileKey) throws(SessionError) -> SessionSaveResult {
        guard let shard = try self.shard(key.shard, .exclusive, creating: false),
            var session = try shard.session(key)?.session
        else { return .absent }
        if let version = session.version(of: changes.mark) { return .saved(version: version) }
        guard session.apply(changes) else { return .conflict(session) }
        try self.write(try session.encoded(), of: session, due: session.due, in: shard)
        return .saved(version: session.version)
    }

    func touch(_ key: FileKey, lastAccessed: Timestamp, deadline: Timestamp?) throws(SessionError) -> Bool {
        guard let shard = try self.shard(key.shard, .exclusive, creating: false), var session = try shard.session(key)?.session else { return false }
        session.touch(lastAccessed: lastAccessed, deadline: deadline)
        try self.write(try session.encoded(), of: session, due: session.due, in: shard)
        return true
    }

    func remove(_ key: FileKey) throws(SessionError) -> Bool {
        guard let shard = try self.shard(key.shard, .exclusive, creating: false), try shard.session(key) != nil else { return false }
        guard try shard.delete(key.name) else { return false }
        try self.note(shard) { $0.remove(key) }
        try shard.sync()
        return true
    }

    func removeClaimed(_ key: FileKey, until end: Timestamp) throws(SessionError) -> Bool {
        guard let shard = try self.claimedShard(of: key, until: end), try shard.delete(key.name) else { return false }
        try self.note(shard) { $0.remove(key) }
        // Not synced: the session has expired, so if the machine fails before the disk has this, it is only claimed once more. To wait for the disk with each
        // would keep it busy for minutes behind many robots.
        return true
    }

    func renewClaim(_ key: FileKey, until end: Timestamp, to newEnd: Timestamp) throws(SessionError) -> Bool {
        guard let shard = try self.claimedShard(of: key, until: end) else { return false }
        let due = newEnd.millisecondsSince1970
        try shard.setDue(due, of: key.name)
        self.indexes[Int(shard.number)].value.withLock { $0.setDue(due, of: key) }
        return true
    }

    /// By how many milliseconds a file system may cut off the moment that it was told: FAT keeps even seconds only, others whole ones or hundredths.
    ///
    /// Claims of others end later by far: no claim is made before the one before has ended.
    private static let timeGranularity: ClosedRange<Int64> = 0...2000

    /// The folder of a session if it is claimed until that moment.
    private func claimedShard(of key: FileKey, until end: Timestamp) throws(SessionError) -> FileShard? {
        let end = end.millisecondsSince1970
        guard let shard = try self.shard(key.shard, .exclusive, creating: false),
            let head = try shard.contents(of: key.name, limit: StoredSessionSummary.length),
            let summary = StoredSessionSummary(encoded: head.bytes)
        else { return nil }
        let (cut, overflow) = end.subtractingReportingOverflow(head.due)
        guard !overflow, Self.timeGranularity.contains(cut) else { return nil }
        return head.due > summary.due ? shard : nil
    }

    private func write(_ encoded: [UInt8], of session: StoredSession, due: Int64, in shard: FileShard) throws(SessionError) {
        let key = FileKey(session.key)
        try shard.prepare(key.name, encoded, due: due)
        try shard.publish(key.name)
        try self.note(shard) { $0.set(key, due: due, principal: session.principal) }
        try shard.sync()
    }
}

extension StoredSession {
    /// The modification time of its file, unless it is claimed.
    var due: Int64 { FileShard.due(self.deadline) }
}

extension StoredSessionSummary {
    fileprivate var due: Int64 { FileShard.due(self.deadline) }
}

extension FileShard {
    fileprivate static func due(_ deadline: Timestamp?) -> Int64 { min(max(0, deadline?.millisecondsSince1970 ?? .max), self.never) }
}
