/// What a session remembers.
///
/// Knows nothing of tables, listeners or clocks; times are milliseconds since 1970.
///
/// Life: live → ending (out of the table, attributes can still be read) → ended (attributes gone). Never back. Or live → away: the session goes on elsewhere, in
/// a store or on another server, and this object is no longer it.
struct HTTPSessionState: Sendable {
    enum Phase: UInt8, Sendable { case live, ending, ended, away }

    /// How a manager counts idle time.
    struct IdlePolicy: Sendable, Hashable {
        /// A session that a request is using does not expire.
        var protectsActiveSessions = false
        /// Idle time counts from the start of the last request instead of its end.
        var countsFromStart = false
        /// The longest that a session lives, however busy; zero: for ever.
        var maxLifetimeMilliseconds: Int64 = 0
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
    /// When the latest finished access was: its start or its end, as ``IdlePolicy/countsFromStart`` says.
    private(set) var lastAccessedTime: Int64
    /// The start of the current or latest access.
    private(set) var thisAccessedTime: Int64
    private(set) var idleSince: Int64
    /// Zero or less: never.
    var maxInactiveMilliseconds: Int64
    private(set) var attributes: [String: SessionAttributeSlot] = [:]
    private(set) var accessCount: Int32 = 0
    /// Look-ups whose requests have not let go of the session yet.
    private(set) var holdCount: Int32 = 0
    private var changeCount: UInt32 = 0
    private(set) var isNew = true
    private(set) var phase = Phase.live
    /// Whether the client has come back with the id.
    private(set) var hasReturned = false
    /// Whether the table counts the session among those whose clients have not come back.
    private(set) var isNewcomer = false
    /// Who signed on.
    var principal: String?
    /// What the attributes take, and how much of that the table has counted.
    private(set) var attributeBytes = 0
    private var countedBytes = 0
    /// `nil` for a session whose manager has no store.
    var stored: StoredSessionState?

    init(id: SessionID, now: Int64, maxInactiveMilliseconds: Int64) {
        self.id = id
        self.creationTime = now
        self.lastAccessedTime = now
        self.thisAccessedTime = now
        self.idleSince = now
        self.maxInactiveMilliseconds = maxInactiveMilliseconds
    }

    /// A session that was used before, here or elsewhere; ``attributes`` come from a store or a file.
    init(
        restored id: SessionID,
        creationTime: Int64,
        lastAccessed: Int64,
        maxInactiveMilliseconds: Int64,
        attributes: [String: SessionAttributeSlot.Content]
    ) {
        self.id = id
        self.creationTime = creationTime
        self.lastAccessedTime = lastAccessed
        self.thisAccessedTime = lastAccessed
        self.idleSince = lastAccessed
        self.maxInactiveMilliseconds = maxInactiveMilliseconds
        for (name, content) in attributes { self.takeOver(name, content) }
        self.isNew = false
        self.hasReturned = true
    }

    // MARK: Access

    /// Whether a request uses the session, or has found it and may use it.
    var isInUse: Bool { self.accessCount > 0 || self.holdCount > 0 || self.isNew }

    /// Keeps the session in memory for a request that has found it; `false` if it has ended or left.
    mutating func hold() -> Bool {
        guard self.phase == .live else { return false }
        self.holdCount += 1
        return true
    }

    mutating func release() { if self.holdCount > 0 { self.holdCount -= 1 } }

    mutating func beginAccess(now: Int64) -> Bool {
        guard self.phase == .live else { return false }
        self.thisAccessedTime = now
        self.idleSince = now
        self.accessCount += 1
        self.hasReturned = true
        self.stored?.isAccessElsewhere = false
        return true
    }

    /// Begins the access of a request that has the same session made at the same moment as the one that made it.
    mutating func joinAccess(now: Int64) -> Bool {
        // The first request has not been counted: its end would be taken for that of this one.
        if self.isNew, self.accessCount == 0 { self.accessCount = 1 }
        return self.beginAccess(now: now)
    }

    mutating func endAccess(now: Int64, policy: IdlePolicy) {
        self.isNew = false
        if self.accessCount > 0 { self.accessCount -= 1 }
        if policy.countsFromStart {
            self.lastAccessedTime = self.thisAccessedTime
        } else {
            self.lastAccessedTime = now
            self.idleSince = now
            self.stored?.isAccessElsewhere = false
        }
    }

    /// Tomcat's rule: idle for the interval or longer, idle time in whole seconds.
    ///
    /// A clock that went back makes nothing expire.
    ///
    /// Beyond its longest life a session has expired even while a request uses it. After an access at another server it is late by as much as that server may
    /// keep the access to itself.
    func isExpired(now: Int64, policy: IdlePolicy) -> Bool {
        if policy.maxLifetimeMilliseconds > 0 {
            let (age, overflow) = now.subtractingReportingOverflow(self.creationTime)
            if !overflow, age >= policy.maxLifetimeMilliseconds { return true }
        }
        guard self.maxInactiveMilliseconds > 0 else { return false }
        if policy.protectsActiveSessions, self.accessCount > 0 { return false }
        let (idle, overflow) = now.subtractingReportingOverflow(self.idleSince)
        let slack = self.stored?.isAccessElsewhere == true ? SessionPersistence.slack(of: self.maxInactiveMilliseconds) : 0
        return !overflow && idle / 1000 * 1000 >= self.maxInactiveMilliseconds.addingClamped(slack)
    }

