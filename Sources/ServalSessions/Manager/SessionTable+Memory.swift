import Synchronization

/// Keeping sessions within their memory.
extension SessionTable {
    /// What a session takes without attributes, its place in the table included.
    static let bytesPerSession = 300
    /// Sessions to choose from at once.
    private static let sampleSize = 1024

    private var usedBytes: Int {
        self.attributeBytes.load(ordering: .relaxed) + self.counters.activeCount * Self.bytesPerSession
    }

    /// Adds what a session has grown by.
    func count(_ session: HTTPSession) {
        guard self.budget != nil else { return }
        let growth = session.state.withLock { $0.takeGrowth() }
        guard growth != 0 else { return }
        self.attributeBytes.wrappingAdd(growth, ordering: .relaxed)
        if growth > 0 { self.relieveIfNeeded() }
    }

    /// Subtracts a session that goes on elsewhere with its attributes.
    func uncount(_ session: HTTPSession) {
        guard self.budget != nil else { return }
        let bytes = session.state.withLock { state in state.attributeBytes - state.takeGrowth() }
        self.attributeBytes.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Begins to make room in the background, if there is need and nobody does yet.
    func relieveIfNeeded() {
        guard let budget = self.budget, self.usedBytes > budget, self.relief.begin(at: .now) else { return }
        Task {
            await self.relieve(to: budget)
            self.relief.end(at: .now, hasHelped: self.usedBytes <= budget)
        }
    }

    private func relieve(to budget: Int) async {
        while self.usedBytes > budget {
            let candidates = self.evictionCandidates()
            guard !candidates.isEmpty else { return }
            let before = self.usedBytes
            // A part only: the rest of the sample may be younger than what another sample has.
            for session in candidates.prefix(max(1, candidates.count / 8)) where self.usedBytes > budget { await self.relieve(of: session) }
            // The store does not answer, or requests came for all of them: the next change tries again.
            guard self.usedBytes < before else { return }
        }
    }

    /// Some sessions that no request uses, from anywhere in the table; those that go first at the front.
    private func evictionCandidates() -> [HTTPSession] {
        var candidates: [(rank: EvictionRank, session: HTTPSession)] = []
        let start = Int.random(in: 0..<1024)
        for number in start..<(start + 64) where candidates.count < Self.sampleSize {
            candidates += self.sample(Self.sampleSize, from: number).compactMap { session in session.evictionRank.map { ($0, session) } }
        }
        return candidates.sorted { $0.rank < $1.rank }.map(\.session)
    }

    /// Counts a session whose client has not come back yet; the oldest such sessions make room for it.
    func limitNewcomers(with session: HTTPSession, to limit: Int) async {
        self.newcomers.add(session)
        // More than one, where many were in their first request for long.
        for _ in 0..<4 {
            guard let forsaken = self.newcomers.takeSurplus(over: limit) else { return }
            await self.relieve(of: forsaken)
            // The store does not answer, or the client came back.
            if forsaken.isNewcomer {
                self.newcomers.putBack(forsaken)
                return
            }
        }
    }

    /// Takes a place for one more session; at the limit that of another, if the configuration says so.
    func reserve() async -> Bool {
        for _ in 0..<8 {
            if self.counters.reserve(limit: self.configuration.maxActiveSessions) { return true }
            guard self.configuration.evictsAtMaxActiveSessions, let session = self.evictionCandidates().first else { break }
            await self.relieve(of: session)
        }
        self.counters.didReject()
        return false
    }

    /// Takes a session that no request uses out of memory: to the store, where there is one and it is worth it, or for ever.
    ///
    /// One that the store has, or may have, stays while the store does not answer.
    func relieve(of session: HTTPSession) async {
        if let persistence = self.persistence {
            guard (try? await persistence.save(session)) != nil else { return }
            if session.isStored {
                self.forget(session)
                return
            }
        }
        try? await self.end(session, reason: .evicted, if: .unused)
    }
}

/// In which order sessions make room.
struct EvictionRank: Comparable {
    /// 0 if the client never came back, whoever it is; otherwise 1 for an anonymous session, and 2 for that of a principal.
    var worth: Int
    var idleSince: Int64

    static func < (one: Self, other: Self) -> Bool { (one.worth, one.idleSince) < (other.worth, other.idleSince) }
}

extension HTTPSession {
    /// `nil` for a session that a request uses or that has ended.
    fileprivate var evictionRank: EvictionRank? {
        self.state.withLock { state in
            guard state.phase == .live, !state.isInUse else { return nil }
            return EvictionRank(worth: !state.hasReturned ? 0 : state.principal == nil ? 1 : 2, idleSince: state.idleSince)
        }
    }
}

extension SessionError {
    static func tooManySessions(limit: Int) -> SessionError {
        SessionError(code: .limitReached, message: "createSession: Too many active sessions; maxActiveSessions of the Manager is \(limit)")
    }
}
