/// EncryptedPrivateKeyInfo (RFC 5208): a private key under a password.
enum ProtectedKey {
    /// Decrypts a key, whichever of the supported ways protects it.
    ///
    /// - Throws: `wrongKeyPassword`, `unsupportedAlgorithm`, `corrupt`.
    static func open(_ encrypted: [UInt8], password: String) throws(KeyStoreError) -> PrivateKey {
        try PrivateKey(pkcs8: openBytes(encrypted, password: password))
    }

    /// As ``open(_:password:)``, for anything that is encrypted in this form.
    static func openBytes(_ encrypted: [UInt8], password: String) throws(KeyStoreError) -> [UInt8] {
        let (algorithm, data) = try parts(encrypted)
        if try oid(of: algorithm) == .javaKeyProtector {
            guard let plain = try JavaKeyProtector.open(data, password: password) else { throw wrongPassword }
            return plain
        }
        let plain = try PasswordBasedEncryption(algorithm)
            .decrypt(data, password: PasswordBytes(password)) { (try? ASN1Value($0).children().count).map { $0 >= 3 } ?? false }
        guard let plain else { throw wrongPassword }
        return plain
    }

    /// A key protected for a JKS store.
    static func sealForJKS(_ pkcs8: [UInt8], password: String) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.algorithm(.javaKeyProtector), DEREncoding.octetString(JavaKeyProtector.seal(pkcs8, password: password)))
    }

    /// A key protected for a PKCS12 store.
    static func sealForPKCS12(_ pkcs8: [UInt8], password: String) throws(KeyStoreError) -> [UInt8] {
        let (algorithm, data) = try PasswordBasedEncryption.encrypt(pkcs8, password: password)
        return DEREncoding.sequence(algorithm, DEREncoding.octetString(data))
    }

    /// Whether the key is protected as JKS stores do it.
    static func isForJKS(_ encrypted: [UInt8]) -> Bool {
        (try? oid(of: parts(encrypted).algorithm)) == .javaKeyProtector
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
