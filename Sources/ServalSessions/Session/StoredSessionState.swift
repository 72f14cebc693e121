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

    var lineage: SessionLineage
    /// The version that the attributes in memory come from; 0 before the first save.
    var version: UInt64
    /// The versions of the attributes as this server knows them.
    var attributeVersions: [String: UInt64]
    var changes: [String: Change] = [:]
    /// Whether idle time or principal have changed since the last save.
    var isHeadChanged = false
    /// What the store was told last, in milliseconds since 1970.
    var storedLastAccessed: Int64
    /// When this server last compared the session with the store, in milliseconds since 1970.
    var lastChecked: Int64
    /// Whether the store may have the session although it did not say so: its answer to the first save was lost.
    var mayBeStored = false
    /// Whether another object is this session for new requests, under the id that another server gave it; this one only serves those under way.
    var isOrphan = false
    /// Whether somebody saves, renames or removes the session just now; the others wait in line.
    private var isBusy = false
    private var line: [CheckedContinuation<Void, Never>] = []

    init(lineage: SessionLineage, version: UInt64, attributeVersions: [String: UInt64], storedLastAccessed: Int64, lastChecked: Int64) {
        self.lineage = lineage
        self.version = version
        self.attributeVersions = attributeVersions
        self.storedLastAccessed = storedLastAccessed
        self.lastChecked = lastChecked
    }

    var isStored: Bool { self.version > 0 }
    var hasChanges: Bool { !self.changes.isEmpty || self.isHeadChanged }

    func note(_ change: Change, of name: String) {
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
