import CPKCS11
public import ServalKeyStore
import Synchronization

/// A PKCS#11 token: keys that never leave it, and their certificates.
///
/// Each token has a few threads and sessions of its own. Every call has a time limit; a token that does not answer makes errors, not waits. When a token
/// was taken out and put back, or its sessions were lost, the next call opens new ones and logs in again.
///
/// All methods block until the token has answered or the time limit has passed.
public final class PKCS11Token: Sendable {
    /// What bounds the use of a token.
    public struct Limits: Sendable, Hashable {
        /// How many calls run at once; 1 to 64.
        public var concurrentCalls = 4
        /// How long a call may take, waiting for its turn included.
        public var timeout: Duration = .seconds(10)
        /// How long the token is left alone after a call that took longer.
        public var pause: Duration = .seconds(10)

        /// Four calls at once, 10 seconds each, a pause of 10 seconds.
        public init() {}
    }

    /// What the token said of itself when it was opened.
    public let description: PKCS11TokenDescription
    /// The module's path.
    public let modulePath: String
    let sessions: TokenSessions
    let calls: CallThreads
    private let limits: Limits
    /// One at a time looks for objects: after a change SoftHSM reads all of them anew.
    private let objectGate = MonitorLock()

    private static let opened = Mutex<[String: PKCS11Token]>([:])

    private init(_ module: PKCS11Module, _ description: PKCS11TokenDescription, pin: PIN?, isShared: Bool, limits: Limits) {
        self.description = description
        self.modulePath = module.path
        self.limits = limits
        // Found again by what does not change; the slot may.
        var selector = PKCS11TokenSelector(label: description.label, serialNumber: description.serialNumber)
        if description.label.isEmpty, description.serialNumber.isEmpty { selector.slot = description.slot }
        let place = "token [\(description.label)]"
        sessions = TokenSessions(module, patience: limits.timeout, selector: selector, place: place, pin: pin, isShared: isShared)
        var threads = CallThreads.Limits()
        threads.threads = max(1, min(64, limits.concurrentCalls))
        threads.timeout = limits.timeout
        threads.pause = limits.pause
        calls = CallThreads(place: place, limits: threads)
    }

    /// Finds a token and logs in.
    ///
    /// Opening a token again with the same PIN and limits gives the same object, so that reloading a configuration costs nothing.
    /// - Parameter pin: The user's PIN; `nil` for tokens without one, and for those with a keypad.
    /// - Throws: `tokenNotFound` with the tokens that are there, `wrongPassword`, `pinLocked`, `tokenNotResponding`, `tokenFailed`.
    public static func open(
        _ module: PKCS11Module,
        _ selector: PKCS11TokenSelector = PKCS11TokenSelector(),
        pin: String?,
        limits: Limits = Limits()
    ) throws(KeyStoreError) -> PKCS11Token {
        let tokens = try module.tokens()
        let isVague = selector == PKCS11TokenSelector()
        guard let description = tokens.first(where: { selector.matches($0) && ($0.isInitialized || !isVague) }) else {
            let list = tokens.filter(\.isInitialized).map { "[\($0.label)]" }.joined(separator: ", ")
            throw KeyStoreError(
                .tokenNotFound,
                "The PKCS#11 module [\(module.path)] has no token with \(selector); initialized tokens: \(list.isEmpty ? "none" : list)"
            )
        }
        guard description.isInitialized else {
            throw KeyStoreError(.tokenNotFound, "The token in slot [\(description.slot)] of [\(module.path)] has not been initialized")
        }
        let pin = pin.map { PIN($0) }
        let key = "\(module.path)\u{0}\(description.label)\u{0}\(description.serialNumber)"
        let present = opened.withLock { $0[key] }
        let isSamePIN = present?.sessions.hasPIN(pin) ?? true
        if let present, isSamePIN, present.limits == limits {
            try present.ping()
            return present
        }
        let token = PKCS11Token(module, description, pin: pin, isShared: !isSamePIN && pin != nil, limits: limits)
        do {
            try token.ping()
        } catch {
            token.close()
            throw error
        }
        opened.withLock { $0[key] = token }
        return token
    }

