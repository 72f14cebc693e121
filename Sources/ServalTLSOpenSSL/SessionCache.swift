import COpenSSL
import Synchronization

/// The sessions of one host whose state stays at the server: without tickets, and of clients that know none.
///
/// In place of OpenSSL's cache, which asks nobody before it resumes: what must not be resumed any more is not found here, and a full handshake takes its
/// place. The oldest make room for new ones, when there are too many or when the certificates that their clients have sent take too much memory.
final class SessionCache: Sendable {
    private struct Entry: Sendable {
        var handle: SessionHandle
        var data: TicketData
        /// Tells the entry from an older one with the same id.
        var number: Int
        /// The bytes of the client's certificates.
        var certificateBytes: Int
        /// The second after which nobody may have it.
        var end: Int
    }

    private struct State: Sendable {
        var entries: [[UInt8]: Entry] = [:]
        /// In the order in which they came; what has been taken out since is passed over.
        var order: [(id: [UInt8], number: Int)] = []
        var oldest = 0
        var count = 0
        /// Of all entries.
        var certificateBytes = 0

        mutating func remove(_ id: [UInt8]) -> SessionHandle? {
            guard let entry = entries.removeValue(forKey: id) else { return nil }
            certificateBytes -= entry.certificateBytes
            return entry.handle
        }
    }

    /// The most bytes of certificates of a client whose session is kept: what a ticket has room for.
    static let longestChain = 16384

    private let limit: Int
    private let certificateLimit: Int
    private let lifetime: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: The most sessions; 0 for as many as there are.
    ///   - certificateLimit: The most bytes of clients' certificates, whatever `limit` is.
    ///   - lifetime: How long one can be resumed, in seconds.
    init(limit: Int, certificateLimit: Int = 32 << 20, lifetime: Int) {
        self.limit = limit
        self.certificateLimit = certificateLimit
        self.lifetime = lifetime
    }

    /// Keeps a session; `data` is what is known of it beside OpenSSL's own.
    func insert(_ session: SessionHandle, _ data: TicketData, certificateBytes: Int, now: Int) {
        guard let id = session.id else { return }
        // Whatever goes, goes after the lock.
        var gone: [SessionHandle] = []
        state.withLock { state in
            state.count += 1
            if let same = state.remove(id) { gone.append(same) }
            state.entries[id] = Entry(handle: session, data: data, number: state.count, certificateBytes: certificateBytes, end: now + lifetime)
            state.certificateBytes += certificateBytes
            state.order.append((id, state.count))
            while state.oldest < state.order.count {
                let first = state.order[state.oldest]
                if let entry = state.entries[first.id], entry.number == first.number {
                    let isFull = limit > 0 && state.entries.count > limit || state.certificateBytes > certificateLimit
                    guard isFull || entry.end < now else { break }
                    if let oldest = state.remove(first.id) { gone.append(oldest) }
                }
                state.oldest += 1
            }
            // Without this, sessions that were taken out behind an old one would leave their ids here for as long as that one stays.
            if state.order.count > 2 * state.entries.count + 64 {
                let entries = state.entries
                state.order = state.order[state.oldest...].filter { entries[$0.id]?.number == $0.number }
                state.oldest = 0
            }
        }
        withExtendedLifetime(gone) {}
    }

    /// The session with an id, if it has not ended.
    func find(_ id: [UInt8], now: Int) -> (session: SessionHandle, data: TicketData)? {
        state.withLock { state in
            guard let entry = state.entries[id], now <= entry.end else { return nil }
            return (entry.handle, entry.data)
        }
    }

    /// Forgets the session with an id.
    func remove(_ id: [UInt8]) {
        let gone = state.withLock { $0.remove(id) }
        withExtendedLifetime(gone) {}
    }
}

/// A counted reference to an `SSL_SESSION`.
///
/// It may be used from any thread: OpenSSL counts references atomically, and a session that is in the cache is not changed any more.
final class SessionHandle: @unchecked Sendable {
    let session: OpaquePointer

    /// Takes over a reference.
    init(_ session: OpaquePointer) { self.session = session }

    deinit { SSL_SESSION_free(session) }

    /// What the client names the session by; nil if it cannot.
    var id: [UInt8]? {
        var length: UInt32 = 0
        guard let start = SSL_SESSION_get_id(session, &length), length > 0 else { return nil }
        return Array(UnsafeBufferPointer(start: start, count: Int(length)))
    }
}
