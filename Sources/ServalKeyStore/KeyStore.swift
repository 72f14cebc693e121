/// Private keys with their certificate chains, trusted certificates and secret keys, each under an alias, as in a JKS, JCEKS or PKCS12 file.
///
/// Reading decrypts no key: that happens in ``PrivateKeyEntry/privateKey(password:)`` and ``SecretKeyEntry/secretKey(password:)``. Aliases are compared without regard to case.
public struct KeyStore: Sendable {
    struct NamedEntry: Sendable {
        var alias: String
        var entry: Entry
    }

    /// The format in which the store was read and in which ``serialized(password:protection:)`` writes it.
    public let format: KeyStoreFormat

    /// Whether the password was given when reading and the file's checksum or MAC agreed with it.
    ///
    /// `false` for a store opened without a password and for a PKCS12 file that has no MAC; `true` for a new store.
    public internal(set) var isIntegrityVerified: Bool

    /// Certificates in a PKCS12 file that belong to no key and lack Java's mark of trust (`openssl pkcs12 -nokeys` writes such files).
    ///
    /// They are not entries, as in the JDK; they are kept when the store is written again.
    public var unmarkedCertificates: [CertificateData] = []

    /// Bags of a PKCS12 file that are no entries (revocation lists), as found; they are kept when the store is written again.
    var otherBags: [[UInt8]] = []

    /// Whether encrypted parts were passed over for want of a password; such a store must not be written.
    var hasUnreadParts = false

    /// Whether aliases that differ only in case are two: they are in PKCS#11 tokens.
    package let hasCaseSensitiveAliases: Bool

    private(set) var entries: [NamedEntry] = []
    /// By ``key(_:)``.
    private var positions: [[UInt8]: Int] = [:]

    /// An empty store.
    public init(format: KeyStoreFormat) {
        self.format = format
        self.isIntegrityVerified = true
        self.hasCaseSensitiveAliases = false
    }

    /// An empty store for what a PKCS#11 token holds: every alias counts as it is written.
    package init(forToken: Void) {
        self.format = .pkcs12
        self.isIntegrityVerified = true
        self.hasCaseSensitiveAliases = true
    }

    /// Reads a store; the format is decided by the bytes.
    ///
    /// - Parameter password: `nil` opens the store without checking its integrity: a JKS file lists everything, a PKCS12 file lists what is not
    ///   encrypted, keys with an empty chain. The empty string is a password like any other.
    ///
    ///   A PKCS12 file without MAC whose certificates are in the clear opens with any password; its keys then tell (`wrongKeyPassword`).
    /// - Throws: `empty`, `notAKeyStore`, `unsupportedFormat`, `corrupt`, `wrongPassword`, `unsupportedAlgorithm`.
    /// - Complexity: linear in the size of the file, plus one key derivation per different salt (not per key).
    public init(bytes: [UInt8], password: String?) throws(KeyStoreError) {
        guard !bytes.isEmpty else { throw KeyStoreError(.empty, "The key store has no bytes") }
        guard bytes.count <= Limits.fileSize else {
            throw KeyStoreError(.unreadable, "The key store has \(bytes.count) bytes; at most \(Limits.fileSize) are read")
        }
        switch KeyStoreFormat.detect(bytes) {
        case .jks: self = try JKSFormat.read(bytes, format: .jks, password: password)
        case .jceks: self = try JKSFormat.read(bytes, format: .jceks, password: password)
        case .pkcs12: self = try PKCS12Format.read(bytes, password: password)
        case nil: throw KeyStore.unrecognized(bytes)
        }
    }

    /// The aliases in the order in which the file holds them.
    public var aliases: [String] { entries.map(\.alias) }

    /// The number of entries.
    public var count: Int { entries.count }

    /// The entry with this alias in any case, or `nil`.
    public subscript(alias: String) -> Entry? {
        positions[key(alias)].map { entries[$0].entry }
    }

    /// Adds an entry, or replaces the one with this alias in its place.
    ///
    /// JKS and JCEKS store aliases in lower case, as the JDK does, and PKCS12 those of keys.
    /// - Parameter keyPassword: The password to protect a new key with in a JKS or JCEKS store; `nil` leaves what the entry says (see
    ///   ``PrivateKeyEntry/init(key:chain:password:)``). PKCS12 stores know only the store's password and ignore it.
    public mutating func set(_ entry: Entry, alias: String, keyPassword: String? = nil) {
        var entry = entry
        if let keyPassword {
            switch entry.content {
            case .privateKey(let key): entry.content = .privateKey(key.protecting(with: keyPassword))
            case .secretKey(let key): entry.content = .secretKey(key.protecting(with: keyPassword))
            case .trustedCertificate: break
            }
        }
        insert(entry, alias: storedAlias(alias, for: entry))
    }

