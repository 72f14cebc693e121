import COpenSSL

/// A cipher for data under a password: block ciphers in CBC mode by the system's OpenSSL, RC2 and RC4 by this library.
struct PasswordCipher: Hashable, Sendable {
    enum Engine: Hashable, Sendable {
        /// OpenSSL's name.
        case openSSL(String)
        /// Single DES, which OpenSSL has in its legacy module only: triple DES with three equal keys.
        case des
        case rc2(effectiveBits: Int)
        case rc4
    }

    /// The name for messages.
    let name: String
    let engine: Engine
    /// 1 for a stream cipher.
    let blockSize: Int
    /// Key length in bytes.
    let keySize: Int

    /// The length of the initialisation vector in bytes.
    var ivSize: Int { blockSize == 1 ? 0 : blockSize }

    /// The plain bytes, or `nil` when the padding is wrong (a wrong key, or changed data).
    ///
    /// - Throws: `corrupt` when the data is not whole blocks, `unsupportedAlgorithm` when OpenSSL lacks the cipher.
    func decrypt(_ data: [UInt8], key: [UInt8], iv: [UInt8]) throws(KeyStoreError) -> [UInt8]? {
        guard iv.count == ivSize else {
            throw KeyStoreError(.corrupt, "\(name) needs an initialisation vector of \(ivSize) bytes; there are \(iv.count)")
        }
        guard !data.isEmpty, data.count.isMultiple(of: blockSize) else {
            throw KeyStoreError(.corrupt, "The data encrypted with \(name) is \(data.count) bytes long, which is not whole blocks")
        }
        switch engine {
        case .openSSL(let cipher): return try run(cipher, encrypt: false, key: key, iv: iv, data: data)
        case .des: return try run("DES-EDE3-CBC", encrypt: false, key: key + key + key, iv: iv, data: data)
        case .rc2(let bits): return RC2(key: key, effectiveBits: bits)?.decryptCBC(data, iv: iv)
        case .rc4: return RC4.apply(key: key, to: data)
        }
    }

    func encrypt(_ data: [UInt8], key: [UInt8], iv: [UInt8]) throws(KeyStoreError) -> [UInt8] {
        let bytes: [UInt8]? =
            switch engine {
            case .openSSL(let cipher): try run(cipher, encrypt: true, key: key, iv: iv, data: data)
            case .des: try run("DES-EDE3-CBC", encrypt: true, key: key + key + key, iv: iv, data: data)
            case .rc2(let bits): RC2(key: key, effectiveBits: bits)?.encryptCBC(data, iv: iv)
            case .rc4: RC4.apply(key: key, to: data)
            }
        guard let bytes else { throw KeyStoreError(.unsupportedAlgorithm, "The data could not be encrypted with \(name)") }
        return bytes
    }

    private func run(_ cipher: String, encrypt: Bool, key: [UInt8], iv: [UInt8], data: [UInt8]) throws(KeyStoreError) -> [UInt8]? {
        var output = [UInt8](repeating: 0, count: data.count + blockSize)
        switch serval_cbc(cipher, encrypt ? 1 : 0, 1, key, key.count, iv, iv.count, data, data.count, &output) {
        case -1: return nil
        case let count where count >= 0: return Array(output.prefix(count))
        default: throw KeyStoreError(.unsupportedAlgorithm, "OpenSSL does not offer the cipher \(name)")
        }
    }
}

extension PasswordCipher {
    static let aes128 = openSSL("AES-128-CBC", 16, 16)
    static let aes192 = openSSL("AES-192-CBC", 16, 24)
    static let aes256 = openSSL("AES-256-CBC", 16, 32)
    static let tripleDES = openSSL("DES-EDE3-CBC", 8, 24)
    static let des = PasswordCipher(name: "DES-CBC", engine: .des, blockSize: 8, keySize: 8)

    static func openSSL(_ name: String, _ blockSize: Int, _ keySize: Int) -> PasswordCipher {
        PasswordCipher(name: name, engine: .openSSL(name), blockSize: blockSize, keySize: keySize)
    }

    /// RC2 whose effective key is as long as the key, unless told otherwise.
    static func rc2(keySize: Int, effectiveBits: Int? = nil) -> PasswordCipher {
        PasswordCipher(name: "RC2-CBC", engine: .rc2(effectiveBits: effectiveBits ?? 8 * keySize), blockSize: 8, keySize: keySize)
    }

    static func rc4(keySize: Int) -> PasswordCipher {
        PasswordCipher(name: "RC4", engine: .rc4, blockSize: 1, keySize: keySize)
    }
}
