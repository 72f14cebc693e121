/// The object identifiers of password-based cryptography.
enum PasswordAlgorithms {
    static let pbes1: [OID: (derivation: PasswordBasedEncryption.Derivation, cipher: PasswordCipher)] = [
        "1.2.840.113549.1.12.1.1": (.pkcs12(keySize: 16), .rc4(keySize: 16)),
        "1.2.840.113549.1.12.1.2": (.pkcs12(keySize: 5), .rc4(keySize: 5)),
        .pbeWithSHA1AndTripleDES: (.pkcs12(keySize: 24), .tripleDES),
        "1.2.840.113549.1.12.1.4": (.pkcs12(keySize: 16), .tripleDES),
        "1.2.840.113549.1.12.1.5": (.pkcs12(keySize: 16), .rc2(keySize: 16)),
        .pbeWithSHA1AndRC2With40Bits: (.pkcs12(keySize: 5), .rc2(keySize: 5)),
        "1.2.840.113549.1.5.3": (.pbkdf1(digest: "MD5"), .des),
        "1.2.840.113549.1.5.6": (.pbkdf1(digest: "MD5"), .rc2(keySize: 8)),
        "1.2.840.113549.1.5.10": (.pbkdf1(digest: "SHA1"), .des),
        "1.2.840.113549.1.5.11": (.pbkdf1(digest: "SHA1"), .rc2(keySize: 8)),
        .jceKeyProtector: (.java, .tripleDES),
    ]

    /// Those whose only parameter is the initialisation vector.
    static let ciphers: [OID: PasswordCipher] = [
        "2.16.840.1.101.3.4.1.2": .aes128, "2.16.840.1.101.3.4.1.22": .aes192, .aes256CBC: .aes256,
        "1.2.840.113549.3.7": .tripleDES, "1.3.14.3.2.7": .des,
        "1.2.392.200011.61.1.1.1.2": .openSSL("CAMELLIA-128-CBC", 16, 16), "1.2.392.200011.61.1.1.1.3": .openSSL("CAMELLIA-192-CBC", 16, 24),
        "1.2.392.200011.61.1.1.1.4": .openSSL("CAMELLIA-256-CBC", 16, 32),
        "1.2.410.200046.1.1.2": .openSSL("ARIA-128-CBC", 16, 16), "1.2.410.200046.1.1.7": .openSSL("ARIA-192-CBC", 16, 24),
        "1.2.410.200046.1.1.12": .openSSL("ARIA-256-CBC", 16, 32), "1.2.156.10197.1.104.2": .openSSL("SM4-CBC", 16, 16),
    ]

    /// OpenSSL's names of the digests inside the HMAC algorithms.
    static let hmacDigests: [OID: String] = [
        .hmacSHA1: "SHA1", "1.2.840.113549.2.8": "SHA224", .hmacSHA256: "SHA256", "1.2.840.113549.2.10": "SHA384", "1.2.840.113549.2.11": "SHA512",
        "1.2.840.113549.2.12": "SHA512-224", "1.2.840.113549.2.13": "SHA512-256", "1.2.840.113549.2.6": "MD5",
        "2.16.840.1.101.3.4.2.13": "SHA3-224", "2.16.840.1.101.3.4.2.14": "SHA3-256", "2.16.840.1.101.3.4.2.15": "SHA3-384",
        "2.16.840.1.101.3.4.2.16": "SHA3-512",
    ]

    /// OpenSSL's names of digests, and their sizes.
    static let digests: [OID: (name: String, size: Int)] = [
        .sha1: ("SHA1", 20), "2.16.840.1.101.3.4.2.4": ("SHA224", 28), .sha256: ("SHA256", 32), "2.16.840.1.101.3.4.2.2": ("SHA384", 48),
        "2.16.840.1.101.3.4.2.3": ("SHA512", 64), "2.16.840.1.101.3.4.2.5": ("SHA512-224", 28), "2.16.840.1.101.3.4.2.6": ("SHA512-256", 32),
        "1.2.840.113549.2.5": ("MD5", 16), "2.16.840.1.101.3.4.2.7": ("SHA3-224", 28), "2.16.840.1.101.3.4.2.8": ("SHA3-256", 32),
        "2.16.840.1.101.3.4.2.9": ("SHA3-384", 48), "2.16.840.1.101.3.4.2.10": ("SHA3-512", 64),
    ]

    static func unsupported(_ oid: OID) -> KeyStoreError {
        KeyStoreError(.unsupportedAlgorithm, "The data is protected with \(name(oid)), which is not supported")
    }

    /// The name with the number in parentheses, or the number alone.
    static func name(_ oid: OID) -> String {
        names[oid].map { "\($0) (\(oid))" } ?? "algorithm \(oid)"
    }

    /// What is known by name and not supported.
    private static let names: [OID: String] = [
        "1.2.840.113549.1.5.1": "pbeWithMD2AndDES-CBC", "1.2.840.113549.1.5.4": "pbeWithMD2AndRC2-CBC", "1.2.840.113549.1.5.14": "PBMAC1",
        .javaKeyProtector: "the JKS key protector", "1.2.840.113549.1.7.3": "public-key encryption", "1.2.840.113549.3.4": "RC4",
        "1.2.840.113549.3.9": "RC5-CBC", "1.3.6.1.4.1.188.7.1.1.2": "IDEA-CBC", "1.3.6.1.4.1.3029.1.2": "Blowfish-CBC",
        "1.2.840.113533.7.66.10": "CAST5-CBC", "1.2.410.200004.1.4": "SEED-CBC", "1.2.643.2.2.21": "GOST 28147-89",
        "1.2.643.7.1.1.4.2": "GOST R 34.11-2012 HMAC", "1.2.643.7.1.1.2.3": "GOST R 34.11-2012",
        "2.16.840.1.101.3.4.1.6": "AES-128-GCM", "2.16.840.1.101.3.4.1.26": "AES-192-GCM", "2.16.840.1.101.3.4.1.46": "AES-256-GCM",
        "2.16.840.1.101.3.4.1.7": "AES-128-CCM", "2.16.840.1.101.3.4.1.47": "AES-256-CCM", "1.2.840.113549.1.9.16.3.18": "ChaCha20-Poly1305",
        "2.16.840.1.101.3.4.1.1": "AES-128-ECB", "2.16.840.1.101.3.4.1.41": "AES-256-ECB", "2.16.840.1.101.3.4.1.4": "AES-128-CFB",
        "2.16.840.1.101.3.4.1.44": "AES-256-CFB", "2.16.840.1.101.3.4.1.3": "AES-128-OFB", "2.16.840.1.101.3.4.1.43": "AES-256-OFB",
    ]
}
