import Metrics
import ServalTLS

/// Shows in swift-metrics when certificates end.
///
/// `serval_tls_certificate_not_after_seconds` and `serval_tls_chain_not_after_seconds`, in seconds since 1970, with the labels `host`, `alias` and `serial`.
struct CertificateGauges {
    private struct Key: Hashable {
        var host: String
        var alias: String
        var serial: String
    }

    private var meters: [Key: (leaf: Meter, chain: Meter)] = [:]

    /// Shows these, and no others any more.
    mutating func show(_ certificates: [PresentedCertificate]) {
        var present: Set<Key> = []
        for certificate in certificates {
            let key = Key(host: certificate.hostName, alias: certificate.alias, serial: certificate.serialNumber)
            guard present.insert(key).inserted, self.meters[key] == nil else { continue }
            let labels = [("host", key.host), ("alias", key.alias), ("serial", key.serial)]
            let meters = (
                leaf: Meter(label: "serval_tls_certificate_not_after_seconds", dimensions: labels),
                chain: Meter(label: "serval_tls_chain_not_after_seconds", dimensions: labels)
            )
            meters.leaf.set(certificate.notAfter)
            meters.chain.set(certificate.chainNotAfter)
            self.meters[key] = meters
        }
        for (key, gone) in self.meters where !present.contains(key) {
            gone.leaf.destroy()
            gone.chain.destroy()
            self.meters[key] = nil
        }
    }
}