    /// Where messages say that something is: `token [label]`.
    var place: String { sessions.place }

    /// Whether a login, which `open` does, works.
    private func ping() throws(KeyStoreError) {
        try calls.run { () throws(KeyStoreError) in try self.sessions.use { _, _ in } }
    }

    private func close() {
        let sessions = sessions
        calls.start({ () throws(KeyStoreError) in sessions.closeAll() }, completion: { _ in })
        calls.close()
    }

    /// Forgets the tokens that were opened, and gives them.
    static func takeAll() -> [PKCS11Token] {
        opened.withLock { opened in
            defer { opened = [:] }
            return Array(opened.values)
        }
    }

    // MARK: Reading

    /// The keys that have certificates, trusted certificates and secret keys, sorted by alias.
    ///
    /// As in the JDK: a private key belongs to the certificate with the same `CKA_ID`, its alias is the certificate's `CKA_LABEL` (case counts), and the
    /// rest of its chain is found among the token's certificates; where several have one label, issuer and serial number follow it.
    public func entries() throws(KeyStoreError) -> [PKCS11Entry] {
        try calls.run { () throws(KeyStoreError) in
            try self.sessions.use { cryptoki, lease in
                try self.aloneWithObjects { try TokenContents(cryptoki, lease.session).entries(of: self) }
            }
        }
    }

    /// The private key with its chain under an alias; the case of letters counts.
    ///
    /// - Parameter alias: `nil` for the first private key.
    /// - Throws: `aliasNotFound`, `notAKeyEntry`, `noKeyEntry`, `keyMismatch` and the token's own failures.
    public func identity(alias: String? = nil) throws(KeyStoreError) -> KeyStoreIdentity {
        guard !description.needsPIN || sessions.pinBytes != nil else {
            throw KeyStoreError(.wrongPassword, "\(place) shows its keys only with its PIN, and none was given")
        }
        let entries = try entries()
        let entry: PKCS11Entry
        if let alias {
            guard let found = entries.first(where: { $0.alias == alias }) else {
                let other = entries.first { $0.alias.lowercased() == alias.lowercased() }
                let hint = other.map { "; aliases of tokens are case-sensitive, and there is [\($0.alias)]" } ?? ""
                throw KeyStoreError(.aliasNotFound, "Alias name [\(alias)] does not identify a key entry: \(place) has no such alias\(hint)")
            }
            entry = found
        } else {
            guard let found = entries.first(where: { if case .privateKey = $0.content { true } else { false } }) else {
                throw KeyStoreError(.noKeyEntry, "No aliases for private keys found in \(place); a key needs a certificate with the same CKA_ID")
            }
            entry = found
        }
        guard case .privateKey(let key, let chain) = entry.content else {
            throw KeyStoreError(
                .notAKeyEntry,
                "Alias name [\(entry.alias)] does not identify a key entry: it is a trusted certificate or a secret key"
            )
        }
        return try KeyStoreIdentity(privateKey: key, chain: chain)
    }

    /// Whether the token can make the signatures that TLS 1.3 asks of an RSA key with the library that computes the padding itself.
    public func offersRawRSA() throws(KeyStoreError) -> Bool {
        try calls.run { () throws(KeyStoreError) in
            try self.sessions.use { cryptoki, lease in try cryptoki.mechanisms(lease.slot).contains(CKM_RSA_X_509) }
        }
    }

    // MARK: Changing

    /// Makes a key pair in the token; the private key is sensitive and cannot be taken out.
    ///
    /// It becomes an entry when a certificate is imported for it with ``importCertificateChain(_:for:alias:)``; until then it can be removed with
    /// ``delete(_:)``.
    /// - Parameters:
    ///   - algorithm: RSA, or EC on P-256, P-384 or P-521.
    ///   - alias: Its label.
    /// - Throws: `unsupportedAlgorithm` for what the token, or this library, cannot make.
    public func generateKeyPair(_ algorithm: PrivateKey.Algorithm, alias: String) throws(KeyStoreError) -> PrivateKey {
        try change { try $0.generateKeyPair(algorithm, alias: alias, token: self) }
    }

