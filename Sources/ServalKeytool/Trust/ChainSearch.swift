import ServalKeyStore

/// Certificates under their subjects, in which issuers are looked up.
struct ChainSearch {
    private var bySubject: [[UInt8]: [CertificateData]] = [:]

    init(_ certificates: some Sequence<CertificateData>) {
        for certificate in certificates {
            guard let subject = try? certificate.fields().subject.der else { continue }
            bySubject[subject, default: []].append(certificate)
        }
    }

    /// A chain in which each certificate is signed by the next, from this one up to a self-signed one; nil if there is none.
    ///
    /// - Complexity: Chains are at most 32 certificates long, and each certificate is tried once.
    func chain(from certificate: CertificateData) -> [CertificateData]? {
        var tried: Set<CertificateData> = []
        return chain(from: certificate, tried: &tried, depth: 0)
    }

    private func chain(from certificate: CertificateData, tried: inout Set<CertificateData>, depth: Int) -> [CertificateData]? {
        guard depth < 32, tried.insert(certificate).inserted else { return nil }
        if certificate.isSelfSigned { return [certificate] }
        guard let issuer = try? certificate.fields().issuer.der else { return nil }
        for candidate in bySubject[issuer] ?? [] where certificate.isSigned(by: candidate) {
            if let rest = chain(from: candidate, tried: &tried, depth: depth + 1) { return [certificate] + rest }
        }
        return nil
    }

    /// The certificate that signed this one, nil if it is not here.
    func issuer(of certificate: CertificateData) -> CertificateData? {
        guard let issuer = try? certificate.fields().issuer.der else { return nil }
        return bySubject[issuer]?.first(where: certificate.isSigned(by:))
    }
}
