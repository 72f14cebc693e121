import COpenSSL
import Logging
import ServalKeyStore
import ServalTLS

/// Puts a host's settings into its `SSL_CTX`.
struct HostContextBuilder {
    private let context: OpaquePointer
    private let configuration: TLSHostConfiguration
    private let tokens: (any TLSTokens)?
    private let logger: Logger
    private(set) var externalKeys: [any ExternalPrivateKey] = []
    private var digest = SettingsDigest()
    private var certificatesInWords: [String] = []

    init(_ context: OpaquePointer, _ configuration: TLSHostConfiguration, tokens: (any TLSTokens)?, logger: Logger) {
        self.context = context
        self.configuration = configuration
        self.tokens = tokens
        self.logger = logger
    }

    /// One line for the log.
    var summary: String {
        let clients =
            switch configuration.clientAuthentication {
            case .none: "none"
            case .optional: "optional"
            case .required: "required"
            }
        let protocols = configuration.protocols.sorted().map(\.rawValue).joined(separator: "+")
        return
            "TLS virtual host [\(configuration.hostName)], \(certificatesInWords.joined(separator: ", ")), protocols [\(protocols)], certificateVerification [\(clients)]"
    }

    mutating func build(sessionLifetime: Int) throws(TLSError) {
        setModes()
        try setProtocols()
        try setCiphers()
        try setGroups()
        for certificate in configuration.certificates { try addCertificate(certificate) }
        try setClientAuthentication()
        setResumption(lifetime: sessionLifetime)
        try applyCommands()
        try setSessionContext()
    }

    // MARK: Protocols, ciphers, groups

