import MetricsTestKit
import ServalTLS
import Testing

/// Counts that monitoring relies on: names and labels do not change.
struct TLSMetricsTests {
    @Test func handshakesAndReloadsAreCountedByResult() throws {
        let system = TestMetrics()
        let metrics = TLSMetrics(factory: system)
        let names = try TLSHostNames(TLSEndpointConfiguration(hosts: [TLSHostConfiguration(certificates: [])]))
        for isResumed in [false, true, true] {
            var facts = TLSConnectionFacts(protocolVersion: "TLSv1.3", cipherSuite: "", keySize: 0, sessionID: "", hostNames: names)
            facts.isResumed = isResumed
            metrics.count(.completed(facts))
        }
        metrics.count(.failed(.noSharedCipher, hostName: nil))
        metrics.reloaded(true)
        metrics.reloaded(false)
        func total(_ name: String, _ labels: [(String, String)]) throws -> Int64 {
            try system.expectCounter(name, labels).totalValue
        }
        #expect(try total("serval_tls_handshakes", [("result", "full"), ("protocol", "TLSv1.3")]) == 1)
        #expect(try total("serval_tls_handshakes", [("result", "resumed"), ("protocol", "TLSv1.3")]) == 2)
        #expect(try total("serval_tls_handshakes", [("result", "failed"), ("cause", "no-shared-cipher")]) == 1)
        #expect(try total("serval_tls_reloads", [("result", "success")]) == 1)
        #expect(try total("serval_tls_reloads", [("result", "failure")]) == 1)
    }
}
