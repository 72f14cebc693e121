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
            let facts = TLSConnectionFacts(
                protocolVersion: "TLSv1.3",
                cipherSuite: "",
                keySize: 0,
                sessionID: "",
                isResumed: isResumed,
                hostNames: names
            )
            metrics.count(.completed(facts))
        }
        metrics.count(.failed(.noSharedCipher, hostName: nil))
        metrics.reloaded(true, connector: "https-8443", at: 1000)
        metrics.reloaded(false, connector: "https-8443", at: 2000)
        metrics.reloaded(true, connector: "https-9443", at: 3000)
        metrics.count(.query(outcome: "timeout"))
        metrics.count(.staple(outcome: "good"))
        for event in [TLSRevocationEvent.letInWithoutProof, .refusedRevoked, .refusedWithoutProof] { metrics.count(event) }
        func total(_ name: String, _ labels: [(String, String)]) throws -> Int64 {
            try system.expectCounter(name, labels).totalValue
        }
        #expect(try total("serval_tls_handshakes", [("result", "full"), ("protocol", "TLSv1.3")]) == 1)
        #expect(try total("serval_tls_handshakes", [("result", "resumed"), ("protocol", "TLSv1.3")]) == 2)
        #expect(try total("serval_tls_handshakes", [("result", "failed"), ("cause", "no-shared-cipher")]) == 1)
        #expect(try total("serval_tls_reloads", [("result", "success")]) == 2)
        #expect(try total("serval_tls_reloads", [("result", "failure")]) == 1)
        #expect(try total("serval_tls_ocsp_queries", [("outcome", "timeout")]) == 1)
        #expect(try total("serval_tls_ocsp_staple_fetches", [("outcome", "good")]) == 1)
        for decision in ["let-in-without-proof", "refused-revoked", "refused-without-proof"] {
            #expect(try total("serval_tls_revocation_decisions", [("decision", decision)]) == 1)
        }
        func shown(_ name: String, _ connector: String) throws -> Double? { try system.expectMeter(name, [("connector", connector)]).lastValue }
        #expect(try shown("serval_tls_last_reload_seconds", "https-8443") == 2000)
        #expect(try shown("serval_tls_last_reload_success", "https-8443") == 0)
        #expect(try shown("serval_tls_last_reload_seconds", "https-9443") == 3000)
        #expect(try shown("serval_tls_last_reload_success", "https-9443") == 1)
    }
}
