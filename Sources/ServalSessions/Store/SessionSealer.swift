import Crypto

/// Seals what a store keeps, so that nobody else can make up, exchange or read it.
///
/// Heads are encrypted and bound to the session's key; they carry a random lineage. Attributes are bound to the lineage and to their name, and encrypted on
/// request. So a value that was copied from another session, or under another name, does not open; an older value of the same attribute does.
/// What was sealed with the same secret opens whichever way it was sealed: encryption can be switched on and off with sessions in the store, and servers that
/// have it on and off understand each other. What is written from then on is as the setting says.
///
/// AES-256-GCM for what is encrypted, HMAC-SHA-256 cut to 16 bytes for what is only authenticated, with keys of their own derived by HKDF (RFC 5869).
public struct SessionSealer: Sendable {
    /// The length of the secret in bytes.
    public static let secretLength = 32

    private enum Form: UInt8 {
        case authenticated = 1
        case encrypted = 2
    }

    private static let tagLength = 16
    private static let nonceLength = 12

    private let authenticationKey: SymmetricKey
    private let encryptionKey: SymmetricKey
    private let encryptsAttributes: Bool

    /// A sealer.
    ///
    /// - Parameters:
    ///   - secret: ``secretLength`` random bytes, the same on every server that uses the store.
    ///   - encryptsAttributes: hides attributes' values, as they are written from now on, from who can read the store. Values that are only authenticated
    ///     still open: nobody without the secret can have made them.
    /// - Throws: ``SessionError/Code/illegalSetting`` for a secret of another length.
    public init(secret: [UInt8], encryptsAttributes: Bool = false) throws(SessionError) {
        guard secret.count == Self.secretLength else {
            let reason = "the secret that seals stored sessions has \(secret.count) bytes; it must have \(Self.secretLength)"
            throw SessionError(code: .illegalSetting, message: reason)
        }
        func key(_ purpose: String) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: secret), info: Array("serval session \(purpose)".utf8), outputByteCount: 32)
        }
        self.authenticationKey = key("authentication")
        self.encryptionKey = key("encryption")
        self.encryptsAttributes = encryptsAttributes
    }

    // MARK: Heads

    func seal(head: [UInt8], for key: StoredSessionKey) -> [UInt8]? { self.encrypt(head, context: Self.context(key)) }

    func open(head: [UInt8], of key: StoredSessionKey) -> [UInt8]? {
        guard head.first == Form.encrypted.rawValue else { return nil }
        return self.decrypt(head, context: Self.context(key))
    }

    // MARK: Attributes

    func seal(attribute value: [UInt8], named name: String, of lineage: SessionLineage) -> [UInt8]? {
        let context = Self.context(name, lineage)
        return self.encryptsAttributes ? self.encrypt(value, context: context) : self.authenticate(value, context: context)
    }

    func open(attribute sealed: [UInt8], named name: String, of lineage: SessionLineage) -> [UInt8]? {
        let context = Self.context(name, lineage)
        switch sealed.first.flatMap(Form.init) {
        case .encrypted: return self.decrypt(sealed, context: context)
        case .authenticated: return self.verified(sealed, context: context)
        case nil: return nil
        }
    }

    // MARK: Cryptography

    private static func context(_ key: StoredSessionKey) -> [UInt8] { Array("head".utf8) + key.bytes }

    private static func context(_ name: String, _ lineage: SessionLineage) -> [UInt8] { Array("attribute".utf8) + lineage.bytes + Array(name.utf8) }

    private func encrypt(_ plain: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard let box = try? AES.GCM.seal(plain, using: self.encryptionKey, authenticating: context) else { return nil }
        return [Form.encrypted.rawValue] + Array(box.nonce) + box.ciphertext + box.tag
    }

    private func decrypt(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        let body = sealed.dropFirst()
        guard body.count >= Self.nonceLength + Self.tagLength, let nonce = try? AES.GCM.Nonce(data: body.prefix(Self.nonceLength)) else { return nil }
        let cipherText = body.dropFirst(Self.nonceLength).dropLast(Self.tagLength)
        guard let box = try? AES.GCM.SealedBox(nonce: nonce, ciphertext: cipherText, tag: body.suffix(Self.tagLength)),
            let plain = try? AES.GCM.open(box, using: self.encryptionKey, authenticating: context)
        else { return nil }
        return Array(plain)
    }

    private func authenticate(_ plain: [UInt8], context: [UInt8]) -> [UInt8] {
        [Form.authenticated.rawValue] + self.tag(of: plain[...], context: context) + plain
    }

    private func verified(_ sealed: [UInt8], context: [UInt8]) -> [UInt8]? {
        let body = sealed.dropFirst()
        guard body.count >= Self.tagLength else { return nil }
        let plain = body.dropFirst(Self.tagLength)
        let expected = self.tag(of: plain, context: context)
        // All bytes are looked at, wherever the first difference is.
        let difference = zip(expected, body).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        return difference == 0 ? Array(plain) : nil
    }

    private func tag(of plain: ArraySlice<UInt8>, context: [UInt8]) -> [UInt8] {
        var code = HMAC<SHA256>(key: self.authenticationKey)
        withUnsafeBytes(of: UInt64(context.count).bigEndian) { code.update(data: Array($0)) }
        code.update(data: context)
        code.update(data: plain)
        return Array(code.finalize().prefix(Self.tagLength))
    }
}

/// What stays the same in a session whose id changes: 16 random bytes, known only to who can open its head.
struct SessionLineage: Sendable, Hashable {
    static let length = 16
    let bytes: [UInt8]

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        self.bytes = Array(bytes)
    }

    private init(_ high: UInt64, _ low: UInt64) {
        self.bytes = withUnsafeBytes(of: high) { Array($0) } + withUnsafeBytes(of: low) { Array($0) }
    }

    static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return Self(generator.next(), generator.next())
    }
}
