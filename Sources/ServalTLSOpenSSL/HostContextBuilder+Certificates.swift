import COpenSSL
import ServalKeyStore
import ServalTLS

/// What a host presents.
extension HostContextBuilder {
    mutating func addCertificate(_ certificate: CertificateConfiguration) throws(TLSError) {
        do throws(TLSError) {
            try add(certificate)
        } catch {
            var error = error
            // A message that names its host already comes from here; others come from the files.
            if !error.message.hasPrefix("SSLHostConfig [") { error.message = about(error.message) }
            error.origin = error.origin ?? certificate.origin?.place(of: certificate.source.attributes(for: error.code)) ?? place()
            throw error
        }
    }

    private mutating func add(_ certificate: CertificateConfiguration) throws(TLSError) {
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
        let type = Self.typeName(of: key)
        if let other = certificates.first(where: { $0.keyType == type }) {
            throw TLSError(
                .invalidConfiguration,
                about("Two certificates have keys of the type [\(type)], of which a client could be shown only one: \(other.source) and \(place)")
            )
        }
        try use(leaf, key, identity.certificateChain.dropFirst(), place)
        guard
            var presented = PresentedCertificate(
                hostName: configuration.hostName,
                keyType: type,
                alias: identity.alias,
                source: certificate.source.description(alias: identity.alias),
                trust: configuration.clientAuthentication.trust?.inWords,
                chain: identity.certificateChain,
                origin: certificate.origin ?? configuration.origin
            )
        else { throw TLSError(.invalidKeyMaterial, about("\(place) has a certificate that cannot be read")) }
        if identity.certificateChain.count == 1, let handle = CertificateHandle(leaf) {
            let search = IssuerSearch(chain: [], trust: configuration.clientAuthentication.trust)
            presented.isOfKnownRoot = search.trustedIssuer(of: handle)?.isSelfIssued ?? false
        }
        certificates.append(presented)
        check(type, certificate, place)
        if let parameters = identity.dhParameters { takeDHParameters(parameters, certificate, place) }
        digest.add(leafBytes)
        guard let handle = CertificateHandle(leaf) else { throw TLSError(.backend, "Out of memory") }
        let chain = identity.certificateChain.dropFirst().compactMap { CertificateHandle(der: $0) }
        let origin = certificate.origin?.place(of: "certificateFile") ?? self.place()
        var staples = staples
        try staples.add(
            handle,
            issuers: IssuerSearch(chain: chain, trust: configuration.clientAuthentication.trust),
            isOn: configuration.staplesOCSP,
            directory: stapleDirectory,
            service: service,
            logger: logger,
            warn: { warn([$0], at: origin) }
        )
        self.staples = staples
    }

    private func use(_ leaf: OpaquePointer, _ key: OpaquePointer, _ issuers: ArraySlice<[UInt8]>, _ place: String) throws(TLSError) {
        guard let chain = serval_certs_new() else { throw TLSError(.backend, "Out of memory") }
        defer { serval_certs_free(chain) }
        for bytes in issuers {
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
    }

    /// Things that do not keep a certificate from being served; what clients say to it, ``PresentedCertificate/findings(at:)`` knows.
    private func check(_ type: String, _ certificate: CertificateConfiguration, _ place: String) {
        func warn(_ words: String, _ attribute: String) { self.warn([words], at: certificate.origin?.place(of: attribute) ?? self.place()) }
        if let wanted = certificate.keyType, !Self.types(of: wanted).contains(where: type.hasPrefix) {
            warn("The Certificate with type [\(wanted.rawValue)] has a key of type [\(type)] (\(place))", "type")
        }
        if let words = certificate.source.openness {
            warn(words, certificate.source.attributes(for: .keyMismatch).first { certificate.origin?.attributeLines[$0] != nil } ?? "")
        }
        if type == "DSA" { warn("No client of today accepts a certificate with a key of type [DSA] (\(place))", "type") }
    }

    /// `RSA`, `EC`, `ED25519`, …: OpenSSL keeps one certificate for each.
    private static func typeName(of key: OpaquePointer) -> String {
        EVP_PKEY_get0_type_name(key).map { String(cString: $0).uppercased() } ?? "unknown"
    }

    /// The beginnings of OpenSSL's names for what `type` names; Edwards curves go with EC as in the JDK.
    private static func types(of wanted: CertificateConfiguration.KeyType) -> [String] {
        switch wanted {
        case .rsa: ["RSA"]
        case .ec: ["EC", "ED25519", "ED448"]
        case .dsa: ["DSA"]
        case .mldsa: ["ML-DSA", "MLDSA"]
        }
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

    // MARK: Diffie-Hellman parameters

    /// Uses the parameters that stand beside a certificate, instead of some as strong as the key; weak ones are left out, because they help attackers
    /// (Logjam) more than clients.
    private mutating func takeDHParameters(_ parameters: [UInt8], _ certificate: CertificateConfiguration, _ place: String) {
        guard !hasOwnDHParameters else { return }
        // PKCS#3, or X9.42, whose third number is too large for the length that PKCS#3 has there.
        let key = parameters.withUnsafeBufferPointer { bytes in
            [EVP_PKEY_DH, EVP_PKEY_DHX].lazy.compactMap { kind in
                var position = bytes.baseAddress
                return d2i_KeyParams(kind, nil, &position, bytes.count)
            }
            .first
        }
        if let key {
            ERR_clear_error()
            // OpenSSL owns it only if it takes it.
            if SSL_CTX_set0_tmp_dh_pkey(context, key) == 1 {
                hasOwnDHParameters = true
                return
            }
            EVP_PKEY_free(key)
        }
        warn(
            ["The DH PARAMETERS are ignored, and DHE is as strong as the certificate's key: \(OpenSSLFailure.takeReason()) (\(place))"],
            at: certificate.origin?.place(of: "certificateFile") ?? self.place()
        )
    }
}
