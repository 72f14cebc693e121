import ServalKeyStore

/// `-printcrl`: prints certificate revocation lists, and says who signed them.
enum PrintRevocationListCommand: Command {
    static let name = "-printcrl"
    static let summary = "Prints the content of a CRL file"
    static let options: [OptionDescription] =
        [.inputFile, .keyStore, .storePassword, .storeType, .trustCACertificates] + OptionDescription.providers + [.verbose, .protected]

    static func run(in session: Session) throws {
        let console = session.console
        let stores = try ConsultedStores(session)
        for list in try RevocationList.read(session.options[.file], in: session) {
            if session.options.has(.rfc) {
                console.print(text: PEM.encode(list.der, label: "X509 CRL"))
            } else {
                try RevocationListText.print(list, to: console)
            }
            let algorithm = AlgorithmNames.signature(list.signatureAlgorithm)
            if let signer = stores.signer(of: list), let fields = try? signer.certificate.fields() {
                let key = fields.publicKeyDescription
                console.print("Verified by \(signer.place) with a \(key)\(WeakAlgorithms.judgement(ofKey: key).note)")
                WeakAlgorithms.warn("The CRL", signature: algorithm, key: key, in: session)
            } else {
                let advice = session.options.has(.trustcacerts) ? "." : " or specify -trustcacerts."
                let stars = String(repeating: "*", count: 43)
                console.print("\(stars)\nWARNING: not verified. Make sure -keystore is correct\(advice)\n\(stars)\n\n")
                WeakAlgorithms.warn("The CRL", signature: algorithm, key: nil, in: session)
            }
        }
    }
}
