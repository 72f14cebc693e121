/// Puts certificates in order.
public enum CertificateChain {
    /// The chain from `leaf` upwards, found among `candidates`, then among `trusted`.
    ///
    /// Each certificate is followed by the one whose subject is its issuer, and whose key its signature verifies with wherever that can be computed; of
    /// several, one that verifies is preferred. Ends with a self-signed certificate, or where no issuer is at hand. Duplicates and
    /// certificates that belong to another chain are left out. The leaf need not be among the candidates.
    /// Names are compared by what they say (RFC 5280 section 7.1), as the JDK and OpenSSL do.
    /// - Complexity: At most 64 links; of the certificates with an issuer's name at most 32 are tried, those with the right key identifier first.
    public static func build(leaf: CertificateData, from candidates: [CertificateData], trusted: [CertificateData] = []) -> [CertificateData] {
        ChainBuilder(candidates: candidates, trusted: trusted).chain(from: leaf)
    }

    /// The chain of the certificate among `candidates` that belongs to `key`; `nil` when none does.
    public static func build(for key: PrivateKey, from candidates: [CertificateData], trusted: [CertificateData] = []) -> [CertificateData]? {
        guard let leaf = candidates.first(where: key.matches) else { return nil }
        return build(leaf: leaf, from: candidates, trusted: trusted)
    }

    /// Whether `chain` is in order and ends with a self-signed certificate.
    public static func isComplete(_ chain: [CertificateData]) -> Bool {
        ChainBuilder.isComplete(chain)
    }
}
