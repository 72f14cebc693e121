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

    /// A write that was done, kept so that a repetition of it is not done again.
    public struct Writing: Sendable, Hashable {
        /// What the write was called.
        public var mark: StoredSessionMark
        /// The version that it gave the session.
        public var version: UInt64

        /// A write that was done.
        public init(mark: StoredSessionMark, version: UInt64) {
            self.mark = mark
            self.version = version
        }
    }

    /// The most attributes of a session; more are refused.
    public static let maximumAttributeCount = 10_000
    /// The longest name of an attribute, in bytes of UTF-8.
    public static let maximumNameLength = 1024
    /// The most bytes of a session in a store, 16 MiB less one: the size of MySQL's `mediumblob`, in which Tomcat's table keeps them.
    public static let maximumSize = 16 << 20 - 1

    /// The most writers that a session remembers the latest write of.
    public static let maximumWritings = 16
    /// The highest version; no session comes near it, and a record that claims more is not a session.
    public static let maximumVersion: UInt64 = 1 << 62
    /// The latest moment of an access, the end of the year 9999; a record that claims more is not a session.
    public static let latestAccess = Timestamp(millisecondsSince1970: 253_402_300_799_999)

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
    /// The latest writes of those who have written last, at most ``maximumWritings``, the oldest first.
    public var writings: [Writing]

    /// A session in a store.
    public init(
        key: StoredSessionKey,
        version: UInt64,
        lastAccessed: Timestamp,
        deadline: Timestamp?,
        principal: String?,
        head: [UInt8],
        attributes: [String: Attribute],
        writings: [Writing] = []
    ) {
        self.key = key
        self.version = version
        self.lastAccessed = lastAccessed
        self.deadline = deadline
        self.principal = principal
        self.head = head
        self.attributes = attributes
        self.writings = writings
    }

    /// Whether the session has expired by a moment.
    public func isExpired(at now: Timestamp) -> Bool { self.deadline.map { $0 <= now } ?? false }
}

/// What a write is called, so that a store can tell that it has done it already.
///
/// A writer's numbers grow, and it begins no write before the one before is done or given up.
public struct StoredSessionMark: Sendable, Hashable {
    /// Who writes: a random number.
    public var writer: UInt64
    /// Counts the writes of one writer.
    public var number: UInt64

    /// A mark.
    public init(writer: UInt64, number: UInt64) {
        self.writer = writer
        self.number = number
    }
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
    /// The head that ``head`` was made from: changes with another one stored are a conflict; `nil` for whatever there is.
    public var expectedHead: [UInt8]?
    /// The new entry of the principal index, given together with ``head``.
    public var principal: String?
    /// What these changes are called; `nil` for changes that nobody repeats.
    public var mark: StoredSessionMark?
    /// See ``StoredSession/lastAccessed``; an earlier moment than the stored one is ignored.
    public var lastAccessed: Timestamp
    /// See ``StoredSession/deadline``; taken with ``lastAccessed``.
    public var deadline: Timestamp?

    /// Changes.
    public init(
        writes: [String: Write],
        head: [UInt8]?,
        expectedHead: [UInt8]? = nil,
        principal: String?,
        mark: StoredSessionMark? = nil,
        lastAccessed: Timestamp,
        deadline: Timestamp?
    ) {
        self.writes = writes
        self.head = head
        self.expectedHead = expectedHead
        self.principal = principal
        self.mark = mark
        self.lastAccessed = lastAccessed
        self.deadline = deadline
    }
}
