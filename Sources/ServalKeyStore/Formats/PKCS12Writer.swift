/// Writes PKCS12 as JDK 17 does: keys in a plain part, each encrypted; certificates in an encrypted part; a MAC over both.
struct PKCS12Writer {
    private let password: String
    private let passwordBytes: PasswordBytes
    private let protection: PKCS12Protection
    private let derivedKeys = DerivedKeys()
    /// One key for all parts, each with a vector of its own: a derivation for every key would take seconds for a large store.
    private let derivation = PasswordBasedEncryption.newDerivation()

    init(password: String, protection: PKCS12Protection) {
        self.password = password
        self.passwordBytes = PasswordBytes(password)
        self.protection = protection
    }

    func write(_ store: KeyStore) throws(KeyStoreError) -> [UInt8] {
        guard !store.hasUnreadParts else {
            throw KeyStoreError(.wrongPassword, "The key store was opened without its password; its certificates would be lost if it were written")
        }
        var keys: [[UInt8]] = []
        var certificates: [[UInt8]] = []
        for named in store.entries {
            do throws(KeyStoreError) {
                try add(named, &keys, &certificates)
            } catch {
                throw error.about("Entry \(named.alias)")
            }
        }
        for certificate in store.unmarkedCertificates { certificates.append(bag(certificate, chainAttributes(certificate))) }
        certificates += store.otherBags

        var parts: [[UInt8]] = []
        if !keys.isEmpty { parts.append(contentInfo(DEREncoding.sequence(of: keys))) }
        if !certificates.isEmpty {
            let contents = DEREncoding.sequence(of: certificates)
            parts.append(protection.coversAll ? try encryptedData(contents) : contentInfo(contents))
        }
        let contents = DEREncoding.sequence(of: parts)
        return DEREncoding.sequence(DEREncoding.integer(3), contentInfo(contents), try mac(contents))
    }

    /// The MacData; empty when there is to be none.
    private func mac(_ contents: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        if !protection.coversAll { return [] }
        if protection.usesPBMAC1 { return try PKCS12MAC.makePBMAC1(contents, password: passwordBytes, keys: derivedKeys) }
        return try PKCS12MAC.make(contents, isLegacy: protection.isLegacy, password: passwordBytes, keys: derivedKeys)
    }

    private func add(_ named: KeyStore.NamedEntry, _ keys: inout [[UInt8]], _ certificates: inout [[UInt8]]) throws(KeyStoreError) {
        var attributes = PKCS12Attributes()
        attributes.friendlyName = named.alias
        switch named.entry.content {
        case .privateKey(let entry):
            attributes.localKeyID = PKCS12Attributes.keyID(named.entry.creationDate)
            for (index, certificate) in entry.certificateChain.enumerated() {
                certificates.append(bag(certificate, index == 0 ? attributes : chainAttributes(certificate)))
            }
            attributes.others = named.entry.attributes
            keys.append(bag(.shroudedKeyBag, try protected(entry), attributes))
        case .trustedCertificate(let certificate):
            attributes.isTrusted = true
            attributes.others = named.entry.attributes
            certificates.append(bag(certificate, attributes))
        case .secretKey(let entry):
            attributes.localKeyID = PKCS12Attributes.keyID(named.entry.creationDate)
            attributes.others = named.entry.attributes
            keys.append(bag(.secretBag, try secret(entry), attributes))
        }
    }

    /// NSS wants a name on every certificate; the JDK gives the issuers in a chain their subject.
    private func chainAttributes(_ certificate: CertificateData) -> PKCS12Attributes {
        var attributes = PKCS12Attributes()
        attributes.friendlyName = try? JavaNameText.text(of: CertificateSkeleton(der: certificate.der).subject, style: .rfc2253)
        return attributes
    }

    private func protected(_ entry: PrivateKeyEntry) throws(KeyStoreError) -> [UInt8] {
        switch entry.key {
        case .protected(let stored): try resealed(stored.bytes, stored)
        case .plain, .unparsed: try seal(entry.privateKey().pkcs8)
        }
    }

    /// The secretBag's value, its encrypted key under this writer's password.
    private func secret(_ entry: SecretKeyEntry) throws(KeyStoreError) -> [UInt8] {
        if case .bag(let stored) = entry.value {
            // What is no key is kept as it is.
            guard let protected = try PKCS12SecretBag.protectedKey(stored.bytes) else { return stored.bytes }
            return PKCS12SecretBag.make(try resealed(protected, stored))
        }
        return PKCS12SecretBag.make(try seal(PKCS12SecretBag.encode(entry.secretKey())))
    }

    /// A key as found if it suits, else encrypted anew.
    private func resealed(_ encrypted: [UInt8], _ stored: StoredSecret) throws(KeyStoreError) -> [UInt8] {
        let algorithm = try ProtectedKey.algorithm(of: encrypted)
        let isKept = protection.keeps(algorithm)
        let isSamePassword = stored.storePassword?.value == password
        if isKept, isSamePassword { return encrypted }
        if let old = stored.storePassword, let plain = try? ProtectedKey.openBytes(encrypted, password: old.value, keys: stored.keys) {
            return try seal(plain)
        }
        // A key with a password of its own stays as it is where it stood in such a file before.
        if isSamePassword, !protection.isLegacy, algorithm != .javaKeyProtector, algorithm != .jceKeyProtector { return encrypted }
        let plain = try ProtectedKey.openBytes(encrypted, password: password, keys: stored.keys)
        return isKept ? encrypted : try seal(plain)
    }

    private func seal(_ plain: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        try ProtectedKey.seal(plain, protection.isLegacy ? .tripleDES : .aes256(derivation), password: passwordBytes, keys: derivedKeys)
    }

    private func bag(_ certificate: CertificateData, _ attributes: PKCS12Attributes) -> [UInt8] {
        let value = DEREncoding.sequence(
            DEREncoding.oid(.x509Certificate),
            DEREncoding.explicit(0, DEREncoding.octetString(certificate.der))
        )
        return bag(.certBag, value, attributes)
    }

    private func bag(_ type: OID, _ value: [UInt8], _ attributes: PKCS12Attributes) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.oid(type), DEREncoding.explicit(0, value), attributes.der)
    }

    private func contentInfo(_ contents: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.oid(.data), DEREncoding.explicit(0, DEREncoding.octetString(contents)))
    }

    private func encryptedData(_ contents: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        let (encryption, identifier) = PasswordBasedEncryption.make(protection.isLegacy ? .rc2 : .aes256(derivation))
        let data = try encryption.encrypt(contents, password: passwordBytes, keys: derivedKeys)
        let info = DEREncoding.sequence(DEREncoding.oid(.data), identifier, DEREncoding.value(0x80, data))
        let encrypted = DEREncoding.sequence(DEREncoding.integer(0), info)
        return DEREncoding.sequence(DEREncoding.oid(.encryptedData), DEREncoding.explicit(0, encrypted))
    }
}
