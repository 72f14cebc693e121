import FoundationEssentials
import ServalKeyStore
import X509

/// `-importkey`: makes an entry of a private key and its certificates, which the JDK's tool cannot without a detour over PKCS12.
enum ImportKeyCommand: Command {
    static let name = "-importkey"
    static let summary = "Imports a private key with its certificate chain"
    static let options: [OptionDescription] = [
        OptionDescription(.file, "file", "file with the private key, and perhaps its certificates (PEM or DER)"), .certificateFile,
        OptionDescription(.srckeypass, "arg", "password of the private key in the file"), .alias, .keyPassword,
        OptionDescription(.dname, "name", "without any certificate: name for a self-signed one"), .ext, .validity, .noPrompt, .dryRun,
        .trustCACertificates, .keyStore, .storePassword, .storeType, .verbose,
    ]

    static func run(in session: Session) throws {
        if let password = session.options[.keypass], password.utf16.count < 6 { throw Failure.error("Key password must be at least 6 characters") }
        var opened = try KeyStoreOpening(session, for: .creating).open()
        let input = try PrivateKeyInput(session)
        let certificates = try input.certificates + ReplyInput.additional(session)
        let (key, leaf) = try pair(input.keys(session), certificates, input.name, session)
        let chain = self.chain(from: leaf, certificates, opened, session)
        let leftOut = certificates.filter { !chain.contains($0) }
        if !leftOut.isEmpty {
            session.warnings.append(
                "Left out, as they do not belong to the chain: " + leftOut.map { "<\($0.subjectDescription)>" }.joined(separator: ", ")
            )
        }
        let alias = session.alias
        if session.options.has(.dryrun) { return describe(chain, key, alias, opened, session.console) }
        guard try mayReplace(alias, opened, session) else {
            session.console.print(error: "Private key was not imported into keystore")
            return
        }
        let password = try opened.passwordForNewKey(alias: alias, in: session)
        WeakAlgorithms.warn(aboutChain: chain, label: "The imported certificate", opened, in: session)
        opened.store.set(KeyStore.Entry(.privateKey(PrivateKeyEntry(key: key, chain: chain, password: password))), alias: alias)
        try opened.save(in: session)
        session.console.print(error: "Private key was imported into keystore under alias <\(alias)>, with a chain of length \(chain.count)")
        opened.warnAboutFormat(in: session)
    }

    // MARK: Key and certificate

    /// The key that is meant, and its certificate.
    private static func pair(
        _ keys: [PrivateKey],
        _ certificates: [CertificateData],
        _ file: String,
        _ session: Session
    ) throws -> (key: PrivateKey, leaf: CertificateData) {
        let pairs = keys.compactMap { key in newest(certificates.filter(key.matches)).map { (key: key, leaf: $0) } }
        if pairs.count > 1, Set(pairs.map(\.key.publicKeyInfo)).count > 1 {
            throw Failure.error("\(file) holds several private keys with their certificates: import each from a file of its own")
        }
        if let pair = pairs.first { return pair }
        guard let key = keys.first, keys.count == 1 || !certificates.isEmpty else {
            throw Failure.error("\(file) holds several private keys and no certificate that tells which one is meant")
        }
        guard certificates.isEmpty else {
            for certificate in certificates.prefix(8) {
                let description = (try? certificate.fields().publicKeyDescription) ?? "unreadable key"
                session.console.print(error: FindingText.line("  certificate of <\(certificate.subjectDescription)>: \(description), another key"))
            }
            throw Failure.error("The private key (\(key)) in \(file) does not belong to any of the certificates given")
        }
        guard let name = session.options[.dname] else {
            session.console.print(
                error: "A keystore keeps a private key together with its certificate, and there is none in \(file).\n"
                    + "  Name the file with the certificate, and those of its issuers:  -certfile FILE\n"
                    + "  Or have a self-signed one made, from which to request one:     -dname \"CN=www.example.org\", then -certreq"
            )
            throw Failure.error("No certificate for the private key in \(file)")
        }
        return (key, try selfSigned(key, name, session))
    }

