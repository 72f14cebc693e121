/// The ids of TLS sessions that must not be resumed, until they could not be resumed anyway.
///
/// Bounded: when it is full, everything begun up to now is refused, which costs full handshakes and lets nothing through.
struct RevokedSessions {
    private var expiries: [[UInt8]: Int] = [:]
    private var refusedUpTo = Int.min
    private let limit: Int

    init(limit: Int = 65536) { self.limit = limit }

    /// Refuses `id`, which cannot be resumed after the second `expiry` in any case.
    mutating func insert(_ id: [UInt8], expiry: Int, now: Int) {
        if expiries.count >= limit {
            expiries = expiries.filter { $0.value > now }
            if expiries.count >= limit {
                expiries = [:]
                refusedUpTo = now
            }
        }
        expiries[id] = expiry
    }

    /// Whether a session with this id, begun at the second `begun`, is refused.
    func contains(_ id: [UInt8], begun: Int) -> Bool {
        begun <= refusedUpTo || (!expiries.isEmpty && expiries[id] != nil)
    }
}
