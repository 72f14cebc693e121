/// The value of a secretBag as the JDK writes it: a key in the form of PKCS#8, encrypted like a private key.
enum PKCS12SecretBag {
    static func open(_ value: [UInt8], password: String?, keys: DerivedKeys) throws(KeyStoreError) -> SecretKey {
        let (type, content) = try parts(value)
        switch type {
        case .keyBag: return try key(content)
        case .shroudedKeyBag:
            guard let password else { throw KeyStoreError(.wrongKeyPassword, "The secret key is protected and no password was given") }
            return try key(ProtectedKey.openBytes(content, password: password, keys: keys))
        default: throw KeyStoreError(.unsupportedAlgorithm, "The entry is a secret of type \(type), which is not a key")
        }
    }

    /// The encrypted key inside; `nil` when the secret is something else.
    static func protectedKey(_ value: [UInt8]) throws(KeyStoreError) -> [UInt8]? {
        let (type, content) = try parts(value)
        return type == .shroudedKeyBag ? content : nil
    }

    /// - Parameter protected: An EncryptedPrivateKeyInfo.
    static func make(_ protected: [UInt8]) -> [UInt8] {
        DEREncoding.sequence(DEREncoding.oid(.shroudedKeyBag), DEREncoding.explicit(0, DEREncoding.octetString(protected)))
    }

    /// The key in the form of PKCS#8, where the algorithm is an object identifier.
    ///
    /// - Throws: `unsupportedAlgorithm` for an algorithm that has none.
    static func encode(_ key: SecretKey) throws(KeyStoreError) -> [UInt8] {
        guard let oid = SecretKeyNames.oid(key.algorithm) else {
            throw KeyStoreError(
                .unsupportedAlgorithm,
                "A PKCS12 key store cannot hold a secret key of algorithm \(key.algorithm): there is no object identifier for it"
            )
        }
        return DEREncoding.sequence(DEREncoding.integer(0), DEREncoding.algorithm(oid), DEREncoding.octetString(key.bytes))
    }

    private static func key(_ pkcs8: [UInt8]) throws(KeyStoreError) -> SecretKey {
        var reader = try ASN1Value(pkcs8).reader()
        _ = try reader.next().integer()
        var algorithm = try reader.next().reader()
        let oid = try algorithm.next().objectIdentifier()
        return SecretKey(algorithm: SecretKeyNames.name(oid), bytes: try reader.next().octets())
    }

    private static func parts(_ value: [UInt8]) throws(KeyStoreError) -> (type: OID, content: [UInt8]) {
        var reader = try ASN1Value(value).reader()
        let type = try reader.next().objectIdentifier()
        let inner = try reader.next().explicit(0)
        // The JDK puts an OCTET STRING around the value; by the standard it could stand there itself.
        return (type, inner.tag & ~0x20 == ASN1Value.octetString ? try inner.octets() : Array(inner.encoded))
    }
}
