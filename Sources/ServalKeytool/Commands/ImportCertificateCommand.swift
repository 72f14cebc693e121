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

    /// A bundle of the world's certificate authorities has less than a megabyte.
    private static let sizeLimit = 16 << 20

    static func run(in session: Session) throws {
        var opened = try KeyStoreOpening(session, for: .creating).open()
        let system = session.options.has(.trustcacerts) ? SystemCertificates.load(session.environment) : []
        let isImported: Bool
        switch opened.store[session.alias]?.content {
        case .privateKey(let key):
            let reply = ReplyImport(session: session, opened: opened, system: system)
            if let chain = try reply.chain(of: read(session, isReply: true), for: key) {
                reply.install(chain, for: key, into: &opened.store)
                isImported = true
            } else {
                isImported = false
            }
            session.console.print(error: "Certificate reply was \(isImported ? "" : "not ")installed in keystore")
        case .trustedCertificate, nil:
            isImported = try addTrusted(session, &opened.store, system: system)
            session.console.print(error: "Certificate was \(isImported ? "" : "not ")added to keystore")
        case .secretKey:
            throw Failure.error("Certificate not imported, alias <\(session.alias)> already exists")
        }
        if isImported { try opened.save(in: session) }
        opened.warnAboutFormat(in: session)
    }

    private static func addTrusted(_ session: Session, _ store: inout KeyStore, system: [CertificateData]) throws -> Bool {
        let alias = session.alias
        guard store[alias] == nil else { throw Failure.error("Certificate not imported, alias <\(alias)> already exists") }
        let certificates = try read(session, isReply: false)
        guard let certificate = certificates.first else { throw notACertificate }
        guard try isTrusted(certificate, store, system: system, in: session) else { return false }
        if certificates.count > 1 {
            session.warnings.append(
                "The file holds \(certificates.count) certificates. Only the first one was imported; import the others under aliases of their own."
            )
        }
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

    private static func read(_ session: Session, isReply: Bool) throws -> [CertificateData] {
        let bytes = try session.options[.file].map { try InputFile(path: $0).read(limit: sizeLimit) } ?? session.console.readAll(limit: sizeLimit)
        if bytes.isEmpty { throw isReply ? Failure.error("Reply has no certificates") : notACertificate }
        do {
            return try PEM.certificates(in: bytes)
        } catch {
            guard isReply else { throw notACertificate }
            throw Failure.exception(javaClass: "java.security.cert.CertificateException", message: "No certificate data found")
        }
    }

    private static let notACertificate = Failure.error("Input not an X.509 certificate")
}
