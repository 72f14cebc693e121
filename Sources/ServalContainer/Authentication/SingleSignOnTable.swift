import ServalServlet

/// Who has signed on once for all applications, and the sessions that belong to it.
///
/// Knows nothing of cookies or managers; what has to be ended it hands out.
struct SingleSignOnTable: Sendable {
    /// A session of one of the applications.
    struct Member: Hashable, Sendable {
        var manager: ObjectIdentifier
        var id: SessionID
    }

    private struct Entry: Sendable {
        var principal: String
        var members: Set<Member>
        /// The order of sign-ons.
        var number: UInt64
    }

    /// The most sign-ons that are kept.
    let limit: Int
    private var entries: [String: Entry] = [:]
    private var places: [Member: String] = [:]
    private var count: UInt64 = 0

    init(limit: Int) { self.limit = limit }

    /// Who signed on with this id.
    func principal(of id: String) -> String? { self.entries[id]?.principal }

    /// Adds a sign-on with its first session, which leaves the sign-on that it belonged to.
    ///
    /// At the limit the oldest eighth is forgotten: whoever that concerns signs on again.
    mutating func add(_ id: String, principal: String, member: Member) {
        if self.entries.count >= self.limit {
            for old in self.entries.sorted(by: { $0.value.number < $1.value.number }).prefix(max(1, self.limit / 8)) { self.forget(old.key) }
        }
        self.remove(member)
        self.count += 1
        self.entries[id] = Entry(principal: principal, members: [member], number: self.count)
        self.places[member] = id
    }

    /// Lets a session belong to a sign-on, if there is one.
    mutating func join(_ id: String, member: Member) {
        guard self.entries[id] != nil, self.places[member] != id else { return }
        self.remove(member)
        self.entries[id]?.members.insert(member)
        self.places[member] = id
    }

    /// A session got another id.
    mutating func rename(_ member: Member, to newID: SessionID) {
        guard let id = self.places.removeValue(forKey: member) else { return }
        let renamed = Member(manager: member.manager, id: newID)
        self.entries[id]?.members.remove(member)
        self.entries[id]?.members.insert(renamed)
        self.places[renamed] = id
    }

    /// A session has ended by itself: the sign-on ends with the last one.
    mutating func remove(_ member: Member) {
        guard let id = self.places.removeValue(forKey: member) else { return }
        self.entries[id]?.members.remove(member)
        if self.entries[id]?.members.isEmpty == true { self.entries[id] = nil }
    }

    /// A session was ended on purpose: that ends the sign-on.
    ///
    /// - Returns: the other sessions, which have to be ended as well.
    mutating func signOut(_ member: Member) -> Set<Member> {
        guard let id = self.places[member], var members = self.entries[id]?.members else { return [] }
        self.forget(id)
        members.remove(member)
        return members
    }

    private mutating func forget(_ id: String) {
        for member in self.entries.removeValue(forKey: id)?.members ?? [] { self.places[member] = nil }
    }

    /// How many sign-ons there are.
    var size: Int { self.entries.count }
}
