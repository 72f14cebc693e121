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

    /// What is known of a session.
    struct Life: Sendable {
        /// The session where it is in memory: it knows its id before the table does.
        weak var session: HTTPSession?
        /// Until when it would live if nobody used it any more; `nil` for ever.
        var deadline: Timestamp?
        /// When it was used last, in the order of the table's events.
        fileprivate var number: UInt64 = 0

        init(session: HTTPSession? = nil, deadline: Timestamp? = nil) {
            self.session = session
            self.deadline = deadline
        }
    }

    /// What became of a session that is to belong to a sign-on.
    enum Joining {
        /// It does; one that had to make room does not any more, and has to be ended.
        case joined(surplus: (member: Member, life: Life)?)
        /// There is no such sign-on any more.
        case unknown
    }

    /// The most sessions of a sign-on: each request with the sign-on asks for all of them.
    static let membersLimit = 64

    private struct Entry: Sendable {
        var principal: String
        var members: [Member: Life]
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

    /// The sessions of a sign-on.
    func members(of id: String) -> [Member: Life] { self.entries[id]?.members ?? [:] }

    /// Adds a sign-on with its first session, which leaves the sign-on that it belonged to.
    ///
    /// At the limit the oldest eighth is forgotten: whoever that concerns signs on again.
    mutating func add(_ id: String, principal: String, member: Member, life: Life = Life()) {
        if self.entries.count >= self.limit {
            for old in self.entries.sorted(by: { $0.value.number < $1.value.number }).prefix(max(1, self.limit / 8)) { self.forget(old.key) }
        }
        self.remove(member)
        self.count += 1
        var life = life
        life.number = self.count
        self.entries[id] = Entry(principal: principal, members: [member: life], number: self.count)
        self.places[member] = id
    }

    /// Lets a session belong to a sign-on, or notes what is known of it now.
    ///
    /// Above ``membersLimit`` the one that was used longest ago makes room, of the same application if there is one: a client that never brings back the id of its
    /// session in one application keeps those in the others.
    mutating func join(_ id: String, member: Member, life: Life = Life()) -> Joining {
        guard self.entries[id] != nil else { return .unknown }
        if self.places[member] != id {
            self.remove(member)
            self.places[member] = id
        }
        self.count += 1
        var life = life
        life.number = self.count
        self.entries[id]?.members[member] = life
        guard let members = self.entries[id]?.members, members.count > Self.membersLimit else { return .joined(surplus: nil) }
        let others = members.filter { $0.key != member }
        let neighbours = others.filter { $0.key.manager == member.manager }
        let surplus = (neighbours.isEmpty ? others : neighbours).min { $0.value.number < $1.value.number }
        guard let surplus else { return .joined(surplus: nil) }
        self.remove(surplus.key)
        return .joined(surplus: (surplus.key, surplus.value))
    }

    /// A session got another id.
    mutating func rename(_ member: Member, to newID: SessionID) {
        guard let id = self.places.removeValue(forKey: member), let life = self.entries[id]?.members.removeValue(forKey: member) else { return }
        let renamed = Member(manager: member.manager, id: newID)
        self.entries[id]?.members[renamed] = life
        self.places[renamed] = id
    }

    /// A session has ended by itself: the sign-on ends with the last one.
    mutating func remove(_ member: Member) {
        guard let id = self.places.removeValue(forKey: member) else { return }
        self.entries[id]?.members[member] = nil
        if self.entries[id]?.members.isEmpty == true { self.entries[id] = nil }
    }

    /// A session was ended on purpose: that ends the sign-on.
    ///
    /// - Returns: the other sessions, which have to be ended as well.
    mutating func signOut(_ member: Member) -> Set<Member> {
        guard let id = self.places[member], let members = self.entries[id]?.members.keys else { return [] }
        self.forget(id)
        return Set(members).subtracting([member])
    }

    private mutating func forget(_ id: String) {
        for member in self.entries.removeValue(forKey: id)?.members.keys ?? [:].keys { self.places[member] = nil }
    }

    /// How many sign-ons there are.
    var size: Int { self.entries.count }
}