    /// Takes over that another server's request used the session later than any of this server's.
    mutating func noteAccessElsewhere(at moment: Int64) {
        guard moment > self.idleSince else { return }
        self.idleSince = moment
        self.lastAccessedTime = moment
        self.thisAccessedTime = moment
        self.stored?.isAccessElsewhere = true
    }

    /// `true` if the session is to be counted as one whose client has not come back.
    mutating func becomeNewcomer() -> Bool {
        guard self.phase == .live, !self.hasReturned, !self.isNewcomer else { return false }
        self.isNewcomer = true
        return true
    }

    /// `true` if the session was counted as one whose client has not come back.
    mutating func ceaseToBeNewcomer() -> Bool {
        defer { self.isNewcomer = false }
        return self.isNewcomer
    }

    // MARK: End

    /// Lets go of a session that goes on elsewhere; `false` if a request uses it, if it has ended, or if it has changes that no store has.
    mutating func leave(despiteChanges: Bool = false, despiteUse: Bool = false) -> Bool {
        guard self.phase == .live, despiteUse || !self.isInUse, despiteChanges || self.stored?.hasChanges != true else { return false }
        self.phase = .away
        return true
    }

    /// Says that the session has ended elsewhere: nobody is told here.
    mutating func endedElsewhere() -> Bool {
        guard self.phase == .live else { return false }
        self.phase = .ended
        return true
    }

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
        self.attributeBytes = 0
        return attributes
    }

    // MARK: Attributes

    mutating func set(_ name: String, _ content: SessionAttributeSlot.Content, size: UInt32 = 0, writer: UInt) -> Write {
        guard self.phase == .live else { return .ended }
        let slot = self.makeSlot(content, size: size, writer: writer)
        self.stored?.note(slot.isTransient ? .removed : .replaced, of: name)
        return .written(previous: self.put(slot, name))
    }

    /// Writes unless somebody else wrote since `expected` was read.
    ///
    /// A write by the same thread in between can only come from inside of the update's own closure; the closure's result replaces it.
    mutating func set(
        _ name: String,
        _ content: SessionAttributeSlot.Content,
        size: UInt32 = 0,
        writer: UInt,
        replacing expected: SessionAttributeSlot?,
        rerun: StoredSessionState.Rerun? = nil
    ) -> Write {
        guard self.phase == .live else { return .ended }
        let current = self.attributes[name]
        if current?.stamp != expected?.stamp, current?.writer != writer { return .conflict }
        let slot = self.makeSlot(content, size: size, writer: writer)
        if let stored = self.stored { stored.note(rerun.map { .updated([$0]) } ?? .replaced, of: name) }
        return .written(previous: self.put(slot, name))
    }

    /// Keeps what was read from stored bytes, unless the attribute has changed meanwhile; no change in the eyes of anybody.
    mutating func keepDecoded(_ name: String, _ content: SessionAttributeSlot.Content, of slot: SessionAttributeSlot) {
        guard let current = self.attributes[name], current.stamp == slot.stamp, !current.isInMemory else { return }
        self.attributes[name]?.content = content
    }

    mutating func remove(_ name: String) -> SessionAttributeSlot? {
        guard self.phase == .live else { return nil }
        self.changeCount &+= 1
        guard let slot = self.put(nil, name) else { return nil }
        self.stored?.note(.removed, of: name)
        return slot
    }

    /// Puts what another server has stored in the place of what was here.
    ///
    /// - Parameter size: what a value that is not in stored form counts for.
    /// - Returns: what was here, to be released outside of the lock.
    @discardableResult
    mutating func takeOver(_ name: String, _ content: SessionAttributeSlot.Content?, size: Int = 0) -> SessionAttributeSlot? {
        guard let content else { return self.put(nil, name) }
        var size = size
        switch content {
        case .stored(let bytes), .saved(let bytes): size = name.utf8.count + bytes.count
        case .decoded, .transient: break
        }
        return self.put(self.makeSlot(content, size: UInt32(clamping: size), writer: 0), name)
    }

    private mutating func makeSlot(_ content: SessionAttributeSlot.Content, size: UInt32, writer: UInt) -> SessionAttributeSlot {
        self.changeCount &+= 1
        return SessionAttributeSlot(content: content, stamp: self.changeCount, size: size, writer: writer)
    }

    /// The one place where attributes come and go.
    private mutating func put(_ slot: SessionAttributeSlot?, _ name: String) -> SessionAttributeSlot? {
        let previous = slot.map { self.attributes.updateValue($0, forKey: name) } ?? self.attributes.removeValue(forKey: name)
        self.attributeBytes += Int(slot?.size ?? 0) - Int(previous?.size ?? 0)
        return previous
    }

    /// By how much the attributes have grown since somebody asked last.
    mutating func takeGrowth() -> Int {
        defer { self.countedBytes = self.attributeBytes }
        return self.attributeBytes - self.countedBytes
    }
}
