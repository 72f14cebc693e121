import ServalKeyStore
import SwiftASN1
import X509

/// `-gencert`: makes a certificate from a request, signed by a key of the store.
enum GenerateCertificateCommand: Command {
    static let name = "-gencert"
    static let summary = "Generates certificate from a certificate request"
    static let options: [OptionDescription] =
        [
            .rfc, .infile, .outfile, .alias, .signatureAlgorithm, .dname, .startDate, .ext, .validity, .keyPassword, .keyStore, .storePassword,
            .storeType,
        ] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let options = session.options
        let days = try session.number(.validity) ?? 90
        guard days > 0 else { throw Failure.error("Validity must be greater than zero") }
        let opened = try KeyStoreOpening(session, for: .changing).open()
        let input = try options[.infile].map(CertificateRequestFields.bytes(of:))
        let issuer = try Issuer(opened, session)
        let period = try ValidityPeriod(days: days, startDate: options[.startdate])
        let key = try opened.privateKey(alias: session.alias, in: session)
        let signature = try SignatureName.resolve(options[.sigalg], for: key, failure: .error("Cannot derive signature algorithm"))
        let request = try CertificateRequestFields.parse(
            input ?? session.console.readAll(limit: CertificateRequestFields.sizeLimit),
            needsLabel: true
        )
        WeakAlgorithms.warn(
            "The certificate request",
            signature: request.signatureAlgorithmName,
            key: request.keyDescription,
            in: session
        )
        let certificate: CertificateData
        do {
            certificate = try CertificateIssuance(
                subject: options[.dname].map { try DistinguishedName.argument($0).derBytes() } ?? request.subject.der,
                publicKeyInfo: request.publicKeyInfo,
                issuer: issuer.name,
                notBefore: period.begin,
                notAfter: period.end,
                extensions: extensions(for: request, issuer: issuer, arguments: options.all(.ext))
            ).issue(by: key, with: signature)
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
        try write([certificate] + issuer.chain.filter { !$0.isSelfSigned }, in: session)
        WeakAlgorithms.warn(aboutChain: issuer.chain, label: "The issuer", opened, in: session)
        WeakAlgorithms.warn(about: certificate, label: "The generated certificate", isTrusted: opened.trusts(certificate), in: session)
    }

    /// The extensions in the JDK's order, which is that of their numbers as texts.
    private static func extensions(
        for request: CertificateRequestFields,
        issuer: Issuer,
        arguments: [String]
    ) throws -> [CertificateFields.Extension] {
        let keyIdentifier = try CertificateFields.Extension.subjectKeyIdentifier(of: request.publicKeyInfo)
        var extensions = [keyIdentifier.oid: keyIdentifier]
        if request.publicKeyInfo != issuer.publicKeyInfo {
            let contents = DEREncoding.sequence(DEREncoding.value(0x80, issuer.keyIdentifier))
            extensions["2.5.29.35"] = CertificateFields.Extension(oid: "2.5.29.35", isCritical: false, value: contents)
        }
        try HonoredExtensions(arguments).apply(request.requestedExtensions, to: &extensions)
        for element in try ExtensionArguments(arguments).extensions {
            let oid = element.oid.description
            extensions[oid] = CertificateFields.Extension(oid: oid, isCritical: element.critical, value: Array(element.value))
        }
        return extensions.values.sorted { $0.oid < $1.oid }
    }

    /// Writes the certificate and those of its issuers that are not roots.
    private static func write(_ chain: [CertificateData], in session: Session) throws {
        let bytes = session.options.has(.rfc) ? chain.flatMap { Array($0.pemText.utf8) } : chain.flatMap(\.der)
        if let file = session.options[.outfile] {
            try OutputFile(path: file).write(bytes, isSecret: false)
        } else {
            session.console.print(bytes: bytes)
        }
    }
}

/// The entry whose key signs.
private struct Issuer {
    /// The subject of its certificate as DER.
    let name: [UInt8]
    let publicKeyInfo: [UInt8]
    let keyIdentifier: [UInt8]
    let chain: [CertificateData]

    init(_ opened: OpenKeyStore, _ session: Session) throws {
        guard let entry = opened.store[session.alias] else { throw Failure.unknownAlias(session.alias) }
        guard case .privateKey(let key) = entry.content, let certificate = key.certificateChain.first else {
            throw Failure.error("Alias <\(session.alias)> has no key")
        }
        chain = key.certificateChain
        do {
            let fields = try certificate.fields()
            name = fields.subject.der
            publicKeyInfo = fields.publicKeyInfo
            // Where the certificate says how it is to be referred to, that is what the new certificate says of its issuer.
            let own = fields.extensions.first { $0.oid == "2.5.29.14" }
            keyIdentifier = try ASN1Value(own?.value ?? CertificateFields.Extension.subjectKeyIdentifier(of: publicKeyInfo).value).octets()
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
    }
}

/// From when to when a certificate is valid, in seconds since 1970.
private struct ValidityPeriod {
    let begin: Int64
    let end: Int64

    init(days: Int, startDate: String?) throws {
        begin = try StartDate.resolve(startDate, now: KeyStore.millisecondsNow() / 1000)
        let (seconds, overflow) = Int64(days).multipliedReportingOverflow(by: 86_400)
        // Certificates cannot tell years of more than four digits.
        let limit: Int64 = 253_402_300_800
        guard !overflow, begin < limit, seconds < limit - begin else {
            let year = overflow ? "after 10000" : String(JavaText.year(begin, adding: seconds))
            throw Failure.error("Validity period ends at calendar year \(year) which is greater than 9999")
        }
        end = begin + seconds
    }
}
