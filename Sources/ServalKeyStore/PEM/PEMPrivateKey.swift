import Crypto

/// Gets a private key out of PEM or DER.
enum PEMPrivateKey {
    static func privateKey(in bytes: [UInt8], password: String?) throws(KeyStoreError) -> PrivateKey {
        guard !bytes.isEmpty else { throw KeyStoreError(.empty, "Empty input") }
        if bytes[0] == ASN1Value.sequence, (try? ASN1Value(bytes)) != nil { return try der(bytes, password: password) }
        var curve: [UInt8]?
        for block in try PEM.blocks(in: bytes) {
            if block.label == "EC PARAMETERS" { curve = block.bytes }
            guard block.label.hasSuffix("PRIVATE KEY") else { continue }
            do throws(KeyStoreError) {
                return try key(block, curve: curve, password: password)
            } catch {
                throw error.about("The \(block.label) block of line \(block.line)")
            }
        }
        throw KeyStoreError(.empty, "No private key was found")
    }

    private static func key(_ block: PEM.Block, curve: [UInt8]?, password: String?) throws(KeyStoreError) -> PrivateKey {
        let bytes = try LegacyPEMEncryption.decrypted(block, password: password)
        switch block.label {
        case "PRIVATE KEY": return try PrivateKey(pkcs8: bytes)
        case "RSA PRIVATE KEY": return try PrivateKey(pkcs1: bytes)
        case "EC PRIVATE KEY": return try PrivateKey(sec1: bytes, parameters: curve)
        case "DSA PRIVATE KEY": return try PrivateKey(legacyDSA: bytes)
        case "ENCRYPTED PRIVATE KEY": return try encrypted(bytes, password: password)
        case "OPENSSH PRIVATE KEY":
            throw KeyStoreError(.unsupportedFormat, "OpenSSH's own key format is not supported; convert it with ssh-keygen -p -m PKCS8")
        default: throw KeyStoreError(.unsupportedAlgorithm, "Keys of this kind are not supported")
        }
    }

    private static func encrypted(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> PrivateKey {
        guard let password else { throw noPassword }
        return try ProtectedKey.open(bytes, password: password)
    }

    /// Tells the kinds of keys apart by the tags of their first parts.
    private static func der(_ bytes: [UInt8], password: String?) throws(KeyStoreError) -> PrivateKey {
        let parts = try ASN1Value(bytes).children()
        let count = parts.count
        switch parts.prefix(2).map(\.tag) {
        case [ASN1Value.integer, ASN1Value.sequence]: return try PrivateKey(pkcs8: bytes)
        case [ASN1Value.sequence, ASN1Value.octetString]: return try encrypted(bytes, password: password)
        case [ASN1Value.integer, ASN1Value.integer] where count == 6: return try PrivateKey(legacyDSA: bytes)
        case [ASN1Value.integer, ASN1Value.integer]: return try PrivateKey(pkcs1: bytes)
        case [ASN1Value.integer, ASN1Value.octetString]: return try PrivateKey(sec1: bytes)
        default: throw KeyStoreError(.invalidInput, "The bytes are not a private key")
        }
    }

    static var noPassword: KeyStoreError { KeyStoreError(.wrongKeyPassword, "The private key is encrypted and no password was given") }
}

/// Keys encrypted by PEM headers (`Proc-Type: 4,ENCRYPTED`), as OpenSSL wrote them before PKCS#8.
enum LegacyPEMEncryption {
    static func decrypted(_ block: PEM.Block, password: String?) throws(KeyStoreError) -> [UInt8] {
        guard header("Proc-Type", block)?.hasSuffix("ENCRYPTED") == true else { return block.bytes }
        guard let password else { throw PEMPrivateKey.noPassword }
        let info = (header("DEK-Info", block) ?? "").split(separator: ",", maxSplits: 1)
        guard info.count == 2, let iv = octets(info[1]) else { throw KeyStoreError(.invalidInput, "The DEK-Info header is missing or malformed") }
        let name = info[0].uppercased()
        guard let cipher = ciphers[name] else {
            throw KeyStoreError(.unsupportedAlgorithm, "The key is encrypted with \(info[0]), which is not supported")
        }
        guard iv.count == cipher.ivSize else { throw KeyStoreError(.invalidInput, "The DEK-Info header's vector does not fit \(name)") }
        for bytes in PasswordBytes(password).plain {
            let key = derivedKey(bytes, salt: iv.prefix(8), length: cipher.keySize)
            if let plain = try cipher.decrypt(block.bytes, key: key, iv: iv), (try? ASN1Value(plain).reader()) != nil { return plain }
        }
        throw KeyStoreError(.wrongKeyPassword, "The key's password is wrong")
    }

    private static let ciphers: [String: PasswordCipher] = [
        "AES-128-CBC": .aes128, "AES-192-CBC": .aes192, "AES-256-CBC": .aes256, "DES-EDE3-CBC": .tripleDES, "DES-CBC": .des,
        "RC2-CBC": .rc2(keySize: 16), "RC2-64-CBC": .rc2(keySize: 8), "RC2-40-CBC": .rc2(keySize: 5),
        "CAMELLIA-128-CBC": .openSSL("CAMELLIA-128-CBC", 16, 16), "CAMELLIA-192-CBC": .openSSL("CAMELLIA-192-CBC", 16, 24),
        "CAMELLIA-256-CBC": .openSSL("CAMELLIA-256-CBC", 16, 32), "ARIA-128-CBC": .openSSL("ARIA-128-CBC", 16, 16),
        "ARIA-192-CBC": .openSSL("ARIA-192-CBC", 16, 24), "ARIA-256-CBC": .openSSL("ARIA-256-CBC", 16, 32),
        "SM4-CBC": .openSSL("SM4-CBC", 16, 16),
    ]

    /// OpenSSL's derivation: MD5 over the block before, the password and the salt, as often as needed.
    private static func derivedKey(_ password: [UInt8], salt: ArraySlice<UInt8>, length: Int) -> [UInt8] {
        var key: [UInt8] = []
        var block: [UInt8] = []
        while key.count < length {
            block = Array(Insecure.MD5.hash(data: block + password + salt))
            key += block
        }
        return Array(key.prefix(length))
    }

    private static func header(_ name: String, _ block: PEM.Block) -> String? {
        block.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    private static func octets(_ text: Substring) -> [UInt8]? {
        let digits = text.filter { $0 != " " }.map(\.hexDigitValue)
        guard digits.count.isMultiple(of: 2) else { return nil }
        var octets: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[index], let low = digits[index + 1] else { return nil }
            octets.append(UInt8(high << 4 | low))
        }
        return octets
    }
}
