import COpenSSL

/// A key of OpenSSL (`EVP_PKEY`), freed with its owner.
///
/// Whoever makes one has checked the numbers' sizes before, so that nothing here computes for long. Nothing is left on OpenSSL's error queue.
struct OpenSSLKey: ~Copyable {
    private let pointer: OpaquePointer

    /// Owns `pointer`.
    private init?(owning pointer: OpaquePointer?) {
        guard let pointer else { return nil }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// From a PrivateKeyInfo of the first version (RFC 5208); OpenSSL derives the public key from it.
    ///
    /// - Throws: `corrupt` when the numbers are not a key.
    init(pkcs8: [UInt8]) throws(KeyStoreError) {
        defer { ERR_clear_error() }
        let key = pkcs8.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            guard let info = d2i_PKCS8_PRIV_KEY_INFO(nil, &position, bytes.count) else { return OpaquePointer?.none }
            defer { PKCS8_PRIV_KEY_INFO_free(info) }
            return EVP_PKCS82PKEY(info)
        }
        guard let key else { throw KeyStoreError(.corrupt, "The private key is not usable: \(Self.reason())") }
        self.pointer = key
    }

    /// From a SubjectPublicKeyInfo of a kind that OpenSSL verifies with.
    ///
    /// - Throws: `unsupportedAlgorithm`, `corrupt`.
    init(publicKeyInfo: [UInt8]) throws(KeyStoreError) {
        try PublicKeyInfo.checkIsComputable(publicKeyInfo)
        defer { ERR_clear_error() }
        let key = publicKeyInfo.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            return d2i_PUBKEY(nil, &position, bytes.count)
        }
        guard let key else { throw KeyStoreError(.corrupt, "The public key is not usable: \(Self.reason())") }
        self.pointer = key
    }

    /// Makes a new key.
    ///
    /// - Throws: `unsupportedAlgorithm` when OpenSSL cannot.
    static func generate(_ algorithm: PrivateKey.Algorithm) throws(KeyStoreError) -> OpenSSLKey {
        defer { ERR_clear_error() }
        let key: OpenSSLKey? =
            switch algorithm {
            case .rsa(let bits): generate("RSA") { EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(bits)) }
            case .rsaPSS(let bits): generate("RSA-PSS") { EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(bits)) }
            case .ec(let curve): generate("EC") { EVP_PKEY_CTX_set_group_name($0, curve == .p256 ? "prime256v1" : curve.rawValue) }
            case .dsa(let bits): generateDSA(bits: bits)
            case .ed25519: generate("ED25519")
            case .ed448: generate("ED448")
            case .x25519: generate("X25519")
            case .x448: generate("X448")
            case .other: nil
            }
        guard let key else { throw KeyStoreError(.unsupportedAlgorithm, "The key cannot be generated: \(reason())") }
        return key
    }

    private static func generate(_ name: String, _ configure: (OpaquePointer) -> Int32 = { _ in 1 }) -> OpenSSLKey? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, name, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, configure(context) == 1, EVP_PKEY_keygen(context, &key) == 1 else { return nil }
        return OpenSSLKey(owning: key)
    }

    /// The group is made anew; its second prime is as long as the JDK makes it.
    private static func generateDSA(bits: Int) -> OpenSSLKey? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "DSA", nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var group: OpaquePointer?
        guard EVP_PKEY_paramgen_init(context) == 1, EVP_PKEY_CTX_set_dsa_paramgen_bits(context, Int32(bits)) == 1,
            EVP_PKEY_CTX_set_dsa_paramgen_q_bits(context, bits <= 1024 ? 160 : bits <= 2048 ? 224 : 256) == 1,
            EVP_PKEY_paramgen(context, &group) == 1, let parameters = OpenSSLKey(owning: group)
        else { return nil }
        guard let generation = EVP_PKEY_CTX_new_from_pkey(nil, parameters.pointer, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(generation) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(generation) == 1, EVP_PKEY_keygen(generation, &key) == 1 else { return nil }
        return OpenSSLKey(owning: key)
    }

    /// Whether the private number lies in the range that the curve or group allows.
    var hasPrivateNumberInRange: Bool {
        defer { ERR_clear_error() }
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, pointer, nil) else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_private_check(context) == 1
    }

    /// The PrivateKeyInfo as DER.
    ///
    /// - Throws: `unsupportedAlgorithm` when OpenSSL cannot encode it.
    func pkcs8() throws(KeyStoreError) -> [UInt8] {
        defer { ERR_clear_error() }
        guard let info = EVP_PKEY2PKCS8(pointer) else { throw Self.notEncodable }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        return try Self.encoded { i2d_PKCS8_PRIV_KEY_INFO(info, $0) }
    }

    /// The SubjectPublicKeyInfo as DER.
    ///
    /// - Throws: `unsupportedAlgorithm` when OpenSSL cannot encode it.
    func publicKeyInfo() throws(KeyStoreError) -> [UInt8] {
        defer { ERR_clear_error() }
        return try Self.encoded { i2d_PUBKEY(pointer, $0) }
    }

    /// Whether both have the same public key.
    func hasSamePublicKey(as other: borrowing OpenSSLKey) -> Bool {
        defer { ERR_clear_error() }
        return EVP_PKEY_eq(pointer, other.pointer) == 1
    }

    /// The signature of `message`.
    ///
    /// - Throws: `invalidInput` with OpenSSL's reason.
    func sign(_ message: [UInt8], with algorithm: SignatureAlgorithm) throws(KeyStoreError) -> [UInt8] {
        defer { ERR_clear_error() }
        guard let context = EVP_MD_CTX_new() else { throw KeyStoreError(.invalidInput, "Out of memory") }
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        var signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(pointer)))
        var length = signature.count
        guard EVP_DigestSignInit_ex(context, &parameters, algorithm.digest?.openSSLName, nil, nil, pointer, nil) == 1,
            Self.set(algorithm, on: parameters), EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        else { throw KeyStoreError(.invalidInput, "\(algorithm) cannot be made with this key: \(Self.reason())") }
        return Array(signature.prefix(length))
    }

    /// Whether `signature` is this key's signature of `message`.
    func verify(_ signature: [UInt8], of message: [UInt8], with algorithm: SignatureAlgorithm) -> Bool {
        defer { ERR_clear_error() }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        return EVP_DigestVerifyInit_ex(context, &parameters, algorithm.digest?.openSSLName, nil, nil, pointer, nil) == 1
            && Self.set(algorithm, on: parameters)
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    private static func set(_ algorithm: SignatureAlgorithm, on context: OpaquePointer?) -> Bool {
        guard case .rsaPSS(let parameters) = algorithm.scheme else { return true }
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, parameters.maskDigest.openSSLName, nil) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, Int32(parameters.saltLength)) == 1
    }

    private static func encoded(
        _ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws(KeyStoreError) -> [UInt8] {
        let length = encode(nil)
        guard length > 0 else { throw notEncodable }
        var bytes = [UInt8](repeating: 0, count: Int(length))
        let written = bytes.withUnsafeMutableBufferPointer { buffer in
            var position = buffer.baseAddress
            return encode(&position)
        }
        guard written == length else { throw notEncodable }
        return bytes
    }

    private static var notEncodable: KeyStoreError { KeyStoreError(.unsupportedAlgorithm, "The key cannot be encoded: \(reason())") }

    /// The oldest entry of the thread's error queue in OpenSSL's words.
    private static func reason() -> String {
        ERR_reason_error_string(ERR_peek_error()).map { String(cString: $0) } ?? "OpenSSL gives no reason"
    }
}

/// Arithmetic on long numbers.
enum OpenSSLNumber {
    /// Whether `product` is that of the two factors; all are big-endian and not negative.
    static func isProduct(_ product: ArraySlice<UInt8>, of one: ArraySlice<UInt8>, and other: ArraySlice<UInt8>) -> Bool {
        defer { ERR_clear_error() }
        let numbers = [product, one, other].map { digits in digits.withUnsafeBufferPointer { BN_bin2bn($0.baseAddress, Int32($0.count), nil) } }
        let (result, context) = (BN_new(), BN_CTX_new())
        defer {
            for number in numbers + [result] { BN_clear_free(number) }
            BN_CTX_free(context)
        }
        guard let result, let context, let product = numbers[0], let one = numbers[1], let other = numbers[2] else { return false }
        return BN_mul(result, one, other, context) == 1 && BN_cmp(result, product) == 0
    }
}
