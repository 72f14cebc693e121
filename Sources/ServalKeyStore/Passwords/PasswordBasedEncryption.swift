import Crypto

/// A password in the two encodings that key files use.
struct PasswordBytes {
    /// UTF-8: PBKDF2 and legacy PEM encryption.
    let utf8: [UInt8]
    /// Big-endian UTF-16 with a terminating zero (RFC 7292 appendix B.1), in the order in which to try them.
    ///
    /// For the empty password some programs use the terminator and others nothing at all.
    let terminatedUTF16: [[UInt8]]

    init(_ password: String) {
        utf8 = Array(password.utf8)
        let characters = JavaText.utf16(password)
        terminatedUTF16 = characters.isEmpty ? [[0, 0], []] : [characters + [0, 0]]
    }
}

/// The AlgorithmIdentifier of data encrypted under a password: PBES2 and PBES1 (RFC 8018), and PKCS12's own ciphers (RFC 7292 appendix C).
struct PasswordBasedEncryption {
    private enum Derivation {
        case pbkdf2(digest: String, cipherIV: [UInt8])
        case pkcs12(keySize: Int)
        case pbkdf1(usesMD5: Bool)
    }

    private let derivation: Derivation
    private let cipher: PasswordCrypto.Cipher
    private let salt: [UInt8]
    let iterations: Int

    /// - Throws: `unsupportedAlgorithm` with the algorithm's name, `corrupt`.
    init(_ identifier: ASN1Value) throws(KeyStoreError) {
        var reader = try identifier.reader()
        let oid = try reader.next().objectIdentifier()
        guard oid == .pbes2 else {
            guard let known = PasswordBasedEncryption.simple[oid] else { throw PasswordBasedEncryption.unsupported(oid) }
            let parameters = try reader.next().children()
            guard parameters.count == 2 else { throw KeyStoreError(.corrupt, "A password-based cipher needs a salt and an iteration count") }
            derivation = known.derivation
            cipher = known.cipher
            salt = try parameters[0].octets()
            iterations = try PasswordBasedEncryption.iterations(parameters[1])
            return
        }
        var parameters = try reader.next().reader()
        var function = try parameters.next().reader()
        var scheme = try parameters.next().reader()
        let functionOID = try function.next().objectIdentifier()
        guard functionOID == .pbkdf2 else { throw PasswordBasedEncryption.unsupported(functionOID) }
        let cipherOID = try scheme.next().objectIdentifier()
        guard let cipher = PasswordBasedEncryption.ciphers[cipherOID] else { throw PasswordBasedEncryption.unsupported(cipherOID) }
        self.cipher = cipher
        let iv = try scheme.next().octets()

        var pbkdf2 = try function.next().reader()
        salt = try pbkdf2.next().octets()
        iterations = try PasswordBasedEncryption.iterations(pbkdf2.next())
        if let length = try pbkdf2.next(ifTag: ASN1Value.integer)?.integer(), length != cipher.keySize {
            throw KeyStoreError(.corrupt, "The key length \(length) does not fit the cipher \(cipher.name)")
        }
        var prf = OID.hmacSHA1
        if let identifier = try pbkdf2.next(ifTag: ASN1Value.sequence) {
            var reader = try identifier.reader()
            prf = try reader.next().objectIdentifier()
        }
        guard let digest = PasswordBasedEncryption.digests[prf] else { throw PasswordBasedEncryption.unsupported(prf) }
        derivation = .pbkdf2(digest: digest, cipherIV: iv)
    }

    /// The plain bytes, or `nil` when the padding is wrong: the password is another, or the data was changed.
    ///
    /// - Parameter accepts: Whether plain bytes make sense; a wrong password passes the padding once in 256 times.
    func decrypt(_ data: [UInt8], password: PasswordBytes, accepts: ([UInt8]) -> Bool) throws(KeyStoreError) -> [UInt8]? {
        switch derivation {
        case .pbkdf2(let digest, let iv):
            let key = try PasswordCrypto.pbkdf2(digest: digest, password: password.utf8, salt: salt, iterations: iterations, length: cipher.keySize)
            return try PasswordCrypto.decrypt(cipher, key: key, iv: iv, data: data).flatMap { accepts($0) ? $0 : nil }
        case .pkcs12(let keySize):
            for characters in password.terminatedUTF16 {
                let (key, iv) = try pkcs12Key(characters, keySize: keySize)
                if let plain = try PasswordCrypto.decrypt(cipher, key: key, iv: iv, data: data), accepts(plain) { return plain }
            }
            return nil
        case .pbkdf1(let usesMD5):
            let derived = pbkdf1(password.utf8, usesMD5: usesMD5)
            // Single DES is triple DES with three equal keys.
            let key = [derived.prefix(8), derived.prefix(8), derived.prefix(8)].flatMap { $0 }
            return try PasswordCrypto.decrypt(cipher, key: key, iv: Array(derived[8..<16]), data: data).flatMap { accepts($0) ? $0 : nil }
        }
    }

