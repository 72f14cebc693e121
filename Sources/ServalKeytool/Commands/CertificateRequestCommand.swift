import ServalKeyStore
import X509

/// `-certreq`: makes a request for a certificate authority (PKCS #10).
enum CertificateRequestCommand: Command {
    static let name = "-certreq"
    static let summary = "Generates a certificate request"
    static let options: [OptionDescription] =
        [
            .alias, .signatureAlgorithm, .outputFile, .keyPassword, .keyStore, .dname, .ext, .storePassword, .storeType,
        ] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let opened = try KeyStoreOpening(session, for: .changing).open()
        let key = try opened.privateKey(alias: session.alias, in: session)
        guard let certificate = opened.store[session.alias]?.certificate else {
            throw Failure.error("Alias <\(session.alias)> has no public key (certificate)")
        }
        let extensions = try ExtensionArguments(session.options.all(.ext)).extensions
        let signature = try SignatureName.resolve(session.options[.sigalg], for: key, failure: .error("Cannot derive signature algorithm"))
        let request: [UInt8]
        do {
            request = try CertificateRequest.make(
                key: key,
                subject: session.options[.dname].map { try DistinguishedName.argument($0) } ?? DistinguishedName(certificate.fields().subject),
                extensions: Certificate.Extensions(extensions),
                signatureAlgorithm: signature
            )
        } catch let error as KeyStoreError {
            throw Failure(error)
        }
        let text = PEM.encode(request, label: "NEW CERTIFICATE REQUEST")
        if let file = session.options[.file] {
            try OutputFile(path: file).write(Array(text.utf8), isSecret: false)
            if session.isVerbose {
                session.console.print(error: "Certification request stored in file <\(file)>\nSubmit this to your CA")
            }
        } else {
            session.console.print(text: text)
        }
        // The request carries the certificate's key, and is not signed with the certificate's algorithm.
        WeakAlgorithms.warn("The generated certificate request", signature: signature.name, key: nil, in: session)
        WeakAlgorithms.warn(about: certificate, label: "The generated certificate request", isTrusted: true, in: session)
        opened.warnAboutFormat(in: session)
    }
}
