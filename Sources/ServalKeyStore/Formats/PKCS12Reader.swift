/// Collects the bags of a PKCS12 file and makes a store's entries out of them, in the file's order, as the JDK does.
struct PKCS12Reader {
    private enum Item {
        case key(PrivateKeyEntry.Key, PKCS12Attributes)
        case certificate(CertificateData, PKCS12Attributes)
        case secret(StoredSecret, PKCS12Attributes)

        var attributes: PKCS12Attributes {
            switch self {
            case .key(_, let attributes), .certificate(_, let attributes), .secret(_, let attributes): attributes
            }
        }
    }

    private let password: Secret?
    private let passwordBytes: PasswordBytes?
    private var items: [Item] = []
    /// Bags that are neither keys nor certificates nor secrets, as found.
    private var otherBags: [[UInt8]] = []
    private var skippedEncryptedParts = false
    private var decryptedParts = false
    private let keys: DerivedKeys

    init(password: String?, keys: DerivedKeys) {
        self.keys = keys
        self.password = password.map(Secret.init)
        self.passwordBytes = password.map(PasswordBytes.init)
    }

    /// Takes in an AuthenticatedSafe.
    ///
    /// - Throws: `wrongPassword` when an encrypted part does not open.
    mutating func read(_ contents: ArraySlice<UInt8>) throws(KeyStoreError) {
        for (index, part) in try ASN1Value(slice: contents).children().enumerated() {
            do throws(KeyStoreError) {
                var info = try part.reader()
                let type = try info.next().objectIdentifier()
                switch type {
                case .data: try readBags(PKCS12Format.octets(inExplicit: info.next()), depth: 0)
                case .encryptedData: try readEncrypted(info.next().explicit(0))
                case .envelopedData:
                    throw KeyStoreError(.unsupportedAlgorithm, "It is encrypted for the owner of a key pair; only passwords are supported")
                default: throw KeyStoreError(.unsupportedAlgorithm, "It is of type \(type), which is not supported")
                }
            } catch {
                throw error.code == .wrongPassword ? error : error.about("Part \(index + 1) of the PKCS12 key store")
            }
        }
    }

    /// Whether the password decrypts a part, or the first of the keys, of what was read.
    var opensAnything: Bool {
        guard let password, !decryptedParts else { return decryptedParts }
        for case .key(.protected(let stored), _) in items {
            return (try? ProtectedKey.openBytes(stored.bytes, password: password.value, keys: keys)) != nil
        }
        return false
    }

    // MARK: Bags

    private mutating func readEncrypted(_ encryptedData: ASN1Value) throws(KeyStoreError) {
        guard let passwordBytes else {
            skippedEncryptedParts = true
            return
        }
        var reader = try encryptedData.reader()
        _ = try reader.next()
        var info = try reader.next().reader()
        _ = try info.next()
        let encryption = try PasswordBasedEncryption(info.next())
        guard !info.isAtEnd else { return }
        let data = try info.next().octets(tag: 0x80)
        let plain = try encryption.decrypt(data, password: passwordBytes, keys: keys) { (try? ASN1Value($0).children()) != nil }
        guard let plain else { throw PKCS12Format.wrongPassword }
        decryptedParts = true
        do throws(KeyStoreError) {
            try readBags(plain[...], depth: 0)
        } catch {
            throw error.about("After decryption")
        }
    }

    private mutating func readBags(_ contents: ArraySlice<UInt8>, depth: Int) throws(KeyStoreError) {
        guard depth < Limits.nesting else { throw KeyStoreError(.corrupt, "PKCS12 bags are nested more than \(Limits.nesting) deep") }
        for (index, bag) in try ASN1Value(slice: contents).children().enumerated() {
            do throws(KeyStoreError) {
                try readBag(bag, depth: depth)
            } catch {
                throw error.about("Bag \(index + 1), at byte \(bag.encoded.startIndex)")
            }
        }
    }

    private mutating func readBag(_ bag: ASN1Value, depth: Int) throws(KeyStoreError) {
        var reader = try bag.reader()
        let type = try reader.next().objectIdentifier()
        let value = try reader.next().explicit(0)
        let attributes = try reader.next(ifTag: ASN1Value.set).map(PKCS12Attributes.init) ?? PKCS12Attributes()
        switch type {
        case .keyBag: items.append(.key(.unparsed(Array(value.encoded)), attributes))
        case .shroudedKeyBag:
            _ = try ProtectedKey.parts(Array(value.encoded))
            items.append(.key(.protected(stored(value)), attributes))
        case .certBag:
            if let certificate = try certificate(value) {
                items.append(.certificate(certificate, attributes))
            } else {
                otherBags.append(Array(bag.encoded))
            }
        case .secretBag: items.append(.secret(stored(value), attributes))
        case .safeContentsBag: try readBags(value.encoded, depth: depth + 1)
        // Revocation lists and what others may have invented.
        default: otherBags.append(Array(bag.encoded))
        }
    }

