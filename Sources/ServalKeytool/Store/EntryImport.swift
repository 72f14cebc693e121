import ServalKeyStore

/// Copying entries from one store to another, with the questions about names that are taken.
struct EntryImport {
    private enum Outcome {
        case imported, cancelled, failed
    }

    let session: Session
    let source: SourceKeyStore
    var destination: OpenKeyStore
    /// The destination's trusted certificates, kept up to date: collecting them anew for each entry would take long in a large store.
    private var trusted: Set<CertificateData> = []

    init(session: Session, source: SourceKeyStore, destination: OpenKeyStore) {
        self.session = session
        self.source = source
        self.destination = destination
        for alias in destination.store.aliases {
            if case .trustedCertificate(let certificate)? = destination.store[alias]?.content { trusted.insert(certificate) }
        }
    }

    private var console: Console { session.console }
    private var options: Options { session.options }

    /// Copies the entry that `-srcalias` names, or all of them.
    mutating func run() throws {
        if let alias = options[.alias] {
            let name = options[.destalias].flatMap { $0.isEmpty ? nil : $0 } ?? alias
            _ = try copy(alias, to: name)
            return
        }
        guard options[.destalias] == nil, options[.srckeypass] == nil else {
            throw Failure.error("if alias not specified, destalias and srckeypass must not be specified")
        }
        try copyAll()
    }

    private mutating func copyAll() throws {
        // The JDK knows all aliases in lower case, also those that a PKCS12 file spells otherwise.
        let aliases = source.store.enumerationOrder.map { $0.lowercased() }
        var imported = 0
        loop: for alias in aliases {
            switch try copy(alias, to: alias) {
            case .imported:
                imported += 1
                console.print(error: "Entry for alias \(alias) successfully imported.")
            case .failed:
                if !options.has(.noprompt), try console.confirm("Do you want to quit the import process? [no]:  ") { break loop }
            case .cancelled: break
            }
        }
        let rest = aliases.count - imported
        console.print(error: "Import command completed:  \(imported) entries successfully imported, \(rest) entries failed or cancelled")
    }

    private mutating func copy(_ alias: String, to wanted: String) throws -> Outcome {
        guard let name = try freeName(wanted) else {
            console.print(error: "Entry for alias \(alias) not imported.")
            return .cancelled
        }
        let (content, sourcePassword) = try source.entry(alias)
        // Not the destination's password, unless it is PKCS12: what opened the entry before opens it afterwards.
        let password = destination.store.format == .pkcs12 ? nil : options[.destkeypass] ?? sourcePassword
        if let problem = problem(of: content, password: password) {
            console.print(
                error:
                    "Problem importing entry for alias \(alias): java.security.KeyStoreException: \(problem).\n"
                    + "Entry for alias \(alias) not imported."
            )
            return .failed
        }
        let entry = KeyStore.Entry(content)
        if let certificate = entry.certificate {
            WeakAlgorithms.warn(about: certificate, label: "<\(name)>", isTrusted: trusted.contains(certificate), in: session)
        }
        destination.store.set(entry, alias: name, keyPassword: password)
        if case .trustedCertificate(let certificate) = content { trusted.insert(certificate) }
        return .imported
    }

    /// The alias under which the entry is stored: what was wanted if it is free or may be overwritten, else what the person types; nil for none.
    private func freeName(_ wanted: String) throws -> String? {
        var name = wanted
        while destination.store[name] != nil {
            if options.has(.noprompt) {
                console.print(error: "Warning: Overwriting existing alias \(name) in destination keystore")
                return name
            }
            if try console.confirm("Existing entry alias \(name) exists, overwrite? [no]:  ") { return name }
            let answer = console.ask("Enter new alias name\t(RETURN to cancel import for this entry):  ") ?? ""
            guard !answer.isEmpty else { return nil }
            name = answer
        }
        return name
    }

    /// Why the destination cannot hold the entry, in the JDK's words.
    private func problem(of content: KeyStore.Entry.Content, password: String?) -> String? {
        switch content {
        case .trustedCertificate where destination.token != nil: TokenStore.noTrust
        case .secretKey where destination.token != nil: TokenStore.noSecretKeys
        case .trustedCertificate: options[.destkeypass] == nil ? nil : "trusted certificate entries are not password-protected"
        case .privateKey(let entry) where destination.token != nil: TokenStore.refusal(of: entry)
        case .privateKey: destination.store.format == .jceks && password?.utf8.allSatisfy({ $0 < 0x80 }) == false ? "Password is not ASCII" : nil
        case .secretKey(let entry):
            (try? entry.secretKey()).flatMap { destination.store.format.refusal(of: $0, password: password) }
        }
    }
}
