import COpenSSL

/// Which cipher suites a context can really agree on.
enum EffectiveCiphers {
    /// The RFCs' names in the server's order: what versions, security level and the kinds of keys at hand leave of the configured list.
    ///
    /// - Parameter keyTypes: OpenSSL's numbers of the certificates' key types.
    static func names(_ context: OpaquePointer, keyTypes: [Int32]) -> [String] {
        guard let probe = SSL_new(context) else { return [] }
        defer { SSL_free(probe) }
        guard let list = SSL_get1_supported_ciphers(probe) else { return [] }
        defer { serval_ciphers_free(list) }
        let signs = authentication(keyTypes)
        return (0..<serval_cipher_count(list)).compactMap { index in
            guard let cipher = serval_cipher_at(list, index), let name = SSL_CIPHER_standard_name(cipher) else { return nil }
            let wanted = SSL_CIPHER_get_auth_nid(cipher)
            guard wanted == NID_auth_any || signs.contains(wanted) else { return nil }
            return String(cString: name)
        }
    }

    private static func authentication(_ keyTypes: [Int32]) -> Set<Int32> { Set(keyTypes.map(authentication)) }

    private static func authentication(_ keyType: Int32) -> Int32 {
        switch keyType {
        case EVP_PKEY_RSA, EVP_PKEY_RSA_PSS: NID_auth_rsa
        case EVP_PKEY_DSA: NID_auth_dss
        default: NID_auth_ecdsa
        }
    }
}
