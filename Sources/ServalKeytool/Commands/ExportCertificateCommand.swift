import ServalKeyStore

/// `-exportcert`: writes an entry's certificate as DER or, with `-rfc`, as PEM.
enum ExportCertificateCommand: Command {
    static let name = "-exportcert"
    static let alternativeName: String? = "-export"
    static let summary = "Exports certificate"
    static let options: [OptionDescription] =
        [.rfc, .alias, .outputFile, .keyStore, .cacerts, .storePassword, .storeType] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let opened = try KeyStoreOpening(session, for: .reading).open()
        opened.printIntegrityNote(in: session)
        guard let entry = opened.store[session.alias] else { throw Failure.unknownAlias(session.alias) }
        guard let certificate = entry.certificate else { throw Failure.error("Alias <\(session.alias)> has no certificate") }
        let bytes = session.options.has(.rfc) ? Array(certificate.pemText.utf8) : certificate.der
        if let file = session.options[.file] {
            try OutputFile(path: file).write(bytes, isSecret: false)
            session.console.print(error: "Certificate stored in file <\(file)>")
        } else {
            session.console.print(bytes: bytes)
        }
        WeakAlgorithms.warn(about: certificate, label: "The certificate", isTrusted: opened.trusts(certificate), in: session)
        opened.warnAboutFormat(in: session)
    }
}