    private func stored(_ value: ASN1Value) -> StoredSecret {
        StoredSecret(bytes: Array(value.encoded), storePassword: password, keys: keys)
    }

    /// The certificate of a certBag; `nil` for the SDSI kind, which nobody uses.
    private func certificate(_ bag: ASN1Value) throws(KeyStoreError) -> CertificateData? {
        var reader = try bag.reader()
        guard try reader.next().objectIdentifier() == .x509Certificate else { return nil }
        let der = try PKCS12Format.octets(inExplicit: reader.next())
        _ = try ASN1Value(slice: der).reader()
        return CertificateData(der: Array(der))
    }

    // MARK: Entries

    /// A store of everything that was read.
    func store() -> KeyStore {
        var store = KeyStore(format: .pkcs12)
        store.hasUnreadParts = skippedEncryptedParts
        store.otherBags = otherBags
        let certificates = items.compactMap { item -> (certificate: CertificateData, attributes: PKCS12Attributes)? in
            if case .certificate(let certificate, let attributes) = item { (certificate, attributes) } else { nil }
        }
        let builder = ChainBuilder(candidates: certificates.map(\.certificate), trusted: [])
        let leaves = LeafIndex(certificates.filter { !$0.attributes.isTrusted }, keyCount: keyCount)
        var inChains: Set<CertificateData> = []
        // The numbers that entries without a name get must not be the names of others.
        let names = Set(items.compactMap(\.attributes.friendlyName))
        var unnamed = 0
        let now = KeyStore.millisecondsNow()

        func insert(_ content: KeyStore.Entry.Content, _ attributes: PKCS12Attributes) {
            var alias = attributes.friendlyName ?? ""
            // An entry without a name gets a number, as in the JDK, where an empty name is a name. Neither displaces another entry.
            let isNamed = attributes.friendlyName?.isEmpty == false
            while !isNamed, attributes.friendlyName == nil && alias.isEmpty || store[alias] != nil || unnamed > 0 && names.contains(alias) {
                unnamed += 1
                alias = String(unnamed)
            }
            var entry = KeyStore.Entry(content, creationDate: attributes.creationDate ?? now)
            entry.attributes = attributes.others
            store.insert(entry, alias: alias)
        }

        for item in items {
            switch item {
            case .key(let key, let attributes):
                var entry = PrivateKeyEntry(key: key, chain: [])
                if let leaf = leaves.leaf(for: attributes) ?? leaves.leaf(for: entry) { entry.certificateChain = builder.chain(from: leaf) }
                inChains.formUnion(entry.certificateChain)
                insert(.privateKey(entry), attributes)
            case .certificate(let certificate, let attributes):
                if attributes.isTrusted { insert(.trustedCertificate(certificate), attributes) }
            case .secret(let stored, let attributes): insert(.secretKey(SecretKeyEntry(value: .bag(stored))), attributes)
            }
        }
        store.unmarkedCertificates = certificates.filter { !$0.attributes.isTrusted && !inChains.contains($0.certificate) }.map(\.certificate)
        return store
    }

    private var keyCount: Int {
        items.count { if case .key = $0 { true } else { false } }
    }
}

/// Finds the certificate of a key among those of a PKCS12 file.
private struct LeafIndex {
    private var byID: [[UInt8]: [(certificate: CertificateData, name: String?)]] = [:]
    private var byName: [String: CertificateData] = [:]
    private let all: [CertificateData]
    /// With one key and no ids at all, the first certificate is the key's.
    private let only: CertificateData?
    /// Decrypting every key of a large file to find its certificate would take long.
    private let mayDecrypt: Bool

    init(_ certificates: [(certificate: CertificateData, attributes: PKCS12Attributes)], keyCount: Int) {
        all = certificates.map(\.certificate)
        for (certificate, attributes) in certificates {
            let name = attributes.friendlyName?.lowercased()
            if let id = attributes.localKeyID { byID[id, default: []].append((certificate, name)) }
            if let name, byName[name] == nil { byName[name] = certificate }
        }
        only = keyCount == 1 && byID.isEmpty ? all.first : nil
        mayDecrypt = keyCount <= 16
    }

    /// By key id and name, else by key id, else by name.
    func leaf(for key: PKCS12Attributes) -> CertificateData? {
        let name = key.friendlyName?.lowercased()
        let sameID = key.localKeyID.flatMap { byID[$0] } ?? []
        return sameID.first { $0.name == name }?.certificate ?? sameID.first?.certificate ?? name.flatMap { byName[$0] }
    }

    /// By public key, where ids and names do not tell; decrypts the key.
    func leaf(for entry: PrivateKeyEntry) -> CertificateData? {
        guard !all.isEmpty, mayDecrypt else { return nil }
        guard let key = try? entry.privateKey() else { return only }
        return all.first(where: key.matches)
    }
}
