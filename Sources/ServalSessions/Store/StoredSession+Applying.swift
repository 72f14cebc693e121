/// How changes apply, for stores that read, change and write a session under a lock of their own.
extension StoredSession {
    /// The version that a write gave the session, if it was done already.
    ///
    /// Asked before ``apply(_:)-(StoredSessionChanges)``: what is asked for again, because the answer was lost, gets its answer and is not done twice.
    public func version(of mark: StoredSessionMark?) -> UInt64? {
        guard let mark, let writing = self.writings.first(where: { $0.mark.writer == mark.writer }), writing.mark.number >= mark.number else {
            return nil
        }
        return writing.version
    }

    /// Applies changes if all of their conditions hold.
    ///
    /// - Returns: `false`, and the session as it was, if another node has changed an attribute, or the head, that the changes were computed from.
    public mutating func apply(_ changes: StoredSessionChanges) -> Bool {
        if changes.head != nil, let expected = changes.expectedHead, expected != self.head { return false }
        for (name, write) in changes.writes {
            let stored = self.attributes[name]?.version
            switch write.condition {
            case .any: continue
            case .absent: guard stored == nil else { return false }
            case .version(let version): guard stored == version else { return false }
            }
        }
        self.advance(changes.mark)
        for (name, write) in changes.writes {
            self.attributes[name] = write.bytes.map { Attribute(version: self.version, bytes: $0) }
        }
        if let head = changes.head {
            self.head = head
            self.principal = changes.principal
        }
        self.touch(lastAccessed: changes.lastAccessed, deadline: changes.deadline, always: changes.head != nil)
        return true
    }

    /// Takes another key and head.
    ///
    /// - Returns: `false`, and the session as it was, if another node has changed the head.
    public mutating func apply(_ renaming: StoredSessionRenaming) -> Bool {
        guard renaming.expectedHead == self.head else { return false }
        self.advance(renaming.mark)
        self.key = renaming.key
        self.head = renaming.head
        self.principal = renaming.principal
        return true
    }

    /// Takes a later access over.
    ///
    /// - Parameter always: takes the deadline even if the access is not later: the session's settings have changed.
    public mutating func touch(lastAccessed: Timestamp, deadline: Timestamp?, always: Bool = false) {
        guard always || lastAccessed >= self.lastAccessed else { return }
        self.lastAccessed = max(self.lastAccessed, lastAccessed)
        self.deadline = deadline
    }

    /// Whether version and times are such as servers write; nothing else of a record that is not sealed goes into their computations.
    var isPlausible: Bool {
        self.version <= Self.maximumVersion && self.lastAccessed <= Self.latestAccess && self.lastAccessed.millisecondsSince1970 >= 0
            && self.attributes.values.allSatisfy { $0.version <= Self.maximumVersion }
    }

    private mutating func advance(_ mark: StoredSessionMark?) {
        let (next, overflow) = self.version.addingReportingOverflow(1)
        if !overflow { self.version = next }
        guard let mark else { return }
        self.writings.removeAll { $0.mark.writer == mark.writer }
        self.writings.append(Writing(mark: mark, version: self.version))
        if self.writings.count > Self.maximumWritings { self.writings.removeFirst(self.writings.count - Self.maximumWritings) }
    }
}
