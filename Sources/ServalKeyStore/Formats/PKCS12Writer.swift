/// Writes PKCS12 as JDK 17 does: keys in a plain part, each encrypted; certificates in an encrypted part; a MAC over both.
struct PKCS12Writer {
    let password: String

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

        var parts: [[UInt8]] = []
        if !keys.isEmpty { parts.append(contentInfo(DEREncoding.sequence(of: keys))) }
        if !certificates.isEmpty { parts.append(try encryptedData(DEREncoding.sequence(of: certificates))) }
        let contents = DEREncoding.sequence(of: parts)
        return DEREncoding.sequence(
            DEREncoding.integer(3),
            contentInfo(contents),
            try PKCS12MAC.make(contents, password: PasswordBytes(password))
        )
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
        guard case .protected(let encrypted, let storePassword) = entry.key, !ProtectedKey.isForJKS(encrypted) else {
            return try ProtectedKey.sealForPKCS12(entry.privateKey().pkcs8, password: password)
        }
        return try resealed(encrypted, storePassword)
    }

    /// The secretBag's value, its encrypted key under this writer's password.
    private func secret(_ entry: SecretKeyEntry) throws(KeyStoreError) -> [UInt8] {
        var reader = try ASN1Value(entry.bagValue).reader()
        guard try reader.next().objectIdentifier() == .shroudedKeyBag else { return entry.bagValue }
        let sealed = try resealed(PKCS12Format.octets(inExplicit: reader.next()), entry.storePassword)
        return DEREncoding.sequence(DEREncoding.oid(.shroudedKeyBag), DEREncoding.explicit(0, DEREncoding.octetString(sealed)))
    }

    private func resealed(_ encrypted: [UInt8], _ storePassword: Secret?) throws(KeyStoreError) -> [UInt8] {
        if storePassword?.value == password { return encrypted }
        if let storePassword, let plain = try? ProtectedKey.openBytes(encrypted, password: storePassword.value) {
            return try ProtectedKey.sealForPKCS12(plain, password: password)
        }
        _ = try ProtectedKey.openBytes(encrypted, password: password)
        return encrypted
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
        let (algorithm, data) = try PasswordBasedEncryption.encrypt(contents, password: password)
        let info = DEREncoding.sequence(DEREncoding.oid(.data), algorithm, DEREncoding.value(0x80, data))
        let encrypted = DEREncoding.sequence(DEREncoding.integer(0), info)
        return DEREncoding.sequence(DEREncoding.oid(.encryptedData), DEREncoding.explicit(0, encrypted))
    }
}
