/// The session of a client that sends several ids.
extension SessionManager {
    /// The first of several ids that names a live session, which stays in memory until it is released.
    ///
    /// Browsers send the cookies of longer paths first, and of the same path the older ones first, so what is live among stale ones is at either end as a rule.
    /// Whatever is in memory is found behind any number of stale ids up to ``Cookie/defaultLimit``. Of ids that are not in memory the first four and the last four are
    /// looked for: ids that a client has invented cost a store no more than eight questions.
    ///
    /// - Parameters:
    ///   - ids: the ids as they were sent; what cannot be an id is passed over.
    ///   - principal: who has signed in; sessions that belong to somebody else are passed over, up to eight of them. `nil`: nobody, then every session will do.
    package func holdFirst(of ids: [String], for principal: String? = nil) async throws(SessionError) -> HeldSession? {
        let ids = ids.count > CandidateLimits.share * 2 ? self.worthLookingFor(ids) : ids
        var others = 0
        for text in ids {
            guard let id = SessionID(text), let session = try await self.hold(id) else { continue }
            let isValid = session.isValid
            if isValid, session.mayBelong(to: principal) { return HeldSession(session, foundAs: id) }
            session.release()
            guard isValid else { continue }
            others += 1
            guard others <= CandidateLimits.others else { return nil }
        }
        return nil
    }

    private func worthLookingFor(_ ids: [String]) -> [String] {
        var (here, elsewhere): ([Int], [Int]) = ([], [])
        for place in ids.indices.prefix(Cookie.defaultLimit) {
            guard let id = SessionID(ids[place]) else { continue }
            if self.isInMemory(id) { here.append(place) } else { elsewhere.append(place) }
        }
        let ends = elsewhere.prefix(CandidateLimits.share) + elsewhere.dropFirst(CandidateLimits.share).suffix(CandidateLimits.share)
        return (here + ends).sorted().map { ids[$0] }
    }
}

private enum CandidateLimits {
    /// How many of the ids that are not in memory are looked for from either end.
    static let share = 4
    /// How many sessions of others are passed over.
    static let others = 8
}

extension HTTPSession {
    /// Whether the session may serve a request of this principal: it is anonymous, the principal's own, or nobody has signed in.
    package func mayBelong(to principal: String?) -> Bool {
        guard let principal, let owner = self.principalName else { return true }
        return owner == principal
    }
}
