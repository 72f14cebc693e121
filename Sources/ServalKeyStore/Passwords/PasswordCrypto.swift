import COpenSSL
import Crypto

/// Key derivations and ciphers for data under a password, by the system's OpenSSL.
enum PasswordCrypto {
    enum Cipher: Sendable {
        case aes128, aes192, aes256, tripleDES, rc2

        /// OpenSSL's name; RC2 is this library's own.
        var name: String {
            switch self {
            case .aes128: "AES-128-CBC"
            case .aes192: "AES-192-CBC"
            case .aes256: "AES-256-CBC"
            case .tripleDES: "DES-EDE3-CBC"
            case .rc2: "RC2-CBC"
            }
        }

        var blockSize: Int {
            switch self {
            case .aes128, .aes192, .aes256: 16
            case .tripleDES, .rc2: 8
            }
        }

        /// Key length in bytes; for RC2 the effective key is as long as the key given.
        var keySize: Int {
            switch self {
            case .aes128, .rc2: 16
            case .aes192, .tripleDES: 24
            case .aes256: 32
            }
        }
    }

    /// The plain bytes, or `nil` when the padding is wrong (a wrong key, or changed data).
    ///
    /// - Throws: `corrupt` when the data is not whole blocks, `unsupportedAlgorithm` when OpenSSL lacks the cipher.
    static func decrypt(_ cipher: Cipher, key: [UInt8], iv: [UInt8], data: [UInt8]) throws(KeyStoreError) -> [UInt8]? {
        guard iv.count == cipher.blockSize else {
            throw KeyStoreError(.corrupt, "\(cipher.name) needs an initialisation vector of \(cipher.blockSize) bytes; there are \(iv.count)")
        }
        guard !data.isEmpty, data.count.isMultiple(of: cipher.blockSize) else {
            throw KeyStoreError(.corrupt, "The encrypted data is not made of whole blocks")
        }
        if cipher == .rc2 { return RC2(key: key)?.decryptCBC(data, iv: iv) }
        return try run(cipher, encrypt: false, key: key, iv: iv, data: data)
    }

    static func encrypt(_ cipher: Cipher, key: [UInt8], iv: [UInt8], data: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        guard let bytes = try run(cipher, encrypt: true, key: key, iv: iv, data: data) else {
            throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL could not encrypt with \(cipher.name)")
        }
        return bytes
    }

    /// - Parameter digest: OpenSSL's name of the hash inside HMAC.
    static func pbkdf2(digest: String, password: [UInt8], salt: [UInt8], iterations: Int, length: Int) throws(KeyStoreError) -> [UInt8] {
        let iterations = try checked(iterations)
        var key = [UInt8](repeating: 0, count: length)
        guard serval_pbkdf2(digest, password, password.count, salt, salt.count, iterations, &key, length) == 1 else {
            throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL could not derive a key with PBKDF2 and HMAC \(digest)")
        }
        return key
    }

    enum Purpose: Int32 {
        case key = 1
        case iv = 2
        case mac = 3
    }

    /// RFC 7292 appendix B.
    static func pkcs12(
        digest: String,
        purpose: Purpose,
        password: [UInt8],
        salt: [UInt8],
        iterations: Int,
        length: Int
    ) throws(KeyStoreError) -> [UInt8] {
        let iterations = try checked(iterations)
        var key = [UInt8](repeating: 0, count: length)
        guard serval_pkcs12_kdf(digest, password, password.count, salt, salt.count, purpose.rawValue, iterations, &key, length) == 1 else {
            throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL could not derive a PKCS12 key with \(digest)")
        }
        return key
    }

    /// Random bytes from the system's generator.
    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func checked(_ iterations: Int) throws(KeyStoreError) -> Int32 {
        guard (1...Limits.iterations).contains(iterations) else {
            throw KeyStoreError(.unsupportedAlgorithm, "A key derivation asks for \(iterations) iterations; 1 to \(Limits.iterations) are accepted")
        }
        return Int32(iterations)
    }

    private static func run(_ cipher: Cipher, encrypt: Bool, key: [UInt8], iv: [UInt8], data: [UInt8]) throws(KeyStoreError) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: data.count + cipher.blockSize)
        switch serval_cbc(cipher.name, encrypt ? 1 : 0, 1, key, key.count, iv, iv.count, data, data.count, &output) {
        case -1: return nil
        case let count where count >= 0: return Array(output.prefix(count))
        default: throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL does not offer the cipher \(cipher.name)")
        }
    }
}
