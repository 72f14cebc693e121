import COpenSSL
import Logging
import ServalKeyStore
import ServalTLS

/// Puts a host's settings into its `SSL_CTX`.
struct HostContextBuilder {
    let context: OpaquePointer
    let configuration: TLSHostConfiguration
    let tokens: (any TLSTokens)?
    let service: RevocationService
    let stapleDirectory: String?
    let logger: Logger
    var externalKeys: [any ExternalPrivateKey] = []
    /// The digest of everything that decides whom the host trusts and how it speaks, once it is built.
    private(set) var settings: [UInt8] = []
    private(set) var revocation: RevocationChecker?
    var staples = HostStaples()
    var digest = SettingsDigest()
    /// What has been loaded, in order.
    var certificates: [PresentedCertificate] = []
    /// How many certificates clients may be of.
    private(set) var trustedCount = 0
    /// Parameters that were given, and not left to OpenSSL to choose.
    var hasOwnDHParameters = false
    /// The groups that were chosen, by IANA's names where there are some; empty for OpenSSL's own choice.
    private(set) var groups: [String] = []
    /// Whether a command of OpenSSL has named groups.
    var hasOwnGroups = false
    /// The trusted certificates' fingerprints.
    private var trusted: [[UInt8]] = []
    /// The trusted authorities: a number that stands for the name, and the name.
    private(set) var authorities: [(name: UInt, words: String)] = []
    private var revocationLists: [TLSHostDescription.RevocationListMark] = []
    /// What is trusted, while the host is being built.
    private var anchors: [CertificateHandle] = []

    init(
        _ context: OpaquePointer,
        _ configuration: TLSHostConfiguration,
        tokens: (any TLSTokens)?,
        service: RevocationService,
        stapleDirectory: String?,
        logger: Logger
    ) {
        self.context = context
        self.configuration = configuration
        self.tokens = tokens
        self.service = service
        self.stapleDirectory = stapleDirectory
        self.logger = logger
    }

    /// One line for the log.
    var summary: String {
        let protocols = spokenProtocols.map(\.rawValue).joined(separator: "+")
        return
            "TLS virtual host [\(configuration.hostName)], \(certificates.map { "certificate type [\($0.keyType)] configured from \($0.source)" }.joined(separator: ", ")), protocols [\(protocols)], certificateVerification [\(configuration.clientAuthentication.attribute)]"
    }

    /// What the host is like once it is built.
    var description: TLSHostDescription {
        let types = certificates.map(\.keyType)
        let suites = EffectiveCipher.all(context).filter { $0.fits(types) }.map(\.name)
        var description = TLSHostDescription(configuration, certificates: certificates, cipherSuites: suites, trustedCount: trustedCount)
        description.protocols = spokenProtocols.map(\.rawValue)
        let groups = EffectiveSettings.groups(context)
        description.groups = groups.isEmpty ? self.groups : groups.map(TLSGroup.name(of:))
        description.trustedCertificates = trusted.sorted { $0.lexicographicallyPrecedes($1) }
        description.revocationLists = revocationLists
        let options = SSL_CTX_get_options(context)
        description.set("honorCipherOrder", "\(options & serval_op_server_preference() != 0)")
        description.set("disableSessionTickets", "\(options & serval_op_no_ticket() != 0)")
        return description
    }

    /// Read back from the context, which commands of OpenSSL may have changed.
    var spokenProtocols: [TLSProtocolVersion] { TLSProtocolVersion.allCases.filter { serval_ctx_speaks(context, Int32($0.number)) == 1 } }

    mutating func build(sessionLifetime: Int) throws(TLSError) {
        setModes()
        try setProtocols()
        try setCiphers()
        try setGroups()
        for certificate in configuration.certificates { try addCertificate(certificate) }
        try setClientAuthentication()
        setResumption(lifetime: sessionLifetime)
        try applyCommands()
        try checkUsability()
        if hasOwnGroups { groups = EffectiveSettings.groups(context).map(TLSGroup.name(of:)) }
        serval_ctx_set_dh_auto(context, hasOwnDHParameters ? 0 : 1)
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
        serval_ctx_note_alerts(context)
        serval_ctx_set_max_cert_list(context, 65536)
    }

