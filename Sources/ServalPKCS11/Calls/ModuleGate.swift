import ServalKeyStore

/// Keeps changes of objects apart from everything else that is asked of one module.
///
/// Cryptoki allows both at once, and modules get it wrong: SoftHSM loses objects, and even tokens, that one thread looks at while another writes. Signing and
/// looking go on side by side; a change waits until it is alone. A server never changes anything, so its signatures never wait here.
///
/// `@unchecked Sendable`: the numbers are touched with the lock held only.
final class ModuleGate: @unchecked Sendable {
    private let monitor = MonitorLock()
    private var users = 0
    private var isChanging = false

    /// Runs `body` while nobody changes anything.
    ///
    /// - Throws: `tokenNotResponding` if a change takes longer than `patience`, and what `body` throws.
    func shared<Answer>(patience: Duration, _ body: () throws -> Answer) throws -> Answer {
        try enter(patience) {
            !isChanging
        } as: {
            users += 1
        }
        defer { leave { users -= 1 } }
        return try body()
    }

    /// Runs `body` while nobody else uses the module.
    ///
    /// - Throws: `tokenNotResponding` if that is not so within `patience`, and what `body` throws.
    func alone<Answer>(patience: Duration, _ body: () throws -> Answer) throws -> Answer {
        try enter(patience) {
            !isChanging && users == 0
        } as: {
            isChanging = true
        }
        defer { leave { isChanging = false } }
        return try body()
    }

    private func enter(_ patience: Duration, when isFree: () -> Bool, as note: () -> Void) throws {
        let deadline = ContinuousClock.now + patience
        monitor.lock()
        defer { monitor.unlock() }
        while !isFree() {
            // Whoever has waited this long has been given up by its caller; going on would do what was reported as failed.
            guard ContinuousClock.now < deadline else {
                throw KeyStoreError(.tokenNotResponding, "Another call has kept the PKCS#11 module busy for \(patience.inWords)")
            }
            monitor.wait(until: deadline)
        }
        note()
    }

    private func leave(_ note: () -> Void) {
        monitor.lock()
        note()
        monitor.signal()
        monitor.unlock()
    }
}
