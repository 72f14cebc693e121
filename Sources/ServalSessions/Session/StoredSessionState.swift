/// What a session remembers of its place in a store.
///
/// A class, so that sessions without a store pay one pointer for it. It belongs to one ``HTTPSessionState`` and is only touched under that session's lock,
/// which is why it can be `Sendable`.
final class StoredSessionState: @unchecked Sendable {
    /// Makes an attribute's new content out of what another server has stored meanwhile; `nil` if the application's closure threw.
    typealias Rerun = @Sendable (HTTPSession, SessionAttributeSlot?) -> SessionAttributeSlot.Content?

    /// What this server did to an attribute since the session was last saved.
    enum Change: Sendable {
        case replaced
        case removed
        /// Computed from what was stored; runs again if that has changed.
        case updated([Rerun])

        /// This change, and then a later one.
        func followed(by later: Self?) -> Self {
            switch (self, later) {
            case (_, nil): self
            // With a store that is down for long the list would grow without end; then the last value wins.
            case (.updated(let first), .updated(let second)): first.count < 256 ? .updated(first + second) : .replaced
            case (.replaced, .updated), (.removed, .updated): .replaced
            case (_, .some(let later)): later
            }
        }
    }

    /// What the store has of a session that is another object's by now.
    struct Orphan: Sendable {
        var id: SessionID
        var principal: String?
    }

    var lineage: SessionLineage
    /// The version that the attributes in memory come from; 0 before the first save.
    var version: UInt64
    /// The versions of the attributes as this server knows them.
    var attributeVersions: [String: UInt64]
    var changes: [String: Change] = [:]
    /// How often the application has changed anything.
    private(set) var changeCount: UInt64 = 0
    /// Whether the idle time has changed since the last save, or the session has begun as a principal's; the principal of a session that is stored changes together
    /// with the id otherwise, in the store first.
    var isHeadChanged = false
    /// Whether the session has an idle time of its own, or somebody has signed on in it, which makes it worth storing without attributes.
    ///
    /// Who only begins a session comes with each request anew: a client that keeps no cookie would leave a record each time.
    private(set) var isHeadWorthStoring = false
    /// The sealed head as the store has it, as far as known, whose session it says it is, and the version that brought it.
    var storedHead: (bytes: [UInt8], principal: String?, version: UInt64)?
    /// What the store was told last, in milliseconds since 1970.
    var storedLastAccessed: Int64
    /// When this server last compared the session with the store, in milliseconds since 1970.
    var lastChecked: Int64
    /// Whether the latest known access was at another server, which tells of it up to ``SessionPersistence/touchShare`` percent of the idle time late.
    var isAccessElsewhere = false
    /// A write whose answer was lost; nothing else is written before it is clear what became of it.
    var unsettled: SessionPersistence.UnsettledWrite?
    /// Set when another server gave the session an id that the requests of this object do not know: the object is in no table, and serves those under way.
    var orphan: Orphan?
    /// The name of this object in ``StoredSession/writings``, and its count of writes.
    private let writer = UInt64.random(in: 0 ... .max)
    private var writeCount: UInt64 = 0
    /// Whether somebody saves, renames or removes the session just now; the others wait in line.
    private(set) var isBusy = false
    private var line: [CheckedContinuation<Void, Never>] = []

    init(lineage: SessionLineage, version: UInt64, attributeVersions: [String: UInt64], storedLastAccessed: Int64, lastChecked: Int64) {
        self.lineage = lineage
        self.version = version
        self.attributeVersions = attributeVersions
        self.storedLastAccessed = storedLastAccessed
        self.lastChecked = lastChecked
    }

    var isStored: Bool { self.version > 0 }
    var hasChanges: Bool { !self.changes.isEmpty || self.isHeadChanged && (self.isStored || self.isHeadWorthStoring) || self.unsettled != nil }
    var isOrphan: Bool { self.orphan != nil }

    /// The name of the next write.
    func nextMark() -> StoredSessionMark {
        self.writeCount += 1
        return StoredSessionMark(writer: self.writer, number: self.writeCount)
    }

    /// Notes what head the store has, unless something later is known.
    func noteHead(_ bytes: [UInt8], of principal: String?, version: UInt64) {
        guard version >= self.storedHead?.version ?? 0 else { return }
        self.storedHead = (bytes, principal, version)
    }

    func countChange() { self.changeCount &+= 1 }

    /// Notes that somebody has signed on.
    func noteSignOn() { self.isHeadWorthStoring = true }

    /// Notes another idle time.
    func noteHead() {
        self.countChange()
        self.isHeadChanged = true
        self.isHeadWorthStoring = true
    }

    func note(_ change: Change, of name: String) {
        self.countChange()
        self.changes[name] = self.changes[name].map { $0.followed(by: change) } ?? change
    }

    /// Puts changes back that could not be saved, before those that were made meanwhile.
    func restore(_ earlier: [String: Change]) {
        for (name, change) in earlier { self.changes[name] = change.followed(by: self.changes[name]) }
    }

    /// The attributes that a record has later than this server, and those (`nil`) that it has no more.
    ///
    /// What this server wrote after the record was read has a higher version than the record's and does not count.
    func attributesDiffering(from record: StoredSession) -> [String: StoredSession.Attribute?] {
        var differing: [String: StoredSession.Attribute?] = [:]
        for (name, attribute) in record.attributes where attribute.version > self.attributeVersions[name] ?? 0 { differing[name] = .some(attribute) }
        for (name, version) in self.attributeVersions where version <= record.version && record.attributes[name] == nil {
            differing[name] = .some(nil)
        }
        return differing
    }

    // MARK: One at a time

    /// `true` if the caller may go on; otherwise it must wait in line.
    func enter() -> Bool {
        guard !self.isBusy else { return false }
        self.isBusy = true
        return true
    }

    func wait(_ continuation: CheckedContinuation<Void, Never>) {
        if self.enter() { continuation.resume() } else { self.line.append(continuation) }
    }

    /// Lets the next in line go on.
    func leave() {
        if self.line.isEmpty { self.isBusy = false } else { self.line.removeFirst().resume() }
    }
}
