import ServalKeyStore

/// `-list`: prints the entries of a key store, or one of them.
enum ListCommand: Command {
    static let name = "-list"
    static let summary = "Lists entries in a keystore"
    static let options: [OptionDescription] =
        [.rfc, .alias, .keyStore, .cacerts, .storePassword, .storeType] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        if session.isVerbose, session.options.has(.rfc) {
            throw Failure.usage("Must not specify both -v and -rfc with 'list' command")
        }
        let opened = try KeyStoreOpening(session, for: .reading).open()
        opened.printIntegrityNote(in: session)
        let printer = EntryPrinter(session: session, opened: opened)
        if let alias = session.options[.alias] {
            try printer.printEntry(alias, label: "The certificate")
        } else {
            try printAll(opened, printer, session.console)
        }
        opened.warnAboutFormat(in: session)
    }

    private static func printAll(_ opened: OpenKeyStore, _ printer: EntryPrinter, _ console: Console) throws {
        let count = opened.store.count
        console.print("Keystore type: \(opened.typeName)")
        console.print("Keystore provider: \(opened.providerName)")
        console.print()
        console.print("Your keystore contains \(JavaText.grouped(count)) \(count == 1 ? "entry" : "entries")")
        console.print()
        // The JDK lists aliases of files in lower case, also those that a PKCS12 file spells otherwise, and compares 16-bit units.
        let aliases = opened.token == nil ? opened.store.aliases.map { $0.lowercased() } : opened.store.aliases
        for alias in aliases.sorted(by: { $0.utf16.lexicographicallyPrecedes($1.utf16) }) {
            try printer.printEntry(alias, label: "<\(alias)>")
            if printer.isLong {
                let stars = String(repeating: "*", count: 43)
                console.print("\n\n\(stars)\n\(stars)\n\n")
            }
        }
    }
}

/// Prints entries in the brief form, the long one (`-v`), or as PEM (`-rfc`).
private struct EntryPrinter {
    let session: Session
    let opened: OpenKeyStore

    /// Whether entries take many lines.
    var isLong: Bool { session.isVerbose || session.options.has(.rfc) }

    private var console: Console { session.console }

    /// Prints one entry.
    ///
    /// - Parameter label: What the warning about a weak certificate calls it.
    func printEntry(_ alias: String, label: String) throws {
        guard let entry = opened.store[alias] else { throw Failure.unknownAlias(alias) }
        let date = JavaText.date(entry.creationDate / 1000)
        let type =
            switch entry.content {
            case .privateKey: "PrivateKeyEntry"
            case .trustedCertificate: "trustedCertEntry"
            case .secretKey: "SecretKeyEntry"
            }
        if isLong {
            console.print("Alias name: \(alias)")
            // Tokens do not know when.
            if opened.token == nil { console.print("Creation date: \(date)") }
            console.print("Entry type: \(type)")
        } else {
            console.print(opened.token == nil ? "\(alias), \(date), \(type), " : "\(alias), \(type), ")
        }
        switch entry.content {
        case .privateKey(let key): printChain(key.certificateChain, label: label)
        case .trustedCertificate(let certificate):
            if isLong { console.print() }
            printCertificate(certificate, label: label)
        case .secretKey: break
        }
    }

    private func printChain(_ chain: [CertificateData], label: String) {
        guard let leaf = chain.first else { return console.print("Certificate chain length: 0") }
        guard isLong else {
            printFingerprint(leaf)
            WeakAlgorithms.warn(aboutChain: chain, label: label, opened, in: session)
            return
        }
        console.print("Certificate chain length: \(chain.count)")
        for (index, certificate) in chain.enumerated() {
            console.print("Certificate[\(index + 1)]:")
            printCertificate(certificate, label: label)
        }
    }

    private func printCertificate(_ certificate: CertificateData, label: String) {
        if session.isVerbose {
            console.print(text: CertificateBlock.text(certificate, isTrusted: opened.trusts(certificate)))
        } else if session.options.has(.rfc) {
            console.print(text: certificate.pemText)
        } else {
            printFingerprint(certificate)
        }
        WeakAlgorithms.warn(about: certificate, label: label, isTrusted: opened.trusts(certificate), in: session)
    }

    private func printFingerprint(_ certificate: CertificateData) {
        console.print("Certificate fingerprint (SHA-256): \(certificate.fingerprintText)")
    }
}
