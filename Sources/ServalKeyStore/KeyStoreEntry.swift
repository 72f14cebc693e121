extension KeyStore {
    /// What an alias stands for.
    public struct Entry: Sendable {
        /// What an entry holds.
        public enum Content: Sendable {
            /// A private key with its certificate chain.
            case privateKey(PrivateKeyEntry)
            /// A certificate that the store's owner trusts.
            case trustedCertificate(CertificateData)
            /// A secret key, or a password kept as one; PKCS12 and JCEKS hold such entries.
            case secretKey(SecretKeyEntry)
        }

        /// When the entry was made, in milliseconds since 1970; PKCS12 keeps it for keys only.
        public var creationDate: Int64
        /// The entry's key or certificate.
        public var content: Content

        /// Attributes of a PKCS12 bag other than name, key id and mark of trust, as found (DER of each).
        var attributes: [[UInt8]] = []

        /// Makes an entry.
        ///
        /// - Parameter creationDate: Milliseconds since 1970; by default now.
        public init(_ content: Content, creationDate: Int64 = KeyStore.millisecondsNow()) {
            self.content = content
            self.creationDate = creationDate
        }
    }
}

/// A private key, protected or plain, with its certificate chain.
public struct PrivateKeyEntry: Sendable {
    enum Key: Sendable {
        /// An EncryptedPrivateKeyInfo as found in the file, and the store's password, which usually opens it.
        case protected(StoredSecret)
        /// A key in the clear, and the password to protect it with; `nil` for the store's.
        case plain(PrivateKey, password: Secret?)
        /// A key in the clear as found in a PKCS12 keyBag, not yet parsed.
        case unparsed([UInt8])
    }

    var key: Key

    /// The certificates, the key's own first; empty when a PKCS12 store was opened without its password.
    ///
    /// Setting it leaves the key as it is: a CA's reply can be installed without the key's password.
    public var certificateChain: [CertificateData]

    /// A new entry.
    ///
    /// - Parameters:
    ///   - chain: The certificates, the key's own first. Not checked against the key.
    ///   - password: The password to protect the key with in a JKS or JCEKS store; `nil` for the store's.
    public init(key: PrivateKey, chain: [CertificateData], password: String? = nil) {
        self.key = .plain(key, password: password.map(Secret.init))
        self.certificateChain = chain
    }

    init(key: Key, chain: [CertificateData]) {
        self.key = key
        self.certificateChain = chain
    }

    /// The key, decrypted now if it is protected.
    ///
    /// - Parameter password: The key's password; `nil` for the store's password, with which the store was opened.
    /// - Throws: `wrongKeyPassword`, `unsupportedAlgorithm`, `corrupt`.
    /// - Complexity: One key derivation (about 5 ms for the JDK's 10,000 iterations, 0.1 s in JCEKS).
    public func privateKey(password: String? = nil) throws(KeyStoreError) -> PrivateKey {
        switch key {
        case .plain(let key, _): return key
        case .unparsed(let bytes): return try PrivateKey(pkcs8: bytes)
        case .protected(let stored):
            guard let password = password ?? stored.storePassword?.value else {
                throw KeyStoreError(.wrongKeyPassword, "The key is protected and no password was given")
            }
            return try ProtectedKey.open(stored.bytes, password: password, keys: stored.keys)
        }
    }

    func protecting(with password: String) -> PrivateKeyEntry {
        guard case .plain(let key, _) = key else { return self }
        return PrivateKeyEntry(key: key, chain: certificateChain, password: password)
    }
}
