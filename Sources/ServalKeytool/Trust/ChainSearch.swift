import ServalKeyStore

/// Certificates under their subjects, in which issuers are looked up.
struct ChainSearch {
    private let index: IssuerIndex

    /// Cross-signed authorities make several ways; more than a few dozen are an attack.
    private static let mostPaths = 64
    private static let mostSteps = 2048
    private static let longestPath = 32

    init(_ certificates: some Sequence<CertificateData>) {
        index = IssuerIndex(certificates)
    }

    /// A chain in which each certificate is signed by the next, from this one up to a self-signed one; nil if there is none.
    ///
    /// - Complexity: Chains are at most 32 certificates long, and each certificate is tried once.
    func chain(from certificate: CertificateData) -> [CertificateData]? {
        var tried: Set<CertificateData> = []
        return chain(from: certificate, tried: &tried, depth: 0)
    }

    private func chain(from certificate: CertificateData, tried: inout Set<CertificateData>, depth: Int) -> [CertificateData]? {
        guard depth < Self.longestPath, tried.insert(certificate).inserted else { return nil }
        if certificate.isSelfSigned { return [certificate] }
        for candidate in issuers(of: certificate) {
            if let rest = chain(from: candidate, tried: &tried, depth: depth + 1) { return [certificate] + rest }
        }
        return nil
    }

    /// The certificate that signed this one, nil if it is not here.
    func issuer(of certificate: CertificateData) -> CertificateData? { issuers(of: certificate).first }

    /// The certificates that signed this one, by name and signature; those whose key identifier fits and that have not expired come first.
    func issuers(of certificate: CertificateData) -> [CertificateData] {
        guard let fields = try? certificate.fields() else { return [] }
        let identifier = CertificateTraits(fields).issuerKeyIdentifier
        let now = KeyStore.millisecondsNow() / 1000
        let found = index.issuers(of: certificate)
        guard found.count > 1 else { return found }
        func rank(_ candidate: CertificateData) -> Int {
            guard let fields = try? candidate.fields() else { return 4 }
            let fits = identifier == nil || CertificateTraits(fields).keyIdentifier == identifier
            return (fits ? 0 : 1) + (fields.notAfter < now ? 2 : 0)
        }
        return found.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    }

    /// Certificates with the name that this one gives as its issuer's, whether they signed it or not.
    func namedAsIssuer(of certificate: CertificateData) -> [CertificateData] { index.named(asIssuerOf: certificate) }

    /// Every way up from a certificate: each ends with a self-signed certificate, or where no issuer is at hand.
    func paths(from certificate: CertificateData) -> [[CertificateData]] {
        var found: [[CertificateData]] = []
        var steps = 0
        func climb(_ path: [CertificateData], _ top: CertificateData) {
            steps += 1
            guard found.count < Self.mostPaths, steps < Self.mostSteps else { return }
            let next = top.isSelfSigned || path.count >= Self.longestPath ? [] : issuers(of: top).filter { !path.contains($0) }
            if next.isEmpty { found.append(path) }
            for issuer in next { climb(path + [issuer], issuer) }
        }
        climb([certificate], certificate)
        return found
    }
}
