/// EncryptedPrivateKeyInfo (RFC 5208): a private key under a password.
enum ProtectedKey {
    /// Decrypts a key, whichever of the supported ways protects it.
    ///
    /// - Throws: `wrongKeyPassword`, `unsupportedAlgorithm`, `corrupt`.
    static func open(_ encrypted: [UInt8], password: String, keys: DerivedKeys = DerivedKeys()) throws(KeyStoreError) -> PrivateKey {
        try PrivateKey(pkcs8: openBytes(encrypted, password: password, keys: keys))
    }

    /// As ``open(_:password:keys:)``, for anything that is encrypted in this form.
    static func openBytes(_ encrypted: [UInt8], password: String, keys: DerivedKeys = DerivedKeys()) throws(KeyStoreError) -> [UInt8] {
        let (algorithm, data) = try parts(encrypted)
        if try oid(of: algorithm) == .javaKeyProtector {
            guard let plain = try JavaKeyProtector.open(data, password: password) else { throw wrongPassword }
            return plain
        }
        let plain = try PasswordBasedEncryption(algorithm).decrypt(data, password: PasswordBytes(password), keys: keys) {
            (try? ASN1Value($0).children().count).map { $0 >= 3 } ?? false
        }
        guard let plain else { throw wrongPassword }
        return plain
    }

    /// A key protected as JKS does it.
    static func sealForJKS(_ pkcs8: [UInt8], password: String) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.algorithm(.javaKeyProtector), DEREncoding.octetString(JavaKeyProtector.seal(pkcs8, password: password)))
    }

    /// A key protected by a cipher.
    static func seal(
        _ pkcs8: [UInt8],
        _ kind: PasswordBasedEncryption.Kind,
        password: PasswordBytes,
        keys: DerivedKeys = DerivedKeys()
    ) throws(KeyStoreError) -> [UInt8] {
        let (encryption, identifier) = PasswordBasedEncryption.make(kind)
        return DEREncoding.sequence(identifier, DEREncoding.octetString(try encryption.encrypt(pkcs8, password: password, keys: keys)))
    }

    /// The algorithm that protects the key.
    static func algorithm(of encrypted: [UInt8]) throws(KeyStoreError) -> OID {
        try oid(of: parts(encrypted).algorithm)
    }

    static func parts(_ encrypted: [UInt8]) throws(KeyStoreError) -> (algorithm: ASN1Value, data: [UInt8]) {
        let values = try ASN1Value(encrypted).children()
        guard values.count == 2 else { throw KeyStoreError(.corrupt, "An encrypted key has an algorithm and data") }
        return (values[0], try values[1].octets())
    }

    private static func oid(of algorithm: ASN1Value) throws(KeyStoreError) -> OID {
        var reader = try algorithm.reader()
        return try reader.next().objectIdentifier()
    }

    private static var wrongPassword: KeyStoreError { KeyStoreError(.wrongKeyPassword, "Cannot recover key: the key's password is wrong") }
}
