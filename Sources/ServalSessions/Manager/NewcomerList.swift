import Synchronization

/// Sessions whose clients have not come back with the id yet, in the order in which they were made.
///
/// Its lock comes before those of sessions.
final class NewcomerList: Sendable {
    private struct Contents: Sendable {
        /// Some have come back or ended since.
        var sessions: ContiguousArray<HTTPSession> = []
        var first = 0

        var count: Int { self.sessions.count - self.first }

        mutating func takeFirst() -> HTTPSession? {
            guard self.first < self.sessions.count else { return nil }
            let session = self.sessions[self.first]
            self.first += 1
            if self.first >= 64, self.first >= self.sessions.count / 2 {
                self.sessions.removeFirst(self.first)
                self.first = 0
            }
            return session
        }
    }

    /// Sessions to look at for one that can make room.
    private static let searchLimit = 64
    /// How many sessions the list may have at least before it is tidied.
    private static let tidyThreshold = 1024

    private let contents = Mutex(Contents())
    private let newcomers = Atomic(0)

    /// How many there are at this moment.
    var count: Int { self.newcomers.load(ordering: .relaxed) }

    /// Counts a session that was just made.
    func add(_ session: HTTPSession) {
        guard session.state.withLock({ $0.becomeNewcomer() }) else { return }
        self.newcomers.wrappingAdd(1, ordering: .relaxed)
        let isLong = self.contents.withLock { contents in
            contents.sessions.append(session)
            return contents.count > 2 * self.count + Self.tidyThreshold
        }
        if isLong { self.tidy() }
    }

    /// A session that was counted has come back or ended.
    func didLeave() { self.newcomers.wrappingSubtract(1, ordering: .relaxed) }

    /// The oldest session whose first request is over, if there are more than `limit`.
    ///
    /// Those in their first request stay in the list.
    func takeSurplus(over limit: Int) -> HTTPSession? {
        guard self.count > limit else { return nil }
        // Released when the lock is free.
        var former: [HTTPSession] = []
        var forsaken: HTTPSession?
        self.contents.withLock { contents in
            for _ in 0..<min(Self.searchLimit, contents.count) {
                guard forsaken == nil, let session = contents.takeFirst() else { break }
                switch session.newcomerState {
                case .former: former.append(session)
                case .busy: contents.sessions.append(session)
                case .forsaken: forsaken = session
                }
            }
        }
        withExtendedLifetime(former) {}
        return forsaken
    }

    /// Takes a session back that could not make room.
    func putBack(_ session: HTTPSession) { self.contents.withLock { $0.sessions.append(session) } }

    /// Lets go of sessions that have come back or ended.
    func tidy() {
        let all = self.contents.withLock { contents in
            defer { contents = Contents() }
            return contents
        }
        let present = all.sessions[all.first...].filter { $0.newcomerState != .former }
        self.contents.withLock { contents in
            contents.sessions = ContiguousArray(present) + contents.sessions[contents.first...]
            contents.first = 0
        }
    }

    func removeAll() {
        let all = self.contents.withLock { contents in
            defer { contents = Contents() }
            return contents
        }
        withExtendedLifetime(all) {}
    }
}

extension HTTPSession {
    fileprivate enum NewcomerState { case former, busy, forsaken }

    fileprivate var newcomerState: NewcomerState {
        self.state.withLock { state in
            guard state.isNewcomer else { return .former }
            // Whoever signed on: a client that never came back may come with a certificate, or a password, each time, and keep no cookie.
            return state.isInUse ? .busy : .forsaken
        }
    }

    /// Whether the session is counted among those whose clients have not come back.
    var isNewcomer: Bool { self.state.withLock { $0.isNewcomer } }
}
