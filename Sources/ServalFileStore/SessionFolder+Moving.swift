import ServalSessions

/// Giving a session another key: up to three files in three folders change at one moment.
///
/// Who does it holds the three locks, so nobody else sees anything in between. Should the process or the system die in the middle:
///
/// 1. The lock files say that a move to the new key is in progress. Who gets a lock later finishes it first.
/// 2. The new session and the forwarding record are written beside their places.
/// 3. A file with the old key and that of the forwarding record is written and synced. Without it, nothing has happened; with it, everything has: whatever
///    is missing is done by who comes next.
/// 4. Both records take their places, the old file is deleted, all is synced, the file of step 3 is deleted.
/// 5. The lock files are cleared.
extension SessionFolder {
    func rename(_ key: FileKey, by renaming: StoredSessionRenaming) throws(SessionError) -> SessionRenameResult {
        let (newKey, forwarding) = (FileKey(renaming.key), renaming.forwarding)
        let forwardingKey = FileKey(forwarding.key)
        let forwardingBytes = try forwarding.encoded()
        let shards = try self.shards([key.shard, newKey.shard, forwardingKey.shard], .exclusive, creating: true)
        guard let old = shards[key.shard], let new = shards[newKey.shard], let forward = shards[forwardingKey.shard] else {
            throw StoreThread.stopped
        }
        guard try new.session(newKey) == nil else { return .taken }
        guard var session = try old.session(key)?.session else { return .absent }
        guard session.apply(renaming) else { return .conflict(session) }
        let encoded = try session.encoded()

        let move = Move(from: key, to: newKey, forwarding: forwardingKey)
        do {
            for shard in shards.values { try self.note(shard, moving: newKey) { _ in } }
            try forward.prepare(forwardingKey.name, forwardingBytes, due: forwarding.due)
            if forward !== new { try forward.sync() }
            try new.prepare(newKey.name, encoded, due: session.due)
            try new.prepare(newKey.moveName, move.bytes, due: nil)
            try new.publish(newKey.moveName)
        } catch {
            // Not yet: there is no file that says that it has happened. What cannot be cleaned up now is when the next comes.
            for name in [newKey.name, newKey.moveName] { _ = try? new.delete(FileKey.temporaryName(of: name)) }
            _ = try? forward.delete(FileKey.temporaryName(of: forwardingKey.name))
            for shard in shards.values { try? self.note(shard) { _ in } }
            throw error
        }
        try new.sync()
        try self.perform(move, in: shards)
        for shard in shards.values {
            try self.note(shard) { index in
                if shard === old { index.remove(key) }
                if shard === new { index.set(newKey, due: session.due, principal: renaming.principal) }
                if shard === forward { index.set(forwardingKey, due: forwarding.due, principal: forwarding.principal) }
            }
        }
        return .renamed(version: session.version)
    }

    /// What remains to be done of a move that is decided; may be done again.
    private func perform(_ move: Move, in shards: [UInt8: FileShard]) throws(SessionError) {
        guard let old = shards[move.from.shard], let new = shards[move.to.shard], let forward = shards[move.forwarding.shard] else { return }
        try forward.publish(move.forwarding.name)
        try new.publish(move.to.name)
        try old.delete(move.from.name)
        for shard in shards.values { try shard.sync() }
        try new.delete(move.to.moveName)
        // Else it would be done once more after a crash, and undo what was saved since.
        try new.sync()
    }

    /// Finishes, or forgets, a move whose process is gone.
    ///
    /// - Parameter number: a folder whose lock file speaks of the move, or which has its file.
    func finishMove(to key: FileKey, notedIn number: UInt8) throws(SessionError) {
        guard let move = try self.undecided(key, number) else { return }
        var shards: [UInt8: FileShard] = [:]
        for number in Set([move.from.shard, move.to.shard, move.forwarding.shard, number]).sorted() {
            shards[number] = try self.lock(number, .exclusive, creating: true)
        }
        // Somebody else may have done it meanwhile.
        guard let new = shards[key.shard], try Self.move(to: key, in: new) == move else { return }
        try self.perform(move, in: shards)
        // The indexes of all processes look for themselves.
        for shard in shards.values { try shard.note(moving: nil) }
    }

    /// The move, if it was decided; otherwise the folder's lock file is cleared, and what was prepared is deleted.
    private func undecided(_ key: FileKey, _ number: UInt8) throws(SessionError) -> Move? {
        var shards: [UInt8: FileShard] = [:]
        for number in Set([number, key.shard]).sorted() { shards[number] = try self.lock(number, .exclusive, creating: true) }
        guard let new = shards[key.shard], let noted = shards[number] else { return nil }
        if let move = try Self.move(to: key, in: new) { return move }
        if noted.state.moving == key { try noted.note(moving: nil) }
        return nil
    }

    private static func move(to key: FileKey, in shard: FileShard) throws(SessionError) -> Move? {
        guard let (bytes, _) = try shard.contents(of: key.moveName, limit: Move.length + 1) else { return nil }
        return Move(bytes, to: key)
    }
}

/// What the file says that decides a move.
struct Move: Equatable {
    static let mark = Array("SVM1".utf8)
    static let length = 4 + 2 * StoredSessionKey.length

    var from: FileKey
    var to: FileKey
    var forwarding: FileKey

    init(from: FileKey, to: FileKey, forwarding: FileKey) {
        self.from = from
        self.to = to
        self.forwarding = forwarding
    }

    init?(_ bytes: [UInt8], to key: FileKey) {
        guard bytes.count == Self.length, bytes.starts(with: Self.mark), let from = FileKey(bytes[4..<36]), let forwarding = FileKey(bytes[36...])
        else { return nil }
        self.init(from: from, to: key, forwarding: forwarding)
    }

    var bytes: [UInt8] { Self.mark + self.from.bytes + self.forwarding.bytes }
}