    private mutating func setProtocols() throws(TLSError) {
        let versions = configuration.protocols.sorted()
        guard let lowest = versions.first, let highest = versions.last,
            serval_ctx_set_versions(context, Int32(lowest.number), Int32(highest.number)) == 1
        else {
            let named = versions.map(\.rawValue).joined(separator: "+")
            throw problem(.noProtocols, "None of the [protocols] specified are supported by the SSL engine : [\(named)]", "protocols")
        }
        // Holes between the lowest and the highest; beyond them the limits alone decide.
        if !versions.contains(.v1_1), lowest < .v1_1, highest > .v1_1 { SSL_CTX_set_options(context, serval_op_no_tlsv1_1()) }
        if !versions.contains(.v1_2), lowest < .v1_2, highest > .v1_2 { SSL_CTX_set_options(context, serval_op_no_tlsv1_2()) }
        if lowest < .v1_2 {
            warn(
                ["protocols contains [\(lowest)], which is deprecated (RFC 8996); OpenSSL's security level is lowered to 0 for this host"],
                "protocols"
            )
            SSL_CTX_set_security_level(context, 0)
        }
        digest.add(versions.map(\.rawValue).joined(separator: "+"))
    }

    private mutating func setCiphers() throws(TLSError) {
        let ciphers = CipherExpression.forTLS12(configuration.ciphers)
        warn(ciphers.warnings, "ciphers")
        if let level = ciphers.securityLevel {
            if level < SSL_CTX_get_security_level(context) {
                warn(["ciphers lowers OpenSSL's security level to \(level): weak keys, signatures and ciphers are accepted from now on"], "ciphers")
            }
            SSL_CTX_set_security_level(context, Int32(level))
        }
        if ciphers.expression.isEmpty || SSL_CTX_set_cipher_list(context, ciphers.expression) != 1 {
            // When only TLS 1.3 is spoken, nobody needs them.
            guard configuration.protocols == [.v1_3] else {
                throw problem(.noCiphers, "None of the [ciphers] specified are supported by the SSL engine : [\(configuration.ciphers)]", "ciphers")
            }
        }
        warnOfAnonymousCiphers()
        let suites = CipherExpression.forTLS13(configuration.cipherSuites)
        warn(suites.warnings, "cipherSuites")
        if configuration.protocols.contains(.v1_3) {
            guard !suites.expression.isEmpty, SSL_CTX_set_ciphersuites(context, suites.expression) == 1 else {
                throw problem(
                    .noCiphers,
                    "None of the [cipherSuites] specified are supported by the SSL engine : [\(configuration.cipherSuites)]",
                    "cipherSuites"
                )
            }
        }
        ERR_clear_error()
        digest.add(ciphers.expression)
        digest.add(suites.expression)
        if let level = ciphers.securityLevel { digest.add("security level \(level)") }
    }

    /// Ciphers with which nobody knows whom they talk to, or everybody can listen; OpenSSL refuses them at its usual security level.
    private func warnOfAnonymousCiphers() {
        guard SSL_CTX_get_security_level(context) == 0, let list = SSL_CTX_get_ciphers(context) else { return }
        let names = (0..<serval_cipher_count(list)).compactMap { index -> String? in
            guard let cipher = serval_cipher_at(list, index) else { return nil }
            let isBad = SSL_CIPHER_get_auth_nid(cipher) == NID_auth_null || SSL_CIPHER_get_cipher_nid(cipher) == NID_undef
            return isBad ? String(cString: SSL_CIPHER_get_name(cipher)) : nil
        }
        guard !names.isEmpty else { return }
        warn(
            ["ciphers contains ciphers without authentication or without encryption; add !aNULL:!eNULL: [\(names.joined(separator: ", "))]"],
            "ciphers"
        )
    }

    private mutating func setGroups() throws(TLSError) {
        guard !configuration.groups.isEmpty else { return }
        var known: [String] = []
        for entry in configuration.groups where !known.contains(entry) {
            // OpenSSL's own sign (3.3) for a group that need not be there.
            let isOptional = entry.hasPrefix("?")
            let group = isOptional ? String(entry.dropFirst()) : entry
            if let name = acceptedName(of: group) {
                known.append(name)
            } else if !isOptional || TLSGroup.named(group) == nil {
                let words =
                    TLSGroup.named(group) == nil
                    ? "Unknown TLS group [\(group)] was specified and will not be enabled"
                    : "The TLS group [\(group)] is not supported by \(Self.library) and will not be enabled"
                warn([words + (group.uppercased().contains("MLKEM") ? "; post-quantum groups need OpenSSL 3.5" : "")], "groups")
            }
        }
        guard !known.isEmpty, serval_ctx_set_groups(context, known.joined(separator: ":")) == 1 else {
            let onlyOptional =
                configuration.groups.allSatisfy { $0.hasPrefix("?") } ? "; with ? in front of each, none has to be there: add one that is" : ""
            throw problem(
                .noCiphers,
                "None of the [groups] specified are supported by the SSL engine : [\(configuration.groups.joined(separator: ","))]\(onlyOptional)",
                "groups"
            )
        }
        ERR_clear_error()
        groups = known.map { TLSGroup.named($0)?.name ?? $0 }
    }

