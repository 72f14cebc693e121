import CPKCS11
public import ServalKeyStore
import Synchronization

/// A PKCS#11 module: the library that a maker of tokens supplies.
///
/// A process loads and starts each module once, however often one of these is made for its path; it stays loaded until the process ends.
public final class PKCS11Module: Sendable {
    /// The library's path.
    public let path: String
    let cryptoki: Cryptoki
    /// For calls that are about no token in particular.
    let calls: CallThreads
    let gate = ModuleGate()

    private static let loaded = Mutex<[String: PKCS11Module]>([:])
    /// Keeps two threads from starting the same module.
    private static let loading = MonitorLock()

    private init(path: String, cryptoki: Cryptoki, calls: CallThreads) {
        self.path = path
        self.cryptoki = cryptoki
        self.calls = calls
    }

    /// Loads a module, or gives the one that is loaded.
    ///
    /// - Parameters:
    ///   - path: The library's path, or its name if the system's linker finds it.
    ///   - timeout: How long loading, and each look at the slots, may take; the first call for a path decides.
    /// - Throws: `moduleUnavailable` with the system's reason, `tokenNotResponding`.
    public static func load(path: String, timeout: Duration = .seconds(30)) throws(KeyStoreError) -> PKCS11Module {
        loading.lock()
        defer { loading.unlock() }
        if let module = loaded.withLock({ $0[path] }) { return module }
        var limits = CallThreads.Limits()
        limits.threads = 1
        limits.timeout = timeout
        let calls = CallThreads(place: "The PKCS#11 module [\(path)]", limits: limits)
        let cryptoki: Cryptoki
        do throws(KeyStoreError) {
            cryptoki = try calls.run { () throws(KeyStoreError) in try Cryptoki(path: path) }
        } catch {
            // Whoever tries again gets new threads.
            calls.close()
            throw error
        }
        let module = PKCS11Module(path: path, cryptoki: cryptoki, calls: calls)
        loaded.withLock { $0[path] = module }
        return module
    }

    /// The tokens that are present now.
    ///
    /// - Throws: `tokenFailed`, `tokenNotResponding`.
    public func tokens() throws(KeyStoreError) -> [PKCS11TokenDescription] {
        try calls.run { () throws(KeyStoreError) in
            do {
                return try self.gate.shared(patience: self.calls.limits.timeout) { try self.describeTokens() }
            } catch let error as KeyStoreError {
                throw error
            } catch {
                let words = (error as? CryptokiFailure)?.inWords ?? "\(error)"
                throw KeyStoreError(.tokenFailed, "The PKCS#11 module [\(self.path)] does not tell its slots: \(words)")
            }
        }
    }

    private func describeTokens() throws(CryptokiFailure) -> [PKCS11TokenDescription] {
        var tokens: [PKCS11TokenDescription] = []
        for (index, slot) in try cryptoki.slots().enumerated() {
            // Slots without a token have no information either.
            guard let info = try? cryptoki.tokenInfo(slot) else { continue }
            tokens.append(PKCS11TokenDescription(info, slot: slot, index: index))
        }
        return tokens
    }

    /// Ends every module that this process has started, before the process ends; nothing of them can be used any more.
    ///
    /// Calls that are under way may end, those that wait are refused; then the modules are finalized, and all threads that have called them are joined. Done
    /// here and not in an exit handler, where a module would find its own libraries gone already, and a thread that is about to end would clean up what the
    /// exit handlers clean up, too.
    /// - Parameter patience: How long all this may take.
    /// - Returns: False if a call is still inside a module: exit handlers would meet it there, or wait for it for ever, so leave with `_exit`.
    @discardableResult
    public static func endAll(patience: Duration = .seconds(5)) -> Bool {
        let deadline = ContinuousClock.now + patience
        let modules = loaded.withLock { modules in
            defer { modules = [:] }
            return Array(modules.values)
        }
        let tokens = PKCS11Token.takeAll()
        // Before a module is finalized nobody else may be inside it.
        var isClean = true
        for calls in CallThreads.all where !modules.contains(where: { $0.calls === calls }) {
            if !calls.end(by: deadline) { isClean = false }
        }
        for module in modules {
            if isClean {
                isClean = module.calls.run(until: deadline) {
                    for token in tokens where token.modulePath == module.path { token.sessions.closeAll() }
                    module.cryptoki.finalize()
                }
            }
            if !module.calls.end(by: deadline) { isClean = false }
        }
        return isClean
    }
}

/// What a token says of itself.
public struct PKCS11TokenDescription: Sendable, Hashable {
    /// The number of its slot; some modules choose a new one at each start.
    public let slot: UInt
    /// The slot's place among all slots of the module (`slotListIndex`).
    public let slotListIndex: Int
    /// The token's label, without the blanks at its end.
    public let label: String
    /// Its serial number, without the blanks at its end.
    public let serialNumber: String
    /// Who made it.
    public let manufacturer: String
    /// Its model.
    public let model: String
    /// Whether it has been made ready for use (it has a label and a PIN).
    public let isInitialized: Bool

    /// Whether private keys are seen only after a PIN was given to the library; not so for tokens with a keypad of their own.
    public var needsPIN: Bool { flags & CKF_LOGIN_REQUIRED != 0 && flags & CKF_PROTECTED_AUTHENTICATION_PATH == 0 }

    let flags: CK_FLAGS

    init(_ info: CK_TOKEN_INFO, slot: CK_SLOT_ID, index: Int) {
        self.slot = slot
        slotListIndex = index
        label = Self.text(info.label)
        serialNumber = Self.text(info.serialNumber)
        manufacturer = Self.text(info.manufacturerID)
        model = Self.text(info.model)
        flags = info.flags
        isInitialized = info.flags & CKF_TOKEN_INITIALIZED != 0
    }

    /// Fixed fields are padded with blanks, by some makers with zeros.
    private static func text(_ field: some Any) -> String {
        withUnsafeBytes(of: field) { bytes in
            let end = bytes.lastIndex { $0 != 0x20 && $0 != 0 }.map { $0 + 1 } ?? 0
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }
}