    private static func newest(_ certificates: [CertificateData]) -> CertificateData? {
        certificates.max { ((try? $0.fields().notBefore) ?? .min) < ((try? $1.fields().notBefore) ?? .min) }
    }

    private static func selfSigned(_ key: PrivateKey, _ name: String, _ session: Session) throws -> CertificateData {
        let days = try session.number(.validity) ?? 90
        guard (1...366_000).contains(days) else { throw Failure.error("Validity must be greater than zero") }
        let subject = try DistinguishedName.argument(name)
        guard !subject.isEmpty else { throw Failure.input("Empty issuer DN not allowed in X509Certificates: give -dname at least one attribute") }
        let requested = try ExtensionArguments(session.options.all(.ext))
        var extensions = requested.extensions
        if !requested.contains(.X509ExtensionID.subjectAlternativeName), let host = subject.evidentHostName {
            extensions.append(try ExtensionArguments.subjectAlternativeName(dnsName: host))
        }
        do {
            let certificate = try SelfSignedCertificate.make(
                key: key,
                subject: subject,
                validity: .seconds(days * 86_400),
                extensions: Certificate.Extensions(extensions)
            )
            session.console.print(
                error: "Generated a self-signed certificate with a validity of \(JavaText.grouped(days)) days\n\tfor: \(subject.dname)"
            )
            return certificate
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
    }

    /// The chain up to a root if there is one at hand, else as far as it goes.
    private static func chain(
        from leaf: CertificateData,
        _ certificates: [CertificateData],
        _ opened: OpenKeyStore,
        _ session: Session
    ) -> [CertificateData] {
        let system = SystemCertificates.load(session.environment)
        let hasSystem = session.options.has(.trustcacerts)
        let pool = certificates + opened.store.aliases.compactMap { opened.store[$0]?.certificate } + (hasSystem ? system : [])
        let search = ChainSearch(pool)
        if let chain = search.chain(from: leaf) { return chain }
        let chain = search.paths(from: leaf).max { $0.count < $1.count } ?? [leaf]
        // A chain whose last issuer every client knows is complete without it.
        if ChainSearch(system).issuer(of: chain[chain.count - 1]) == nil {
            MissingIssuer(above: leaf, pool: pool, system: hasSystem ? nil : system)?.explain(in: session)
            session.warnings.append(
                "The chain is incomplete. Import the missing certificate and then this one again (-importcert), or repeat -importkey."
            )
        }
        return chain
    }

    // MARK: The entry

    private static func mayReplace(_ alias: String, _ opened: OpenKeyStore, _ session: Session) throws -> Bool {
        guard opened.store[alias] != nil else { return true }
        if session.options.has(.noprompt) {
            session.console.print(error: "Warning: Overwriting existing alias \(alias) in destination keystore")
            return true
        }
        return try session.console.confirm("Existing entry alias \(alias) exists, overwrite? [no]:  ")
    }

    private static func describe(_ chain: [CertificateData], _ key: PrivateKey, _ alias: String, _ opened: OpenKeyStore, _ console: Console) {
        var lines = ["Dry run: nothing is written."]
        if opened.store[alias] != nil { lines.append("Would ask whether to overwrite the entry <\(alias)>.") }
        lines.append("Would import a private key (\(key)) into \(opened.path) under alias <\(alias)>, with a chain of length \(chain.count):")
        lines += chain.enumerated().map { "  \($0 + 1). \($1.subjectDescription)" }
        for line in lines { console.print(FindingText.line(line)) }
    }
}

extension OptionDescription {
    static let certificateFile = OptionDescription(.certfile, "file", "file with more certificates; may be repeated")
    static let dryRun = OptionDescription(.dryrun, nil, "say what would be done, and write nothing")
}
