public import Metrics
import Synchronization

/// Counts of TLS in swift-metrics.
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

    private let counters = Mutex<[Key: Counter]>([:])
    private let factory: (any MetricsFactory)?

    /// Makes a set of counters.
    ///
    /// - Parameter factory: makes the counters; nil for the process's own at the time of the first count (`MetricsSystem.factory`).
    public init(factory: (any MetricsFactory)? = nil) { self.factory = factory }

    /// Counts a handshake: `serval_tls_handshakes{result="full"|"resumed",protocol="TLSv1.3"}` or `{result="failed",cause="no-shared-cipher"}`.
    public func count(_ outcome: TLSHandshakeOutcome) {
        switch outcome {
        case .completed(let facts):
            count("serval_tls_handshakes", [("result", facts.isResumed ? "resumed" : "full"), ("protocol", facts.protocolVersion)])
        case .failed(let cause, _):
            count("serval_tls_handshakes", [("result", "failed"), ("cause", cause.name)])
        }
    }

    /// Counts an attempt to load certificates again: `serval_tls_reloads{result="success"|"failure"}`.
    public func reloaded(_ isSuccess: Bool) {
        count("serval_tls_reloads", [("result", isSuccess ? "success" : "failure")])
    }

    private func count(_ name: String, _ labels: [(String, String)]) {
        let key = Key(name: name, labels: labels.map(\.1))
        let counter = counters.withLock { counters in
            if let known = counters[key] { return known }
            let made = Counter(label: name, dimensions: labels, factory: factory ?? MetricsSystem.factory)
            counters[key] = made
            return made
        }
        counter.increment()
    }
}
