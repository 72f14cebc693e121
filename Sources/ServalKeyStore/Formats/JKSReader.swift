/// Reads the entries of a JKS or JCEKS file.
struct JKSReader {
    private let format: KeyStoreFormat
    private let password: Secret?
    private let keys = DerivedKeys()

    init(format: KeyStoreFormat, password: String?) {
        self.format = format
        self.password = password.map(Secret.init)
    }

    /// - Parameter bytes: The file without the digest at its end.
    func store(_ bytes: ArraySlice<UInt8>) throws(KeyStoreError) -> KeyStore {
        var input = JKSInput(bytes)
        _ = try input.take(JKSFormat.magic.count)
        let version = try input.number()
        guard version == 1 || version == 2 else {
            throw KeyStoreError(.unsupportedFormat, "\(format.rawValue) version \(version) is not known; 1 and 2 are")
        }
        let count = try input.number()
        // An entry has at least a tag, an alias and a date.
        guard count <= input.remaining / 14 else {
            throw KeyStoreError(.corrupt, "The \(format.rawValue) key store claims \(count) entries in \(bytes.count) bytes")
        }
        var store = KeyStore(format: format)
        for index in 0..<count {
            let start = input.rest.startIndex
            do throws(KeyStoreError) {
                let (alias, entry) = try entry(&input, version: version)
                store.insert(entry, alias: alias)
            } catch {
                throw error.about("Entry \(index + 1) of \(count), which begins at byte \(start)")
            }
        }
        guard input.remaining == 0 else {
            throw KeyStoreError(.corrupt, "\(input.remaining) bytes follow the last entry of the \(format.rawValue) key store")
        }
        return store
    }

    /// Tells a changed file from a wrong password where a key can say whether the password is right.
    func mismatch(_ store: KeyStore, _ password: String) -> KeyStoreError {
        // Keys may have passwords of their own, and each try takes a while in JCEKS.
        for named in store.entries.lazy.filter(\.entry.isKey).prefix(format == .jceks ? 2 : 100) where opens(named.entry, password) {
            return KeyStoreError(
                .corrupt,
                "Keystore was tampered with, or this is the password of its keys and not the store's: it opens the key of \(named.alias) "
                    + "but the file's digest differs"
            )
        }
        return KeyStoreError(.wrongPassword, "Keystore was tampered with, or password was incorrect")
    }

    private func opens(_ entry: KeyStore.Entry, _ password: String) -> Bool {
        switch entry.content {
        case .privateKey(let key):
            guard case .protected(let stored) = key.key else { return false }
            return (try? ProtectedKey.openBytes(stored.bytes, password: password, keys: keys)) != nil
        case .secretKey(let key): return (try? key.secretKey(password: password)) != nil
        case .trustedCertificate: return false
        }
    }

    private func entry(_ input: inout JKSInput, version: Int) throws(KeyStoreError) -> (alias: String, entry: KeyStore.Entry) {
        let tag = try input.number()
        let alias = try input.text()
        let date = try input.date()
        switch tag {
        case JKSFormat.privateKeyTag:
            let key = Array(try input.take(input.number()))
            _ = try ProtectedKey.parts(key)
            let length = try input.number()
            guard length <= input.remaining / 4 else { throw KeyStoreError(.corrupt, "A chain claims \(length) certificates") }
            var chain: [CertificateData] = []
            for _ in 0..<length { chain.append(try certificate(&input, version: version)) }
            let entry = PrivateKeyEntry(key: .protected(stored(key)), chain: chain)
            return (alias, KeyStore.Entry(.privateKey(entry), creationDate: date))
        case JKSFormat.certificateTag:
            return (alias, KeyStore.Entry(.trustedCertificate(try certificate(&input, version: version)), creationDate: date))
        case JKSFormat.secretKeyTag where format == .jceks:
            // Nothing says where the object ends but the object itself.
            var object = JavaObjectReader(input.rest)
            _ = try SealedKey(object.object())
            let stream = try input.take(input.remaining - object.rest.count)
            return (alias, KeyStore.Entry(.secretKey(SecretKeyEntry(value: .sealed(stored(Array(stream))))), creationDate: date))
        default:
            throw KeyStoreError(.corrupt, "Unknown kind of entry: \(tag)")
        }
    }

    private func stored(_ bytes: [UInt8]) -> StoredSecret {
        StoredSecret(bytes: bytes, storePassword: password, keys: keys)
    }

    private func certificate(_ input: inout JKSInput, version: Int) throws(KeyStoreError) -> CertificateData {
        if version == 2 {
            let type = try input.text()
            guard type == "X.509" else { throw KeyStoreError(.unsupportedFormat, "A certificate of type \(type); only X.509 is supported") }
        }
        let der = try input.take(input.number())
        _ = try ASN1Value(slice: der).reader()
        return CertificateData(der: Array(der))
    }
}

extension KeyStore.Entry {
    /// Whether it holds something that a password protects.
    var isKey: Bool {
        if case .trustedCertificate = content { false } else { true }
    }
}
