import COpenSSL
import ServalTLS

/// A cipher suite that a context can really agree on: versions and security level leave it of the configured list.
struct EffectiveCipher {
    /// The RFC's name.
    let name: String
    /// What the number on the wire is.
    let number: UInt16
    /// What the certificate's key has to be, as OpenSSL's number.
    private let authentication: Int32

    /// Those of a context in the server's order.
    ///
    /// - Parameter version: only those with which this version can be spoken.
    static func all(_ context: OpaquePointer, version: TLSProtocolVersion? = nil) -> [EffectiveCipher] {
        guard let probe = SSL_new(context) else { return [] }
        defer {
            SSL_free(probe)
            ERR_clear_error()
        }
        if let version, serval_ssl_set_version(probe, Int32(version.number)) != 1 { return [] }
        guard let list = SSL_get1_supported_ciphers(probe) else { return [] }
        defer { serval_ciphers_free(list) }
        return (0..<serval_cipher_count(list)).compactMap { index in
            guard let cipher = serval_cipher_at(list, index), let name = SSL_CIPHER_standard_name(cipher) else { return nil }
            return EffectiveCipher(
                name: String(cString: name),
                number: SSL_CIPHER_get_protocol_id(cipher),
                authentication: SSL_CIPHER_get_auth_nid(cipher)
            )
        }
    }

    /// Whether it can be used with a certificate whose key has one of these types.
    ///
    /// - Parameter keyTypes: OpenSSL's names (`RSA`, `EC`).
    func fits(_ keyTypes: [String]) -> Bool {
        authentication == NID_auth_any || authentication == NID_auth_null || keyTypes.contains { Self.authentication($0) == authentication }
    }

    /// The type of key that it needs; nil if any is good.
    var keyType: String? {
        switch authentication {
        case NID_auth_rsa: "RSA"
        case NID_auth_dss: "DSA"
        case NID_auth_ecdsa: "EC"
        default: nil
        }
    }

    private static func authentication(_ keyType: String) -> Int32 {
        if keyType.hasPrefix("RSA") { return NID_auth_rsa }
        return keyType == "DSA" ? NID_auth_dss : NID_auth_ecdsa
    }
}
