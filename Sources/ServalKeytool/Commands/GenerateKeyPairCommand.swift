import FoundationEssentials
import ServalKeyStore
import SwiftASN1
import X509

/// `-genkeypair`: makes a key and a certificate for it, signed by the key itself or by another entry (`-signer`).
enum GenerateKeyPairCommand: Command {
    static let name = "-genkeypair"
    static let alternativeName: String? = "-genkey"
    static let summary = "Generates a key pair"
    static let options: [OptionDescription] =
        [
            .alias, .keyAlgorithm, .keySize, .groupName, .signatureAlgorithm, .dname, .startDate, .ext, .validity, .keyPassword, .keyStore, .signer,
            .signerKeyPassword, .storePassword, .storeType,
        ] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let options = session.options
        let keySize = try session.number(.keysize)
        let days = try session.number(.validity) ?? 90
        guard days > 0 else { throw Failure.error("Validity must be greater than zero") }
        if let password = options[.keypass], password.utf16.count < 6 { throw Failure.error("Key password must be at least 6 characters") }

        var opened = try KeyStoreOpening(session, for: .creating).open()
        guard let algorithmName = options[.keyalg] else { throw Failure.error("The -keyalg option must be specified.") }
        let alias = session.alias
        guard opened.store[alias] == nil else { throw Failure.error("Key pair not generated, alias <\(alias)> already exists") }

        let kind = try KeyKind(algorithm: algorithmName, size: keySize, group: options[.groupname])
        if keySize != nil, case .ec(let curve) = kind.algorithm {
            session.warnings.append(
                "Specifying -keysize for generating EC keys is deprecated, please use \"-groupname \(curve.rawValue)\" instead."
            )
        }
        let begin = try StartDate.resolve(options[.startdate], now: KeyStore.millisecondsNow() / 1000)
        let requested = try ExtensionArguments(options.all(.ext))
        let signer = try options[.signer].map { try Signer(alias: $0, opened, session) }
        if options[.dname] == nil { session.printWarnings(beforeQuestion: true) }
        let subject = try options[.dname].map { try DistinguishedName.argument($0) } ?? NameQuestions(console: session.console).ask()
        guard !subject.isEmpty || signer != nil else {
            throw Failure.input("Empty issuer DN not allowed in X509Certificates: give -dname at least one attribute, for example CN=www.example.org")
        }

        let key = try opened.generate(kind, alias: alias)
        let signature = try SignatureName.resolve(
            options[.sigalg],
            for: signer?.key ?? key,
            failure: .illegalArgument("Cannot derive signature algorithm from XDH")
        )
        let hostName = requested.contains(.X509ExtensionID.subjectAlternativeName) ? nil : subject.evidentHostName
        let certificate = try make(key, subject, requested.extensions, hostName, signer, signature, begin: begin, days: days)

        let issuing = signer.map { "a certificate (\(signature.name)) issued by <\($0.alias)>" } ?? "self-signed certificate (\(signature.name))"
        let length = "\(JavaText.grouped(days)) days"
        session.console.print(error: "Generating \(kind.description) key pair and \(issuing) with a validity of \(length)\n\tfor: \(subject.dname)")
        if let hostName {
            session.console.print(
                error: "Added the subject alternative name dns:\(hostName), because browsers do not look at CN (-ext san=... replaces it)."
            )
        }
        let keyPassword = try opened.passwordForNewKey(alias: alias, in: session)
        let chain = [certificate] + (signer?.chain ?? [])
        WeakAlgorithms.warn(aboutChain: chain, label: "The generated certificate", opened, in: session)
        let entry = PrivateKeyEntry(key: key, chain: chain, password: keyPassword)
        opened.store.set(KeyStore.Entry(.privateKey(entry)), alias: alias)
        try opened.save(in: session)
        opened.warnAboutFormat(in: session)
    }

    private static func make(
        _ key: PrivateKey,
        _ subject: DistinguishedName,
        _ requested: [Certificate.Extension],
        _ hostName: String?,
        _ signer: Signer?,
        _ signature: SignatureAlgorithm,
        begin: Int64,
        days: Int
    ) throws -> CertificateData {
        let (seconds, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400)
        // Certificates cannot tell years of more than four digits.
        guard !overflow, begin >= 0, seconds < 253_402_300_800 - begin else {
            throw Failure.error("The certificate would not end before the year 10000")
        }
        var extensions = requested
        if let hostName { extensions.append(try ExtensionArguments.subjectAlternativeName(dnsName: hostName)) }
        if let identifier = signer?.keyIdentifier, !extensions.contains(where: { $0.oid == .X509ExtensionID.authorityKeyIdentifier }) {
            extensions.append(try Certificate.Extension(AuthorityKeyIdentifier(keyIdentifier: identifier), critical: false))
        }
        do {
            return try SelfSignedCertificate.issue(
                publicKeyInfo: key.publicKeyInfo,
                subject: subject,
                issuer: signer?.name ?? subject,
                issuerKey: signer?.key ?? key,
                notBefore: Date(timeIntervalSince1970: Double(begin)),
                notAfter: Date(timeIntervalSince1970: Double(begin + seconds)),
                extensions: Certificate.Extensions(extensions),
                signatureAlgorithm: signature
            )
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
    }
}

/// The entry that `-signer` names.
private struct Signer {
    let alias: String
    let key: PrivateKey
    let chain: [CertificateData]
    let name: DistinguishedName
    let keyIdentifier: ArraySlice<UInt8>?

    init(alias: String, _ opened: OpenKeyStore, _ session: Session) throws {
        guard let entry = opened.store[alias] else { throw Failure.unknownAlias(alias) }
        guard case .privateKey(let keyEntry) = entry.content, let leaf = keyEntry.certificateChain.first else {
            throw Failure.error("Alias <\(alias)> has no key")
        }
        self.alias = alias
        do {
            key = try opened.privateKey(alias: alias, passwordOption: .signerkeypass, in: session)
            let fields = try leaf.fields()
            chain = keyEntry.certificateChain
            name = try DistinguishedName(fields.subject)
            let identifier = fields.extensions.first { $0.oid == "2.5.29.14" }
            keyIdentifier = identifier.flatMap { try? ASN1OctetString(derEncoded: $0.value).bytes }
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
    }
}
