/// Writes the entries of a JKS or JCEKS file.
struct JKSWriter {
    let format: KeyStoreFormat
    let password: String

    /// The file without the digest at its end.
    func bytes(_ store: KeyStore) throws(KeyStoreError) -> [UInt8] {
        var output = JKSOutput()
        output.bytes = format == .jceks ? JKSFormat.jceksMagic : JKSFormat.magic
        output.number(2)
        output.number(store.count)
        for named in store.entries {
            do throws(KeyStoreError) {
                try write(named, to: &output)
            } catch {
                throw error.about("Entry \(named.alias)")
            }
        }
        return output.bytes
    }

    private func write(_ named: KeyStore.NamedEntry, to output: inout JKSOutput) throws(KeyStoreError) {
        switch named.entry.content {
        case .privateKey(let entry):
            try begin(JKSFormat.privateKeyTag, named, &output)
            output.block(try protected(entry))
            output.number(entry.certificateChain.count)
            for certificate in entry.certificateChain { try write(certificate, to: &output) }
        case .trustedCertificate(let certificate):
            try begin(JKSFormat.certificateTag, named, &output)
            try write(certificate, to: &output)
        case .secretKey(let entry):
            guard format == .jceks else {
                throw KeyStoreError(.unsupportedFormat, "Cannot store non-PrivateKeys: a JKS key store holds no secret keys")
            }
            try begin(JKSFormat.secretKeyTag, named, &output)
            output.bytes += try sealed(entry)
        }
    }

    private func begin(_ tag: Int, _ named: KeyStore.NamedEntry, _ output: inout JKSOutput) throws(KeyStoreError) {
        output.number(tag)
        try output.text(named.alias)
        output.date(named.entry.creationDate)
    }

    private func write(_ certificate: CertificateData, to output: inout JKSOutput) throws(KeyStoreError) {
        try output.text("X.509")
        output.block(certificate.der)
    }

    private func protected(_ entry: PrivateKeyEntry) throws(KeyStoreError) -> [UInt8] {
        switch entry.key {
        case .protected(let stored):
            switch (format, try ProtectedKey.algorithm(of: stored.bytes)) {
            case (.jks, .javaKeyProtector), (.jceks, .jceKeyProtector): return stored.bytes
            case (.jceks, .javaKeyProtector):
                // The JDK reads JKS's protection in JCEKS too; a key that does not open stays under it.
                guard let key = try? entry.privateKey() else { return stored.bytes }
                return try seal(key.pkcs8, password)
            default: return try seal(entry.privateKey().pkcs8, password)
            }
        case .plain(let key, let own): return try seal(key.pkcs8, own?.value ?? password)
        case .unparsed: return try seal(entry.privateKey().pkcs8, password)
        }
    }

    private func seal(_ pkcs8: [UInt8], _ password: String) throws(KeyStoreError) -> [UInt8] {
        guard format == .jceks else { return ProtectedKey.sealForJKS(pkcs8, password: password) }
        try checkForJCEKS(password)
        return try ProtectedKey.seal(pkcs8, .jceks, password: PasswordBytes(password))
    }

    private func sealed(_ entry: SecretKeyEntry) throws(KeyStoreError) -> [UInt8] {
        let key: SecretKey
        var password = password
        switch entry.value {
        case .sealed(let stored): return stored.bytes
        case .plain(let plain, let own):
            key = plain
            password = own?.value ?? password
        case .bag: key = try entry.secretKey()
        }
        try checkForJCEKS(password)
        return try SealedKey.seal(key, password: password)
    }

    /// Java's derivation knows ASCII only; a key under another password could be opened by nobody else.
    private func checkForJCEKS(_ password: String) throws(KeyStoreError) {
        guard password.unicodeScalars.allSatisfy({ (0x20...0x7E).contains($0.value) }) else {
            throw KeyStoreError(.invalidInput, "A key in a JCEKS key store can only have a password of printable ASCII characters")
        }
    }
}
