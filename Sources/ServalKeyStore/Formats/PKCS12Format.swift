/// PKCS12 (RFC 7292): bags of keys and certificates, mostly encrypted, under a MAC.
enum PKCS12Format {
    /// Whether the first bytes are those of a PFX: a SEQUENCE that begins with the INTEGER 3.
    static func recognizes(_ head: [UInt8]) -> Bool {
        guard head.count >= 5, head[0] == ASN1Value.sequence else { return false }
        let lengthOctets = head[1] > 0x80 ? Int(head[1] & 0x7F) : 0
        return lengthOctets <= 4 && head.dropFirst(2 + lengthOctets).starts(with: [ASN1Value.integer, 1, 3])
    }

    static func read(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> KeyStore {
        var pfx = try ASN1Value(bytes, allowingTrailing: true).reader()
        _ = try pfx.next()
        var authSafe = try pfx.next().reader()
        let type = try authSafe.next().objectIdentifier()
        guard type == .data else {
            throw KeyStoreError(.unsupportedAlgorithm, "The PKCS12 key store is protected by a signature (\(type)); only passwords are supported")
        }
        let contents = try octets(inExplicit: authSafe.next())
        let mac = try pfx.isAtEnd ? nil : PKCS12MAC(pfx.next())
        let keys = DerivedKeys(workLimit: Limits.totalWork)
        defer { keys.liftLimit() }
        guard let password else { return try store(contents, password: nil, keys: keys, isVerified: false) }
        guard let mac else { return try store(contents, password: password, keys: keys, isVerified: false) }
        guard try mac.verifies(contents, password: PasswordBytes(password), keys: keys) else { throw mismatch(contents, password, keys) }
        return try store(contents, password: password, keys: keys, isVerified: true)
    }

    static func write(_ store: KeyStore, password: String, protection: PKCS12Protection) throws(KeyStoreError) -> [UInt8] {
        try PKCS12Writer(password: password, protection: protection).write(store)
    }

    /// The bytes in `[0] EXPLICIT OCTET STRING`.
    static func octets(inExplicit value: ASN1Value) throws(KeyStoreError) -> ArraySlice<UInt8> {
        try value.explicit(0).octetSlice()
    }

    private static func store(
        _ contents: ArraySlice<UInt8>,
        password: String?,
        keys: DerivedKeys,
        isVerified: Bool
    ) throws(KeyStoreError) -> KeyStore {
        var reader = PKCS12Reader(password: password, keys: keys)
        do throws(KeyStoreError) {
            try reader.read(contents)
        } catch {
            guard isVerified, error.code == .wrongPassword else { throw error }
            throw KeyStoreError(.corrupt, "The password agrees with the key store's MAC but does not decrypt its contents")
        }
        var store = reader.store()
        store.isIntegrityVerified = isVerified
        return store
    }

    /// Tells a changed file from a wrong password where something encrypted can say whether the password is right.
    private static func mismatch(_ contents: ArraySlice<UInt8>, _ password: String, _ keys: DerivedKeys) -> KeyStoreError {
        var reader = PKCS12Reader(password: password, keys: keys)
        do throws(KeyStoreError) {
            try reader.read(contents)
        } catch {
            if error.code == .corrupt { return error }
        }
        guard reader.opensAnything else { return wrongPassword }
        return KeyStoreError(.corrupt, "The password opens the key store's contents but its MAC differs: the file was changed")
    }

    static var wrongPassword: KeyStoreError { KeyStoreError(.wrongPassword, "keystore password was incorrect") }
}
