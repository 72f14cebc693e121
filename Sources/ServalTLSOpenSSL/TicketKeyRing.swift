import COpenSSL
import Logging
import ServalTLS
import Synchronization

/// The ticket keys of one host with its present security settings: the newest encrypts, all decrypt.
///
/// A reload that changes nothing finds the ring that is there, so that clients go on resuming; with other settings there is another ring. Rings end with
/// the last context that uses them.
final class TicketKeyRing: Sendable {
    /// Where keys come from.
    enum Source: Sendable, Hashable {
        /// From the system's generator; every so many seconds a new one takes over, with 0 never.
        case random(rotation: Int)
        /// From a file that other nodes may have, too.
        case file(String)
    }

    private struct Entry: Sendable {
        var key: TicketKey
        /// The last second in which it encrypted; nil for the newest, and for keys of a file, which the file ends.
        var replaced: Int?
    }

    private struct State: Sendable {
        var entries: [Entry]
        /// When the newest key took over.
        var newest: Int
        var mark: [Int]?
        var nextLook: Int
    }

    /// A look at the file costs a system call; new keys may wait so long.
    private static let secondsBetweenLooks = 5
    private static let keyLimit = 64

    private let settings: [UInt8]
    private let source: Source
    /// How long a ticket can be of use.
    private let lifetime: Int
    private let logger: Logger
    private let state: Mutex<State>

    private init(_ settings: [UInt8], _ source: Source, lifetime: Int, logger: Logger) throws(TLSError) {
        self.settings = settings
        self.source = source
        self.lifetime = lifetime
        self.logger = logger
        let now = currentSecond()
        var mark: [Int]?
        let keys: [TicketKey]
        switch source {
        case .random: keys = [Self.randomKey(settings)].compactMap { $0 }
        case .file(let path):
            mark = fileMark(path)
            keys = try TicketKeyFile.read(path).compactMap { TicketKey(secret: $0, settings: settings) }
        }
        guard !keys.isEmpty else { throw TLSError(.backend, "OpenSSL cannot make keys for session tickets: \(OpenSSLFailure.takeReason())") }
        state = Mutex(
            State(entries: keys.map { Entry(key: $0) }, newest: now, mark: mark, nextLook: now + Self.secondsBetweenLooks)
        )
    }

    private static func randomKey(_ settings: [UInt8]) -> TicketKey? {
        var secret = [UInt8](repeating: 0, count: 32)
        guard RAND_bytes(&secret, 32) == 1 else { return nil }
        return TicketKey(secret: secret, settings: settings)
    }

    // MARK: Use

    /// The key for a new ticket.
    func current(now: Int) -> TicketKey? {
        state.withLock { state in
            rotate(&state, now)
            lookAtFile(&state, now)
            return state.entries.first?.key
        }
    }

    /// The key of this name, and whether new tickets are made with another one.
    func find(_ name: UnsafeBufferPointer<UInt8>, now: Int) -> (key: TicketKey, isOld: Bool)? {
        state.withLock { state in
            rotate(&state, now)
            lookAtFile(&state, now)
            guard let place = state.entries.firstIndex(where: { $0.key.name.elementsEqual(name) }) else { return nil }
            return (state.entries[place].key, place > 0)
        }
    }

    // MARK: New keys

    private func rotate(_ state: inout State, _ now: Int) {
        guard case .random(let rotation) = source, rotation > 0, now >= state.newest + rotation else { return }
        // Without a new key the old one is the better choice: no ticket would cost every client a full handshake.
        guard let key = Self.randomKey(settings) else { return }
        state.entries[0].replaced = now
        state.entries.insert(Entry(key: key), at: 0)
        state.newest = now
        state.entries.removeAll { $0.replaced.map { $0 + lifetime < now } ?? false }
        if state.entries.count > Self.keyLimit { state.entries.removeLast(state.entries.count - Self.keyLimit) }
    }

    /// Has the file looked at on another thread; what it says counts for later tickets.
    private func lookAtFile(_ state: inout State, _ now: Int) {
        guard case .file(let path) = source, now >= state.nextLook else { return }
        state.nextLook = now + Self.secondsBetweenLooks
        Task.detached(priority: .background) { self.look(path) }
    }

    /// Reads the file again if it has changed; one that cannot be used leaves the old keys in place.
    func look(_ path: String) {
        let mark = fileMark(path)
        guard state.withLock({ $0.mark != mark }) else { return }
        do {
            let keys = try TicketKeyFile.read(path).compactMap { TicketKey(secret: $0, settings: settings) }
            state.withLock { state in
                state.mark = mark
                state.entries = keys.map { Entry(key: $0) }
            }
            logger.info("The serval.sessionTicketKeyFile [\(path)] has changed and was read again")
        } catch {
            // Told once for each change.
            state.withLock { $0.mark = mark }
            logger.error("\(error.message); the session ticket keys from before stay in use")
        }
    }

    /// Reads a changed file before a context is used that shares this ring with another one.
    private func refresh() throws(TLSError) {
        guard case .file(let path) = source else { return }
        _ = try TicketKeyFile.read(path)
        look(path)
    }
}

extension TicketKeyRing {
    private struct Place: Hashable {
        var settings: [UInt8]
        var source: Source
    }

    private struct Reference {
        weak var ring: TicketKeyRing?
    }

    private static let rings = Mutex<[Place: Reference]>([:])

    /// The ring for these settings: the one that another context of this process has, or a new one.
    ///
    /// - Throws: what is wrong with the file of keys. Reads it; call it at start and at reload.
    static func shared(_ settings: [UInt8], _ source: Source, lifetime: Int, logger: Logger) throws(TLSError) -> TicketKeyRing {
        let place = Place(settings: settings, source: source)
        if let ring = rings.withLock({ $0[place]?.ring }) {
            try ring.refresh()
            return ring
        }
        let made = try TicketKeyRing(settings, source, lifetime: lifetime, logger: logger)
        return rings.withLock { rings in
            rings = rings.filter { $0.value.ring != nil }
            if let ring = rings[place]?.ring { return ring }
            rings[place] = Reference(ring: made)
            return made
        }
    }
}
