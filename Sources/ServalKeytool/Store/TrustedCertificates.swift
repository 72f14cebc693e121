import ServalKeyStore

/// The certificates of a store's trusted entries, collected when somebody asks for the first time.
///
/// A listing asks once for each certificate; going through all entries each time would take a thousand times a thousand steps.
final class TrustedCertificates {
    private var certificates: Set<CertificateData>?

    func contains(_ certificate: CertificateData, of store: KeyStore) -> Bool {
        let known = certificates ?? Self.collect(store)
        certificates = known
        return known.contains(certificate)
    }

    private static func collect(_ store: KeyStore) -> Set<CertificateData> {
        var certificates: Set<CertificateData> = []
        for alias in store.aliases {
            if case .trustedCertificate(let certificate)? = store[alias]?.content { certificates.insert(certificate) }
        }
        return certificates
    }
}
