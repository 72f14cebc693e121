import CPKCS11
import ServalKeyStore
import Synchronization

/// A token's sessions and its login, which all of them share.
///
/// Everything here runs on the token's own threads, and at the very end on one of the module's. Sessions are opened when they are needed, kept, and given up together when the token was removed or
/// the module lost them; the next call opens new ones and logs in again.
final class TokenSessions: Sendable {
    struct Lease {
        let session: CK_SESSION_HANDLE
        /// Counts how often sessions were given up: handles of objects are good for one generation only.
        let generation: Int
        let slot: CK_SLOT_ID
    }

    private struct State {
        var slot: CK_SLOT_ID?
        var generation = 0
        var idle: [CK_SESSION_HANDLE] = []
        var isLoggedIn = false
        var isReadOnly = false
        var isPINProven = false
        /// Set when the token refused the PIN: it must not be sent again and again, or the token locks itself.
        var refusal: KeyStoreError?
    }

    private let cryptoki: Cryptoki
    private let gate: ModuleGate
    private let patience: Duration
    private let selector: PKCS11TokenSelector
    let place: String
    private let pin: PIN?
    /// Whether the process uses the token with another PIN already: then a login that finds itself done has proven nothing.
    private let isShared: Bool
    private let state = Mutex(State())
    /// One login at a time: a wrong PIN that several threads send at once would lock the token.
    private let loginGate = MonitorLock()

    init(_ module: PKCS11Module, patience: Duration, selector: PKCS11TokenSelector, place: String, pin: PIN?, isShared: Bool) {
        cryptoki = module.cryptoki
        gate = module.gate
        self.patience = patience
        self.selector = selector
        self.place = place
        self.pin = pin
        self.isShared = isShared
    }

    /// Runs `body` with a session, and once more with a new one if the first one turns out to be lost.
    ///
    /// - Parameter isChange: Whether it changes objects, and has to be alone with the module.
    func use<Answer>(isChange: Bool = false, _ body: (Cryptoki, Lease) throws -> Answer) throws(KeyStoreError) -> Answer {
        do {
            return try isChange
                ? gate.alone(patience: patience) { try attempt(body) }
                : gate.shared(patience: patience) { try attempt(body) }
        } catch let error as KeyStoreError {
            throw error
        } catch {
            throw KeyStoreError(.tokenFailed, "\(place): \(error)")
        }
    }

    private func attempt<Answer>(_ body: (Cryptoki, Lease) throws -> Answer) throws(KeyStoreError) -> Answer {
        for isLastAttempt in [false, true] {
            var lease: Lease?
            do {
                let present = try acquire()
                lease = present
                let answer = try body(cryptoki, present)
                release(present)
                return answer
            } catch let failure as CryptokiFailure {
                // A session in which a call failed may be left in the middle of an operation.
                giveUp(lease?.generation ?? currentGeneration)
                if let lease { cryptoki.closeSession(lease.session) }
                guard failure.isLoss, !isLastAttempt else { throw error(for: failure) }
            } catch let error as KeyStoreError {
                if let lease { release(lease) }
                throw error
            } catch {
                throw KeyStoreError(.tokenFailed, "\(place): \(error)")
            }
        }
        throw KeyStoreError(.tokenFailed, "\(place) lost its sessions again and again")
    }

    /// Closes what can be closed.
    func closeAll() { giveUp(currentGeneration) }

    /// The PIN, for keys that want it again for each signature.
    var pinBytes: [UInt8]? { pin?.bytes }

    func hasPIN(_ other: PIN?) -> Bool { pin?.bytes == other?.bytes }

    private var currentGeneration: Int { state.withLock { $0.generation } }

    // MARK: Sessions

    private func acquire() throws -> Lease {
        let slot = try locate()
        let (idle, generation, isReadOnly) = state.withLock { ($0.idle.popLast(), $0.generation, $0.isReadOnly) }
        var session = idle ?? 0
        if idle == nil {
            // All sessions are writable: a token that allows the security officer's login only with such sessions exists, the opposite does not.
            do throws(CryptokiFailure) {
                session = try cryptoki.openSession(slot, isWritable: !isReadOnly)
            } catch {
                guard !isReadOnly, error.code == CKR_TOKEN_WRITE_PROTECTED else { throw error }
                state.withLock { $0.isReadOnly = true }
                session = try cryptoki.openSession(slot, isWritable: false)
            }
        }
        let lease = Lease(session: session, generation: generation, slot: slot)
        do {
            try login(lease)
        } catch {
            cryptoki.closeSession(session)
            throw error
        }
        return lease
    }