    private func setModes() {
        // Buffers go back between records; the chain is sent as configured and not completed from the trust store.
        _ = serval_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN))
        var options = serval_op_no_compression() | serval_op_no_renegotiation()
        if configuration.honorsCipherOrder { options |= serval_op_server_preference() | serval_op_prioritize_chacha() }
        if configuration.disablesSessionTickets { options |= serval_op_no_ticket() }
        SSL_CTX_set_options(context, options)
        SSL_CTX_set_num_tickets(context, 1)
        SSL_CTX_set_quiet_shutdown(context, 0)
        serval_ctx_set_dh_auto(context)
        serval_ctx_set_max_cert_list(context, 65536)
    }

    private mutating func setProtocols() throws(TLSError) {
        let versions = configuration.protocols.sorted()
        guard let lowest = versions.first, let highest = versions.last,
            serval_ctx_set_versions(context, lowest.number, highest.number) == 1
        else {
            throw TLSError(.noProtocols, about("None of the [protocols] specified are supported by the SSL engine : [\(configuration.protocols)]"))
        }
        // Holes between the lowest and the highest.
        if !versions.contains(.v1_1) { SSL_CTX_set_options(context, serval_op_no_tlsv1_1()) }
        if !versions.contains(.v1_2) { SSL_CTX_set_options(context, serval_op_no_tlsv1_2()) }
        if lowest < .v1_2 {
            logger.warning(
                "\(about("protocols contains [\(lowest)], which is deprecated (RFC 8996); OpenSSL's security level is lowered to 0 for this host"))"
            )
            SSL_CTX_set_security_level(context, 0)
        }
        digest.add(versions.map(\.rawValue).joined(separator: "+"))
    }

    private mutating func setCiphers() throws(TLSError) {
        let ciphers = CipherExpression.forTLS12(configuration.ciphers)
        warn(ciphers.warnings)
        // Even when only TLS 1.3 is spoken OpenSSL wants a valid list.
        guard SSL_CTX_set_cipher_list(context, ciphers.expression) == 1 else {
            throw TLSError(.noCiphers, about("None of the ciphers specified are supported by the SSL engine : [\(configuration.ciphers)]"))
        }
        let suites = CipherExpression.forTLS13(configuration.cipherSuites)
        warn(suites.warnings)
        if configuration.protocols.contains(.v1_3) {
            guard !suites.expression.isEmpty, SSL_CTX_set_ciphersuites(context, suites.expression) == 1 else {
                throw TLSError(
                    .noCiphers,
                    about("None of the cipherSuites specified are supported by the SSL engine : [\(configuration.cipherSuites)]")
                )
            }
        }
        ERR_clear_error()
        digest.add(ciphers.expression)
        digest.add(suites.expression)
    }

    private func setGroups() throws(TLSError) {
        guard !configuration.groups.isEmpty else { return }
        var known: [String] = []
        for group in configuration.groups {
            // The list is refused as a whole if one name is unknown, and setting it replaces the one before.
            if !group.isEmpty, !group.contains(":"), serval_ctx_set_groups(context, group) == 1 {
                known.append(group)
            } else {
                warn(["The group [\(group)] is not supported by OpenSSL and is ignored"])
            }
        }
        guard !known.isEmpty, serval_ctx_set_groups(context, known.joined(separator: ":")) == 1 else {
            throw TLSError(
                .noCiphers,
                about("None of the groups specified are supported by the SSL engine : [\(configuration.groups.joined(separator: ","))]")
            )
        }
        ERR_clear_error()
    }

    // MARK: Certificates

    private mutating func addCertificate(_ certificate: CertificateConfiguration) throws(TLSError) {
        let place = certificate.source.inWords
        let identity = try TLSIdentity.load(certificate.source, tokens: tokens)
        guard let leafBytes = identity.certificateChain.first, let leaf = parseCertificate(leafBytes) else {
            throw TLSError(.invalidKeyMaterial, about("\(place) has no certificate that OpenSSL can read: \(OpenSSLFailure.takeReason())"))
        }
        defer { X509_free(leaf) }
        let made = if let external = identity.externalKey { try use(external, of: leaf) } else { parsePrivateKey(identity.privateKeyPKCS8) }
        guard let key = made else {
            throw TLSError(.invalidKeyMaterial, about("\(place) has a private key that OpenSSL cannot read: \(OpenSSLFailure.takeReason())"))
        }
        defer { EVP_PKEY_free(key) }
        guard X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw TLSError(.keyMismatch, about("The private key does not belong to the certificate (\(place))"))
        }
        guard let chain = serval_certs_new() else { throw TLSError(.backend, "Out of memory") }
        defer { serval_certs_free(chain) }
        for bytes in identity.certificateChain.dropFirst() {
            guard let issuer = parseCertificate(bytes) else {
                throw TLSError(.invalidKeyMaterial, about("A chain certificate of \(place) cannot be read: \(OpenSSLFailure.takeReason())"))
            }
            let isAdded = serval_certs_push(chain, issuer) == 1
            X509_free(issuer)
            guard isAdded else { throw TLSError(.backend, "Out of memory") }
        }
        guard SSL_CTX_use_cert_and_key(context, leaf, key, chain, 1) == 1 else {
            throw TLSError(.invalidKeyMaterial, about("OpenSSL does not accept the certificate of \(place): \(OpenSSLFailure.takeReason())"))
        }
        check(leaf, key, certificate, place)
        digest.add(leafBytes)
    }

    private mutating func check(_ leaf: OpaquePointer, _ key: OpaquePointer, _ certificate: CertificateConfiguration, _ place: String) {
        let type = EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown"
        if let wanted = certificate.keyType, wanted.rawValue != type.uppercased() {
            warn(["The Certificate with type [\(wanted.rawValue)] has a key of type [\(type)] (\(place))"])
        }
        if X509_cmp_current_time(X509_get0_notAfter(leaf)) < 0 { warn(["The certificate has expired (\(place))"]) }
        if X509_cmp_current_time(X509_get0_notBefore(leaf)) > 0 { warn(["The certificate is not valid yet (\(place))"]) }
        certificatesInWords.append("certificate type [\(type)] configured from \(place)")
    }

    private func parsePrivateKey(_ pkcs8: [UInt8]) -> OpaquePointer? {
        pkcs8.withUnsafeBufferPointer { bytes in
            var position = bytes.baseAddress
            return d2i_AutoPrivateKey(nil, &position, bytes.count)
        }
    }

    /// A key of OpenSSL that has `key` sign, after a signature has shown that it can.
    private mutating func use(_ key: any ExternalPrivateKey, of leaf: OpaquePointer) throws(TLSError) -> OpaquePointer? {
        do throws(KeyStoreError) {
            switch key.algorithm {
            // TLS 1.3 knows RSA keys with PSS only, whose padding OpenSSL makes itself.
            case .rsa(let bits): _ = try key.sign([0, 1] + [UInt8](repeating: 0xFF, count: bits / 8 - 2), .rsaRaw)
            case .ec: _ = try key.sign([UInt8](repeating: 1, count: 32), .ecdsa)
            default: throw KeyStoreError(.unsupportedAlgorithm, "\(key.place): only RSA and EC keys can serve TLS from a token")
            }
        } catch {
            throw TLSError(.keyUnavailable, about("The private key does not sign: \(error.message)"))
        }
        guard let made = serval_external_key(leaf, externalKeys.count) else { return nil }
        externalKeys.append(key)
        serval_ctx_allow_leaving(context)
        return made
    }

    // MARK: Client authentication

    private mutating func setClientAuthentication() throws(TLSError) {
        guard let trust = configuration.clientAuthentication.trust else {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            digest.add("none")
            return
        }
        guard let store = SSL_CTX_get_cert_store(context), let parameters = SSL_CTX_get0_param(context) else {
            throw TLSError(.backend, "OpenSSL has no certificate store")
        }
        var count = 0
        for der in try trust.loadCertificates() {
            guard let anchor = parseCertificate(der) else {
                throw TLSError(.invalidKeyMaterial, about("A trusted certificate cannot be read: \(OpenSSLFailure.takeReason())"))
            }
            defer { X509_free(anchor) }
            guard X509_STORE_add_cert(store, anchor) == 1, SSL_CTX_add_client_CA(context, anchor) == 1 else {
                throw TLSError(.invalidKeyMaterial, about("OpenSSL does not accept a trusted certificate: \(OpenSSLFailure.takeReason())"))
            }
            digest.add(der)
            count += 1
        }
        guard count > 0 else {
            throw TLSError(
                .noTrustAnchors,
                about("certificateVerification needs at least one trusted certificate, and there is none in \(trust.inWords)")
            )
        }
        try addRevocationLists(to: store)
        // As with Java's trust stores, whatever is trusted is an anchor, whether it signed itself or not.
        var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
        if !configuration.revocationListFiles.isEmpty || !configuration.revocationListDirectories.isEmpty {
            flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
        }
        guard X509_VERIFY_PARAM_set_flags(parameters, flags) == 1 else { throw TLSError(.backend, "OpenSSL refuses the flags for verification") }
        SSL_CTX_set_verify_depth(context, Int32(configuration.verificationDepth))
        var mode = SSL_VERIFY_PEER
        if case .required = configuration.clientAuthentication { mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT }
        SSL_CTX_set_verify(context, mode, nil)
        digest.add("mode \(mode) depth \(configuration.verificationDepth) flags \(flags)")
    }

    private mutating func addRevocationLists(to store: OpaquePointer) throws(TLSError) {
        var files = configuration.revocationListFiles
        for directory in configuration.revocationListDirectories { files += try filesInDirectory(directory) }
        for file in files {
            let bytes: [UInt8]
            do {
                bytes = try readFile(file, limit: 64 << 20)
            } catch {
                throw TLSError(.fileNotFound, about("The revocation list [\(file)] cannot be read: \(error.cause)"))
            }
            guard let source = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { throw TLSError(.backend, "Out of memory") }
            defer { BIO_free(source) }
            var count = 0
            while let list = PEM_read_bio_X509_CRL(source, nil, nil, nil) {
                defer { X509_CRL_free(list) }
                guard X509_STORE_add_crl(store, list) == 1 else {
                    throw TLSError(
                        .invalidKeyMaterial,
                        about("OpenSSL does not accept a revocation list in [\(file)]: \(OpenSSLFailure.takeReason())")
                    )
                }
                count += 1
            }
            ERR_clear_error()
            guard count > 0 else { throw TLSError(.invalidKeyMaterial, about("The file [\(file)] contains no revocation list in PEM")) }
            digest.add(bytes)
        }
    }

    // MARK: Resumption and the rest

    private func setResumption(lifetime: Int) {
        serval_ctx_set_cache(context, configuration.sessionCacheSize == -1 ? 20480 : configuration.sessionCacheSize)
        SSL_CTX_set_timeout(context, lifetime)
    }

    private mutating func applyCommands() throws(TLSError) {
        guard !configuration.openSSLCommands.isEmpty else { return }
        guard let interpreter = SSL_CONF_CTX_new() else { throw TLSError(.backend, "Out of memory") }
        defer { SSL_CONF_CTX_free(interpreter) }
        SSL_CONF_CTX_set_flags(interpreter, UInt32(SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CERTIFICATE))
        SSL_CONF_CTX_set_ssl_ctx(interpreter, context)
        for command in configuration.openSSLCommands {
            guard !Self.refusedCommands.contains(command.name.lowercased()) else {
                throw TLSError(
                    .invalidConfiguration,
                    about(
                        "The OpenSSLConfCmd [\(command.name)] is not allowed; certificates, trust and verification are set by SSLHostConfig and Certificate"
                    )
                )
            }
            guard SSL_CONF_cmd(interpreter, command.name, command.value) > 0 else {
                throw TLSError(
                    .invalidConfiguration,
                    about("The OpenSSLConfCmd [\(command.name)] with the value [\(command.value)] failed: \(OpenSSLFailure.takeReason())")
                )
            }
            digest.add("\(command.name)=\(command.value)")
        }
        guard SSL_CONF_CTX_finish(interpreter) == 1 else {
            throw TLSError(.invalidConfiguration, about("OpenSSL refuses the OpenSSLConfCmd settings: \(OpenSSLFailure.takeReason())"))
        }
        // Whatever the commands say, renegotiation and compression stay off.
        SSL_CTX_set_options(context, serval_op_no_renegotiation() | serval_op_no_compression())
    }

    /// Commands that would go round what the host's settings promise about trust.
    private static let refusedCommands: Set<String> = [
        "verifymode", "certificate", "privatekey", "chaincafile", "chaincapath", "verifycafile", "verifycapath", "chaincastore", "verifycastore",
        "requestcafile", "clientcafile", "requestcapath", "clientcapath", "requestcastore", "clientcastore",
    ]

    private mutating func setSessionContext() throws(TLSError) {
        digest.add(configuration.hostName)
        let id = digest.finish()
        guard id.count == 32, SSL_CTX_set_session_id_context(context, id, UInt32(id.count)) == 1 else {
            throw TLSError(.backend, "OpenSSL cannot set the session id context: \(OpenSSLFailure.takeReason())")
        }
    }

    private func about(_ words: String) -> String { "SSLHostConfig [\(configuration.hostName)]: \(words)" }

    private func warn(_ lines: [String]) {
        for line in lines { logger.warning("\(about(line))") }
    }
}

extension TLSProtocolVersion {
    fileprivate var number: Int32 {
        switch self {
        case .v1: TLS1_VERSION
        case .v1_1: TLS1_1_VERSION
        case .v1_2: TLS1_2_VERSION
        case .v1_3: TLS1_3_VERSION
        }
    }
}
