/// What a session remembers.
///
/// Knows nothing of tables, listeners or clocks; times are milliseconds since 1970.
///
/// Life: live → ending (out of the table, attributes can still be read) → ended (attributes gone). Never back.
struct HTTPSessionState: Sendable {
    enum Phase: UInt8, Sendable { case live, ending, ended }

    /// How a manager counts idle time.
    struct IdlePolicy: Sendable, Hashable {
        /// A session that a request is using does not expire.
        var protectsActiveSessions = false
        /// Idle time counts from the start of the last request instead of its end.
        var countsFromStart = false
    }

    /// The result of a conditional write.
    enum Write: Sendable {
        /// Written; the slot that was there before.
        case written(previous: SessionAttributeSlot?)
        /// Somebody else wrote first.
        case conflict
        /// The session has ended; nothing was written.
        case ended
    }

    var id: SessionID
    let creationTime: Int64
    /// The start of the access before the current one.
    private(set) var lastAccessedTime: Int64
    /// The start of the current or latest access.
    private var thisAccessedTime: Int64
    private var idleSince: Int64
    /// Zero or less: never.
    var maxInactiveMilliseconds: Int64
    private(set) var attributes: [String: SessionAttributeSlot] = [:]
    private var accessCount: Int32 = 0
    private var changeCount: UInt32 = 0
    private(set) var isNew = true
    private(set) var phase = Phase.live

    init(id: SessionID, now: Int64, maxInactiveMilliseconds: Int64) {
        self.id = id
        self.creationTime = now
        self.lastAccessedTime = now
        self.thisAccessedTime = now
        self.idleSince = now
        self.maxInactiveMilliseconds = maxInactiveMilliseconds
    }

    // MARK: Access

    mutating func beginAccess(now: Int64) -> Bool {
        guard self.phase == .live else { return false }
        self.lastAccessedTime = self.thisAccessedTime
        self.thisAccessedTime = now
        self.idleSince = now
        self.accessCount += 1
        return true
    }

    mutating func endAccess(now: Int64, policy: IdlePolicy) {
        self.isNew = false
        if self.accessCount > 0 { self.accessCount -= 1 }
        if !policy.countsFromStart { self.idleSince = now }
    }

    /// Tomcat's rule: idle for the interval or longer, idle time in whole seconds.
    ///
    /// A clock that went back makes nothing expire.
    func isExpired(now: Int64, policy: IdlePolicy) -> Bool {
        guard self.maxInactiveMilliseconds > 0 else { return false }
        if policy.protectsActiveSessions, self.accessCount > 0 { return false }
        let (idle, overflow) = now.subtractingReportingOverflow(self.idleSince)
        return !overflow && idle / 1000 * 1000 >= self.maxInactiveMilliseconds
    }

    // MARK: End

    /// Goes from live to ending; `false` if that has already happened, so that exactly one caller ends a session.
    mutating func beginEnding() -> Bool {
        guard self.phase == .live else { return false }
        self.phase = .ending
        return true
    }

    /// Goes to ended and hands out the attributes, to be released outside of the lock.
    mutating func finishEnding() -> [String: SessionAttributeSlot] {
        self.phase = .ended
        let attributes = self.attributes
        self.attributes = [:]
        return attributes
    }

    // MARK: Attributes

    mutating func set(_ name: String, _ content: SessionAttributeSlot.Content, writer: UInt) -> Write {
        guard self.phase == .live else { return .ended }
        self.changeCount &+= 1
        let slot = SessionAttributeSlot(content: content, stamp: self.changeCount, writer: writer)
        return .written(previous: self.attributes.updateValue(slot, forKey: name))
    }

    /// Writes unless somebody else wrote since `expected` was read.
    ///
    /// A write by the same thread in between can only come from inside of the update's own closure; the closure's result replaces it.
    mutating func set(_ name: String, _ content: SessionAttributeSlot.Content, writer: UInt, replacing expected: SessionAttributeSlot?) -> Write {
        guard self.phase == .live else { return .ended }
        let current = self.attributes[name]
        if current?.stamp != expected?.stamp, current?.writer != writer { return .conflict }
        return self.set(name, content, writer: writer)
    }

    mutating func remove(_ name: String) -> SessionAttributeSlot? {
        guard self.phase == .live else { return nil }
        self.changeCount &+= 1
        return self.attributes.removeValue(forKey: name)
    }
}