    /// Puts a certificate, and the rest of its chain, into the token for a private key of the token, in place of what was there.
    ///
    /// - Parameter alias: The entry's alias from now on.
    /// - Throws: `keyMismatch` when the first certificate is not the key's, `invalidInput` for a key of another place.
    public func importCertificateChain(_ chain: [CertificateData], for key: PrivateKey, alias: String) throws(KeyStoreError) {
        let id = try id(of: key)
        guard let leaf = chain.first, key.matches(leaf) else {
            throw KeyStoreError(.keyMismatch, "\(place), alias [\(alias)]: the certificate does not belong to the private key")
        }
        try change { try $0.replaceChain(of: id, with: chain, alias: alias) }
    }

    /// Puts a certificate into the token in place of the present one of an entry; its chain is found among the token's certificates.
    ///
    /// - Throws: `aliasNotFound`, `notAKeyEntry`, `keyMismatch`.
    public func importCertificate(_ certificate: CertificateData, alias: String) throws(KeyStoreError) {
        let identity = try identity(alias: alias)
        try importCertificateChain([certificate], for: identity.privateKey, alias: alias)
    }

    /// Copies a private key from memory into the token, with its chain.
    ///
    /// - Throws: `unsupportedAlgorithm` for anything but RSA and EC, `keyMismatch`.
    public func importKey(_ key: PrivateKey, chain: [CertificateData], alias: String) throws(KeyStoreError) {
        guard let leaf = chain.first, key.matches(leaf), key.external == nil else {
            throw KeyStoreError(.keyMismatch, "\(place), alias [\(alias)]: the key needs a certificate of its own and must be in memory")
        }
        try change { try $0.importKey(key, chain: chain, alias: alias) }
    }

    /// Removes an entry: key, certificate, and those of its chain that no other entry needs.
    ///
    /// - Throws: `aliasNotFound`.
    public func delete(alias: String) throws(KeyStoreError) {
        guard let entry = try entries().first(where: { $0.alias == alias }) else {
            throw KeyStoreError(.aliasNotFound, "\(place) has no entry with the alias [\(alias)]")
        }
        try change { try $0.delete(entry) }
    }

    /// Removes a key pair that has no certificate yet.
    public func delete(_ key: PrivateKey) throws(KeyStoreError) {
        let id = try id(of: key)
        try change { try $0.deleteKeyPair(id) }
    }

    private func id(of key: PrivateKey) throws(KeyStoreError) -> [UInt8] {
        guard let key = key.external as? TokenKey, key.token === self else {
            throw KeyStoreError(.invalidInput, "The private key is not in \(place)")
        }
        return key.id
    }

    /// Runs `body`, on one of the token's threads, while nobody else looks for objects.
    func aloneWithObjects<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
        objectGate.lock()
        defer { objectGate.unlock() }
        return try body()
    }

    private func change<Answer: Sendable>(_ body: @escaping @Sendable (TokenChanges) throws -> Answer) throws(KeyStoreError) -> Answer {
        try calls.run { () throws(KeyStoreError) in
            try self.sessions.use(isChange: true) { cryptoki, lease in try body(TokenChanges(cryptoki, lease.session, place: self.place)) }
        }
    }
}

/// What an alias of a token stands for.
public struct PKCS11Entry: Sendable {
    /// What an entry holds.
    public enum Content: Sendable {
        /// A private key, which stays in the token, with its certificate and the issuers of it that the token knows.
        case privateKey(PrivateKey, chain: [CertificateData])
        /// A certificate that the token's security officer has marked as trusted.
        case trustedCertificate(CertificateData)
        /// A secret key.
        case secretKey
    }

    /// The alias; the case of letters counts.
    public let alias: String
    /// The key or certificate.
    public let content: Content
}
