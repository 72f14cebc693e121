/// Finds issuers among certificates by name, and by signature where names are not enough.
struct ChainBuilder {
    private static let maximumLength = 64

    private var candidates: [[UInt8]: [CertificateData]] = [:]

    init(candidates: [CertificateData], trusted: [CertificateData]) {
        var seen: Set<CertificateData> = []
        for certificate in candidates + trusted where seen.insert(certificate).inserted {
            guard let skeleton = try? CertificateSkeleton(der: certificate.der) else { continue }
            self.candidates[Array(skeleton.subject.encoded), default: []].append(certificate)
        }
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
        for (certificate, issuer) in zip(chain, chain.dropFirst()) where !isIssued(certificate, by: issuer) { return false }
        return chain.last.map { isIssued($0, by: $0) } ?? false
    }

    private func issuer(of certificate: CertificateData) -> CertificateData? {
        guard let skeleton = try? CertificateSkeleton(der: certificate.der) else { return nil }
        let issuer = Array(skeleton.issuer.encoded)
        let named = (candidates[issuer] ?? []).filter { $0 != certificate }
        // A certificate with its own name as issuer ends the chain if it signs itself; otherwise its issuer has the same name (a key change).
        let isSelfIssued = issuer == Array(skeleton.subject.encoded)
        guard named.count > 1 || (isSelfIssued && !named.isEmpty) else { return named.first }
        if isSelfIssued, ChainBuilder.verification(certificate, certificate) != .fails { return nil }
        return named.first { ChainBuilder.verification(certificate, $0) == .holds } ?? (isSelfIssued ? nil : named.first)
    }

    private static func isIssued(_ certificate: CertificateData, by issuer: CertificateData) -> Bool {
        guard let child = try? CertificateSkeleton(der: certificate.der), let parent = try? CertificateSkeleton(der: issuer.der) else { return false }
        return Array(child.issuer.encoded) == Array(parent.subject.encoded) && verification(certificate, issuer) != .fails
    }

    private static func verification(_ certificate: CertificateData, _ issuer: CertificateData) -> SignatureAlgorithm.Verification {
        guard let child = try? CertificateSkeleton(der: certificate.der), let parent = try? CertificateSkeleton(der: issuer.der) else {
            return .unknown
        }
        return child.verification(by: parent)
    }
}
