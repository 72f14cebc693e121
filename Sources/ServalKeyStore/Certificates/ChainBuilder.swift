/// Finds issuers among certificates by name, and by signature where names are not enough.
struct ChainBuilder {
    private static let maximumLength = 64

    private let index: IssuerIndex

    init(candidates: [CertificateData], trusted: [CertificateData]) {
        index = IssuerIndex(candidates + trusted)
    }

    func chain(from leaf: CertificateData) -> [CertificateData] {
        var chain = [leaf]
        var seen: Set<CertificateData> = [leaf]
        var last = leaf
        while chain.count < ChainBuilder.maximumLength, let issuer = issuer(of: last), seen.insert(issuer).inserted {
            chain.append(issuer)
            last = issuer
        }
        return chain
    }

    static func isComplete(_ chain: [CertificateData]) -> Bool {
        for (certificate, issuer) in zip(chain, chain.dropFirst()) where !certificate.mayBeSigned(by: issuer) { return false }
        return chain.last?.endsChain ?? false
    }

    private func issuer(of certificate: CertificateData) -> CertificateData? {
        guard let skeleton = try? CertificateSkeleton(der: certificate.der) else { return nil }
        let named = index.named(asIssuerOf: certificate)
        // A certificate with its own name as issuer ends the chain if it signs itself; otherwise its issuer has the same name (a key change).
        let isSelfIssued = skeleton.names(asIssuer: skeleton)
        guard named.count > 1 || (isSelfIssued && !named.isEmpty) else { return named.first }
        if isSelfIssued, index.verification(of: certificate, by: certificate) != .fails { return nil }
        return named.first { index.verification(of: certificate, by: $0) == .holds } ?? (isSelfIssued ? nil : named.first)
    }
}
