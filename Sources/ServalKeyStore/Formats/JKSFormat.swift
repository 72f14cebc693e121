import Crypto

/// The JKS format: big-endian numbers, strings with a two-byte length, a SHA-1 over password, a constant and all of it at the end.
enum JKSFormat {
    static let magic: [UInt8] = [0xFE, 0xED, 0xFE, 0xED]
    private static let digestSize = 20
    private static let privateKeyTag = 1
    private static let certificateTag = 2

    static func read(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> KeyStore {
        guard bytes.count >= 12 + digestSize else { throw KeyStoreError(.corrupt, "The JKS key store is cut off after \(bytes.count) bytes") }
        var store = try entries(bytes.dropLast(digestSize), password: password)
        guard let password else {
            store.isIntegrityVerified = false
            return store
        }
        guard digest(bytes.dropLast(digestSize), password) == bytes.suffix(digestSize) else { throw mismatch(store, password) }
        store.isIntegrityVerified = true
        return store
    }

    static func write(_ store: KeyStore, password: String) throws(KeyStoreError) -> [UInt8] {
        var output = JKSOutput()
        output.bytes = magic
        output.number(2)
        output.number(store.count)
        for named in store.entries {
            do throws(KeyStoreError) {
                try write(named, password: password, to: &output)
            } catch {
                throw error.about("Entry \(named.alias)")
            }
        }
        return output.bytes + digest(output.bytes[...], password)
    }

    // MARK: Reading

    private static func entries(_ bytes: ArraySlice<UInt8>, password: String?) throws(KeyStoreError) -> KeyStore {
        var input = JKSInput(bytes)
        _ = try input.take(magic.count)
        let version = try input.number()
        guard version == 1 || version == 2 else {
            throw KeyStoreError(.unsupportedFormat, "JKS version \(version) is not known; 1 and 2 are")
        }
        let count = try input.number()
        // An entry has at least a tag, an alias and a date.
        guard count <= input.remaining / 14 else {
            throw KeyStoreError(.corrupt, "The JKS key store claims \(count) entries in \(bytes.count) bytes")
        }
        var store = KeyStore(format: .jks)
        let secret = password.map(Secret.init)
        for index in 0..<count {
            do throws(KeyStoreError) {
                let (alias, entry) = try entry(&input, version: version, password: secret)
                store.insert(entry, alias: alias)
            } catch {
                throw error.about("Entry \(index + 1) of \(count)")
            }
        }
        guard input.remaining == 0 else { throw KeyStoreError(.corrupt, "\(input.remaining) bytes follow the last entry of the JKS key store") }
        return store
    }

    private static func entry(
        _ input: inout JKSInput,
        version: Int,
        password: Secret?
    ) throws(KeyStoreError) -> (alias: String, entry: KeyStore.Entry) {
        let tag = try input.number()
        let alias = try input.text()
        let date = try input.date()
        switch tag {
        case privateKeyTag:
            let key = try input.take(input.number())
            _ = try ProtectedKey.parts(Array(key))
            let length = try input.number()
            guard length <= input.remaining / 4 else { throw KeyStoreError(.corrupt, "A chain claims \(length) certificates") }
            var chain: [CertificateData] = []
            for _ in 0..<length { chain.append(try certificate(&input, version: version)) }
            let entry = PrivateKeyEntry(key: .protected(Array(key), storePassword: password), chain: chain)
            return (alias, KeyStore.Entry(.privateKey(entry), creationDate: date))
        case certificateTag:
            return (alias, KeyStore.Entry(.trustedCertificate(try certificate(&input, version: version)), creationDate: date))
        default:
            throw KeyStoreError(.corrupt, "Unknown kind of entry: \(tag)")
        }
    }

    private static func certificate(_ input: inout JKSInput, version: Int) throws(KeyStoreError) -> CertificateData {
        if version == 2 {
            let type = try input.text()
            guard type == "X.509" else { throw KeyStoreError(.unsupportedFormat, "A certificate of type \(type); only X.509 is supported") }
        }
        let der = try input.take(input.number())
        _ = try ASN1Value(slice: der).reader()
        return CertificateData(der: Array(der))
    }

    /// Tells a changed file from a wrong password where a key can say whether the password is right.
    private static func mismatch(_ store: KeyStore, _ password: String) -> KeyStoreError {
        for named in store.entries {
            guard case .privateKey(let entry) = named.entry.content, case .protected(let encrypted, _) = entry.key else { continue }
            if (try? ProtectedKey.openBytes(encrypted, password: password)) != nil {
                return KeyStoreError(
                    .corrupt,
                    "Keystore was tampered with: the password opens the key of \(named.alias) but the file's digest differs"
                )
            }
        }
        return KeyStoreError(.wrongPassword, "Keystore was tampered with, or password was incorrect")
    }

    // MARK: Writing

    private static func write(_ named: KeyStore.NamedEntry, password: String, to output: inout JKSOutput) throws(KeyStoreError) {
        switch named.entry.content {
        case .privateKey(let entry):
            output.number(privateKeyTag)
            try output.text(named.alias)
            output.date(named.entry.creationDate)
            output.block(try protected(entry, password: password))
            output.number(entry.certificateChain.count)
            for certificate in entry.certificateChain { try write(certificate, to: &output) }
        case .trustedCertificate(let certificate):
            output.number(certificateTag)
            try output.text(named.alias)
            output.date(named.entry.creationDate)
            try write(certificate, to: &output)
        case .secretKey:
            throw KeyStoreError(.unsupportedFormat, "Cannot store non-PrivateKeys: a JKS key store holds no secret keys")
        }
    }

    private static func write(_ certificate: CertificateData, to output: inout JKSOutput) throws(KeyStoreError) {
        try output.text("X.509")
        output.block(certificate.der)
    }

    private static func protected(_ entry: PrivateKeyEntry, password: String) throws(KeyStoreError) -> [UInt8] {
        switch entry.key {
        case .protected(let encrypted, _) where ProtectedKey.isForJKS(encrypted): encrypted
        case .plain(let key, let own): ProtectedKey.sealForJKS(key.pkcs8, password: own?.value ?? password)
        case .protected, .unparsed: ProtectedKey.sealForJKS(try entry.privateKey().pkcs8, password: password)
        }
    }

    private static func digest(_ bytes: ArraySlice<UInt8>, _ password: String) -> [UInt8] {
        var hash = Insecure.SHA1()
        hash.update(data: JavaText.utf16(password))
        hash.update(data: Array("Mighty Aphrodite".utf8))
        hash.update(data: bytes)
        return Array(hash.finalize())
    }
}
