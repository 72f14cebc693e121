/// What is known about whether a certificate has been revoked.
package enum CertificateStatus: Sendable, Hashable {
    /// Somebody entitled says that it is not.
    case good
    /// Somebody entitled says that it is; the words say who and since when.
    case revoked(String)
    /// Nobody could say.
    case unproven(MissingProof)

    /// Why there is no proof.
    package struct MissingProof: Error, Sendable, Hashable {
        /// For log lines: names the responder and the cause.
        package var words: String
        /// A constant word, fit for a metric label.
        package var label: String

        package init(_ words: String, label: String) {
            self.words = words
            self.label = label
        }
    }

    /// A constant word, fit for a metric label.
    package var label: String {
        switch self {
        case .good: "good"
        case .revoked: "revoked"
        case .unproven(let missing): missing.label
        }
    }
}

/// What is known about certificates, each for as long as it may be believed.
///
/// Bounded: when it is full, what is out of date goes first, then what would be soonest. What is forgotten is asked for again.
package struct StatusCache<Key: Hashable & Sendable>: Sendable {
    private struct Entry {
        var status: CertificateStatus
        /// In seconds since 1970; the status counts before it.
        var end: Int
    }

    private var entries: [Key: Entry] = [:]
    private let limit: Int

    package init(limit: Int = 10_000) { self.limit = limit }

    package var count: Int { entries.count }

    /// What is known at the second `now`.
    package func status(of key: Key, now: Int) -> CertificateStatus? {
        guard let entry = entries[key], now < entry.end else { return nil }
        return entry.status
    }

    /// Remembers a status until the second `end`.
    package mutating func insert(_ status: CertificateStatus, for key: Key, until end: Int, now: Int) {
        guard end > now else {
            entries[key] = nil
            return
        }
        if entries.count >= limit, entries[key] == nil { makeRoom(now: now) }
        entries[key] = Entry(status: status, end: end)
    }

    private mutating func makeRoom(now: Int) {
        entries = entries.filter { now < $0.value.end }
        guard entries.count >= limit else { return }
        // An eighth at once, so that a full cache does not sort for each certificate.
        let ends = entries.values.map(\.end).sorted()
        let last = ends[max(limit / 8, 1) - 1]
        var surplus = max(limit / 8, 1)
        for (key, entry) in entries where entry.end <= last && surplus > 0 {
            entries[key] = nil
            surplus -= 1
        }
    }
}
