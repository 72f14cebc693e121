/// A private key with its certificate chain: what a server presents.
public struct KeyStoreIdentity: Sendable {
    /// The key of the first certificate.
    public let privateKey: PrivateKey
    /// The certificates, the key's own first; never empty.
    public let chain: [CertificateData]
    /// The alias under which a key store has it; `nil` elsewhere.
    public internal(set) var alias: String?

    /// Puts a key and its chain together.
    ///
    /// - Throws: `invalidInput` when the chain is empty, `keyMismatch` when the first certificate has another public key.
    public init(privateKey: PrivateKey, chain: [CertificateData]) throws(KeyStoreError) {
        guard let leaf = chain.first else { throw KeyStoreError(.invalidInput, "The private key has no certificate") }
        guard privateKey.matches(leaf) else {
            throw KeyStoreError(.keyMismatch, "The private key (\(privateKey)) does not belong to the certificate of \(leaf.subjectDescription)")
        }
        self.privateKey = privateKey
        self.chain = chain
    }

    /// Reads PEM files as `certificateFile`, `certificateKeyFile` and `certificateChainFile` of Tomcat's `<Certificate>` name them.
    ///
    /// - Parameters:
    ///   - certificatePath: The certificate (PEM, DER or PKCS#7), which the chain may follow in any order; the key may stand here too.
    ///   - keyPath: The key; `nil` when it is in the certificate's file.
    ///   - chainPath: More certificates, in any order.
    ///   - password: The key's password if it is encrypted.
    /// - Throws: `fileNotFound`, `unreadable`, `empty`, `invalidInput`, `wrongKeyPassword`, `unsupportedAlgorithm`, `keyMismatch`; each names the
    ///   file.
    public init(certificatePath: String, keyPath: String? = nil, chainPath: String? = nil, password: String? = nil) throws(KeyStoreError) {
        self = try PEMIdentity.load(certificatePath: certificatePath, keyPath: keyPath, chainPath: chainPath, password: password)
    }
}

extension KeyStore {
    /// The private key with its chain under an alias, the key decrypted.
    ///
    /// - Parameters:
    ///   - alias: The alias in any case; `nil` for the first private key in the order in which the JDK enumerates the store: the order of
    ///     `java.util.Hashtable` for JKS and JCEKS, the file's order for PKCS12.
    ///   - keyPassword: The key's own password; `nil` for the store's.
    /// - Throws: `aliasNotFound`, `notAKeyEntry`, `noKeyEntry`, `wrongKeyPassword`, `keyMismatch`, `unsupportedAlgorithm`, `corrupt`.
    public func identity(alias: String? = nil, keyPassword: String? = nil) throws(KeyStoreError) -> KeyStoreIdentity {
        let (alias, entry) = try keyEntry(alias: alias)
        do throws(KeyStoreError) {
            var identity = try KeyStoreIdentity(privateKey: entry.privateKey(password: keyPassword), chain: entry.certificateChain)
            identity.alias = alias
            return identity
        } catch {
            throw error.about("Entry \(alias)")
        }
    }

    private func keyEntry(alias: String?) throws(KeyStoreError) -> (alias: String, entry: PrivateKeyEntry) {
        if let alias {
            guard let entry = self[alias] else {
                throw KeyStoreError(.aliasNotFound, "Alias name [\(alias)] does not identify a key entry: no such alias")
            }
            guard case .privateKey(let key) = entry.content else {
                throw KeyStoreError(.notAKeyEntry, "Alias name [\(alias)] does not identify a key entry: it is a trusted certificate or a secret key")
            }
            return (alias, key)
        }
        for alias in enumerationOrder {
            if case .privateKey(let key)? = self[alias]?.content { return (alias, key) }
        }
        throw KeyStoreError(.noKeyEntry, "No aliases for private keys found in key store")
    }

    /// The aliases in the order in which the JDK enumerates this store.
    public var enumerationOrder: [String] {
        switch format {
        case .jks, .jceks: HashtableOrder.order(of: aliases)
        case .pkcs12: aliases
        }
    }
}
