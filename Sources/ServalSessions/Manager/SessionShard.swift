import Synchronization

/// One part of a session table, with a lock of its own.
final class SessionShard: Sendable {
    let contents = Mutex(Contents())

    /// Sessions by id.
    ///
    /// The sessions lie in numbered places, so that a sweep can look at a few at a time, let go of the lock, and go on where it was.
    struct Contents: Sendable {
        private var places: [SessionID: UInt32] = [:]
        private var sessions: ContiguousArray<HTTPSession?> = []
        private var free: [UInt32] = []
        /// No session is let in any more.
        var isClosed = false
        /// How many sessions have left for the store, got another id, or ended elsewhere.
        private(set) var departures: UInt32 = 0

        var count: Int { self.places.count }

        subscript(id: SessionID) -> HTTPSession? {
            guard let place = self.places[id] else { return nil }
            return self.sessions[Int(place)]
        }

        /// Adds a session under an id that is not in use.
        mutating func insert(_ session: HTTPSession, id: SessionID) {
            if let place = self.free.popLast() {
                self.sessions[Int(place)] = session
                self.places[id] = place
            } else {
                self.places[id] = UInt32(self.sessions.count)
                self.sessions.append(session)
            }
        }

        /// Takes a session out, for the caller to release when the lock is free.
        mutating func remove(_ id: SessionID) -> HTTPSession? {
            guard let place = self.places.removeValue(forKey: id) else { return nil }
            let session = self.sessions[Int(place)]
            self.sessions[Int(place)] = nil
            self.free.append(place)
            return session
        }

        /// Takes a session out that goes on in the store or under another id, or has ended elsewhere: what was read of it in the store before need not be true any more.
        mutating func dismiss(_ id: SessionID) -> HTTPSession? {
            self.departures &+= 1
            return self.remove(id)
        }

        /// The sessions in up to `limit` places from `cursor` on that fulfil a condition; `nil` behind the last place.
        func slice(from cursor: inout Int, limit: Int, where condition: (HTTPSession) -> Bool) -> [HTTPSession]? {
            guard cursor < self.sessions.count else { return nil }
            let end = min(cursor + limit, self.sessions.count)
            defer { cursor = end }
            return self.sessions[cursor..<end].compactMap { session in session.flatMap { condition($0) ? $0 : nil } }
        }

        /// Gives memory back when less than an eighth of it is in use.
        mutating func compact() {
            guard self.sessions.count > 512, self.places.count < self.sessions.count / 8 else { return }
            var compacted = Contents()
            compacted.isClosed = self.isClosed
            compacted.departures = self.departures
            compacted.places.reserveCapacity(self.places.count)
            for (id, place) in self.places {
                guard let session = self.sessions[Int(place)] else { continue }
                compacted.insert(session, id: id)
            }
            self = compacted
        }
    }
}
