import ServalSessions
import Synchronization

/// The operations of ``SessionStore`` on many sessions.
extension SessionFolder {
    /// Takes the folders in turn, each sweep going on where the last one ended: what it costs depends on what it hands out, not on how many sessions there are.
    func claimExpired(at now: Timestamp, limit: Int, lease: Duration) throws(SessionError) -> [StoredSession] {
        let end = now.advanced(by: lease).millisecondsSince1970
        let first = self.nextSwept.withLock { $0 }
        var claimed: [StoredSession] = []
        for step in UInt8.min...UInt8.max where claimed.count < limit {
            let number = first &+ step
            // The next one, so that a folder that cannot be read does not keep the others waiting.
            self.nextSwept.withLock { $0 = number &+ 1 }
            try self.refresh(number)
            let due = self.indexes[Int(number)].value.withLock { $0.due(at: now.millisecondsSince1970) }
            guard !due.isEmpty, let shard = try self.shard(number, .exclusive, creating: false) else { continue }
            for candidate in due.sorted(by: { $0.due < $1.due }) where claimed.count < limit {
                if let session = try self.claim(candidate.key, at: now, until: end, in: shard) { claimed.append(session) }
            }
            if claimed.count == limit { self.nextSwept.withLock { $0 = number } }
        }
        return claimed.sorted { ($0.deadline ?? now) < ($1.deadline ?? now) }
    }

    private func claim(_ key: FileKey, at now: Timestamp, until end: Int64, in shard: FileShard) throws(SessionError) -> StoredSession? {
        let index = self.indexes[Int(shard.number)]
        guard let due = shard.due(key.name) else {
            index.value.withLock { $0.remove(key) }
            return nil
        }
        // Another process has claimed it, or its deadline has moved.
        guard due <= now.millisecondsSince1970 else {
            index.value.withLock { $0.setDue(due, of: key) }
            return nil
        }
        guard let (session, _) = try shard.session(key) else {
            // Nothing of ours: it stays, and is not looked at again.
            index.value.withLock { $0.setDue(.max, of: key) }
            return nil
        }
        let isExpired = session.isExpired(at: now)
        // A copy of the folder may have lost the files' times.
        let next = isExpired ? end : session.due
        try shard.setDue(next, of: key.name)
        index.value.withLock { $0.setDue(next, of: key) }
        return isExpired ? session : nil
    }

    func sessions(ofPrincipal principal: String) throws(SessionError) -> [StoredSession] {
        for number in UInt8.min...UInt8.max { try self.refresh(number) }
        var sessions: [StoredSession] = []
        for (number, index) in self.indexes.enumerated() {
            let unread = index.value.withLock { $0.unread }
            if unread.isEmpty, index.value.withLock({ $0.keys(ofPrincipal: principal).isEmpty }) { continue }
            guard let shard = try self.shard(UInt8(number), .exclusive, creating: false) else { continue }
            for key in unread {
                let head = try shard.contents(of: key.name, limit: StoredSessionSummary.lengthWithPrincipal)
                index.value.withLock { index in
                    if let head { index.setPrincipal(StoredSessionSummary.principal(of: head.bytes), of: key) } else { index.remove(key) }
                }
            }
            for key in index.value.withLock({ $0.keys(ofPrincipal: principal) }) {
                if let (session, _) = try shard.session(key), session.principal == principal { sessions.append(session) }
            }
        }
        return sessions
    }

    func count() throws(SessionError) -> Int {
        var count = 0
        for number in UInt8.min...UInt8.max {
            guard let shard = try self.shard(number, .shared, creating: false) else { continue }
            for name in try shard.names() where FileKey(name: name) != nil { count += 1 }
        }
        return count
    }

    func removeAll() throws(SessionError) {
        for number in UInt8.min...UInt8.max {
            guard let shard = try self.shard(number, .exclusive, creating: false) else { continue }
            var isChanged = false
            for name in try shard.names() where FileKey(name: name) != nil && shard.due(name) != nil {
                isChanged = try shard.delete(name) || isChanged
            }
            guard isChanged else { continue }
            try shard.note(moving: nil)
            try shard.sync()
            try self.list(shard)
        }
    }

    /// Lists a folder that other processes have changed.
    private func refresh(_ number: UInt8) throws(SessionError) {
        guard let state = self.state(of: number) else { return }
        guard state.moving != nil || self.indexes[Int(number)].value.withLock({ $0.mustList(changes: state.changes) }) else { return }
        if let shard = try self.shard(number, .exclusive, creating: false) { try self.list(shard) }
    }
}
