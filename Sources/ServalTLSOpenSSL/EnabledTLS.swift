import COpenSSL
import ServalTLS

/// What a host speaks whose configuration says nothing about it.
package enum EnabledTLS {
    /// The protocol versions, the newest first, in Tomcat's spelling (`TLSv1.3`).
    package static var protocols: [String] {
        TLSHostConfiguration(hostName: "_default_", certificates: []).protocols.sorted().reversed().map(\.rawValue)
    }

    /// The cipher suites in the order of preference, by the names of the RFCs; those for TLS 1.3 first.
    ///
    /// Empty if OpenSSL cannot be set up.
    package static var cipherSuites: [String] {
        guard let context = SSL_CTX_new(TLS_server_method()) else { return [] }
        defer { SSL_CTX_free(context) }
        let defaults = TLSHostConfiguration(hostName: "_default_", certificates: [])
        guard SSL_CTX_set_cipher_list(context, CipherExpression.forTLS12(defaults.ciphers).expression) == 1,
            SSL_CTX_set_ciphersuites(context, CipherExpression.forTLS13(defaults.cipherSuites).expression) == 1
        else { return [] }
        let ciphers = SSL_CTX_get_ciphers(context)
        return (0..<serval_cipher_count(ciphers)).compactMap { index in
            SSL_CIPHER_standard_name(serval_cipher_at(ciphers, index)).map { String(cString: $0) }
        }
    }
}
