import Metrics
import ServalTLS

/// Shows in swift-metrics when certificates, OCSP answers and revocation lists end.
///
/// All values are seconds since 1970, so that they say the same however seldom they are collected. The labels come from files of the configuration, never from
/// clients.
struct CertificateGauges {
    private struct Key: Hashable {
        var name: String
        var labels: [String]
    }

    private let factory: (any MetricsFactory)?
    private var meters: [Key: Meter] = [:]

    /// - Parameter factory: makes the gauges; nil for the process's own.
    init(factory: (any MetricsFactory)? = nil) { self.factory = factory }

    /// Shows these, and no others any more.
    mutating func show(_ certificates: [PresentedCertificate], _ facts: [TLSRevocationFacts]) {
        var present: Set<Key> = []
        for certificate in certificates {
            let labels = [("host", certificate.hostName), ("alias", certificate.alias), ("serial", certificate.serialNumber)]
            self.set("serval_tls_certificate_not_after_seconds", labels, certificate.notAfter, &present)
            self.set("serval_tls_chain_not_after_seconds", labels, certificate.chainNotAfter, &present)
        }
        for host in facts {
            for staple in host.staples {
                let labels = [("host", host.hostName), ("serial", staple.serialNumber)]
                self.set("serval_tls_staple_this_update_seconds", labels, Int64(staple.thisUpdate ?? 0), &present)
                self.set("serval_tls_staple_next_update_seconds", labels, Int64(staple.nextUpdate ?? 0), &present)
            }
            for list in host.revocationLists {
                let labels = [("host", host.hostName), ("issuer", list.issuer), ("file", list.path)]
                self.set("serval_tls_crl_this_update_seconds", labels, Int64(list.thisUpdate), &present)
                guard let end = list.nextUpdate else { continue }
                self.set("serval_tls_crl_next_update_seconds", labels, Int64(end), &present)
            }
        }
        for (key, gone) in self.meters where !present.contains(key) {
            gone.destroy()
            self.meters[key] = nil
        }
    }

    private mutating func set(_ name: String, _ labels: [(String, String)], _ value: Int64, _ present: inout Set<Key>) {
        let key = Key(name: name, labels: labels.map(\.1))
        // Several connectors may present the same.
        guard present.insert(key).inserted else { return }
        let meter = self.meters[key] ?? Meter(label: name, dimensions: labels, factory: self.factory ?? MetricsSystem.factory)
        self.meters[key] = meter
        meter.set(value)
    }
}
