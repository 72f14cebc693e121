/// A session as a store keeps it: what the store must look at in the open, and bytes that it need not understand.
///
/// ``head`` and the attributes are sealed by the session manager: a store, and whoever can write to it, cannot make up a session.
public struct StoredSession: Sendable, Hashable {
    /// An attribute.
    public struct Attribute: Sendable, Hashable {
        /// The version of the session that wrote it.
        public var version: UInt64
        /// The sealed value.
        public var bytes: [UInt8]

        /// An attribute.
        public init(version: UInt64, bytes: [UInt8]) {
            self.version = version
            self.bytes = bytes
        }
    }

    /// The most attributes of a session; more are refused.
    public static let maximumAttributeCount = 10_000
    /// The longest name of an attribute, in bytes of UTF-8.
    public static let maximumNameLength = 1024
    /// The most bytes of a session in a store, 16 MiB less one: the size of MySQL's `mediumblob`, in which Tomcat's table keeps them.
    public static let maximumSize = 16 << 20 - 1

    /// The digest of the id.
    public var key: StoredSessionKey
    /// Counts the saves, from a number above those of any session that had the key before.
    public var version: UInt64
    /// When a request last used the session, as far as the store was told.
    public var lastAccessed: Timestamp
    /// When the session has expired; `nil` for never.
    public var deadline: Timestamp?
    /// A digest of the name of the principal that signed on, for the index; `nil` for an anonymous session.
    public var principal: String?
    /// Creation time, idle time, id and principal, sealed.
    public var head: [UInt8]
    /// The sealed attributes by name.
    public var attributes: [String: Attribute]

    /// A session in a store.
    public init(
        key: StoredSessionKey,
        version: UInt64,
        lastAccessed: Timestamp,
        deadline: Timestamp?,
        principal: String?,
        head: [UInt8],
        attributes: [String: Attribute]
    ) {
        self.key = key
        self.version = version
        self.lastAccessed = lastAccessed
        self.deadline = deadline
        self.principal = principal
        self.head = head
        self.attributes = attributes
    }

    /// Whether the session has expired by a moment.
    public func isExpired(at now: Timestamp) -> Bool { self.deadline.map { $0 <= now } ?? false }
}

/// What a request did to a session, for a store to apply as a whole or not at all.
public struct StoredSessionChanges: Sendable, Hashable {
    /// What becomes of one attribute.
    public struct Write: Sendable, Hashable {
        /// The sealed value; `nil` removes the attribute.
        public var bytes: [UInt8]?
        /// Which state of the attribute the new value was computed from.
        public var condition: Condition

        /// A write.
        public init(bytes: [UInt8]?, condition: Condition) {
            self.bytes = bytes
            self.condition = condition
        }
    }

    /// What must be stored for a write to be right.
    public enum Condition: Sendable, Hashable {
        /// Whatever there is.
        case any
        /// No attribute of this name.
        case absent
        /// The attribute with this version.
        case version(UInt64)
    }

    /// The attributes that change, by name.
    public var writes: [String: Write]
    /// The new head; `nil` leaves the stored one.
    public var head: [UInt8]?
    /// The new entry of the principal index, given together with ``head``.
    public var principal: String?
    /// See ``StoredSession/lastAccessed``; an earlier moment than the stored one is ignored.
    public var lastAccessed: Timestamp
    /// See ``StoredSession/deadline``; taken with ``lastAccessed``.
    public var deadline: Timestamp?

    /// Changes.
    public init(writes: [String: Write], head: [UInt8]?, principal: String?, lastAccessed: Timestamp, deadline: Timestamp?) {
        self.writes = writes
        self.head = head
        self.principal = principal
        self.lastAccessed = lastAccessed
        self.deadline = deadline
    }
}

extension StoredSession {
    /// Applies changes if all of their conditions hold, for stores that read, change and write a session under a lock of their own.
    ///
    /// - Returns: `false`, and the session as it was, if another node has changed an attribute that the changes were computed from.
    public mutating func apply(_ changes: StoredSessionChanges) -> Bool {
        for (name, write) in changes.writes {
            let stored = self.attributes[name]?.version
            switch write.condition {
            case .any: continue
            case .absent: guard stored == nil else { return false }
            case .version(let version): guard stored == version else { return false }
            }
        }
        self.version += 1
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

    /// Takes a later access over.
    ///
    /// - Parameter always: takes the deadline even if the access is not later: the session's settings have changed.
    public mutating func touch(lastAccessed: Timestamp, deadline: Timestamp?, always: Bool = false) {
        guard always || lastAccessed >= self.lastAccessed else { return }
        self.lastAccessed = max(self.lastAccessed, lastAccessed)
        self.deadline = deadline
    }

    /// Takes another key and head; what ``SessionStore/rename(_:to:head:principal:forwarding:)`` does to a session.
    public mutating func rename(to newKey: StoredSessionKey, head: [UInt8], principal: String?) {
        self.key = newKey
        self.head = head
        self.principal = principal
    }
}
