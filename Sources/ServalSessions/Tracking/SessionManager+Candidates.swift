/// The session of a client that sends several ids.
extension SessionManager {
    /// The first of several ids that names a live session, which stays in memory until it is released.
    ///
    /// Browsers send the cookies of longer paths first, and of the same path the older ones first, so what is live among stale ones is at either end as a rule.
    /// Whatever is in memory is found behind any number of stale ids up to ``Cookie/defaultLimit``. Of ids that are not in memory the first four and the last four are
    /// looked for: ids that a client has invented cost a store no more than eight questions.
    ///
    /// Of principals their own session comes first. One of nobody is theirs only if all ids have been looked at, because it may come from somebody who has planted
    /// its id in front of the others.
    ///
    /// - Parameters:
    ///   - ids: the ids as they were sent; what cannot be an id is passed over.
    ///   - principal: who has signed in; sessions that belong to somebody else are passed over, up to eight of them. `nil`: nobody, then every session will do.
    package func holdFirst(of ids: [String], for principal: String? = nil) async throws(SessionError) -> HeldSession? {
        let candidates = ids.count > CandidateLimits.share * 2 ? self.worthLookingFor(ids) : Candidates(ids: ids)
        var anonymous: HeldSession?
        var others = 0
        do throws(SessionError) {
            for text in candidates.ids {
                guard let id = SessionID(text), let session = try await self.hold(id) else { continue }
                guard session.isValid else {
                    session.release()
                    continue
                }
                guard let principal, !session.belongs(to: principal) else {
                    anonymous?.session.release()
                    return HeldSession(session, foundAs: id)
                }
                if anonymous == nil, session.principalName == nil {
                    anonymous = HeldSession(session, foundAs: id)
                    continue
                }
                session.release()
                others += 1
                guard others <= CandidateLimits.others else { break }
            }
        } catch {
            anonymous?.session.release()
            throw error
        }
        guard candidates.isComplete, others <= CandidateLimits.others else {
            anonymous?.session.release()
            return nil
        }
        return anonymous
    }

    private func worthLookingFor(_ ids: [String]) -> Candidates {
        var (here, elsewhere): ([Int], [Int]) = ([], [])
        for place in ids.indices.prefix(Cookie.defaultLimit) {
            guard let id = SessionID(ids[place]) else { continue }
            if self.isInMemory(id) { here.append(place) } else { elsewhere.append(place) }
        }
        let ends = elsewhere.prefix(CandidateLimits.share) + elsewhere.dropFirst(CandidateLimits.share).suffix(CandidateLimits.share)
        return Candidates(ids: (here + ends).sorted().map { ids[$0] }, isComplete: ends.count == elsewhere.count && ids.count <= Cookie.defaultLimit)
    }
}

/// The ids that are looked for.
private struct Candidates {
    var ids: [String]
    /// Whether none was left out.
    var isComplete = true
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
        guard let principal, self.principalName != nil else { return true }
        return self.belongs(to: principal)
    }

    /// Whether the session is one of this principal: under this name, or under another one that an application has given to who has signed in under this one.
    package func belongs(to principal: String) -> Bool {
        guard let owner = self.principalName else { return false }
        return owner == principal || self[SessionAccount.Key.self] == SessionAccount(name: owner, owner: principal)
    }
}
