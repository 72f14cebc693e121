import ServalKeyStore

/// `-printcert`: prints the certificates of a file, of a TLS server, or of the signers of a jar file.
enum PrintCertificateCommand: Command {
    static let name = "-printcert"
    static let summary = "Prints the content of a certificate"
    static let options: [OptionDescription] =
        [
            .rfc, .inputFile, .sslServer, .jarFile, .keyStore, .storePassword, .storeType, .trustCACertificates,
        ] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let printer = CertificatePrinter(session: session, stores: try ConsultedStores(session))
        if let path = session.options[.jarfile] {
            try printer.printSigners(of: path)
        } else if let server = session.options[.sslserver] {
            printer.printServerCertificates(try ServerCertificates.load(from: server, in: session))
        } else {
            printer.printFile(try CertificateInput.read(session.options[.file], in: session))
        }
    }
}

/// Prints certificates in words or, with `-rfc`, as PEM.
private struct CertificatePrinter {
    let session: Session
    let stores: ConsultedStores

    private var console: Console { session.console }
    private var isPEM: Bool { session.options.has(.rfc) }

    func printFile(_ certificates: [CertificateData]) {
        for (index, certificate) in certificates.enumerated() {
            if certificates.count > 1 { console.print("Certificate[\(index + 1)]:") }
            printCertificate(certificate)
            if index < certificates.count - 1 { console.print() }
            warn(about: certificate, label: label(index, of: certificates.count))
        }
    }

    func printServerCertificates(_ certificates: [CertificateData]) {
        for (index, certificate) in certificates.enumerated() {
            if !isPEM { console.print("Certificate #\(index)\n====================================") }
            printCertificate(certificate)
            if !isPEM { console.print() }
            warn(about: certificate, label: label(index, of: certificates.count))
        }
    }

    func printSigners(of path: String) throws {
        let signers = try SignedJar(path: path).signers
        if signers.isEmpty { console.print("Not a signed jar file") }
        for (position, chain) in signers.enumerated() {
            console.print("Signer #\(position + 1):\n")
            for (index, certificate) in chain.enumerated() {
                console.print("Certificate #\(index + 1):")
                if isPEM { console.print("Certificate owner: \(certificate.subjectDescription.onOneLine)\n") }
                printCertificate(certificate)
                console.print()
                let number = chain.count > 1 ? " #\(index + 1)" : ""
                let signer = signers.count > 1 ? " of signer #\(position + 1)" : ""
                warn(about: certificate, label: "The certificate\(number)\(signer)")
            }
        }
    }

    private func printCertificate(_ certificate: CertificateData) {
        console.print(text: isPEM ? certificate.pemText : CertificateBlock.text(certificate, isTrusted: stores.trusts(certificate)))
    }

    private func warn(about certificate: CertificateData, label: String) {
        WeakAlgorithms.warn(about: certificate, label: label, isTrusted: stores.trusts(certificate), in: session)
    }

    private func label(_ index: Int, of count: Int) -> String {
        count > 1 ? "The certificate #\(index + 1) of \(count)" : "The certificate"
    }
}
