/// The AlgorithmIdentifier of data encrypted under a password: PBES2 and PBES1 (RFC 8018), PKCS12's own ciphers (RFC 7292 appendix C), and
/// Java's for JCEKS.
struct PasswordBasedEncryption {
    enum Derivation: Sendable {
        /// PBES2: a derivation that lacks only the password; the vector stands in the file.
        case pbes2(KeyDerivation, iv: [UInt8])
        /// SHA-1 once for the key and once for the vector; a two-key triple DES uses the first key again as the third.
        case pkcs12(keySize: Int)
        /// Key and vector are the halves of one digest.
        case pbkdf1(digest: String)
        /// As PBKDF1, with 24 bytes of key.
        case java
    }

    private let derivation: Derivation
    private let cipher: PasswordCipher
    private let salt: [UInt8]
    private let iterations: Int

    /// - Throws: `unsupportedAlgorithm` with the algorithm's name, `corrupt`.
    init(_ identifier: ASN1Value) throws(KeyStoreError) {
        var reader = try identifier.reader()
        let oid = try reader.next().objectIdentifier()
        if oid == .pbes2 {
            self = try PasswordBasedEncryption(pbes2: reader.next())
            return
        }
        guard let known = PasswordAlgorithms.pbes1[oid] else { throw PasswordAlgorithms.unsupported(oid) }
        let parameters = try reader.next().children()
        guard parameters.count == 2 else { throw KeyStoreError(.corrupt, "A password-based cipher needs a salt and an iteration count") }
        self.init(known.derivation, known.cipher, salt: try parameters[0].octets(), iterations: try parameters[1].integer())
    }

    private init(_ derivation: Derivation, _ cipher: PasswordCipher, salt: [UInt8], iterations: Int) {
        self.derivation = derivation
        self.cipher = cipher
        self.salt = salt
        self.iterations = iterations
    }

    private init(pbes2: ASN1Value) throws(KeyStoreError) {
        var parameters = try pbes2.reader()
        let function = try PasswordKeyFunction(parameters.next())
        let (cipher, iv) = try PasswordBasedEncryption.cipher(parameters.next(), keyLength: function.keyLength)
        if let length = function.keyLength, length != cipher.keySize {
            throw KeyStoreError(.corrupt, "The key length \(length) does not fit the cipher \(cipher.name)")
        }
        let derivation = function.derivation(length: cipher.keySize)
        self.init(.pbes2(derivation, iv: iv), cipher, salt: derivation.salt, iterations: derivation.iterations)
    }

    /// The cipher of an encryptionScheme with its vector.
    private static func cipher(_ scheme: ASN1Value, keyLength: Int?) throws(KeyStoreError) -> (PasswordCipher, iv: [UInt8]) {
        var reader = try scheme.reader()
        let oid = try reader.next().objectIdentifier()
        if let cipher = PasswordAlgorithms.ciphers[oid] { return (cipher, try reader.next().octets()) }
        guard oid == .rc2CBC else { throw PasswordAlgorithms.unsupported(oid) }
        // RC2 alone has no key length of its own: the file must not say how much memory is taken.
        guard (1...128).contains(keyLength ?? 4) else {
            throw KeyStoreError(.corrupt, "A key of RC2 has 1 to 128 bytes; the file says \(keyLength ?? 0)")
        }
        let parameters = try reader.next()
        // A vector alone stands for 32 effective bits (RFC 2268 section 6).
        guard parameters.tag == ASN1Value.sequence else {
            return (.rc2(keySize: keyLength ?? 4, effectiveBits: 32), try parameters.octets())
        }
        let values = try parameters.children()
        guard values.count == 2 else { throw KeyStoreError(.corrupt, "RC2 needs a version and an initialisation vector") }
        let bits: Int
        switch try values[0].integer() {
        case 160: bits = 40
        case 120: bits = 64
        case 58: bits = 128
        case let version where (256...1024).contains(version): bits = version
        default: throw KeyStoreError(.unsupportedAlgorithm, "The data is protected with RC2 of an unknown key length")
        }
        return (.rc2(keySize: keyLength ?? bits / 8, effectiveBits: bits), try values[1].octets())
    }

    /// The plain bytes, or `nil` when none come out that make sense: the password is another, or the data was changed.
    ///
    /// - Parameter accepts: Whether plain bytes make sense; a wrong password passes the padding once in 256 times.
    func decrypt(
        _ data: [UInt8],
        password: PasswordBytes,
        keys: DerivedKeys,
        accepts: ([UInt8]) -> Bool
    ) throws(KeyStoreError) -> [UInt8]? {
        for bytes in password.encodings(for: derivation) {
            let (key, iv) = try keyAndVector(password: bytes, keys: keys)
            if let plain = try cipher.decrypt(data, key: key, iv: iv), accepts(plain) { return plain }
        }
        return nil
    }

