package import ServalSessions

/// The operations of ``SessionStore`` as statements on a connection; each is one transaction, which whoever calls begins and ends.
///
/// An error means that the transaction is to be rolled back.
extension SQLSessionStatements {
    package func load(_ key: StoredSessionKey, unless version: UInt64?, on connection: some SQLConnection) throws(SessionError) -> SessionLookup {
        guard let bytes = try connection.query(self.load(key, unless: version)).first?.first?.bytes else { return .absent }
        if bytes.count == StoredSessionSummary.length, let summary = StoredSessionSummary(encoded: bytes), summary.version == version {
            return .unchanged(lastAccessed: summary.lastAccessed, deadline: summary.deadline)
        }
        // What Tomcat or nobody wrote is no session.
        guard let session = try? StoredSession(key: key, encoded: bytes) else { return .absent }
        return session.version == version ? .unchanged(lastAccessed: session.lastAccessed, deadline: session.deadline) : .found(session)
    }

    package func insert(_ session: StoredSession, encoded: [UInt8], on connection: some SQLConnection) throws(SessionError) -> Bool {
        // Asked for first: what a database counts for an insert that meets a row depends on the settings of its client.
        guard try connection.query(self.exists(session.key)).isEmpty else { return false }
        return try connection.execute(self.insert(session, encoded: encoded)) == 1
    }

    package func save(
        _ changes: StoredSessionChanges,
        to key: StoredSessionKey,
        on connection: some SQLConnection
    ) throws(SessionError) -> SessionSaveResult {
        guard var (session, _) = try self.locked(key, on: connection) else { return .absent }
        if let version = session.version(of: changes.mark) { return .saved(version: version) }
        guard session.apply(changes) else { return .conflict(session) }
        _ = try connection.execute(self.update(session, encoded: try session.encoded()))
        return .saved(version: session.version)
    }

    package func rename(
        _ key: StoredSessionKey,
        by renaming: StoredSessionRenaming,
        on connection: some SQLConnection
    ) throws(SessionError) -> SessionRenameResult {
        guard try connection.query(self.exists(renaming.key)).isEmpty else { return .taken }
        guard var (session, _) = try self.locked(key, on: connection) else { return .absent }
        guard session.apply(renaming) else { return .conflict(session) }
        guard try connection.execute(self.insert(session, encoded: try session.encoded())) == 1 else { return .taken }
        _ = try connection.execute(self.delete(key))
        _ = try connection.execute(self.insert(renaming.forwarding, encoded: try renaming.forwarding.encoded(), replacing: true))
        return .renamed(version: session.version)
    }

    package func touch(
        _ key: StoredSessionKey,
        lastAccessed: Timestamp,
        deadline: Timestamp?,
        on connection: some SQLConnection
    ) throws(SessionError) -> Bool {
        guard var (session, _) = try self.locked(key, on: connection) else { return false }
        session.touch(lastAccessed: lastAccessed, deadline: deadline)
        _ = try connection.execute(self.update(session, encoded: try session.encoded()))
        return true
    }

    package func remove(_ key: StoredSessionKey, on connection: some SQLConnection) throws(SessionError) -> Bool {
        try connection.execute(self.delete(key)) == 1
    }

    package func renewClaim(
        _ key: StoredSessionKey,
        until end: Timestamp,
        to newEnd: Timestamp,
        on connection: some SQLConnection
    ) throws(SessionError) -> Bool {
        guard try self.locked(key, on: connection)?.claim == end else { return false }
        _ = try connection.execute(self.claim(key, until: newEnd))
        return true
    }

    package func removeClaimed(_ key: StoredSessionKey, until end: Timestamp, on connection: some SQLConnection) throws(SessionError) -> Bool {
        guard try self.locked(key, on: connection)?.claim == end else { return false }
        return try self.remove(key, on: connection)
    }

    package func claimExpired(
        at now: Timestamp,
        limit: Int,
        lease: Duration,
        on connection: some SQLConnection
    ) throws(SessionError) -> [StoredSession] {
        let end = now.advanced(by: lease)
        var claimed: [StoredSession] = []
        for row in try connection.query(self.due(at: now, limit: limit)) {
            guard row.count == 2, let key = row[0].text.flatMap({ StoredSessionKey(hexadecimal: $0) }) else { continue }
            let session = Self.session(of: row)
            if let session, !session.isExpired(at: now) {
                // Within a second, the columns are not exact. More, and somebody has changed them: they would come up each time.
                guard session.deadline.map({ $0 > now.advanced(by: .seconds(2)) }) ?? true else { continue }
                _ = try connection.execute(self.update(session, encoded: try session.encoded()))
                continue
            }
            _ = try connection.execute(self.claim(key, until: end))
            // What cannot be read is out of the way until then.
            if let session { claimed.append(session) }
        }
        return claimed
    }

    package func sessions(ofPrincipal principal: String, on connection: some SQLConnection) throws(SessionError) -> [StoredSession] {
        try connection.query(self.sessions(ofPrincipal: principal)).compactMap { Self.session(of: $0) }.filter { $0.principal == principal }
    }

    package func count(on connection: some SQLConnection) throws(SessionError) -> Int {
        Int(try connection.query(self.count).first?.first?.integer ?? 0)
    }

    package func removeAll(on connection: some SQLConnection) throws(SessionError) { _ = try connection.execute(self.deleteAll) }

    /// The session of a key, whose row is locked from now on, and until when it is claimed.
    private func locked(_ key: StoredSessionKey, on connection: some SQLConnection) throws(SessionError) -> (StoredSession, claim: Timestamp?)? {
        guard let row = try connection.query(self.lock(key)).first, row.count == 3, let bytes = row[2].bytes,
            let session = try? StoredSession(key: key, encoded: bytes)
        else { return nil }
        let claim = row[0].text == "0" ? row[1].integer.map { Timestamp(millisecondsSince1970: $0).advanced(by: Self.claimedFor) } : nil
        return (session, claim)
    }

    private static func session(of row: [SQLValue]) -> StoredSession? {
        guard row.count == 2, let key = row[0].text.flatMap({ StoredSessionKey(hexadecimal: $0) }), let bytes = row[1].bytes else { return nil }
        return try? StoredSession(key: key, encoded: bytes)
    }
}