    private func pkcs12Key(_ password: [UInt8], keySize: Int) throws(KeyStoreError) -> (key: [UInt8], iv: [UInt8]) {
        func derive(_ purpose: PasswordCrypto.Purpose, _ length: Int) throws(KeyStoreError) -> [UInt8] {
            try PasswordCrypto.pkcs12(digest: "SHA1", purpose: purpose, password: password, salt: salt, iterations: iterations, length: length)
        }
        var key = try derive(.key, keySize)
        let iv = try derive(.iv, cipher.blockSize)
        // Triple DES with two keys uses the first again as the third.
        if cipher == .tripleDES, keySize == 16 { key += key.prefix(8) }
        return (key, iv)
    }

    private func pbkdf1(_ password: [UInt8], usesMD5: Bool) -> [UInt8] {
        var block = password + salt
        for _ in 0..<iterations {
            block = usesMD5 ? Array(Insecure.MD5.hash(data: block)) : Array(Insecure.SHA1.hash(data: block))
        }
        return block
    }

    private static func iterations(_ value: ASN1Value) throws(KeyStoreError) -> Int {
        let count = try value.integer()
        guard (1...Limits.iterations).contains(count) else {
            throw KeyStoreError(.unsupportedAlgorithm, "A key derivation asks for \(count) iterations; 1 to \(Limits.iterations) are accepted")
        }
        return count
    }

    private static func unsupported(_ oid: OID) -> KeyStoreError {
        let name = names[oid].map { "\($0) (\(oid))" } ?? oid.description
        return KeyStoreError(.unsupportedAlgorithm, "The data is protected with \(name), which is not supported")
    }

    private static let simple: [OID: (derivation: Derivation, cipher: PasswordCrypto.Cipher)] = [
        "1.2.840.113549.1.12.1.3": (.pkcs12(keySize: 24), .tripleDES),
        "1.2.840.113549.1.12.1.4": (.pkcs12(keySize: 16), .tripleDES),
        "1.2.840.113549.1.12.1.5": (.pkcs12(keySize: 16), .rc2),
        "1.2.840.113549.1.12.1.6": (.pkcs12(keySize: 5), .rc2),
        "1.2.840.113549.1.5.3": (.pbkdf1(usesMD5: true), .tripleDES),
        "1.2.840.113549.1.5.10": (.pbkdf1(usesMD5: false), .tripleDES),
    ]

    private static let ciphers: [OID: PasswordCrypto.Cipher] = [
        "2.16.840.1.101.3.4.1.2": .aes128, "2.16.840.1.101.3.4.1.22": .aes192, .aes256CBC: .aes256, "1.2.840.113549.3.7": .tripleDES,
    ]

    private static let digests: [OID: String] = [
        .hmacSHA1: "SHA1", "1.2.840.113549.2.8": "SHA224", .hmacSHA256: "SHA256", "1.2.840.113549.2.10": "SHA384", "1.2.840.113549.2.11": "SHA512",
        "1.2.840.113549.2.12": "SHA512-224", "1.2.840.113549.2.13": "SHA512-256",
    ]

    private static let names: [OID: String] = [
        "1.2.840.113549.1.12.1.1": "pbeWithSHA1And128BitRC4", "1.2.840.113549.1.12.1.2": "pbeWithSHA1And40BitRC4",
        "1.3.6.1.4.1.11591.4.11": "scrypt", "1.2.840.113549.1.5.14": "PBMAC1", "1.2.840.113549.3.2": "RC2-CBC", "1.3.14.3.2.7": "DES-CBC",
        "1.3.6.1.4.1.42.2.19.1": "the JCEKS key protector", "1.2.840.113549.1.5.6": "pbeWithMD5AndRC2-CBC",
        "1.2.840.113549.1.5.11": "pbeWithSHA1AndRC2-CBC", "1.2.840.113549.1.7.3": "public-key encryption",
        "2.16.840.1.101.3.4.1.46": "AES-256-GCM", "2.16.840.1.101.3.4.1.6": "AES-128-GCM",
    ]
}

extension PasswordBasedEncryption {
    /// Encrypts as JDK 17 does: PBES2 with PBKDF2 (HMAC-SHA256, 20 bytes of salt, 10,000 iterations) and AES-256 in CBC mode.
    ///
    /// - Returns: The AlgorithmIdentifier's DER and the encrypted bytes.
    static func encrypt(_ plain: [UInt8], password: String) throws(KeyStoreError) -> (algorithm: [UInt8], data: [UInt8]) {
        let salt = PasswordCrypto.random(20)
        let iv = PasswordCrypto.random(16)
        let iterations = 10_000
        let key = try PasswordCrypto.pbkdf2(digest: "SHA256", password: Array(password.utf8), salt: salt, iterations: iterations, length: 32)
        let data = try PasswordCrypto.encrypt(.aes256, key: key, iv: iv, data: plain)
        let pbkdf2 = DEREncoding.sequence(
            DEREncoding.octetString(salt),
            DEREncoding.integer(iterations),
            DEREncoding.integer(32),
            DEREncoding.algorithm(.hmacSHA256)
        )
        let parameters = DEREncoding.sequence(
            DEREncoding.sequence(DEREncoding.oid(.pbkdf2), pbkdf2),
            DEREncoding.sequence(DEREncoding.oid(.aes256CBC), DEREncoding.octetString(iv))
        )
        return (DEREncoding.sequence(DEREncoding.oid(.pbes2), parameters), data)
    }
}
