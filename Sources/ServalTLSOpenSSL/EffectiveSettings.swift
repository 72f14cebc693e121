import COpenSSL
import ServalTLS

/// What an `SSL_CTX` does, read back from it, whoever said so: attributes, or OpenSSL's own commands.
struct EffectiveSettings: Equatable {
    /// What can be compared, by the attribute that decides it.
    enum Setting: String, CaseIterable {
        case protocols, ciphers, cipherSuites, groups, honorCipherOrder, disableSessionTickets
        /// Of `ciphers`, which can have `@SECLEVEL`.
        case securityLevel
        /// What is never allowed, whoever asks for it.
        case neverAllowed
    }

    let protocols: [TLSProtocolVersion]
    /// For TLS 1.2 and older.
    let ciphers: [CipherCatalog.Cipher]
    /// For TLS 1.3.
    let cipherSuites: [CipherCatalog.Cipher]
    /// By IANA's numbers; empty if no cipher needs them.
    let groups: [UInt16]
    let securityLevel: Int
    let honorsCipherOrder: Bool
    let disablesSessionTickets: Bool
    let neverAllowed: UInt64

    init(_ context: OpaquePointer) {
        protocols = TLSProtocolVersion.allCases.filter { serval_ctx_speaks(context, Int32($0.number)) == 1 }
        let list = SSL_CTX_get_ciphers(context)
        let all = (0..<serval_cipher_count(list)).compactMap { serval_cipher_at(list, $0).flatMap(CipherCatalog.Cipher.init) }
        ciphers = all.filter { $0.version != "TLSv1.3" }
        cipherSuites = all.filter { $0.version == "TLSv1.3" }
        groups = Self.groups(context)
        securityLevel = Int(SSL_CTX_get_security_level(context))
        let options = SSL_CTX_get_options(context)
        honorsCipherOrder = options & serval_op_server_preference() != 0
        disablesSessionTickets = options & serval_op_no_ticket() != 0
        neverAllowed = options & (serval_op_no_renegotiation() | serval_op_no_compression() | serval_op_unsafe_legacy_renegotiation())
    }

    /// What differs from `other`.
    func differences(from other: EffectiveSettings) -> [Setting] {
        Setting.allCases.filter { setting in
            switch setting {
            case .protocols: protocols != other.protocols
            case .ciphers: ciphers != other.ciphers
            case .cipherSuites: cipherSuites != other.cipherSuites
            case .groups: groups != other.groups
            case .honorCipherOrder: honorsCipherOrder != other.honorsCipherOrder
            case .disableSessionTickets: disablesSessionTickets != other.disablesSessionTickets
            case .securityLevel: securityLevel != other.securityLevel
            case .neverAllowed: neverAllowed != other.neverAllowed
            }
        }
    }

    /// The groups for key exchange, in order.
    static func groups(_ context: OpaquePointer) -> [UInt16] {
        let hello = [UInt8](unsafeUninitializedCapacity: 16384) { buffer, count in
            count = serval_ctx_hello(context, buffer.baseAddress, buffer.count)
        }
        return hello.withUnsafeBytes { ClientHelloReader.offer(in: $0)?.groups } ?? []
    }
}

extension CipherCatalog.Cipher {
    /// Whether nobody should be served with it: everybody can listen, or nobody knows whom they talk to.
    var isInsecure: Bool {
        encryption == "None" || authentication == "None" || bits < 112 || mac == "MD5" || encryption.hasPrefix("RC4")
    }

    private var isForwardSecret: Bool { version == "TLSv1.3" || ["ECDH", "DH", "any"].contains(keyExchange) }

    /// Whether it is insecure, or lacks what all of `others` have: keys that do not outlive the connection, encryption that cannot be tampered with.
    func isWeaker(than others: [CipherCatalog.Cipher]) -> Bool {
        if isInsecure { return !others.contains(self) }
        return !isForwardSecret && others.allSatisfy(\.isForwardSecret) || mac != "AEAD" && others.allSatisfy { $0.mac == "AEAD" }
    }
}
