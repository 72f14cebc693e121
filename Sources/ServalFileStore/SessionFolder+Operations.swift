import ServalSessions

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
        guard let shard = try self.shard(key.shard, .exclusive, creating: false), let (stored, due) = try shard.session(key) else { return .absent }
        if let version = stored.version(of: changes.mark) { return .saved(version: version) }
        var session = stored
        let isClaimed = due > stored.due
        guard session.apply(changes) else { return .conflict(session) }
        try self.write(try session.encoded(), of: session, due: isClaimed ? max(due, session.due) : session.due, in: shard)
        return .saved(version: session.version)
    }

    func touch(_ key: FileKey, lastAccessed: Timestamp, deadline: Timestamp?) throws(SessionError) -> Bool {
        guard let shard = try self.shard(key.shard, .exclusive, creating: false), var session = try shard.session(key)?.session else { return false }
        session.touch(lastAccessed: lastAccessed, deadline: deadline)
        try self.write(try session.encoded(), of: session, due: session.due, in: shard)
        return true
    }

    func remove(_ key: FileKey) throws(SessionError) -> Bool {
        guard let shard = try self.shard(key.shard, .exclusive, creating: false), let (session, due) = try shard.session(key) else { return false }
        guard try shard.delete(key.name) else { return false }
        try self.note(shard) { $0.remove(key) }
        // One that was claimed has expired: if the machine fails before the disk has this, the session is only claimed once more. To wait for the disk with each
        // would keep it busy for minutes behind many robots.
        if due <= session.due { try shard.sync() }
        return true
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
    var due: Int64 { min(max(0, self.deadline?.millisecondsSince1970 ?? .max), FileShard.never) }
}
