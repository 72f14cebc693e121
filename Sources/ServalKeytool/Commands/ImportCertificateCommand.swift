import ServalKeyStore

/// `-importcert`: adds a trusted certificate, or installs a certificate authority's reply when the alias is that of a private key.
enum ImportCertificateCommand: Command {
    static let name = "-importcert"
    static let alternativeName: String? = "-import"
    static let summary = "Imports a certificate or a certificate chain"
    static let options: [OptionDescription] =
        [
            .noPrompt, .trustCACertificates, .protected, .alias, .inputFile, .keyPassword, .keyStore, .cacerts, .storePassword, .storeType,
        ] + OptionDescription.providers + [.verbose]
    static let additionalOptions = [
        OptionDescription(.certfile, "file", "more certificates for the chain; may be repeated"),
        OptionDescription(.dryrun, nil, "say what would be done, and write nothing"),
    ]

    static func run(in session: Session) throws {
        var opened = try KeyStoreOpening(session, for: .creating).open()
        let system = session.options.has(.trustcacerts) ? SystemCertificates.load(session.environment) : []
        let (alias, input) = try target(in: opened.store, session)
        let isImported: Bool
        switch opened.store[alias]?.content {
        case .privateKey(let key):
            let reply = ReplyImport(session: session, opened: opened, alias: alias, system: system)
            isImported = try install(reply, input ?? ReplyInput(session), for: key, into: &opened.store)
            guard !session.options.has(.dryrun) else { return }
            session.console.print(error: "Certificate reply was \(isImported ? "" : "not ")installed in keystore")
        case .trustedCertificate, nil:
            isImported = try addTrusted(session, alias, input, &opened.store, system: system)
            guard !session.options.has(.dryrun) else { return }
            session.console.print(error: "Certificate was \(isImported ? "" : "not ")added to keystore")
        case .secretKey:
            throw Failure.error("Certificate not imported, alias <\(alias)> already exists")
        }
        if isImported { try opened.save(in: session) }
        opened.warnAboutFormat(in: session)
    }

    /// The alias to import under: the one that was given, else that of the only key for which the file holds a new certificate, else the JDK's default.
    private static func target(in store: KeyStore, _ session: Session) throws -> (alias: String, input: ReplyInput?) {
        guard session.options[.alias] == nil else { return (session.alias, nil) }
        let holdsKeys = store.aliases.contains { if case .privateKey? = store[$0]?.content { true } else { false } }
        if case .privateKey? = store[session.alias]?.content { return (session.alias, nil) }
        // What the JDK refuses before it reads anything is refused in its words.
        guard holdsKeys, store[session.alias] == nil else { return (session.alias, nil) }
        let input = try ReplyInput(session)
        let owners = ReplyOwner.aliases(in: store, of: input.certificates)
        if let owner = owners.first, owners.count == 1 {
            session.console.print(error: "The certificate belongs to the key of alias <\(owner)>, and is installed there.")
            return (owner, input)
        }
        if owners.count > 1 {
            session.console.print(error: "The certificate fits several keys: " + owners.map { "<\($0)>" }.joined(separator: ", ") + "; use -alias.")
            throw Failure.error("Must specify alias")
        }
        return (session.alias, input)
    }

    // MARK: Replies

    private static func install(
        _ reply: ReplyImport,
        _ input: ReplyInput,
        for key: PrivateKeyEntry,
        into store: inout KeyStore
    ) throws -> Bool {
        let session = reply.session
        let certificates = try input.certificates(isReply: true, in: session)
        let result = try reply.result(of: certificates, for: key)
        if !result.leftOut.isEmpty {
            let names = result.leftOut.map { "<\($0.subjectDescription)>" }.joined(separator: ", ")
            session.warnings.append("Left out, as the chain is complete without: \(names)")
        }
        if session.options.has(.dryrun) {
            describe(result, reply, certificates, key)
            return false
        }
        guard try reply.confirm(result), var entry = store[reply.alias] else { return false }
        var changed = key
        changed.certificateChain = result.chain
        entry.content = .privateKey(changed)
        entry.creationDate = KeyStore.millisecondsNow()
        store.set(entry, alias: reply.alias)
        return true
    }

    private static func describe(
        _ result: ReplyImport.Result,
        _ reply: ReplyImport,
        _ certificates: [CertificateData],
        _ key: PrivateKeyEntry
    ) {
        let console = reply.session.console
        console.print("Dry run: nothing is written.")
        console.print("Would install for the key of alias <\(FindingText.line(reply.alias))> a chain of length \(result.chain.count):")
        for (index, certificate) in result.chain.enumerated() {
            let origin = reply.origin(of: certificate, reply: certificates, key: key)
            console.print(FindingText.line("  \(index + 1). \(certificate.subjectDescription)  (\(origin))"))
        }
        if result.isQuestionable { console.print("Would ask whether to trust the last one, as neither the keystore nor the system knows it.") }
    }

    // MARK: Trusted certificates

    private static func addTrusted(
        _ session: Session,
        _ alias: String,
        _ input: ReplyInput?,
        _ store: inout KeyStore,
        system: [CertificateData]
    ) throws -> Bool {
        guard store[alias] == nil else { throw Failure.error("Certificate not imported, alias <\(alias)> already exists") }
        let certificates = try (input ?? ReplyInput(session)).certificates(isReply: false, in: session)
        guard let certificate = certificates.first else { throw Failure.error("Input not an X.509 certificate") }
        if session.options.has(.dryrun) {
            session.console.print("Dry run: nothing is written.")
            session.console.print(
                "Would add under alias <\(FindingText.line(alias))> as trusted, after asking unless it descends from what is trusted:"
            )
            session.console.print(text: CertificateBlock.text(certificate))
            return false
        }
        guard try isTrusted(certificate, store, system: system, in: session) else { return false }
        if certificates.count > 1 {
            session.warnings.append(
                "The file holds \(certificates.count) certificates. Only the first one was imported; import the others under aliases of their own."
            )
        }
        if store.hasCaseSensitiveAliases { throw Failure.exception(javaClass: "java.security.KeyStoreException", message: TokenStore.noTrust) }
        store.set(KeyStore.Entry(.trustedCertificate(certificate)), alias: alias)
        return true
    }

    /// Whether the certificate may go into the store: because of `-noprompt`, because it descends from what is trusted, or because the person says so.
    private static func isTrusted(
        _ certificate: CertificateData,
        _ store: KeyStore,
        system: [CertificateData],
        in session: Session
    ) throws -> Bool {
        let console = session.console
        WeakAlgorithms.warn(about: certificate, label: "The input", in: session)
        if session.options.has(.noprompt) { return true }
        if let other = store.aliases.first(where: { store[$0]?.certificate == certificate }) {
            console.print(error: "Certificate already exists in keystore under alias <\(other)>")
            session.printWarnings(beforeQuestion: true)
            return try console.confirm("Do you still want to add it? [no]:  ")
        }
        let isSelfSigned = certificate.isSelfSigned
        if isSelfSigned, system.contains(certificate) {
            console.print(error: "Certificate already exists in system-wide CA keystore under alias <\(certificate.subjectDescription)>")
            session.printWarnings(beforeQuestion: true)
            return try console.confirm("Do you still want to add it to your own keystore? [no]:  ")
        }
        if !isSelfSigned, ChainSearch(store.aliases.compactMap { store[$0]?.certificate } + system).chain(from: certificate) != nil { return true }
        console.print(text: CertificateBlock.text(certificate))
        session.printWarnings(beforeQuestion: true)
        return try console.confirm("Trust this certificate? [no]:  ")
    }
}
