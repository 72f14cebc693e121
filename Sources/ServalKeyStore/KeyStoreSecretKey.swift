/// A symmetric key, or a password stored as one.
///
/// Its descriptions name the algorithm and never show the key.
public struct SecretKey: Hashable, Sendable {
    /// The JDK's name of the algorithm: `AES`, `HmacSHA256`, `DESede`, `PBEWithMD5AndDES` for a password; a dotted number where there is no name.
    public let algorithm: String

    /// The key itself; for a password its characters.
    public let bytes: [UInt8]

    /// Makes a key; neither the name nor the length is checked.
    public init(algorithm: String, bytes: [UInt8]) {
        self.algorithm = algorithm
        self.bytes = bytes
    }
}

extension SecretKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The length and the algorithm, such as `256-bit AES key`.
    public var description: String { "\(bytes.count * 8)-bit \(algorithm) key" }

    /// As ``description``.
    public var debugDescription: String { description }

    /// A mirror without children, so that `dump` does not show the key.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A secret key of a PKCS12 or JCEKS store, decrypted when asked for.
public struct SecretKeyEntry: Sendable {
    enum Value: Sendable {
        /// A key in the clear, and the password to protect it with; `nil` for the store's.
        case plain(SecretKey, password: Secret?)
        /// The value of a PKCS12 secretBag as found.
        case bag(StoredSecret)
        /// A Java object of a JCEKS store as found.
        case sealed(StoredSecret)
    }

    var value: Value

    init(value: Value) {
        self.value = value
    }

    /// A new entry.
    ///
    /// - Parameter password: The password to protect the key with in a JCEKS store; `nil` for the store's. PKCS12 stores know only their own.
    public init(key: SecretKey, password: String? = nil) {
        value = .plain(key, password: password.map(Secret.init))
    }

    /// The key, decrypted now if it is protected.
    ///
    /// - Parameter password: The key's password; `nil` for the store's password, with which the store was opened.
    /// - Throws: `wrongKeyPassword`; `unsupportedAlgorithm` for what is no key (PKCS12 files may keep any secret, JCEKS files other Java objects),
    ///   `corrupt`.
    /// - Complexity: One key derivation: about 5 ms in PKCS12, 0.1 s in JCEKS.
    public func secretKey(password: String? = nil) throws(KeyStoreError) -> SecretKey {
        switch value {
        case .plain(let key, _): key
        case .bag(let stored): try PKCS12SecretBag.open(stored.bytes, password: password ?? stored.storePassword?.value, keys: stored.keys)
        case .sealed(let stored): try SealedKey(stream: stored.bytes).open(password: password ?? stored.storePassword?.value, keys: stored.keys)
        }
    }

    func protecting(with password: String) -> SecretKeyEntry {
        guard case .plain(let key, _) = value else { return self }
        return SecretKeyEntry(key: key, password: password)
    }
}

/// Something encrypted as it stands in a file, and what usually opens it.
struct StoredSecret: Sendable {
    let bytes: [UInt8]
    let storePassword: Secret?
    /// Keys derived for other parts of the same file.
    let keys: DerivedKeys
}
