import ServalKeyStore

/// The certificates that a command which prints something takes for trusted: those of the key store, if there is one, and with `-trustcacerts`
/// those of the system.
struct ConsultedStores {
    private let opened: OpenKeyStore
    private let system: [CertificateData]

    /// Opens the stores without asking for anything.
    init(_ session: Session) throws {
        opened = try KeyStoreOpening(session, for: .consulting).open()
        system = session.options.has(.trustcacerts) ? SystemCertificates.load(session.environment) : []
    }

    /// Whether nobody needs to judge the certificate's signature, because it is trusted as it stands.
    func trusts(_ certificate: CertificateData) -> Bool {
        opened.trusts(certificate) || system.contains(certificate)
    }

    /// The certificate whose key signed a revocation list, with its place in the JDK's words; nil if there is none.
    func signer(of list: RevocationList) -> (certificate: CertificateData, place: String)? {
        if let found = system.first(where: list.isSigned(by:)) {
            return (found, "\(found.subjectDescription.onOneLine) in cacerts")
        }
        for alias in opened.store.aliases {
            if let certificate = opened.store[alias]?.certificate, list.isSigned(by: certificate) { return (certificate, "\(alias) in keystore") }
        }
        return nil
    }
}