    private func release(_ lease: Lease) {
        let isKept = state.withLock { state in
            guard state.generation == lease.generation, state.idle.count < 16 else { return false }
            state.idle.append(lease.session)
            return true
        }
        if !isKept { cryptoki.closeSession(lease.session) }
    }

    private func giveUp(_ generation: Int) {
        let sessions = state.withLock { state -> [CK_SESSION_HANDLE] in
            guard state.generation == generation else { return [] }
            state.generation += 1
            state.slot = nil
            state.isLoggedIn = false
            defer { state.idle = [] }
            return state.idle
        }
        for session in sessions { cryptoki.closeSession(session) }
    }

    /// The slot in which the token is now; it may have come back in another one.
    private func locate() throws -> CK_SLOT_ID {
        if let slot = state.withLock({ $0.slot }) { return slot }
        for (index, slot) in try cryptoki.slots().enumerated() {
            guard let info = try? cryptoki.tokenInfo(slot) else { continue }
            guard selector.matches(PKCS11TokenDescription(info, slot: slot, index: index)) else { continue }
            state.withLock { $0.slot = slot }
            return slot
        }
        throw KeyStoreError(.tokenNotFound, "\(place) is not present any more")
    }

    // MARK: Login

    private func login(_ lease: Lease) throws {
        guard !state.withLock({ $0.isLoggedIn && $0.generation == lease.generation }) else { return }
        loginGate.lock()
        defer { loginGate.unlock() }
        guard !state.withLock({ $0.isLoggedIn && $0.generation == lease.generation }) else { return }
        if let refusal = state.withLock({ $0.refusal }) { throw refusal }
        let flags = try cryptoki.tokenInfo(lease.slot).flags
        // Without a PIN, what is public can be seen.
        if flags & CKF_LOGIN_REQUIRED != 0, pin != nil || flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0 {
            let isDone: Bool
            do throws(CryptokiFailure) {
                isDone = try cryptoki.login(
                    lease.session,
                    pin: flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0 && pin == nil ? nil : pin?.bytes ?? []
                )
            } catch {
                let refusal = self.error(for: error)
                guard refusal.code == .wrongPassword || refusal.code == .pinLocked else { throw error }
                state.withLock { $0.refusal = refusal }
                throw refusal
            }
            if isDone {
                state.withLock { $0.isPINProven = true }
            } else if isShared, !state.withLock({ $0.isPINProven }) {
                throw KeyStoreError(
                    .wrongPassword,
                    "The PIN of \(place) is not the one with which this process uses it already; if it was changed, start the process anew"
                )
            }
        }
        state.withLock { if $0.generation == lease.generation { $0.isLoggedIn = true } }
    }

    // MARK: Words

    func error(for failure: CryptokiFailure) -> KeyStoreError {
        switch failure.code {
        case CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE:
            KeyStoreError(.wrongPassword, "The PIN of \(place) is wrong; it is not tried again, because the token locks itself after a few attempts")
        case CKR_PIN_EXPIRED:
            KeyStoreError(.wrongPassword, "The PIN of \(place) has expired and must be changed first")
        case CKR_PIN_LOCKED:
            KeyStoreError(.pinLocked, "The PIN of \(place) is locked after too many wrong ones; its security officer has to set it anew")
        case CKR_USER_PIN_NOT_INITIALIZED:
            KeyStoreError(.tokenFailed, "\(place) has no user PIN yet; its security officer has to set one")
        case CKR_USER_NOT_LOGGED_IN where pin == nil:
            KeyStoreError(.wrongPassword, "\(place) needs its PIN, and none was given")
        case CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_FUNCTION_NOT_SUPPORTED, CKR_KEY_SIZE_RANGE:
            KeyStoreError(.unsupportedAlgorithm, "\(place) does not offer what is asked of it: \(failure.inWords)")
        case CKR_TOKEN_WRITE_PROTECTED, CKR_SESSION_READ_ONLY:
            KeyStoreError(.tokenFailed, "\(place) is write-protected")
        default:
            KeyStoreError(.tokenFailed, "\(place): \(failure.inWords)")
        }
    }
}

/// A PIN that does not show itself.
struct PIN: Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    init(_ text: String) { bytes = Array(text.utf8) }

    var description: String { "<secret>" }
    var customMirror: Mirror { Mirror(self, children: []) }
}
