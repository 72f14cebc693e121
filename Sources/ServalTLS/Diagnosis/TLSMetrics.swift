public import Metrics
public import ServalKeyStore
import Synchronization

/// Counts of TLS in swift-metrics, and what came of the last reload.
///
/// Labels come from the configuration and from Serval's own words, never from clients. Counters are made when they are first needed; after that a count costs a
/// lock that nobody else wants and what the metrics system's own counter costs.
public final class TLSMetrics: Sendable {
    /// The counters of this process.
    public static let shared = TLSMetrics()

    private struct Key: Hashable {
        var name: String
        var labels: [String]
    }

    /// The few that every connection needs: comparing is faster than hashing.
    private struct CompletedHandshakes: Sendable {
        var isResumed: Bool
        var protocolVersion: String
        var counter: Counter
    }

    private let completed = Mutex<[CompletedHandshakes]>([])
    private let counters = Mutex<[Key: Counter]>([:])
    private let gauges = Mutex<[Key: Meter]>([:])
    private let factory: (any MetricsFactory)?

    /// Makes a set of counters.
    ///
    /// - Parameter factory: makes the counters; nil for the process's own at the time of the first count (`MetricsSystem.factory`).
    public init(factory: (any MetricsFactory)? = nil) { self.factory = factory }

    /// Counts a handshake: `serval_tls_handshakes{result="full"|"resumed",protocol="TLSv1.3"}` or `{result="failed",cause="no-shared-cipher"}`.
    public func count(_ outcome: TLSHandshakeOutcome) {
        switch outcome {
        case .completed(let facts):
            countCompleted(isResumed: facts.isResumed, facts.protocolVersion)
        case .failed(let cause, _):
            count("serval_tls_handshakes", [("result", "failed"), ("cause", cause.name)])
        }
    }

    /// Counts an attempt to load certificates again: `serval_tls_reloads{result="success"|"failure"}`; and shows what came of the last one:
    /// `serval_tls_last_reload_seconds{connector}` (when, in seconds since 1970) and `serval_tls_last_reload_success{connector}` (1 or 0).
    ///
    /// - Parameters:
    ///   - connector: as logs call it, `https-8443`.
    ///   - time: in seconds since 1970.
    public func reloaded(_ isSuccess: Bool, connector: String, at time: Int64 = KeyStore.millisecondsNow() / 1000) {
        count("serval_tls_reloads", [("result", isSuccess ? "success" : "failure")])
        set("serval_tls_last_reload_seconds", [("connector", connector)], time)
        set("serval_tls_last_reload_success", [("connector", connector)], isSuccess ? 1 : 0)
    }

    /// Counts what revocation did: `serval_tls_ocsp_queries{outcome}`, `serval_tls_ocsp_staple_fetches{outcome}`, and
    /// `serval_tls_revocation_decisions{decision="let-in-without-proof"|"refused-revoked"|"refused-without-proof"}`.
    public func count(_ event: TLSRevocationEvent) {
        switch event {
        case .query(let outcome): count("serval_tls_ocsp_queries", [("outcome", outcome)])
        case .staple(let outcome): count("serval_tls_ocsp_staple_fetches", [("outcome", outcome)])
        case .letInWithoutProof: count("serval_tls_revocation_decisions", [("decision", "let-in-without-proof")])
        case .refusedRevoked: count("serval_tls_revocation_decisions", [("decision", "refused-revoked")])
        case .refusedWithoutProof: count("serval_tls_revocation_decisions", [("decision", "refused-without-proof")])
        }
    }

    private func set(_ name: String, _ labels: [(String, String)], _ value: Int64) {
        let key = Key(name: name, labels: labels.map(\.1))
        let meter = gauges.withLock { gauges in
            if let known = gauges[key] { return known }
            let made = Meter(label: name, dimensions: labels, factory: factory ?? MetricsSystem.factory)
            gauges[key] = made
            return made
        }
        meter.set(value)
    }

    private func countCompleted(isResumed: Bool, _ protocolVersion: String) {
        let counter = completed.withLock { completed in
            for known in completed where known.isResumed == isResumed && known.protocolVersion == protocolVersion { return known.counter }
            let counter = self.counter("serval_tls_handshakes", [("result", isResumed ? "resumed" : "full"), ("protocol", protocolVersion)])
            completed.append(CompletedHandshakes(isResumed: isResumed, protocolVersion: protocolVersion, counter: counter))
            return counter
        }
        counter.increment()
    }

    private func count(_ name: String, _ labels: [(String, String)]) { counter(name, labels).increment() }

    private func counter(_ name: String, _ labels: [(String, String)]) -> Counter {
        let key = Key(name: name, labels: labels.map(\.1))
        return counters.withLock { counters in
            if let known = counters[key] { return known }
            let made = Counter(label: name, dimensions: labels, factory: factory ?? MetricsSystem.factory)
            counters[key] = made
            return made
        }
    }
}