    /// Removes the entry with this alias in any case; `false` when there is none.
    @discardableResult
    public mutating func remove(alias: String) -> Bool {
        guard let position = positions[key(alias)] else { return false }
        entries.remove(at: position)
        positions.removeAll(keepingCapacity: true)
        for (position, entry) in entries.enumerated() { positions[key(entry.alias)] = position }
        return true
    }

    /// The store as the bytes of a file in its ``format``.
    ///
    /// Keys that were read and not replaced are written as they were found. In PKCS12 they are encrypted anew when `password` is not the one the
    /// store was opened with, or when they are encrypted in a way that does not suit `protection`.
    /// - Parameter protection: How a PKCS12 file is protected; the other formats have one way only.
    /// - Throws: `unsupportedFormat` for an entry that the format cannot hold (a secret key in JKS), `wrongKeyPassword` for a key that has to be
    ///   encrypted anew but does not open with the store's password, `unsupportedAlgorithm` for a secret key that PKCS12 has no identifier for,
    ///   `invalidInput` for a key's password that JCEKS cannot have (other than ASCII).
    public func serialized(password: String, protection: PKCS12Protection = .modern) throws(KeyStoreError) -> [UInt8] {
        try refuseExternalKeys()
        switch format {
        case .jks, .jceks: return try JKSFormat.write(self, password: password)
        case .pkcs12: return try PKCS12Format.write(self, password: password, protection: protection)
        }
    }

    /// Keys in a token cannot be written to a file.
    private func refuseExternalKeys() throws(KeyStoreError) {
        for named in entries {
            guard case .privateKey(let entry) = named.entry.content, case .plain(let key, _) = entry.key, let external = key.external else {
                continue
            }
            throw KeyStoreError(.unsupportedFormat, "Entry \(named.alias): the private key cannot leave \(external.place)")
        }
    }

    /// Protects one key of a JKS or JCEKS store with another password; the file changes when the store is written.
    ///
    /// - Parameters:
    ///   - old: The key's password now; `nil` for the store's.
    ///   - new: Its password from now on.
    /// - Throws: `aliasNotFound`, `notAKeyEntry` for a certificate, `unsupportedFormat` for PKCS12 (whose keys have the store's password),
    ///   `wrongKeyPassword`, `unsupportedAlgorithm`, `corrupt`.
    public mutating func changePassword(ofEntry alias: String, from old: String?, to new: String) throws(KeyStoreError) {
        guard let position = positions[key(alias)] else { throw KeyStoreError(.aliasNotFound, "Alias <\(alias)> does not exist") }
        var entry = entries[position].entry
        guard format != .pkcs12 else {
            throw KeyStoreError(.unsupportedFormat, "The keys of a PKCS12 key store have the store's password; it cannot be changed for one of them")
        }
        do throws(KeyStoreError) {
            switch entry.content {
            case .privateKey(let key):
                let opened = try key.privateKey(password: old)
                entry.content = .privateKey(PrivateKeyEntry(key: opened, chain: key.certificateChain, password: new))
            case .secretKey(let key): entry.content = .secretKey(SecretKeyEntry(key: try key.secretKey(password: old), password: new))
            case .trustedCertificate: throw KeyStoreError(.notAKeyEntry, "it is a trusted certificate and has no password")
            }
        } catch {
            throw error.about("Entry \(alias)")
        }
        entries[position].entry = entry
    }

    mutating func insert(_ entry: Entry, alias: String) {
        if let position = positions[key(alias)] {
            entries[position] = NamedEntry(alias: alias, entry: entry)
        } else {
            positions[key(alias)] = entries.count
            entries.append(NamedEntry(alias: alias, entry: entry))
        }
    }

    /// What aliases are compared by: their bytes, for Swift's strings are equal when they look alike and Java's are not.
    private func key(_ alias: String) -> [UInt8] { Array((hasCaseSensitiveAliases ? alias : alias.lowercased()).utf8) }

    private func storedAlias(_ alias: String, for entry: Entry) -> String {
        if hasCaseSensitiveAliases { return alias }
        if format == .pkcs12, case .trustedCertificate = entry.content { return alias }
        return alias.lowercased()
    }

    private static func unrecognized(_ bytes: [UInt8]) -> KeyStoreError {
        guard let kind = FileKind.describe(bytes) else {
            return KeyStoreError(.notAKeyStore, "Unrecognized keystore format: neither JKS nor JCEKS nor PKCS12")
        }
        let advice = kind.contains("PEM") ? "; configure it with certificateFile and certificateKeyFile" : ""
        return KeyStoreError(.notAKeyStore, "This is \(kind), not a key store\(advice)")
    }
}
