/// A secret key of a JCEKS store: a serialized `javax.crypto.SealedObject` around a serialized key.
///
/// Only the shapes that the JDK writes are understood; no object of any class is ever made.
struct SealedKey {
    private let algorithm: String
    /// The PBEParameter of the cipher as DER.
    private let parameters: [UInt8]
    private let encrypted: [UInt8]

    static let cipherName = "PBEWithMD5AndTripleDES"

    /// Reads a whole stream.
    init(stream: [UInt8]) throws(KeyStoreError) {
        var reader = JavaObjectReader(stream[...])
        try self.init(reader.object())
        guard reader.isAtEnd else { throw KeyStoreError(.corrupt, "Bytes follow the end of a sealed key") }
    }

    init(_ object: JavaObject) throws(KeyStoreError) {
        guard case .instance(let type, let fields) = object,
            type == "com.sun.crypto.provider.SealedObjectForKeyProtector" || type == "javax.crypto.SealedObject",
            case .bytes(let parameters)? = fields["encodedParams"], case .bytes(let encrypted)? = fields["encryptedContent"],
            case .text(let algorithm)? = fields["sealAlg"]
        else { throw KeyStoreError(.corrupt, "A secret key is not a sealed Java object") }
        self.algorithm = algorithm
        self.parameters = parameters
        self.encrypted = encrypted
    }

    /// - Throws: `wrongKeyPassword`, `unsupportedAlgorithm`, `corrupt`.
    func open(password: String?, keys: DerivedKeys) throws(KeyStoreError) -> SecretKey {
        guard let password else { throw KeyStoreError(.wrongKeyPassword, "The secret key is protected and no password was given") }
        guard algorithm == SealedKey.cipherName else {
            throw KeyStoreError(.unsupportedAlgorithm, "The secret key is sealed with \(algorithm), which is not supported")
        }
        let identifier = DEREncoding.sequence(DEREncoding.oid(.jceKeyProtector), parameters)
        let plain = try PasswordBasedEncryption(ASN1Value(identifier)).decrypt(encrypted, password: PasswordBytes(password), keys: keys) {
            $0.starts(with: JavaObjectReader.header)
        }
        guard let plain else { throw KeyStoreError(.wrongKeyPassword, "Cannot recover key: the secret key's password is wrong") }
        var reader = JavaObjectReader(plain[...])
        return try SealedKey.key(reader.object())
    }

    private static func key(_ object: JavaObject) throws(KeyStoreError) -> SecretKey {
        switch object {
        case .instance("javax.crypto.spec.SecretKeySpec", let fields):
            if case .text(let algorithm)? = fields["algorithm"], case .bytes(let key)? = fields["key"] {
                return SecretKey(algorithm: algorithm, bytes: key)
            }
        case .instance("java.security.KeyRep", let fields):
            if case .text(let algorithm)? = fields["algorithm"], case .bytes(let key)? = fields["encoded"], case .text("RAW")? = fields["format"],
                case .constant("java.security.KeyRep$Type", "SECRET")? = fields["type"]
            {
                return SecretKey(algorithm: algorithm, bytes: key)
            }
        default: break
        }
        throw KeyStoreError(.unsupportedAlgorithm, "The sealed Java object is not a secret key")
    }

    /// The stream of a key under a password, as the JDK writes it.
    static func seal(_ key: SecretKey, password: String) throws(KeyStoreError) -> [UInt8] {
        var inner = JavaObjectWriter()
        try inner.secretKeySpec(algorithm: key.algorithm, key: key.bytes)
        let (encryption, identifier) = PasswordBasedEncryption.make(.jceks)
        let encrypted = try encryption.encrypt(inner.bytes, password: PasswordBytes(password), keys: DerivedKeys())
        var outer = JavaObjectWriter()
        try outer.sealedObject(parameters: Array(ASN1Value(identifier).children()[1].encoded), encrypted: encrypted, algorithm: cipherName)
        return outer.bytes
    }
}
