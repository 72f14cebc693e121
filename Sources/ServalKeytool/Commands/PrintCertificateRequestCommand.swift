import ServalKeyStore

/// `-printcertreq`: prints a certificate request (PKCS #10).
enum PrintCertificateRequestCommand: Command {
    static let name = "-printcertreq"
    static let summary = "Prints the content of a certificate request"
    static let options: [OptionDescription] = [.inputFile, .verbose]

    static func run(in session: Session) throws {
        let bytes = try session.options[.file].map(CertificateRequestFields.bytes(of:))
        let request = try CertificateRequestFields.parse(
            bytes ?? session.console.readAll(limit: CertificateRequestFields.sizeLimit),
            needsLabel: false
        )
        session.console.print(text: try CertificateRequestText.text(request))
        WeakAlgorithms.warn(
            "The certificate request",
            signature: request.signatureAlgorithmName,
            key: request.keyDescription,
            in: session
        )
    }
}