    private func keyAndVector(password: [UInt8], keys: DerivedKeys) throws(KeyStoreError) -> (key: [UInt8], iv: [UInt8]) {
        func derive(_ function: KeyDerivation.Function, _ length: Int) throws(KeyStoreError) -> [UInt8] {
            try keys.key(KeyDerivation(function, salt: salt, iterations: iterations, length: length), password: password)
        }
        switch derivation {
        case .pbes2(let derivation, let iv): return (try keys.key(derivation, password: password), iv)
        case .pkcs12(let keySize):
            let key = try derive(.pkcs12(digest: "SHA1", purpose: .key), keySize)
            let iv = cipher.ivSize == 0 ? [] : try derive(.pkcs12(digest: "SHA1", purpose: .iv), cipher.ivSize)
            return (key + key.prefix(cipher.keySize - keySize), iv)
        case .pbkdf1(let digest):
            let bytes = try derive(.pbkdf1(digest: digest), cipher.keySize + cipher.ivSize)
            return (Array(bytes.prefix(cipher.keySize)), Array(bytes.suffix(cipher.ivSize)))
        case .java:
            let bytes = try derive(.java, cipher.keySize + cipher.ivSize)
            return (Array(bytes.prefix(cipher.keySize)), Array(bytes.suffix(cipher.ivSize)))
        }
    }
}

extension PasswordBytes {
    fileprivate func encodings(for derivation: PasswordBasedEncryption.Derivation) -> [[UInt8]] {
        switch derivation {
        case .pbes2, .pbkdf1: plain
        case .pkcs12: terminatedUTF16
        // The JDK takes ASCII only, and nobody else writes this.
        case .java: [utf8]
        }
    }
}

// MARK: Writing

extension PasswordBasedEncryption {
    /// An algorithm for new data, with fresh random parameters.
    ///
    /// - Returns: The algorithm and its identifier as DER.
    static func make(_ kind: Kind) -> (encryption: PasswordBasedEncryption, identifier: [UInt8]) {
        switch kind {
        case .aes256(let derivation):
            let iv = SystemRandom.bytes(16)
            let encryption = PasswordBasedEncryption(.pbes2(derivation, iv: iv), .aes256, salt: derivation.salt, iterations: derivation.iterations)
            let parameters = DEREncoding.sequence(
                DEREncoding.sequence(DEREncoding.oid(.pbkdf2), pbkdf2(derivation)),
                DEREncoding.sequence(DEREncoding.oid(.aes256CBC), DEREncoding.octetString(iv))
            )
            return (encryption, DEREncoding.sequence(DEREncoding.oid(.pbes2), parameters))
        case .tripleDES: return pbes1(.pbeWithSHA1AndTripleDES, .pkcs12(keySize: 24), .tripleDES, saltSize: 20, iterations: 10_000)
        case .rc2: return pbes1(.pbeWithSHA1AndRC2With40Bits, .pkcs12(keySize: 5), .rc2(keySize: 5), saltSize: 20, iterations: 10_000)
        case .jceks: return pbes1(.jceKeyProtector, .java, .tripleDES, saltSize: 8, iterations: 200_000)
        }
    }

    enum Kind {
        /// PBES2 with AES-256 in CBC mode, under a derivation that may be shared.
        case aes256(KeyDerivation)
        /// What every PKCS12 program reads: SHA-1 and triple DES.
        case tripleDES
        /// What old PKCS12 programs expect of certificates: SHA-1 and RC2 with 40 bits.
        case rc2
        /// PBEWithMD5AndTripleDES, which no other format has.
        case jceks
    }

    /// The derivation of JDK 17: PBKDF2 with HMAC-SHA256, 20 bytes of salt and 10,000 iterations.
    static func newDerivation() -> KeyDerivation {
        KeyDerivation(.pbkdf2(digest: "SHA256"), salt: SystemRandom.bytes(20), iterations: 10_000, length: 32)
    }

    func encrypt(_ plain: [UInt8], password: PasswordBytes, keys: DerivedKeys) throws(KeyStoreError) -> [UInt8] {
        let (key, iv) = try keyAndVector(password: password.encodings(for: derivation).first ?? [], keys: keys)
        return try cipher.encrypt(plain, key: key, iv: iv)
    }

    /// PBKDF2-params for a derivation with HMAC-SHA256.
    static func pbkdf2(_ derivation: KeyDerivation) -> [UInt8] {
        DEREncoding.sequence(
            DEREncoding.octetString(derivation.salt),
            DEREncoding.integer(derivation.iterations),
            DEREncoding.integer(derivation.length),
            DEREncoding.algorithm(.hmacSHA256)
        )
    }

    private static func pbes1(
        _ oid: OID,
        _ derivation: Derivation,
        _ cipher: PasswordCipher,
        saltSize: Int,
        iterations: Int
    ) -> (PasswordBasedEncryption, [UInt8]) {
        let salt = SystemRandom.bytes(saltSize)
        let parameters = DEREncoding.sequence(DEREncoding.octetString(salt), DEREncoding.integer(iterations))
        let encryption = PasswordBasedEncryption(derivation, cipher, salt: salt, iterations: iterations)
        return (encryption, DEREncoding.sequence(DEREncoding.oid(oid), parameters))
    }
}
