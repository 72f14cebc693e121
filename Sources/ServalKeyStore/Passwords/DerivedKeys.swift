import Synchronization

/// Derives keys and remembers them, so that data under one salt costs one derivation.
///
/// Entries of a key store share one: what they hold is then as secret as the password beside it.
final class DerivedKeys: Sendable, CustomReflectable {
    private struct Request: Hashable {
        let derivation: KeyDerivation
        let password: [UInt8]
    }

    private struct State {
        var keys: [Request: [UInt8]] = [:]
        var workLeft: Int?
    }

    /// How many keys are remembered; a store whose keys all have salts of their own gains nothing from more.
    private static let capacity = 64

    private let state: Mutex<State>

    /// - Parameter workLimit: How many rounds all derivations together may take, until ``liftLimit()``; `nil` for no limit but that of each.
    init(workLimit: Int? = nil) {
        state = Mutex(State(workLeft: workLimit))
    }

    /// - Throws: `unsupportedAlgorithm` beyond a limit, or for a digest that OpenSSL lacks.
    func key(_ derivation: KeyDerivation, password: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        try derivation.checkLimits()
        let request = Request(derivation: derivation, password: password)
        let (known, isAllowed) = state.withLock { (state) -> ([UInt8]?, Bool) in
            if let key = state.keys[request] { return (key, true) }
            guard let left = state.workLeft else { return (nil, true) }
            guard derivation.work <= left else { return (nil, false) }
            state.workLeft = left - derivation.work
            return (nil, true)
        }
        if let known { return known }
        guard isAllowed else {
            throw KeyStoreError(.unsupportedAlgorithm, "The key derivations of this file ask for more than \(Limits.totalWork) iterations in all")
        }
        let key = try derivation.key(password: password)
        state.withLock { state in
            if state.keys.count < DerivedKeys.capacity { state.keys[request] = key }
        }
        return key
    }

    /// Ends the limit on all derivations together: from now on each is asked for by the program, not by the file.
    func liftLimit() {
        state.withLock { $0.workLeft = nil }
    }

    var customMirror: Mirror { Mirror(self, children: []) }
}