    /// OpenSSL's spelling of a group's name; nil if it does not have the group.
    private func acceptedName(of group: String) -> String? {
        // The list is refused as a whole if one name is unknown, and setting it replaces the one before.
        (TLSGroup.named(group)?.names ?? [group]).first {
            // Anything else has a meaning of its own in OpenSSL's list.
            !$0.isEmpty && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
                && serval_ctx_set_groups(context, $0) == 1
        }
    }

    private static var library: String { OpenSSLBackend().name }

    // MARK: Client authentication

    private mutating func setClientAuthentication() throws(TLSError) {
        let authentication = configuration.clientAuthentication
        guard authentication != .none else {
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            digest.add("none")
            if try configuration.resolvedRevocation() != .off {
                warn(["ocspEnabled has no effect, because certificateVerification is [none]"], "ocspEnabled")
            }
            return
        }
        guard let store = SSL_CTX_get_cert_store(context), let parameters = SSL_CTX_get0_param(context) else {
            throw TLSError(.backend, "OpenSSL has no certificate store")
        }
        serval_ctx_note_refusals(context)
        if let trust = authentication.trust { try add(trust, to: store) }
        warnOfOutdatedTrust()
        try setRevocation(store)
        // As with Java's trust stores, whatever is trusted is an anchor, whether it signed itself or not.
        var flags = UInt(X509_V_FLAG_PARTIAL_CHAIN)
        if !configuration.revocationListFiles.isEmpty || !configuration.revocationListDirectories.isEmpty {
            flags |= UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
        }
        guard X509_VERIFY_PARAM_set_flags(parameters, flags) == 1 else { throw TLSError(.backend, "OpenSSL refuses the flags for verification") }
        SSL_CTX_set_verify_depth(context, Int32(configuration.verificationDepth))
        switch authentication {
        case .none, .onDemand: SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        case .optional: SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        case .optionalNoCA: SSL_CTX_set_verify(context, SSL_VERIFY_PEER, ChainVerification.forgiveUnknownIssuer)
        case .required: SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        digest.add("clients \(authentication.name) depth \(configuration.verificationDepth) flags \(flags)")
    }

    private mutating func add(_ trust: TrustSource, to store: OpaquePointer) throws(TLSError) {
        var count = 0
        digest.add("trust")
        for der in try load(trust) {
            guard let anchor = parseCertificate(der) else {
                let reason = OpenSSLFailure.takeReason()
                throw TLSError(
                    .invalidKeyMaterial,
                    about("\(trust.place(of: der) ?? trust.inWords): a trusted certificate cannot be read: \(reason)"),
                    origin: place("caCertificateFile", "caCertificatePath", "truststoreFile", "certificateVerification")
                )
            }
            defer { X509_free(anchor) }
            guard X509_STORE_add_cert(store, anchor) == 1, SSL_CTX_add_client_CA(context, anchor) == 1 else {
                throw TLSError(.invalidKeyMaterial, about("OpenSSL does not accept a trusted certificate: \(OpenSSLFailure.takeReason())"))
            }
            digest.add(der)
            trusted.append(CertificateData(der: der).sha256Fingerprint)
            if let handle = CertificateHandle(anchor) { anchors.append(handle) }
            if X509_check_ca(anchor) > 0 {
                let name = X509_get_subject_name(anchor)
                authorities.append((RevocationLists.number(name), CertificateHandle.words(name)))
            }
            count += 1
        }
        trustedCount = count
        guard count > 0 else {
            throw TLSError(
                .noTrustAnchors,
                about("certificateVerification needs at least one trusted certificate, and there is none in \(trust.inWords)")
            )
        }
    }

    /// Warns of trusted certificates whose time is over or has not come: whoever leads to one of them stays outside.
    private func warnOfOutdatedTrust() {
        let now = Int64(currentSecond())
        let lines = anchors.compactMap { anchor -> String? in
            let (start, end) = anchor.validity
            if end < now { return "The trusted certificate [\(anchor.subject)] has expired on \(UTCTime.words(Int(end)))" }
            return start > now ? "The trusted certificate [\(anchor.subject)] is not valid before \(UTCTime.words(Int(start)))" : nil
        }
        guard !lines.isEmpty else { return }
        let rest = lines.count > Self.trustWarningLimit ? ["\(lines.count - Self.trustWarningLimit) more trusted certificates are not valid now"] : []
        let outcome = "and lets nobody in: put the authority's present certificate in its place"
        var warnings = lines.prefix(Self.trustWarningLimit).map { "\($0) \(outcome)" } + rest
        if lines.count == anchors.count { warnings.append("None of the trusted certificates is valid now: no client certificate is accepted") }
        warn(warnings, at: place("caCertificateFile", "caCertificatePath", "truststoreFile", "certificateVerification"))
    }

    private static let trustWarningLimit = 20

    private func load(_ trust: TrustSource) throws(TLSError) -> [[UInt8]] {
        do throws(TLSError) {
            return try trust.loadCertificates()
        } catch {
            let names =
                error.code == .wrongPassword || error.code == .secretUnavailable
                ? ["serval.truststorePasswordFile", "truststorePassword", "truststoreFile"]
                : ["truststoreFile", "caCertificateFile", "caCertificatePath"]
            throw TLSError(error.code, about(error.message), origin: configuration.origin?.place(of: names + ["certificateVerification"]))
        }
    }

    private mutating func setRevocation(_ store: OpaquePointer) throws(TLSError) {
        do throws(TLSError) {
            let policy = try configuration.resolvedRevocation()
            let lists = try RevocationLists(configuration)
            try lists.checkSignatures(anchors)
            try lists.add(to: store)
            digest.add("revocation \(policy) lists")
            for bytes in lists.contents { digest.add(bytes) }
            revocationLists = lists.marks
            try checkCoverage(lists, policy)
            guard policy != .off || !lists.facts.isEmpty else { return }
            warn(lists.warnings(policy), "certificateRevocationListFile")
            revocation = RevocationChecker(policy, lists: lists.facts, service: service, hostName: configuration.hostName, logger: logger)
            guard serval_ctx_check_revocation(context) == 1 else { throw TLSError(.backend, "Out of memory") }
            if policy != .off { serval_ctx_allow_leaving(context) }
        } catch {
            throw TLSError(error.code, error.message, origin: place("certificateRevocationListFile", "certificateRevocationListPath", "ocspEnabled"))
        }
    }

    // MARK: Resumption and the rest

    private func setResumption(lifetime: Int) {
        serval_ctx_use_own_cache(context)
        SSL_CTX_set_timeout(context, lifetime)
    }

    private mutating func setSessionContext() throws(TLSError) {
        digest.add(configuration.hostName)
        digest.add(configuration.groups.joined(separator: ":"))
        digest.add(
            "order \(configuration.honorsCipherOrder) tickets \(!configuration.disablesSessionTickets) lifetime \(configuration.sessionTimeout)"
        )
        let id = digest.finish()
        settings = id
        guard id.count == 32, SSL_CTX_set_session_id_context(context, id, UInt32(id.count)) == 1 else {
            throw TLSError(.backend, "OpenSSL cannot set the session id context: \(OpenSSLFailure.takeReason())")
        }
    }

    // MARK: Words

    func about(_ words: String) -> String { "SSLHostConfig [\(configuration.hostName)]: \(words)" }

    /// Where one of the host's attributes stands, `conf/server.xml:42`; nil for a host that comes from no file.
    func place(_ attributes: String...) -> String? { configuration.origin?.place(of: attributes) }

    func problem(_ code: TLSError.Code, _ words: String, _ attribute: String) -> TLSError {
        TLSError(code, about(words), origin: place(attribute))
    }

    func warn(_ lines: [String], _ attribute: String) { warn(lines, at: place(attribute)) }

    func warn(_ lines: [String], at place: String?) {
        for line in lines { logger.warning("\(place.map { "\($0): " } ?? "")\(about(line))") }
    }
}

extension ClientAuthentication {
    fileprivate var name: String {
        switch self {
        case .none: "none"
        case .onDemand: "on demand"
        case .optional: "optional"
        case .optionalNoCA: "optional without authority"
        case .required: "required"
        }
    }
}
